"""Marine heatwaves, or any true cells, followed through space and time."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.tracking.grid import TrackGrid
from climcube.analysis.tracking.result import Tracks
from climcube.cubes.chunks import is_lazy
from climcube.cubes.coordinates import select_variable
from climcube.cubes.units import unquantify, without_quantities
from climcube.errors import CubeError, ParameterError
from climcube.lift.blocks import Blocks

__all__ = ["Tracks", "track"]


def track(
    mhw: Any,
    *,
    intensity: xr.DataArray | None = None,
    min_area: float | None = None,
    min_volume: float | None = None,
    min_overlap: float = 0.0,
    min_duration: int = 1,
    min_category: int = 1,
    areas: xr.DataArray | None = None,
    wrap: bool | None = None,
) -> Tracks:
    """Follow events through space and time.

    Cells in an event on the same day that touch, by an edge or a corner, form one object (with
    depth, by a face, edge or corner; around the globe, across the seam of the grid). Objects of
    consecutive days that share a cell belong to one event. So an event may have several objects
    on a day: where one overlaps several of the day before they merge, where several overlap one
    of the day before it splits; `Tracks.ledger` lists both.

    Parameters
    ----------
    mhw
        The result of `climcube.heatwaves`: its cells are those of ``daily.event``, their
        intensity is ``daily.anomaly``. Or a boolean DataArray (or a Dataset with one, which may
        bring cell areas and bounds along) by time, latitude, longitude and perhaps depth, in
        any order; NumPy or Dask in any chunks; on 1-D or 2-D coordinates, in any calendar.
    intensity
        Intensity of the cells of a boolean cube, on the same grid; missing values add nothing.
    min_area
        Smallest object in km2; smaller ones are dropped before objects are linked.
    min_volume
        The same in km3, of a cube with depth.
    min_overlap
        Share of the smaller object's area (volume, with depth) that objects of consecutive days
        must share to be linked, 0 to 1; 0: any cell.
    min_duration
        Shortest event in days.
    min_category
        Lowest category of a heatwave's cells. 1 takes all days of its events, those of joined
        gaps included, which are in no category.
    areas
        Area of each cell (m2, or km2 by its ``units``), where the data set does not tell it.
    wrap
        Whether the last column touches the first; by default the coordinates tell. Of 2-D
        coordinates, columns are the last dimension.

    Returns
    -------
    Tracks
        ``labels`` (event of each cell and day), tables ``events()``, ``objects()`` and
        ``ledger()``, polygons ``footprints()`` and ``to_geoparquet(path)``.

    Notes
    -----
    A day missing in the record parts events: objects of days that are not consecutive are not
    linked. Longer gaps are a matter of the mask; `climcube.heatwaves` has joined those of
    single cells already. Rows do not touch across a pole, nor along the fold of a tripolar
    grid.

    Areas are those of `climcube.area_mean`, rounded to a share of 1e-16 of the whole grid, so
    that sums, and every decision on them, are the same for any chunks. Each block is read by
    one task and leaves tables of its objects and the cells on its faces; these are joined, and
    one last task links days. What a second pass needs, for labels and footprints, waits as
    compressed bits: the source is read once.

    Raises
    ------
    AxisError
        A coordinate is missing or out of order, cells have no known neighbours or areas.
    CalendarError
        The data are not daily.
    CubeError
        The cube is not boolean, or has a dimension that is none of those above.
    ParameterError
        An option out of range, or one that does not fit the cube.

    References
    ----------
    Hobday, A. J. et al. (2016), doi:10.1016/j.pocean.2015.12.014, for the cells; Scannell, H. A.
    et al. (2024), doi:10.1175/JTECH-D-23-0126.1, for events as objects that are connected in
    space and time.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(12, 16)).sst
    >>> tracks = cc.track(cc.heatwaves(sst), min_area=5e5)
    >>> events = tracks.events()
    >>> bool((events.duration >= 5).any()), int(tracks.labels.max()) == len(events)
    (True, True)
    """
    options = {
        "min_area": min_area, "min_volume": min_volume, "min_overlap": min_overlap,
        "min_duration": min_duration, "min_category": min_category,
    }  # fmt: skip
    _check(options)
    if wrap is not None and not isinstance(wrap, bool):
        raise ParameterError(
            "wrap not understood", where=f"wrap={wrap!r}", expected="True, False or None"
        )
    given, mask, strength, cold = _cells(mhw, intensity, min_category)
    grid = TrackGrid.of(mask)
    smallest = _smallest(grid, min_area, min_volume)
    own = mask
    if strength is not None and is_lazy(strength) and not is_lazy(mask):
        own = mask.chunk(strength.chunksizes)
    cells = grid.arranged(own)
    blocks = Blocks(
        cells,
        None if strength is None else grid.arranged(strength, cells.chunks),
        grid.grounds(given, areas, cells.chunks[2:]),
        grid.rules(
            wrap, smallest=smallest, overlap=float(min_overlap), duration=int(min_duration),
            sign=-1.0 if cold else 1.0,
        ),
        bool(grid.columns) and wrap is not False,
        "track",
    )  # fmt: skip
    given_too = {"areas": areas, "wrap": wrap}
    used = {k: v for k, v in (options | given_too).items() if v is not None}
    inputs = [mask] if strength is None else [mask, strength]
    return Tracks(given, grid, blocks, used, inputs, strength is not None, cold, is_lazy(own))


def _check(options: dict[str, Any]) -> None:
    """Refuse options that mean nothing."""
    limits = {
        "min_area": (0, np.inf, "km2, not negative"),
        "min_volume": (0, np.inf, "km3, not negative"),
        "min_overlap": (0, 1, "a share between 0 and 1"),
        "min_duration": (1, np.inf, "a whole number of days, at least 1"),
        "min_category": (1, 4, "1 (all), 2 (Strong), 3 (Severe) or 4 (Extreme)"),
    }
    for name, (low, high, expected) in limits.items():
        value = options[name]
        if value is None and low == 0 and high > 1:
            continue
        whole = name in ("min_duration", "min_category")
        kind = (int, np.integer) if whole else (int, float, np.number)
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
            raise ParameterError(
                f"{name} not understood", where=f"{name}={value!r}", expected=expected
            )


def _cells(
    mhw: Any, intensity: xr.DataArray | None, min_category: int
) -> tuple[Any, xr.DataArray, xr.DataArray | None, bool]:
    """Return what may know cell areas, the mask, the intensity, and whether colder is stronger."""
    if hasattr(mhw, "members"):
        raise ParameterError(
            "track follows the events of one definition", where="mhw",
            found=f"{len(mhw.members)} definitions",
            remedy=f"pass one of them: mhw[{next(iter(mhw.members))!r}]",
        )  # fmt: skip
    if hasattr(mhw, "definition") and hasattr(mhw, "daily"):
        if intensity is not None:
            raise ParameterError(
                "heatwaves have an intensity of their own", where="intensity=",
                remedy="drop it, or pass mhw.daily.event > 0 as the cube",
            )  # fmt: skip
        daily = without_quantities(mhw.daily)
        mask = daily.event > 0 if min_category == 1 else daily.category >= min_category
        mask.attrs = dict(daily.event.attrs)
        return mhw.cube, mask.rename("event"), unquantify(daily.anomaly)[0], mhw.definition.cold
    if min_category != 1:
        raise ParameterError(
            "a boolean cube has no categories", where=f"min_category={min_category}",
            remedy="pass the result of cc.heatwaves, or category >= 2 as the cube",
        )  # fmt: skip
    mask = mhw
    if isinstance(mhw, xr.Dataset):
        mask = select_variable(mhw, None, "dataset given to track", option=None)
    if not isinstance(mask, xr.DataArray):
        raise ParameterError(
            "track needs heatwaves or a boolean cube", found=type(mhw).__name__,
            expected="the result of cc.heatwaves, or an xarray DataArray",
        )  # fmt: skip
    if mask.dtype != bool:
        raise CubeError(
            "track needs a boolean cube", where=f"variable {mask.name!r}", expected="true or false",
            found=str(mask.dtype), remedy="say which cells: cube > 0, for instance",
        )  # fmt: skip
    mask = without_quantities(mask)
    return mhw, mask, _on_grid(intensity, mask), False


def _on_grid(intensity: Any, mask: xr.DataArray) -> xr.DataArray | None:
    """Return the plain intensity, if it lies on the grid of the mask."""
    if intensity is None:
        return None
    if not isinstance(intensity, xr.DataArray):
        raise ParameterError(
            "intensity needs dimensions", where="intensity=", expected="an xarray DataArray",
            found=type(intensity).__name__,
        )  # fmt: skip
    plain = unquantify(intensity)[0]
    if dict(plain.sizes) != dict(mask.sizes):
        raise CubeError(
            "intensity and cube lie on different grids", where="intensity=",
            expected=", ".join(f"{d}: {n}" for d, n in mask.sizes.items()),
            found=", ".join(f"{d}: {n}" for d, n in plain.sizes.items()),
        )  # fmt: skip
    for dim in mask.dims:
        if dim in mask.coords and dim in plain.coords and not mask[dim].equals(plain[dim]):
            raise CubeError(
                "intensity and cube lie on different grids", where=f"coordinate {dim!r}",
                remedy="intensity.reindex_like(cube)",
            )  # fmt: skip
    return plain


def _smallest(grid: TrackGrid, min_area: float | None, min_volume: float | None) -> float:
    """Return the least size of an object: km2, or km3 with depth."""
    if grid.depth is None and min_volume is not None:
        raise ParameterError(
            "a cube without depth has areas", where=f"min_volume={min_volume}",
            remedy="pass min_area=",
        )  # fmt: skip
    if grid.depth is not None and min_area is not None:
        raise ParameterError(
            "objects of a cube with depth are measured by volume", where=f"min_area={min_area}",
            remedy="pass min_volume= (km3)",
        )  # fmt: skip
    return float(min_area or min_volume or 0.0)
