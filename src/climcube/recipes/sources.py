"""Which files a recipe means, and which of them are there."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from climcube.cubes.targets import resolve
from climcube.errors import IngestError, StoreNotFoundError
from climcube.provenance import redact
from climcube.recipes.decisions import FILLED, LEFT_OUT, Decision
from climcube.recipes.filenames import Filenames
from climcube.recipes.recipe import Recipe
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import file_system, reporting

__all__ = ["Found", "find_files"]


@dataclass(frozen=True)
class Found:
    """The files of a recipe.

    Attributes
    ----------
    addresses
        Those that are there.
    label
        What they are, in a few words, without credentials.
    options
        Storage options.
    preliminary
        Those that stand in for final ones, as the template says.
    decisions
        About those that are not there.
    dates
        What the names of a template say, by address.
    """

    addresses: tuple[str, ...]
    label: str
    options: Mapping[str, Any]
    preliminary: frozenset[str] = frozenset()
    decisions: tuple[Decision, ...] = ()
    dates: Mapping[str, dt.date] = field(default_factory=dict)


def find_files(recipe: Recipe, storage_options: Mapping[str, Any] | None) -> Found:
    """Find the files of a recipe.

    Raises
    ------
    StoreNotFoundError
        No file is there.
    IngestError
        They are no netCDF files, or one of a template is missing and must not be.
    """
    options = {**recipe.storage_options, **(storage_options or {})}
    if isinstance(recipe.files, Filenames):
        return _of_template(recipe.files, recipe.checks.missing, options)
    files = recipe.files if isinstance(recipe.files, str) else list(recipe.files)
    source = resolve(files, storage_options=options)
    if source.kind != "netcdf":
        raise IngestError(
            "nothing to ingest", where=source.label, expected="netCDF files", found=source.kind,
            remedy="open a Zarr store with cc.open; it is a cube already",
        )  # fmt: skip
    return Found(source.addresses, source.label, source.options)


def _of_template(names: Filenames, missing: str, options: Mapping[str, Any]) -> Found:
    dates = {address: date for date, address in names.expand()}
    final = [address for _, address in names.expand()]
    there = _present(final, options)
    early: list[str] = [a for _, a in names.expand(names.preliminary)] if names.preliminary else []
    spare = {f: e for f, e in zip(final, early, strict=True) if f not in there} if early else {}
    if names.preliminary:
        dates |= {address: date for date, address in names.expand(names.preliminary)}
    stand_in = _present(list(spare.values()), options)
    chosen, absent, preliminary = [], [], set()
    for address in final:
        other = spare.get(address)
        if address in there:
            chosen.append(address)
        elif other in stand_in and other is not None:
            chosen.append(other)
            preliminary.add(other)
        else:
            absent.append(address)
    label = redact(names.template)
    if not chosen:
        raise StoreNotFoundError(
            "no file of the recipe is there", where=label, expected=f"{len(final):,} files",
            found="none", remedy="check template, period and network",
        )  # fmt: skip
    if absent and missing == "refuse":
        raise IngestError(
            "a file of the recipe is missing", where=redact(absent[0]),
            expected=f"{len(final):,} files", found=f"{len(final) - len(absent):,}",
            remedy="fetch it, or allow for missing days: missing: leave or fill",
        )  # fmt: skip
    # Only days between others are filled: a store begins and ends with a file.
    lost = set(absent)
    inside = [i for i, a in enumerate(final) if a not in lost]
    fills = range(inside[0], inside[-1] if missing == "fill" and names.step == "day" else 0)
    decisions = [
        Decision(redact(a), "there is no such file", FILLED if i in fills else LEFT_OUT)
        for i, a in enumerate(final)
        if a in lost
    ]
    said = {address: dates[address] for address in chosen}
    return Found(tuple(chosen), label, options, frozenset(preliminary), tuple(decisions), said)


def _present(addresses: Sequence[str], options: Mapping[str, Any]) -> set[str]:
    """Return those of the files that are there."""
    local = {a for a in addresses if not is_remote(a) and os.path.exists(a)}
    remote = [a for a in addresses if is_remote(a)]
    if not remote:
        return local
    with reporting("files cannot be looked for", remote[0]):
        if not remote[0].startswith(("http://", "https://")):
            return local | _listed(remote, options)
        system, _ = file_system(remote[0], options)
        with ThreadPoolExecutor(16) as pool:
            there = list(pool.map(system.exists, remote))
    return local | {a for a, is_there in zip(remote, there, strict=True) if is_there}


def _listed(addresses: Sequence[str], options: Mapping[str, Any]) -> set[str]:
    """Look for objects by listing their folders: a request for a month, not for each file."""
    found: set[str] = set()
    for folder in sorted({a.rpartition("/")[0] for a in addresses}):
        system, path = file_system(folder, options)
        try:
            names = system.ls(path, detail=False)
        except FileNotFoundError:
            continue
        found |= {f"{folder}/{str(name).rstrip('/').rpartition('/')[2]}" for name in names}
    return found & set(addresses)
