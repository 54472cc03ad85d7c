"""Observations as plain columns, cleaned of what cannot be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.errors import CubeError

__all__ = ["Observations"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_EAST = (-360.0, 720.0)  # every convention in use; beyond lie fill values


@dataclass(frozen=True)
class Observations:
    """One row an observation, in the order given.

    Attributes
    ----------
    value
        In ``units``.
    longitude, latitude
        In degrees, in the convention of whoever observed.
    time
        In the standard calendar.
    depth, pressure
        In metres, positive downwards, and in dbar; ``None`` where not known.
    profile, level, row
        Where it came from: number of the profile, of the level in it, and of the row.
    name, units
        Of the observed variable; units ``None`` where nobody said.
    depth_source
        How depth came from pressure, if it did.
    dropped
        Rows left out, by reason.
    """

    value: Floats
    longitude: Floats
    latitude: Floats
    time: npt.NDArray[np.datetime64]
    depth: Floats | None
    pressure: Floats | None
    profile: Integers
    level: Integers
    row: Integers
    name: str
    units: str | None = None
    depth_source: str | None = None
    dropped: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        return len(self.value)

    def kept(self, keep: npt.NDArray[np.bool_], reason: str) -> Observations:
        """Return the observations to keep; the others are counted."""
        if keep.all():
            return self
        dropped = (*self.dropped, (reason, int((~keep).sum())))
        arrays = {
            f.name: getattr(self, f.name)[keep]
            for f in fields(self)
            if isinstance(getattr(self, f.name), np.ndarray)
        }
        return replace(self, **arrays, dropped=dropped)

    def complete(self) -> Observations:
        """Return the observations with a value, a place and a time, each once."""
        known = np.isfinite(self.value) & np.isfinite(self.longitude) & np.isfinite(self.latitude)
        known &= ~np.isnat(self.time)
        if self.depth is not None:
            known &= np.isfinite(self.depth)
        found = self.kept(known, "missing value, place or time")
        found._check_places()
        return found.kept(found._first(), "repeated")

    def _first(self) -> npt.NDArray[np.bool_]:
        """Which rows are no repetition of an earlier one."""
        time = self.time.astype("datetime64[us]").astype("int64")
        columns = [self.value, self.longitude, self.latitude, time]
        columns += [c for c in (self.depth, self.pressure) if c is not None]
        order = np.lexsort(columns)  # stable: of equal rows the earliest comes first
        same = np.ones(max(0, len(self) - 1), bool)
        for column in columns:
            lined = column[order]
            # A pressure may be missing where the depth is known.
            same &= (lined[1:] == lined[:-1]) | (
                (lined[1:] != lined[1:]) & (lined[:-1] != lined[:-1])
            )
        first = np.ones(len(self), bool)
        first[order[1:][same]] = False
        return first

    def _check_places(self) -> None:
        for name, values, least, most in (
            ("latitude", self.latitude, -90.0, 90.0),
            ("longitude", self.longitude, *_EAST),
        ):
            wrong = (values < least) | (values > most)
            if wrong.any():
                first = int(np.argmax(wrong))
                raise CubeError(
                    f"a {name} of the observations is out of range", where=f"row {self.row[first]}",
                    expected=f"degrees within {least:g}..{most:g}, NaN where missing",
                    found=f"{values[first]:g}",
                    remedy="look whether longitude and latitude changed places",
                )  # fmt: skip
        if self.depth is not None and (self.depth < -10).any():
            raise CubeError(
                "depths of the observations are negative", where="depth",
                expected="metres, positive downwards", found=f"{self.depth.min():g}",
                remedy="pass table.assign(depth=-table.depth), if they are heights",
            )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Observations]) -> Observations:
        """Return the observations of several sources as one; profiles are numbered on."""
        if len(parts) == 1:
            return parts[0]
        values: dict[str, Any] = {}
        counts = [p.dropped for p in parts]
        parts = [p for p in parts if len(p)] or parts[:1]
        for field in ("value", "longitude", "latitude", "time", "level"):
            values[field] = np.concatenate([getattr(p, field) for p in parts])
        deep = [p.depth is not None for p in parts]
        if any(deep) and not all(deep):
            raise CubeError(
                "some sources of observations have a depth, others have none", where="profiles",
                expected="a depth or pressure for all, or for none",
                found=f"{deep.count(False)} of {len(deep)} without",
                remedy="give them one, as table.assign(depth=0.0)",
            )  # fmt: skip
        for field in ("depth", "pressure"):
            columns = [getattr(p, field) for p in parts]
            known = all(c is not None for c in columns)
            values[field] = np.concatenate(columns) if known else None
        for field in ("profile", "row"):
            ends = np.cumsum([0, *(getattr(p, field).max(initial=-1) + 1 for p in parts)])
            moved = (getattr(p, field) + e for p, e in zip(parts, ends[:-1], strict=True))
            values[field] = np.concatenate(list(moved))
        reasons: dict[str, int] = {}
        for dropped in counts:
            for reason, count in dropped:
                reasons[reason] = reasons.get(reason, 0) + count
        source = next((p.depth_source for p in parts if p.depth_source), None)
        return replace(parts[0], **values, dropped=tuple(reasons.items()), depth_source=source)
