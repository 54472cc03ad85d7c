"""Marine heatwaves of one series after another (Hobday et al. 2016, 2018).

Every entry point takes a ``(cells, time)`` float64 block, which it may overwrite, and returns
one array for each output. ``Settings`` are plain numbers; climatology and threshold are one
value for each day of year. For cold spells the series is negated on entry and the signs of
what is reported are turned back. ``allowed`` says which samples meet a second criterion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.annual import ANNUAL, add_event, begin_years, finish_years
from climcube.kernels.compiled import Array, compiled
from climcube.kernels.events import (
    WIDTH,
    category_of,
    describe_event,
    exceedance_limits,
    severity_of,
)
from climcube.kernels.percentile import sliding_statistics
from climcube.kernels.runs import (
    fill_gaps,
    find_events,
    mark_exceedances,
    remove_trend,
    restrict_events,
    stretches,
)
from climcube.kernels.settings import Settings
from climcube.kernels.smoothing import convolve_circular, smooth_circular

__all__ = [
    "ANNUAL",
    "annual",
    "anomaly",
    "category",
    "climatology",
    "event",
    "events",
    "prepare",
    "prepared_annual",
    "prepared_climatology",
    "prepared_events",
    "severity",
]

Block = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]

# No second criterion: one row without samples.
_ALL = np.empty((1, 0))


def climatology(
    block: Block,
    group: Days,
    days: Days,
    settings: Settings,
    size: int,
    quantile: float,
    grid: tuple[float, float],
    smooth: int,
    leap_day: int,
    *windows: Any,
) -> tuple[npt.NDArray[Any], ...]:
    """Return seasonal climatology, threshold and number of pooled samples by day of year.

    ``grid`` is what the series may have been packed with (`climcube.kernels.percentile`).
    """
    prepare(block, days, settings)
    return prepared_climatology(block, settings, size, quantile, grid, smooth, leap_day, *windows)


def prepared_climatology(
    block: Block,
    settings: Settings,
    size: int,
    quantile: float,
    grid: tuple[float, float],
    smooth: int,
    leap_day: int,
    *windows: Any,
) -> tuple[npt.NDArray[Any], ...]:
    """Do the same for series that were prepared already; they are left as they are."""
    scale, offset = grid  # of the negated series the offset is turned, too
    seas, thresh, count = sliding_statistics(
        block, size, quantile, (scale, settings.sign * offset), *windows
    )
    if leap_day >= 0:
        for table in (seas, thresh):
            table[:, leap_day] = 0.5 * (table[:, leap_day - 1] + table[:, leap_day + 1])
    smoother = smooth_circular if settings.ties > 0 else convolve_circular
    for table in (seas, thresh):
        smoother(table, smooth)
    return settings.sign * seas, settings.sign * thresh, count


def anomaly(
    block: Block, seas: Block, thresh: Block, group: Days, days: Days, settings: Settings
) -> tuple[Block]:
    """Return value minus climatology for each sample."""
    _fill(block, days, settings)
    return (block - seas[:, group],)


def severity(
    block: Block, seas: Block, thresh: Block, group: Days, days: Days, settings: Settings
) -> tuple[Block]:
    """Return (value - climatology) / (threshold - climatology), NaN where that is undefined."""
    prepare(block, days, settings)
    out = np.empty_like(block)
    _severity(block, settings.sign * seas, settings.sign * thresh, group, settings.ties, out)
    return (out,)


def category(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    allowed: Block = _ALL,
) -> tuple[npt.NDArray[np.int8]]:
    """Return the Hobday category of each sample that lies in an event, else 0."""
    out, _ = _state(block, seas, thresh, group, days, settings, allowed)
    return (out,)


def event(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    allowed: Block = _ALL,
) -> tuple[npt.NDArray[np.int32]]:
    """Return the number of the event that each sample lies in, counted from 1, else 0."""
    _, out = _state(block, seas, thresh, group, days, settings, allowed)
    return (out,)


def annual(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    year: Days,
    absent: Days,
    allowed: Block = _ALL,
) -> tuple[Block, ...]:
    """Return the columns named in ``ANNUAL``, each ``(cells, years)``.

    ``year`` numbers each sample's calendar year from 0, ``absent`` holds the days of each
    year within the record that have no sample at all.
    """
    prepare(block, days, settings)
    return prepared_annual(block, seas, thresh, group, days, settings, year, absent, allowed)


def prepared_annual(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    year: Days,
    absent: Days,
    allowed: Block = _ALL,
) -> tuple[Block, ...]:
    """Do the same for series that were prepared already."""
    sign = settings.sign
    table = np.empty((len(ANNUAL), block.shape[0], absent.size))
    _annual(
        block,
        sign * seas,
        sign * thresh,
        group,
        days,
        tuple(settings),
        allowed,
        year,
        absent,
        table,
    )
    return tuple(table)


def events(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    allowed: Block = _ALL,
) -> tuple[npt.NDArray[np.int64], Block]:
    """Return the cell of each event, and its row (`climcube.kernels.events`)."""
    prepare(block, days, settings)
    return prepared_events(block, seas, thresh, group, days, settings, allowed)


def prepared_events(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    allowed: Block = _ALL,
) -> tuple[npt.NDArray[np.int64], Block]:
    """Do the same for series that were prepared already."""
    sign = settings.sign
    return _events(block, sign * seas, sign * thresh, group, days, tuple(settings), allowed)


def prepare(block: Block, days: Days, settings: Settings) -> None:
    """Detrend, fill gaps and negate as the settings say, in place."""
    _fill(block, days, settings)
    if settings.sign < 0:
        np.negative(block, out=block)


def _fill(block: Block, days: Days, settings: Settings) -> None:
    if settings.detrend:
        remove_trend(block, days)
    fill_gaps(block, days, settings.max_pad)


def _state(
    block: Block,
    seas: Block,
    thresh: Block,
    group: Days,
    days: Days,
    settings: Settings,
    allowed: Block,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]:
    prepare(block, days, settings)
    categories = np.zeros(block.shape, np.int8)
    numbers = np.zeros(block.shape, np.int32)
    sign = settings.sign
    _daily(
        block,
        sign * seas,
        sign * thresh,
        group,
        days,
        tuple(settings),
        allowed,
        categories,
        numbers,
    )
    return categories, numbers


@compiled
def _search(
    series: Array,
    seas: Array,
    thresh: Array,
    group: Array,
    begins: Array,
    days: Array,
    settings: tuple[Any, ...],
    allowed: Array,
    limit: Array,
    above: Array,
    start: Array,
    end: Array,
) -> int:
    """Write what values must exceed and the events of one series; return how many."""
    min_duration, max_gap, _, _, ties, min_duration2, max_gap2, _ = settings
    exceedance_limits(seas, thresh, ties, limit)
    mark_exceedances(series, limit, group, begins, above)
    found = find_events(above, days, min_duration, max_gap, start, end)
    return restrict_events(allowed, days, min_duration2, max_gap2, found, start, end)


@compiled
def _work_arrays(times: int, groups: int) -> tuple[Array, Array, Array, Array]:
    """Return room for limits, exceedances, starts and ends, used by one series after another."""
    above = np.zeros((times + 8) // 8 * 8, np.uint8)
    start = np.empty(times // 2 + 1, np.int64)
    return np.empty(groups), above, start, np.empty_like(start)


@compiled
def _severity(
    block: Array, seas: Array, thresh: Array, group: Array, ties: float, out: Array
) -> None:
    limit = np.empty(seas.shape[1])
    for cell in range(block.shape[0]):
        exceedance_limits(seas[cell], thresh[cell], ties, limit)
        for i in range(block.shape[1]):
            g = group[i]
            if np.isinf(limit[g]):
                out[cell, i] = np.nan
            else:
                out[cell, i] = severity_of(block[cell, i], seas[cell, g], thresh[cell, g])


@compiled
def _daily(
    block: Array,
    seas: Array,
    thresh: Array,
    group: Array,
    days: Array,
    settings: tuple[Any, ...],
    allowed: Array,
    categories: Array,
    numbers: Array,
) -> None:
    limit, above, start, end = _work_arrays(block.shape[1], seas.shape[1])
    begins = stretches(group)
    for cell in range(block.shape[0]):
        found = _search(
            block[cell], seas[cell], thresh[cell], group, begins, days, settings,
            allowed[cell % len(allowed)], limit, above, start, end,
        )  # fmt: skip
        for k in range(found):
            for i in range(start[k], end[k] + 1):
                g = group[i]
                numbers[cell, i] = k + 1
                if not np.isinf(limit[g]):
                    severity = severity_of(block[cell, i], seas[cell, g], thresh[cell, g])
                    categories[cell, i] = category_of(severity)


@compiled
def _annual(
    block: Array,
    seas: Array,
    thresh: Array,
    group: Array,
    days: Array,
    settings: tuple[Any, ...],
    allowed: Array,
    year: Array,
    absent: Array,
    table: Array,
) -> None:
    sign = settings[3]
    limit, above, start, end = _work_arrays(block.shape[1], seas.shape[1])
    begins = stretches(group)
    row = np.empty(WIDTH)
    columns = np.empty(
        (table.shape[0], absent.size)
    )  # close together, unlike a cell's in the table
    for cell in range(block.shape[0]):
        series, own_seas, own_thresh = block[cell], seas[cell], thresh[cell]
        found = _search(
            series, own_seas, own_thresh, group, begins, days, settings,
            allowed[cell % len(allowed)], limit, above, start, end,
        )  # fmt: skip
        begin_years(series, limit, group, year, absent, columns)
        for k in range(found):
            first, last = start[k], end[k]
            describe_event(series, own_seas, own_thresh, limit, group, first, last, sign, row)
            add_event(
                series, own_seas, own_thresh, limit, group, year, first, last, sign, row, columns
            )
        finish_years(columns)
        table[:, cell] = columns


@compiled
def _events(
    block: Array,
    seas: Array,
    thresh: Array,
    group: Array,
    days: Array,
    settings: tuple[Any, ...],
    allowed: Array,
) -> tuple[Array, Array]:
    sign = settings[3]
    limit, above, start, end = _work_arrays(block.shape[1], seas.shape[1])
    begins = stretches(group)
    cells = np.empty(64, np.int64)
    rows = np.empty((64, WIDTH))
    size = 0
    for cell in range(block.shape[0]):
        series = block[cell]
        found = _search(
            series, seas[cell], thresh[cell], group, begins, days, settings,
            allowed[cell % len(allowed)], limit, above, start, end,
        )  # fmt: skip
        if size + found > cells.size:
            room = 2 * (size + found)
            more_cells, more_rows = np.empty(room, np.int64), np.empty((room, WIDTH))
            more_cells[:size], more_rows[:size] = cells[:size], rows[:size]
            cells, rows = more_cells, more_rows
        for k in range(found):
            describe_event(
                series, seas[cell], thresh[cell], limit, group, start[k], end[k], sign, rows[size]
            )
            cells[size] = cell
            size += 1
    return cells[:size].copy(), rows[:size].copy()
