"""Heatwaves that were saved: read in place of being computed again, once they are known to fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.analysis.events.heatwaves import Heatwaves, heatwaves
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import select_variable
from climcube.cubes.open import open as open_cube
from climcube.errors import CubeError, StoreError
from climcube.explorer.codes import LAND, MISSING
from climcube.plots.selection import ocean, plain, yearly_shares
from climcube.plots.style import CATEGORIES

__all__ = ["Saved", "open_saved", "reopen"]

# Values of the definition; cubes that were given to it cannot be compared by what is noted.
_COMPARED = (
    "base_period", "percentile", "window", "smooth", "min_duration", "max_gap", "max_pad", "cold",
    "baseline", "min_duration2", "max_gap2", "compat",
)  # fmt: skip


@dataclass(frozen=True)
class Saved:
    """Groups of a store that `climcube.save` wrote, on the grid of the heatwaves shown.

    Attributes
    ----------
    annual, climatology
        As saved.
    category
        Category of every day; ``None`` where days were not saved.
    """

    annual: xr.Dataset
    climatology: xr.Dataset
    category: xr.DataArray | None

    def isel(self, where: Mapping[str, Any]) -> Saved:
        """Return the results of some cells, by index."""
        daily = None if self.category is None else self.category.isel(where)
        return replace(
            self, annual=self.annual.isel(where), climatology=self.climatology.isel(where),
            category=daily,
        )  # fmt: skip

    def codes(
        self, index: int, values: npt.NDArray[Any], dims: tuple[str, ...]
    ) -> npt.NDArray[np.uint8]:
        """Return the codes of one day by some dimensions; ``values`` are the cube's own."""
        if self.category is None:
            raise RuntimeError("no days were saved")
        time = TimeAxis.of(self.category).name
        day = self.category.isel({time: index}).transpose(*dims).values.astype("uint8")
        codes = day | np.where(np.isnan(values), np.uint8(MISSING), np.uint8(0))
        return np.where(self._sea.transpose(*dims).values, codes, np.uint8(LAND))

    def shares(self, mhw: Heatwaves, areas: xr.DataArray) -> npt.NDArray[np.float64]:
        """Return the share of area and days in each category, by year, ``(year, 4)``."""
        whole = SimpleNamespace(
            cube=plain(mhw.cube), annual=self.annual, climatology=self.climatology,
            parameters=mhw.parameters, areas=(areas, ""),
        )  # fmt: skip
        found = yearly_shares(whole).compute()
        return np.stack([np.asarray(found[n].values, "float64") for n in CATEGORIES], axis=-1)

    @cached_property
    def _sea(self) -> xr.DataArray:
        return ocean(self).compute()


def open_saved(target: Any, mhw: Heatwaves) -> Saved:
    """Open saved heatwaves, and compare their definition, grid and days with those shown.

    Raises
    ------
    CubeError
        They are of another definition, grid or period, or nothing says how they were made.
    StoreError
        There is no store, or one without the groups ``annual`` and ``climatology``.
    """
    parts = {name: _group(target, name) for name in ("annual", "climatology")}
    where = f"results {provenance.redact(str(target))}"
    _require_definition(parts["annual"], mhw, where)
    try:
        category = plain(_group(target, "daily")["category"])
    except StoreError:
        category = None
    saved = Saved(parts["annual"], parts["climatology"], category)
    _require_labels(saved, mhw, where)
    return saved


def reopen(target: Any, variable: str | None = None) -> Heatwaves:
    """Return saved heatwaves as they were before they were: lazy, of the cube that they name.

    Raises
    ------
    CubeError
        They do not name one cube and all of their definition, or it cannot be opened.
    """
    where = f"results {provenance.redact(str(target))}"
    remedy = f"name it: climcube explore CUBE --results {provenance.redact(str(target))}"
    document = provenance.read(_group(target, "annual"))
    steps, sources = document.get("steps", []), document.get("sources", [])[1:]  # first: itself
    told = len(steps) == len(sources) == 1 and steps[0]["function"] == "heatwaves"
    given = steps[0]["parameters"] if told else {}
    definition = {name: value for name, value in given.items() if value is not None}
    if not told or not definition.keys() <= {*_COMPARED, "baseline_years"}:
        raise CubeError(
            "these results do not say which cube they are of", where=where, remedy=remedy
        )
    name = sources[0].get("entry", sources[0]["address"])
    facts = {key: sources[0].get(key) for key in ("catalog", "version")}
    try:
        cube: Any = open_cube(name, variable=variable, layout="series", **facts)
    except StoreError as error:
        raise CubeError(
            "the cube of these results cannot be opened", where=where, found=error.what,
            expected=f"{name}, as they say", remedy=remedy,
        ) from error  # fmt: skip
    cube = cube if variable is not None else select_variable(cube, None, name)
    return heatwaves(cube, **definition)


def _group(target: Any, name: str) -> Any:
    return open_cube(target, group=name)


def _require_definition(annual: xr.Dataset, mhw: Heatwaves, where: str) -> None:
    steps = [s for s in provenance.read(annual).get("steps", []) if s["function"] == "heatwaves"]
    if not steps:
        raise CubeError(
            "nothing says how these results were made", where=where,
            expected="the provenance that cc.save writes with cc.heatwaves(...)",
        )  # fmt: skip
    theirs = steps[-1]["parameters"]
    for name in _COMPARED:
        own, other = _noted(mhw.parameters.get(name)), _noted(theirs.get(name))
        if own != other:
            raise CubeError(
                "these results are of another definition", where=where,
                expected=f"{name}={own}", found=f"{name}={other}",
                remedy="give the explorer the same options, or compute the results again",
            )  # fmt: skip


def _noted(value: Any) -> Any:
    """Return a parameter as provenance writes it, years as text."""
    if isinstance(value, tuple | list):
        return [str(v) for v in value]
    return json.loads(json.dumps(value, default=str))


def _require_labels(saved: Saved, mhw: Heatwaves, where: str) -> None:
    own, axis = plain(mhw.cube), mhw.subject.axis
    for dim in (d for d in own.dims if d != axis.name):
        theirs = saved.annual[dim].values
        if not np.array_equal(own[dim].values, theirs):
            raise CubeError(
                "these results are of another grid", where=where,
                expected=f"{own.sizes[dim]} cells along {dim!r}, as in the cube",
                found=f"{len(theirs)} cells, or other coordinates",
            )  # fmt: skip
    years = TimeAxis.of(saved.annual).year
    days = None if saved.category is None else TimeAxis.of(saved.category).ordinal
    if not np.array_equal(years, axis.years) or not (
        days is None or np.array_equal(days, axis.ordinal)
    ):
        raise CubeError(
            "these results are of another period", where=where,
            expected=f"{axis.label(0)} to {axis.label(len(axis) - 1)}",
            found=f"the years {years[0]} to {years[-1]}",
        )  # fmt: skip
