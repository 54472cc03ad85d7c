"""What there is to see: maps of a day, series of a cell. Pure Python; no browser, no widgets."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dask
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.events.heatwaves import Heatwaves
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError
from climcube.explorer.codes import LAND, MISSING, PENDING, CodeStore
from climcube.explorer.cycles import Cycles
from climcube.explorer.place import Place, place_at
from climcube.explorer.presence import require_present
from climcube.explorer.raster import Raster
from climcube.explorer.saved import Saved
from climcube.explorer.subjects import of_cells, within_region
from climcube.explorer.sums import Sums
from climcube.plots.selection import area_weights, ocean, plain

__all__ = ["PIXELS", "Scene"]

PIXELS = 720  # cells along the longer side of the map: as many as a screen shows
_CODES = 512 * 2**20  # bytes of packed categories that are kept
_PACKING = 8  # by which codes shrink at least; most days of most cells are in no category
_MAPS = 64 * 2**20  # bytes of maps of values that are kept
_PLACES = 24
# What may be done without being asked to, in bytes of float32.
_READ_AT_ONCE, _MAP_AT_MOST = 4 * 2**30, 8 * 2**30
_SOON_READ = 64 * 2**20  # bytes of float32 that are read before anyone wonders

Floats = npt.NDArray[np.float64]


@dataclass(eq=False)
class Scene:
    """A cube's heatwaves, computed as they are looked at.

    Every part may be asked for from any thread.

    Attributes
    ----------
    mhw
        The heatwaves of all cells.
    coarse
        Of the cells that the map shows: every ``step``-th one.
    inside
        Which cells belong to the region; ``None`` if all do.
    saved
        Results that are read in place of being computed.
    areas, measure
        Of all cells, as parts of the whole grid; and what they count: "area" or "cells".
    tiles
        Parts of the map that are computed together, over all time.
    """

    mhw: Heatwaves
    coarse: Heatwaves
    step: int
    axis: TimeAxis
    raster: Raster
    inside: xr.DataArray | None
    saved: Saved | None
    areas: xr.DataArray
    measure: str
    tiles: list[dict[str, slice]]
    codes: CodeStore
    sums: Sums
    cycles: Cycles = field(default_factory=Cycles)
    _maps: OrderedDict[int, npt.NDArray[np.float32]] = field(default_factory=OrderedDict)
    _places: OrderedDict[tuple[float, float], Place] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(
        cls, mhw: Heatwaves, *, region: Any = None, saved: Saved | None = None,
        bound: int = _CODES, pixels: int = PIXELS,
    ) -> Scene:  # fmt: skip
        """Look at coordinates and chunks; no value is read."""
        areas, measure = area_weights(mhw)  # before it is cut: a part may not tell its widths
        mhw, places, inside = within_region(mhw, region)
        axis = mhw.subject.axis
        dims = Raster.of(plain(mhw.cube)).dims
        step = _step(mhw.cube, dims, len(axis), pixels, bound)
        every = {d: slice(None, None, step) for d in dims}
        coarse = mhw if step == 1 else of_cells(mhw, every)
        tiles = _tiles(coarse.cube, dims)
        scene = cls(
            mhw, coarse, step, axis, Raster.of(plain(coarse.cube)), inside,
            None if saved is None else saved.isel(places),
            areas.isel(places, missing_dims="ignore"), measure, tiles, CodeStore(bound),
            Sums(axis.year, len(tiles)),
        )  # fmt: skip
        scene.require_readable()
        return scene

    def require_readable(self) -> None:
        """Refuse a cube of which one map alone is too much to read."""
        found = self.map_bytes
        if found > _MAP_AT_MOST:
            raise CubeError(
                "a map of one day reads too much of this cube",
                where=f"variable {self.mhw.cube.name!r}",
                expected=f"at most {_MAP_AT_MOST / 2**30:.0f} GiB",
                found=f"{found / 2**30:,.0f} GiB in the chunks as they are stored",
                remedy="choose a part of it with region=",
            )

    @property
    def map_bytes(self) -> float:
        """Bytes, as float32, that a map of one day reads: whole stored chunks."""
        return 4.0 * self.mhw.cube.size / len(self.axis) * self._stored.get(self.axis.name, 1)

    @property
    def cell_bytes(self) -> float:
        """Bytes, as float32, that the series of a cell reads: whole stored chunks."""
        return 4.0 * len(self.axis) * math.prod(self._stored.get(d, 1) for d in self.raster.dims)

    @property
    def stored_as_maps(self) -> bool:
        """Whether a cell reads most of the cube, and that is much."""
        whole = 4 * self.mhw.cube.size
        split = self._stored.get(self.axis.name, 1) < len(self.axis)
        return split and whole > _SOON_READ and self.cell_bytes > whole / 2

    @property
    def survey_bytes(self) -> float:
        """Bytes, as float32, that the categories of all tiles read."""
        return 4.0 * self.mhw.cube.size * (len(self.tiles) if self.stored_as_maps else 1)

    @property
    def automatic(self) -> bool:
        """Whether all categories may be computed without being asked to."""
        return self.survey_bytes <= _READ_AT_ONCE

    @property
    def has_anomalies(self) -> bool:
        """Whether one climatology holds for all years, so that any day's anomaly is at hand."""
        return self.mhw.definition.baseline == "fixed"

    @property
    def climatology_known(self) -> bool:
        """Whether the climatology of every tile is at hand, or was saved."""
        return self.saved is not None or all(n in self.cycles for n in range(len(self.tiles)))

    @cached_property
    def _stored(self) -> dict[str, int]:
        """Sizes of stored chunks, no larger than the cube; empty where nothing is known."""
        cube = plain(self.mhw.cube)
        chunks = cube.encoding.get("chunks") or ()
        named = zip(map(str, cube.dims), chunks, strict=False)
        return {d: min(int(n), cube.sizes[d]) for d, n in named}

    @property
    def surveyed(self) -> bool:
        """Whether categories come from what was saved, and need not be computed."""
        return self.saved is not None and self.saved.category is not None

    def pending(self) -> list[int]:
        """Return the tiles whose categories are not at hand."""
        if self.surveyed:
            return []
        return [n for n in range(len(self.tiles)) if n not in self.codes]

    def compute_tile(self, number: int) -> None:
        """Compute and keep the categories of one tile, of all days, and its climatology."""
        place = self.tiles[number]
        category = plain(self.coarse.daily["category"]).isel(place)
        missing = plain(self.coarse.daily["anomaly"]).isel(place).isnull()
        order = [self.axis.name, *self.raster.dims]
        with self._reading():
            codes, sea, seas = dask.compute(
                (category.astype("uint8") | (missing * np.uint8(MISSING))).transpose(*order),
                ocean(self.coarse).isel(place).transpose(*self.raster.dims),
                self._climatology(self.coarse, place) if self.has_anomalies else None,
            )
        if seas is not None:
            self.cycles.put(number, seas.values)
        found = np.where(sea.values & self._shown(place), codes.values, np.uint8(LAND))
        self.codes.put(number, found)
        self.sums.add(number, found, self._areas(place))

    def categories(self, index: int) -> npt.NDArray[np.uint8]:
        """Return the picture of one day's codes; `PENDING` where a tile is not at hand."""
        if self.saved is not None and self.surveyed:
            day = self._thinned.codes(index, self._values(index), self.raster.dims)
        else:
            day = self._whole(np.uint8(PENDING))
            for number, place in enumerate(self.tiles):
                tile = self.codes.day(number, index)
                if tile is not None:
                    day[tuple(place[d] for d in self.raster.dims)] = tile
        return self.raster.picture(np.where(self._shown({}), day, np.uint8(LAND)), LAND)

    def values(self, index: int) -> npt.NDArray[np.float32]:
        """Return the picture of one day's values; NaN where there is none."""
        shown = np.where(self._shown({}), self._values(index), np.float32(np.nan))
        return self.raster.picture(shown, np.nan)

    def anomalies(self, index: int) -> npt.NDArray[np.float32]:
        """Return the picture of one day's departures from the climatology.

        NaN where there is none, or where the climatology of a tile is not at hand.
        """
        if self.saved is not None:
            self._read_climatology(self._thinned)
        seas = self._whole(np.float32(np.nan))
        for number, place in enumerate(self.tiles):
            tile = self.cycles.day(number, int(self.axis.dayofyear[index]))
            if tile is not None:
                seas[tuple(place[d] for d in self.raster.dims)] = tile
        shown = np.where(self._shown({}), self._values(index) - seas, np.float32(np.nan))
        return self.raster.picture(shown, np.nan)

    def _read_climatology(self, saved: Saved) -> None:
        for number, place in enumerate(self.tiles):
            if number not in self.cycles:
                self.cycles.put(number, self._climatology(saved, place).values)

    def _climatology(self, found: Any, place: Mapping[str, slice]) -> xr.DataArray:
        seas = plain(found.climatology["seas"]).isel(place)
        return seas.transpose("dayofyear", *self.raster.dims)

    def has_values(self, index: int) -> bool:
        """Whether the map of a day is at hand."""
        with self._lock:
            return index in self._maps

    def place(self, latitude: float, longitude: float) -> Place:
        """Return the cell nearest to a point, of all cells, alone computed.

        Raises
        ------
        CubeError
            It has no value at all.
        StoreError
            The store has disappeared.
        """
        key = (round(latitude, 6), round(longitude, 6))
        with self._lock:
            if key in self._places:
                self._places.move_to_end(key)
                return self._places[key]
        with self._reading():
            found = place_at(self.mhw, latitude, longitude)
        with self._lock:
            self._places[key] = found
            while len(self._places) > _PLACES:
                self._places.popitem(last=False)
        return found

    def shares(self) -> Floats | None:
        """Return the share of area and days in each category, by year; ``None`` as yet unknown."""
        return self.sums.shares() if self.saved is None else self._saved_shares

    @cached_property
    def _saved_shares(self) -> Floats | None:
        if self.saved is None:
            return None
        areas = self.areas if self.inside is None else self.areas.where(self.inside, 0.0)
        return self.saved.shares(self.mhw, areas)

    @cached_property
    def _thinned(self) -> Saved:
        if self.saved is None:
            raise RuntimeError("nothing was saved")
        return self.saved.isel(self._every)

    @property
    def _every(self) -> dict[str, slice]:
        return {d: slice(None, None, self.step) for d in self.raster.dims}

    def _values(self, index: int) -> npt.NDArray[np.float32]:
        with self._lock:
            if index in self._maps:
                self._maps.move_to_end(index)
                return self._maps[index]
        day = plain(self.coarse.cube).isel({self.axis.name: index}).transpose(*self.raster.dims)
        with self._reading():
            values = np.asarray(day.values, "float32")
        with self._lock:
            self._maps[index] = values
            while sum(v.nbytes for v in self._maps.values()) > _MAPS and len(self._maps) > 1:
                self._maps.popitem(last=False)
        return values

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Whatever came of it, land or an error: the reason may be that the store has gone."""
        try:
            yield
        finally:
            require_present(plain(self.mhw.inputs[0]))

    def _whole(self, value: Any) -> npt.NDArray[Any]:
        sizes = self.coarse.cube.sizes
        return np.full([sizes[d] for d in self.raster.dims], value)

    def _shown(self, place: Mapping[str, slice]) -> Any:
        """Whether cells lie in the region; all do where there is none."""
        if self.inside is None:
            return True
        return self.inside.isel(self._every).isel(place).transpose(*self.raster.dims).values

    def _areas(self, place: Mapping[str, slice]) -> Floats:
        thin = self.areas.isel(self._every, missing_dims="ignore")
        areas = thin.isel(place, missing_dims="ignore")
        like = plain(self.coarse.cube).isel({self.axis.name: 0}).isel(place)
        sizes = {d: like.sizes[d] for d in self.raster.dims}
        bare = areas.drop_vars(list(areas.coords))
        whole = bare.expand_dims({d: n for d, n in sizes.items() if d not in bare.dims})
        return np.asarray(whole.transpose(*self.raster.dims).values, "float64")


def _step(cube: xr.DataArray, dims: tuple[str, ...], days: int, pixels: int, bound: int) -> int:
    """Return the step between cells that the map shows: for the screen, and for the memory."""
    cells = math.prod(cube.sizes[d] for d in dims)
    most = max(1, bound * _PACKING // days)
    if len(dims) == 1:  # scattered cells fill an area
        return max(1, math.ceil(cells / pixels**2), math.ceil(cells / most))
    longest = max(cube.sizes[d] for d in dims)
    return max(1, math.ceil(longest / pixels), math.ceil(math.sqrt(cells / most)))


def _tiles(cube: xr.DataArray, dims: tuple[str, ...]) -> list[dict[str, slice]]:
    """Return the Dask chunks of the horizontal dimensions as slices."""
    edges = [
        np.cumsum([0, *cube.chunksizes.get(d, (cube.sizes[d],))]).astype(int).tolist() for d in dims
    ]
    return [
        {d: slice(e[i], e[i + 1]) for d, e, i in zip(dims, edges, at, strict=True)}
        for at in np.ndindex(*(len(e) - 1 for e in edges))
        if all(e[i] < e[i + 1] for e, i in zip(edges, at, strict=True))
    ]
