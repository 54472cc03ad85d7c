"""The numbers behind a report: one pass over the cube, tile by tile, for all of them.

Only small results are kept: a value a day, a value a year, a map of trends, and the strongest
event of each year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dask
import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from climcube.analysis.area_means import area_mean
from climcube.analysis.means import annual_mean
from climcube.analysis.trends.trend import trend as compute_trend
from climcube.cubes.calendar import TimeAxis
from climcube.plots.cells import narrow
from climcube.plots.selection import daily_share, plain, weighted_severity, yearly_shares

__all__ = ["Numbers", "gather"]

_COMPLETE = 0.95  # share of a year that the record must cover for the year to count
_TABLE = 10


@dataclass(frozen=True)
class Numbers:
    """Computed results that the page is written from.

    Attributes
    ----------
    trend
        By cell; and of the area mean, with the series itself, in ``mean_trend``, ``mean``.
    severity
        Area weighted by category, by day.
    share
        Share of the ocean in any category, by day; ``None`` where there is but one cell.
    shares
        Share of the ocean in each category, and heatwave days of the mean place, by year.
    complete
        Which years the record covers.
    events
        The strongest event of each year, strongest first; at most ten.
    places
        Their cells, as indices of the cube.
    trend_given
        Whether the map of trends is the user's.
    """

    trend: xr.Dataset
    mean: xr.DataArray
    mean_trend: xr.Dataset
    severity: xr.DataArray
    shares: xr.Dataset
    complete: npt.NDArray[np.bool_]
    events: pd.DataFrame
    places: list[dict[str, int]]
    share: xr.DataArray | None = None
    trend_given: bool = False

    @property
    def mean_words(self) -> str:
        """What the mean series is."""
        return "Annual area mean" if self.trend["slope"].ndim else "Annual mean"


def gather(mhw: Any, trend: xr.Dataset | None) -> Numbers:
    """Compute everything the page says but the pictures of single days and cells."""
    cube = plain(mhw.cube)
    yearly = annual_mean(cube)
    mean = area_mean(yearly) if yearly.ndim > 1 else yearly
    peak = plain(mhw.annual["intensity_max_max"])
    lazy = (
        compute_trend(yearly) if trend is None else trend,
        mean,
        weighted_severity(mhw),
        daily_share(mhw) if cube.size > cube.sizes[TimeAxis.of(cube).name] else None,
        yearly_shares(mhw),
        _block_peaks(abs(peak)),
    )
    # Chunks of the tiles are shared by all of these, and each is dropped once it was used.
    trends, mean, severity, share, shares, blocks = dask.compute(*lazy)
    record, annual = TimeAxis.of(cube), TimeAxis.of(peak)
    places, years = _strongest_years(blocks, peak)
    return Numbers(
        trends,
        mean,
        compute_trend(mean),
        severity,
        shares,
        np.asarray(record.expected_days >= _COMPLETE * 360),
        _event_rows(mhw, places, annual.year[years]),
        places,
        share,
        trend is not None,
    )


def _block_peaks(peak: xr.DataArray) -> list[Any]:
    """Return, for each chunk and lazily, the largest value and its cell for each year."""
    time = TimeAxis.of(peak).name
    ordered = peak.transpose(time, ...)
    if not ordered.chunks:
        return [_peaks_of(ordered.values, (0,) * ordered.ndim, ordered.shape)]
    array = ordered.data
    corners = [np.concatenate([[0], np.cumsum(c)[:-1]]) for c in array.chunks]
    blocks = array.to_delayed()
    peaks_of = dask.delayed(_peaks_of, pure=True)
    return [
        peaks_of(
            blocks[place],
            tuple(int(c[i]) for c, i in zip(corners, place, strict=True)),
            array.shape,
        )
        for place in np.ndindex(*blocks.shape)
    ]


def _peaks_of(
    block: npt.NDArray[Any], corner: tuple[int, ...], shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return rows of (year index, value, cell number in the whole cube)."""
    flat = np.where(np.isfinite(block), block, -np.inf).reshape(block.shape[0], -1)
    if not flat.size:
        return np.empty((0, 3))
    best = flat.argmax(axis=1)
    values = flat[np.arange(len(best)), best]
    cells: Any = best
    if len(shape) > 1:
        places = np.unravel_index(best, block.shape[1:])
        whole = [p + c for p, c in zip(places, corner[1:], strict=True)]
        cells = np.ravel_multi_index(whole, shape[1:])
    rows = np.column_stack([corner[0] + np.arange(len(best)), values, cells])
    return np.asarray(rows[np.isfinite(values)], "float64")


def _strongest_years(
    blocks: list[npt.NDArray[np.float64]], peak: xr.DataArray
) -> tuple[list[dict[str, int]], npt.NDArray[np.int64]]:
    """Return cell and year index of the strongest event of each year, strongest first."""
    rows = np.concatenate(blocks) if blocks else np.empty((0, 3))
    # Ties go to the first cell, whatever the chunks.
    rows = rows[np.lexsort((rows[:, 2], -rows[:, 1], rows[:, 0]))]
    _, first = np.unique(rows[:, 0], return_index=True)
    best = rows[first]
    best = best[np.lexsort((best[:, 0], -best[:, 1]))][:_TABLE]
    time = TimeAxis.of(peak).name
    dims = [str(d) for d in peak.dims if d != time]
    shape = tuple(peak.sizes[d] for d in dims)
    places = [
        dict(zip(dims, map(int, np.unravel_index(int(cell), shape)), strict=True)) if dims else {}
        for cell in best[:, 2]
    ]
    return places, best[:, 0].astype("int64")


def _event_rows(
    mhw: Any, places: list[dict[str, int]], years: npt.NDArray[np.int64]
) -> pd.DataFrame:
    """Return the full table row of each of these events."""
    if not places:
        return pd.DataFrame()
    dims = list(places[0])
    where = {d: xr.DataArray([p[d] for p in places], dims="place") for d in dims}
    few = narrow(mhw, where)
    table = few.events()
    chosen = []
    for number, year in enumerate(years):
        rows = table[table["place"] == number] if dims else table
        rows = rows[[int(str(d)[:4]) == year for d in rows["date_start"]]]
        if len(rows):
            chosen.append(rows.loc[[rows["intensity_max"].abs().idxmax()]])
    return pd.concat(chosen, ignore_index=True) if chosen else pd.DataFrame()
