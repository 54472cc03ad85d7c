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
from climcube.kernels.events import WIDTH, category_of, describe_event, severity_of
from climcube.kernels.percentile import sliding_statistics
from climcube.kernels.runs import fill_gaps, find_events, remove_trend, restrict_events
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
    "severity",
]

Block = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]

# No second criterion: one row without samples.
_ALL = np.empty((1, 0))
# Thresholds this close to the climatology (ice, constants) define no heatwave.
_CLOSEST = 1e-9


def climatology(
    block: Block,
    group: Days,
    days: Days,
    settings: Settings,
    size: int,
    quantile: float,
    smooth: int,
    leap_day: int,
    *windows: Any,
) -> tuple[npt.NDArray[Any], ...]:
    """Return seasonal climatology, threshold and number of pooled samples by day of year."""
    _prepare(block, days, settings)
    seas, thresh, count = sliding_statistics(block, size, quantile, *windows)
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
    _prepare(block, days, settings)
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
    _prepare(block, days, settings)
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
    _prepare(block, days, settings)
    sign = settings.sign
    return _events(block, sign * seas, sign * thresh, group, days, tuple(settings), allowed)


def _prepare(block: Block, days: Days, settings: Settings) -> None:
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
    _prepare(block, days, settings)
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
def _limits(seas: Array, thresh: Array, ties: float, limit: Array) -> None:
    """Write what a value must exceed: infinity where the threshold defines no heatwave."""
    for i in range(seas.size):
        defined = thresh[i] - seas[i] > _CLOSEST * max(1.0, abs(seas[i]))
        limit[i] = thresh[i] + ties * abs(thresh[i]) if defined else np.inf


@compiled
def _severity(
    block: Array, seas: Array, thresh: Array, group: Array, ties: float, out: Array
) -> None:
    limit = np.empty(seas.shape[1])
    for cell in range(block.shape[0]):
        _limits(seas[cell], thresh[cell], ties, limit)
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
    min_duration, max_gap, _, _, ties, min_duration2, max_gap2, _ = settings
    limit = np.empty(seas.shape[1])
    start = np.empty(block.shape[1] // 2 + 1, np.int64)
    end = np.empty_like(start)
    for cell in range(block.shape[0]):
        _limits(seas[cell], thresh[cell], ties, limit)
        found = find_events(block[cell], limit, group, days, min_duration, max_gap, start, end)
        found = restrict_events(
            allowed[cell % len(allowed)], days, min_duration2, max_gap2, found, start, end
        )
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
    min_duration, max_gap, _, sign, ties, min_duration2, max_gap2, _ = settings
    limit = np.empty(seas.shape[1])
    start = np.empty(block.shape[1] // 2 + 1, np.int64)
    end = np.empty_like(start)
    row = np.empty(WIDTH)
    for cell in range(block.shape[0]):
        series, own_seas, own_thresh = block[cell], seas[cell], thresh[cell]
        columns = table[:, cell]
        _limits(own_seas, own_thresh, ties, limit)
        begin_years(series, limit, group, year, absent, columns)
        found = find_events(series, limit, group, days, min_duration, max_gap, start, end)
        found = restrict_events(
            allowed[cell % len(allowed)], days, min_duration2, max_gap2, found, start, end
        )
        for k in range(found):
            first, last = start[k], end[k]
            describe_event(series, own_seas, own_thresh, limit, group, first, last, sign, row)
            add_event(
                series, own_seas, own_thresh, limit, group, year, first, last, sign, row, columns
            )
        finish_years(columns)


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
    min_duration, max_gap, _, sign, ties, min_duration2, max_gap2, _ = settings
    limit = np.empty(seas.shape[1])
    start = np.empty(block.shape[1] // 2 + 1, np.int64)
    end = np.empty_like(start)
    cells = np.empty(64, np.int64)
    rows = np.empty((64, WIDTH))
    size = 0
    for cell in range(block.shape[0]):
        series = block[cell]
        _limits(seas[cell], thresh[cell], ties, limit)
        found = find_events(series, limit, group, days, min_duration, max_gap, start, end)
        found = restrict_events(
            allowed[cell % len(allowed)], days, min_duration2, max_gap2, found, start, end
        )
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
