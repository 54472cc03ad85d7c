"""Look at all files of a recipe before anything is written: what they are together."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.archive import Archive, scan_archive
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.headers import Header, Roles
from climcube.errors import ClimcubeError, IngestError
from climcube.provenance import redact
from climcube.recipes.checks import (
    find_gaps,
    require_expected,
    require_named_dates,
    require_one_value_a_day,
    require_same_packing,
)
from climcube.recipes.decisions import FILLED, LEFT_OUT, Decision, choose_files, preliminary_files
from climcube.recipes.filenames import Filenames
from climcube.recipes.gaps import fill_days
from climcube.recipes.reading import Limits, file_state
from climcube.recipes.recipe import Recipe
from climcube.recipes.sources import Found
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import file_system, reporting

__all__ = ["Scan", "scan_files"]


@dataclass(frozen=True)
class Scan:
    """All that is known of the files before one value is read.

    Attributes
    ----------
    recipe, found, archive
        What was asked for, the files, and what they are together.
    columns
        Times of the store and what goes with them; with days filled, more than the files have.
    targets
        Place in the store of each time of the files.
    axis
        The times of the store.
    states
        Size and time of change of each file, to notice one that changes.
    decisions
        About irregular files.
    gaps
        Missing stretches of days.
    """

    recipe: Recipe
    found: Found
    archive: Archive
    columns: xr.Dataset
    targets: npt.NDArray[np.int64]
    axis: TimeAxis
    states: Mapping[str, Any]
    decisions: tuple[Decision, ...]
    gaps: tuple[str, ...]

    @property
    def limits(self) -> dict[str, Limits]:
        """What values of each variable must keep to."""
        given = self.recipe.checks.valid_range
        return {n: Limits(float(low), float(high)) for n, (low, high) in given.items()}

    @property
    def period(self) -> tuple[str, str]:
        """First and last date."""
        return self.axis.label(0), self.axis.label(len(self.axis) - 1)

    @property
    def bytes_read(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(int(s[0]) for s in self.states.values() if s and s[0] is not None)

    @property
    def preliminary(self) -> list[str]:
        """Dates for which only preliminary files are there."""
        return [date for dates, early in self.dates() if early for date in dates]

    def dates(self) -> Iterator[tuple[list[str], bool]]:
        """Yield the dates of each file, and whether it is preliminary."""
        early, time = self.preliminary_addresses, self.archive.roles.time
        axis, first = TimeAxis.of(self.archive.columns), 0
        for header in self.archive.headers:
            stop = first + header.steps(time)
            yield [axis.label(i) for i in range(first, stop)], header.address in early
            first = stop

    @property
    def preliminary_addresses(self) -> frozenset[str]:
        """Files that stand in for final ones."""
        addresses = [h.address for h in self.archive.headers]
        return preliminary_files(addresses, self.recipe.checks.preliminary, self.found.preliminary)

    def digest(self) -> str:
        """Return a digest of names and times of the files, for the provenance."""
        digest = hashlib.sha256()
        for header in self.archive.headers:
            digest.update(os.path.basename(redact(header.address)).encode() + b"\0")
            digest.update(header.values[self.archive.roles.time].tobytes())
        return digest.hexdigest()

    def identity(self, *more: str) -> str:
        """Return a digest of all that decides the result: files, recipe, versions."""
        document = self.recipe.document()
        facts = {k: v for k, v in document.items() if k not in ("files", "storage_options")}
        states = [self.states[h.address] for h in self.archive.headers]
        text = json.dumps([facts, self.found.label, states, *more], sort_keys=True, default=str)
        return hashlib.sha256((self.digest() + text).encode()).hexdigest()


def scan_files(recipe: Recipe, found: Found) -> Scan:
    """Read headers and coordinates of all files, and decide about those that do not fit.

    Raises
    ------
    ClimcubeError
        A file does not fit and must not be left out; the message names it.
    """
    scrutiny = _Scrutiny(recipe, found)
    states = {a: file_state(a) for a in found.addresses if not is_remote(a)}
    archive = scan_archive(found.addresses, found.options, recipe.variables, scrutiny)
    if not archive.roles.gridded:
        raise IngestError(
            "no variable on a grid", where=found.label, expected="a variable with time and space",
            found=", ".join(archive.roles.columns),
        )  # fmt: skip
    scrutiny.require_most(len(found.addresses))
    axis = TimeAxis.of(archive.columns)
    if isinstance(recipe.files, Filenames):
        require_named_dates(archive, axis, recipe.files, found.dates)
    require_one_value_a_day(archive, axis)
    gaps = find_gaps(axis)
    columns, targets = archive.columns, np.arange(len(axis))
    decisions = [*found.decisions, *scrutiny.decisions]
    if gaps and recipe.checks.missing == "refuse":
        raise IngestError(
            "days are missing", where=found.label, expected="every day", found=gaps[0],
            remedy="fetch them, or allow for them: missing: leave or fill",
        )  # fmt: skip
    if gaps:
        filled = recipe.checks.missing == "fill"
        decisions += [Decision(g, "no file", FILLED if filled else LEFT_OUT) for g in gaps]
        if filled:
            columns, targets = fill_days(archive, axis)
            axis = TimeAxis.of(columns)
    remote = [h.address for h in archive.headers if is_remote(h.address)]
    return Scan(
        recipe, found, archive, columns, targets, axis,
        states | _remote_states(remote, found.options), tuple(decisions), gaps,
    )  # fmt: skip


@dataclass
class _Scrutiny:
    """What a recipe asks of files beyond one cube; see `climcube.cubes.archive.Scrutiny`."""

    recipe: Recipe
    found: Found
    decisions: list[Decision] = field(default_factory=list)
    errors: list[ClimcubeError] = field(default_factory=list)

    def fits(self, first: Header, other: Header, roles: Roles) -> None:
        """Raise where a file is packed otherwise, or is not what the recipe says."""
        if other is first:
            require_expected(self.recipe.checks, other, roles)
        else:
            require_same_packing(first, other, roles)

    def excuse(self, address: str, error: ClimcubeError) -> None:
        """Leave a file out, where the recipe says so."""
        if self.recipe.checks.unfit == "refuse":
            raise error
        self.errors.append(error)
        found = error.what + (f": found {error.found}" if error.found is not None else "")
        self.decisions.append(Decision(redact(address), found, LEFT_OUT))

    def choose(self, headers: Sequence[Header], columns: xr.Dataset, time: str) -> Sequence[bool]:
        """Leave out preliminary files that have final ones, and duplicates."""
        checks = self.recipe.checks
        addresses = [h.address for h in headers]
        early = preliminary_files(addresses, checks.preliminary, self.found.preliminary)
        kept, decisions = choose_files(headers, columns, time, early, checks.duplicate)
        self.decisions += decisions
        return kept

    def require_most(self, count: int) -> None:
        """Where most files do not fit, the first one is the odd one."""
        if 2 * len(self.errors) > count:
            raise IngestError(
                "most files do not fit the first one", where=self.found.label,
                expected="at most half of them to be left out",
                found=f"{len(self.errors):,} of {count:,}; the first: {self.errors[0]}",
            ) from self.errors[0]  # fmt: skip


def _remote_states(addresses: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return size and tag of objects, as far as their store tells without reading them."""
    found: dict[str, Any] = {}
    for address in addresses:
        with reporting("the file cannot be looked at", address):
            system, path = file_system(address, options)
            info = system.info(path)
        tags = [str(info[k]) for k in ("ETag", "etag", "LastModified", "mtime") if k in info]
        found[address] = (info.get("size"), tags[0] if tags else None)
    return found
