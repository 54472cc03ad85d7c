"""Events of one series after another: the compiled loops over a block of cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from climcube.kernels.annual import add_event, begin_years, finish_years
from climcube.kernels.compiled import Array, compiled
from climcube.kernels.events import (
    TALLY,
    WIDTH,
    category_of,
    describe_event,
    exceedance_limits,
    severity_of,
)
from climcube.kernels.runs import (
    find_events,
    long_holes,
    mark_exceedances,
    restrict_events,
    stretches,
)

__all__ = ["annual_loop", "daily_loop", "events_loop", "severity_loop"]


@compiled
def _search(
    series: Array,
    seas: Array,
    thresh: Array,
    group: Array,
    begins: Array,
    days: Array,
    holes: Array,
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
    found = find_events(above, days, holes, min_duration, max_gap, start, end)
    return restrict_events(allowed, days, min_duration2, max_gap2, found, start, end)


@compiled
def _work_arrays(times: int, groups: int) -> tuple[Array, Array, Array, Array]:
    """Return room for limits, exceedances, starts and ends, used by one series after another."""
    above = np.zeros((times + 8) // 8 * 8, np.uint8)
    start = np.empty(times // 2 + 1, np.int64)
    return np.empty(groups), above, start, np.empty_like(start)


@compiled
def severity_loop(
    block: Array, seas: Array, thresh: Array, group: Array, ties: float, out: Array
) -> None:
    """Write the severity of each sample, NaN where the threshold defines no heatwave."""
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
def daily_loop(
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
    """Write category and event number of each sample that lies in an event."""
    limit, above, start, end = _work_arrays(block.shape[1], seas.shape[1])
    begins, holes = stretches(group), long_holes(days, settings[1], settings[2])
    for cell in range(block.shape[0]):
        found = _search(
            block[cell], seas[cell], thresh[cell], group, begins, days, holes, settings,
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
def annual_loop(
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
    """Write the annual columns of each series into ``table`` (columns, cells, years)."""
    sign = settings[3]
    limit, above, start, end = _work_arrays(block.shape[1], seas.shape[1])
    begins, holes = stretches(group), long_holes(days, settings[1], settings[2])
    tally, row = np.empty(len(TALLY)), np.empty(WIDTH)
    # Close together, unlike a cell's in the table.
    columns = np.empty((table.shape[0], absent.size))
    within = absent + np.bincount(year, minlength=absent.size)
    for cell in range(block.shape[0]):
        series, own_seas, own_thresh = block[cell], seas[cell], thresh[cell]
        found = _search(
            series, own_seas, own_thresh, group, begins, days, holes, settings,
            allowed[cell % len(allowed)], limit, above, start, end,
        )  # fmt: skip
        begin_years(series, limit, group, year, absent, columns)
        for k in range(found):
            first, last = start[k], end[k]
            describe_event(
                series, own_seas, own_thresh, limit, group, holes, first, last, sign, tally, row
            )
            add_event(
                series, own_seas, own_thresh, limit, group, year, first, last, sign, row, columns
            )
        finish_years(columns, within, own_thresh)
        table[:, cell] = columns


@compiled
def events_loop(
    block: Array,
    seas: Array,
    thresh: Array,
    group: Array,
    days: Array,
    settings: tuple[Any, ...],
    allowed: Array,
) -> tuple[Array, Array]:
    """Return the cell of each event, and its row."""
    sign = settings[3]
    limit, above, start, end = _work_arrays(block.shape[1], seas.shape[1])
    begins, holes = stretches(group), long_holes(days, settings[1], settings[2])
    cells, tally = np.empty(64, np.int64), np.empty(len(TALLY))
    rows = np.empty((64, WIDTH))
    size = 0
    for cell in range(block.shape[0]):
        series = block[cell]
        found = _search(
            series, seas[cell], thresh[cell], group, begins, days, holes, settings,
            allowed[cell % len(allowed)], limit, above, start, end,
        )  # fmt: skip
        if size + found > cells.size:
            room = 2 * (size + found)
            more_cells, more_rows = np.empty(room, np.int64), np.empty((room, WIDTH))
            more_cells[:size], more_rows[:size] = cells[:size], rows[:size]
            cells, rows = more_cells, more_rows
        for k in range(found):
            describe_event(
                series, seas[cell], thresh[cell], limit, group, holes, start[k], end[k], sign,
                tally, rows[size],
            )  # fmt: skip
            cells[size] = cell
            size += 1
    return cells[:size].copy(), rows[:size].copy()
