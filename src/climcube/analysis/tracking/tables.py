"""Tables of tracked events: events, their daily objects, merges and splits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from climcube.analysis.tracking.grid import TrackGrid
from climcube.cubes.sphere import distances, places
from climcube.kernels.objects import Objects
from climcube.kernels.stitching import Stitched

__all__ = ["TrackTables"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrackTables:
    """What the tables are made from.

    ``footprints`` hold the area that each event ever covered, ``areas`` the horizontal area of
    each object, if that is not its size; ``sign`` is -1 where the most negative intensity is
    the strongest.
    """

    grid: TrackGrid
    stitched: Stitched
    footprints: Floats
    areas: Floats | None
    intense: bool
    sign: float

    @property
    def _objects(self) -> Objects:
        return self.stitched.objects

    @property
    def _deep(self) -> bool:
        return self.grid.depth is not None

    @property
    def _days(self) -> Ints:
        return self._objects.first // math.prod(self.grid.shape[1:])

    @property
    def _area(self) -> Floats:
        return self._objects.size if self.areas is None else self.areas

    def objects(self) -> pd.DataFrame:
        """One row a daily object."""
        own = self._objects
        latitude, longitude = places(own.moment[:, :3], own.size)
        columns: dict[str, Any] = {
            "event": self.stitched.event,
            "date": self.grid.dates[self._days],
            "object": np.arange(1, len(own) + 1),
            "area": self._area,
            "lat": latitude,
            "lon": self._convention(longitude),
            "cells": own.cells,
        }
        if self._deep:
            columns |= {"volume": own.size, "depth": _ratio(own.moment[:, 3], own.size)}
        if self.intense:
            known = own.peak_at >= 0
            columns["intensity_mean"] = np.where(known, _ratio(own.heat, own.size), np.nan)
            columns["intensity_max"] = np.where(known, self.sign * own.peak, np.nan)
        return pd.DataFrame(columns)

    def events(self) -> pd.DataFrame:
        """One row an event."""
        own, event = self._objects, self.stitched.event.astype("int64") - 1
        count = int(event.max(initial=-1)) + 1
        # Days of events: the objects of one event on one day taken together.
        key, group = np.unique(event * self.grid.shape[0] + self._days, return_inverse=True)
        owner, day = np.divmod(key, self.grid.shape[0])
        area, size = (np.bincount(group, v, len(key)) for v in (self._area, own.size))
        moment = np.stack([np.bincount(group, m, len(key)) for m in own.moment.T], axis=1)
        start = np.searchsorted(owner, np.arange(count))
        end = np.searchsorted(owner, np.arange(count), side="right") - 1
        duration = day[end] - day[start] + 1
        most = _first_largest(owner, area, start)
        columns: dict[str, Any] = {
            "event": np.arange(1, count + 1),
            "date_start": self.grid.dates[day[start]],
            "date_end": self.grid.dates[day[end]],
            "duration": duration,
            "objects": np.bincount(event, minlength=count),
            "area_max": area[most],
            "date_area_max": self.grid.dates[day[most]],
            "area_mean": np.bincount(owner, area, count) / np.maximum(duration, 1),
            "footprint_area": self.footprints,
            "volume": np.bincount(owner, size, count),
        }
        if self.intense:
            columns |= self._intensity(event, count, columns["volume"])
        columns |= self._course(owner, moment, size, start, end, count)
        columns |= self._turns(count)
        return pd.DataFrame(columns)

    def ledger(self) -> pd.DataFrame:
        """One row a merge or split."""
        frame = pd.DataFrame([*self._meetings("merge"), *self._meetings("split")])
        if frame.empty:
            size = "volumes" if self._deep else "areas"
            names = ["date", "kind", "event", "objects_before", f"{size}_before", "objects_after"]
            return pd.DataFrame(columns=[*names, f"{size}_after"])
        order = ["date", "event", "kind", "objects_before"]
        frame = frame.sort_values(order, kind="stable", ignore_index=True)
        return frame.assign(date=self.grid.dates[frame["date"].to_numpy()])

    def _meetings(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield what happens where an object has several before it (merge) or after (split)."""
        size = "volumes" if self._deep else "areas"
        links = self.stitched.links
        one, many = (links.after, links.before) if kind == "merge" else (links.before, links.after)
        order = np.lexsort((many, one))
        one, many = one[order], many[order]
        _, first, number = np.unique(one, return_index=True, return_counts=True)
        for start, count in zip(first[number > 1], number[number > 1], strict=True):
            single, several = one[start : start + 1], many[start : start + count]
            before, after = (several, single) if kind == "merge" else (single, several)
            yield {
                "date": self._days[after[0]],
                "kind": kind,
                "event": self.stitched.event[single[0]],
                "objects_before": tuple((before + 1).tolist()),
                f"{size}_before": tuple(self._objects.size[before].tolist()),
                "objects_after": tuple((after + 1).tolist()),
                f"{size}_after": tuple(self._objects.size[after].tolist()),
            }

    def _intensity(self, event: Ints, count: int, volume: Floats) -> dict[str, Any]:
        own = self._objects
        known = np.bincount(event, own.peak_at >= 0, count) > 0
        heat = np.where(known, np.bincount(event, own.heat, count), np.nan)
        best = np.lexsort((own.first, -own.peak, event))
        best = best[np.searchsorted(event[best], np.arange(count))]
        at = np.maximum(own.peak_at[best], 0)
        day, cell = np.divmod(at, math.prod(self.grid.shape[1:]))
        latitude, longitude, depth = self.grid.place(cell)
        date = pd.Series(self.grid.dates[day]).where(known)
        found = {
            "intensity_cumulative": heat,
            "intensity_mean": _ratio(heat, volume),
            "intensity_max": np.where(known, self.sign * own.peak[best], np.nan),
            "date_intensity_max": date,
            "lat_intensity_max": np.where(known, latitude, np.nan),
            "lon_intensity_max": np.where(known, longitude, np.nan),
        }
        if depth is not None:
            found["depth_intensity_max"] = np.where(known, depth, np.nan)
        return found

    def _course(
        self, owner: Ints, moment: Floats, size: Floats, start: Ints, end: Ints, count: int
    ) -> dict[str, Any]:
        """Return where events begin and end, and how far their centroids travel (km)."""
        latitude, longitude = places(moment[:, :3], size)
        longitude = self._convention(longitude)
        step = distances(moment[:-1, :3], moment[1:, :3]) / 1000
        same = owner[1:] == owner[:-1]
        return {
            "lat_start": latitude[start], "lon_start": longitude[start],
            "lat_end": latitude[end], "lon_end": longitude[end],
            "distance": np.bincount(owner[1:][same], step[same], count),
        }  # fmt: skip

    def _turns(self, count: int) -> dict[str, Ints]:
        """Return the number of merges and splits of each event."""
        links, event = self.stitched.links, self.stitched.event
        found = {}
        for name, single in (("merges", links.after), ("splits", links.before)):
            number = np.bincount(single.astype("int64"), minlength=len(event))
            found[name] = np.bincount(event[number > 1] - 1, minlength=count)
        return found

    def _convention(self, longitude: Floats) -> Floats:
        """Return longitudes as the cube counts them: to 360 where its own go beyond 180."""
        own = np.asarray(self.grid.mask[self.grid.longitude].values)
        beyond = (longitude < 0) & bool(np.nanmax(own) > 180)
        return np.asarray(np.where(beyond, longitude + 360, longitude))


def _ratio(a: Any, b: Any) -> Floats:
    ratio: Floats = np.divide(a, b, out=np.full(len(a), np.nan), where=np.asarray(b) > 0)
    return ratio


def _first_largest(owner: Ints, values: Floats, start: Ints) -> Ints:
    """Return the first row of the largest value of each owner; owners are in order."""
    return np.asarray(np.lexsort((np.arange(len(owner)), -values, owner))[start])
