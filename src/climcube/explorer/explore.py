"""The public function: look at a cube's heatwaves."""

from __future__ import annotations

from typing import Any

import xarray as xr

from climcube.analysis.events.heatwaves import Heatwaves
from climcube.cubes.calendar import BasePeriod
from climcube.errors import require_module
from climcube.explorer.saved import open_saved
from climcube.explorer.scene import Scene
from climcube.explorer.subjects import heatwaves_of

__all__ = ["explore", "scene_of"]


def scene_of(
    cube: xr.DataArray | xr.Dataset | Heatwaves, *, base_period: BasePeriod | None = None,
    region: Any = None, results: Any = None,
) -> Scene:  # fmt: skip
    """Return what `explore` shows, without a page."""
    options = {} if base_period is None else {"base_period": base_period}
    mhw = heatwaves_of(cube, options)
    saved = None if results is None else open_saved(results, mhw)
    return Scene.of(mhw, region=region, saved=saved)


def explore(
    cube: xr.DataArray | xr.Dataset | Heatwaves,
    *,
    base_period: BasePeriod | None = None,
    region: Any = None,
    results: Any = None,
) -> Any:
    """Look at the marine heatwaves of a cube, day by day and cell by cell, on a page.

    A map of heatwave categories (or of anomalies, or of the values) has a slider for the day. A
    click on a cell computes that cell alone: its daily values, climatology and threshold, with its
    events filled by category, its table of events and its bars of years. Categories of the map
    are computed tile by tile while the page is used.

    Parameters
    ----------
    cube : DataArray, Dataset or Heatwaves
        Daily values with latitude and longitude, lazy (time in one chunk) or not; or what
        `climcube.heatwaves` returns, with the definition it has.
    base_period
        Years of the climatology of a cube; default the whole record.
    region
        Show a part only: what `climcube.mask` takes.
    results
        Heatwaves of the same cube and definition that `climcube.save` wrote: years, and days
        where they were saved, are read from there.

    Returns
    -------
    Explorer
        Shown by Jupyter as the page. Elsewhere ``.show()`` opens it in the browser.

    Raises
    ------
    CubeError
        No latitude and longitude, other dimensions beside them, a map that reads too much, or
        what `climcube.heatwaves` raises; ``results`` that do not fit.
    ParameterError
        ``base_period`` with heatwaves that have one; a ``region`` without cells.
    DependencyError
        panel is not installed.

    Notes
    -----
    Of a large cube the map shows every second, third ... cell (the page says which); a click
    finds the nearest of all cells. Categories take a pass over the cube, which begins by itself
    up to 4 GiB of float32, and elsewhere when asked for. At most 512 MiB of them are kept.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> cc.explore(sst)  # doctest: +SKIP
    """
    require_module("panel", "explorer")
    from climcube.explorer.notebook import Explorer  # panel is optional, and slow to import

    scene = scene_of(cube, base_period=base_period, region=region, results=results)
    return Explorer(scene)
