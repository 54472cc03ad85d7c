"""Results that go on from checkpoints (`climcube.kernels.checkpoint`): the new days alone count.

Every entry point takes ``(cells, samples)`` values as they were given, which it may overwrite,
checkpoints, climatology and threshold of the days of year that occur, and plain tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.kernels.annual import ANNUAL, finish_years
from climcube.kernels.checkpoint import SLOTS, Clock, fill_on, go_on
from climcube.kernels.compiled import Array, compiled
from climcube.kernels.events import category_of, exceedance_limits, severity_of
from climcube.kernels.runs import drop_infinite, is_after_hole
from climcube.kernels.settings import Settings
from climcube.kernels.unpacking import exact_series

__all__ = ["advance", "annual", "closed", "daily", "known", "off_grid", "remaining"]

Block = npt.NDArray[np.float64]
Packing = tuple[float, ...] | None

_COLUMNS, _MISSING = len(ANNUAL), ANNUAL.index("days_missing")
_EXACT, _OPEN, _POSITION = (SLOTS.index(name) for name in ("exact", "open", "position"))


def advance(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    sums: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
) -> tuple[Block, Block]:
    """Settle the block's first ``clock.stop`` samples; return checkpoint and annual sums.

    The sums of a cell are one row of `climcube.kernels.annual.ANNUAL` for each of
    ``clock.years``, without the days that are absent from the record.
    """
    _run(block, checkpoint, seas, thresh, sums, clock, settings, packing, final=False)
    return checkpoint, sums


def closed(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
) -> tuple[npt.NDArray[np.int64], Block]:
    """Return the events that are over once the first ``clock.stop`` samples are settled."""
    sums = np.zeros((block.shape[0], clock.years.size * _COLUMNS))
    return _run(block, checkpoint, seas, thresh, sums, clock, settings, packing, final=False)


def remaining(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
) -> tuple[npt.NDArray[np.int64], Block]:
    """Return the events after the checkpoint, the record ending with the block."""
    sums = np.zeros((block.shape[0], clock.years.size * _COLUMNS))
    return _run(block, checkpoint, seas, thresh, sums, clock, settings, packing, final=True)


def annual(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    sums: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
    absent: npt.NDArray[np.int64],
    within: npt.NDArray[np.int64],
) -> tuple[Block, ...]:
    """Return the columns of `climcube.kernels.annual.ANNUAL`, each ``(cells, years)``.

    ``within`` holds the days of each year that lie in the record, ``absent`` those of them that
    have no sample.
    """
    _run(block, checkpoint, seas, thresh, sums, clock, settings, packing, final=True)
    table = sums.reshape(block.shape[0], clock.years.size, _COLUMNS)
    table[..., _MISSING] += absent
    for columns, own_thresh in zip(table, thresh, strict=True):
        finish_years(columns.T, within, own_thresh)
    return tuple(np.moveaxis(table, -1, 0))


def daily(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
    begin: int,
) -> tuple[npt.NDArray[Any], ...]:
    """Return anomaly, severity, category and event number from sample ``begin`` of the block."""
    sums = np.zeros((block.shape[0], clock.years.size * _COLUMNS))
    numbers = np.zeros(block.shape, np.int32)
    categories = np.zeros(block.shape, np.int8)
    _run(
        block, checkpoint, seas, thresh, sums, clock, settings, packing,
        final=True, numbers=numbers, categories=categories,
    )  # fmt: skip
    sign, group = settings.sign, clock.group[begin:]
    values, own_seas, own_thresh = block[:, begin:], sign * seas[:, group], sign * thresh[:, group]
    limit = np.empty_like(seas)
    for cell in range(block.shape[0]):
        exceedance_limits(sign * seas[cell], sign * thresh[cell], settings.ties, limit[cell])
    with np.errstate(invalid="ignore", divide="ignore"):
        severity = 1.0 + (values - own_thresh) / (own_thresh - own_seas)
    severity[np.isinf(limit[:, group])] = np.nan
    anomaly = sign * values - seas[:, group]
    return anomaly, severity, categories[:, begin:], numbers[:, begin:]


def known(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
    asked: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], Block]:
    """Return where the category of a day differs from that of the sample before.

    Each as it was known on its own day: days to come may still make an event of it, or join it.
    A row holds the sample's number in the block, the categories before and now, severity and
    anomaly, NaN where its value is missing. ``asked`` are the samples wanted.
    """
    _prepare(block, checkpoint, settings, packing)
    sign = settings.sign
    cells, rows = _known(
        block, checkpoint, sign * seas, sign * thresh, clock.days, clock.group, clock.holes,
        clock.first,
        settings.min_duration, settings.max_pad, settings.ties, asked,
    )  # fmt: skip
    rows[:, 4] *= sign
    return cells, rows


def off_grid(block: Block, exact: Block, packing: tuple[float, ...]) -> tuple[Block]:
    """Return 1 for cells whose values were packed so far and now are not, else 0."""
    return (((exact[:, 0] > 0) & ~exact_series(block, *packing)).astype("float64"),)


def _prepare(block: Block, checkpoint: Block, settings: Settings, packing: Packing) -> None:
    """Decode packed values exactly and turn the sign for cold spells, in place.

    Whether a cell is decoded is decided once, by all values that it had when it began.
    """
    exact = checkpoint[:, _EXACT]
    if packing is None:
        exact[:] = 0.0
    elif np.isnan(exact).any():
        exact[:] = exact_series(block, *packing)
    elif exact.all():
        exact_series(block, *packing)
    else:
        chosen = exact > 0
        part = block[chosen]
        exact_series(part, *packing)
        block[chosen] = part
    drop_infinite(block)
    if settings.sign < 0:
        np.negative(block, out=block)


def _run(
    block: Block,
    checkpoint: Block,
    seas: Block,
    thresh: Block,
    sums: Block,
    clock: Clock,
    settings: Settings,
    packing: Packing,
    *,
    final: bool,
    numbers: npt.NDArray[np.int32] | None = None,
    categories: npt.NDArray[np.int8] | None = None,
) -> tuple[npt.NDArray[np.int64], Block]:
    _prepare(block, checkpoint, settings, packing)
    sign = settings.sign
    nothing = (0, block.shape[1])
    return go_on(
        block, checkpoint, sign * seas, sign * thresh,
        sums.reshape(block.shape[0], clock.years.size, _COLUMNS), tuple(clock),
        (settings.min_duration, settings.max_gap, settings.max_pad, sign, settings.ties), final,
        np.empty(nothing, np.int32) if numbers is None else numbers,
        np.empty(nothing, np.int8) if categories is None else categories,
    )  # fmt: skip


@compiled
def _known(
    block: Array,
    checkpoint: Array,
    seas: Array,
    thresh: Array,
    days: Array,
    group: Array,
    holes: Array,
    shift: int,
    min_duration: int,
    max_pad: int,
    ties: float,
    asked: Array,
) -> tuple[Array, Array]:
    limit, missing = np.empty(seas.shape[1]), np.empty(block.shape[1], np.bool_)
    level = np.zeros(block.shape[1], np.int64)
    cells = np.empty(block.shape[0] * asked.size, np.int64)
    rows, size = np.empty((cells.size, 5)), 0
    for cell in range(block.shape[0]):
        series, slots = block[cell], checkpoint[cell]
        exceedance_limits(seas[cell], thresh[cell], ties, limit)
        begin = int(slots[_POSITION]) - shift
        fill_on(series, days, missing, begin, series.size, max_pad, slots)
        run = min_duration if slots[_OPEN] > 0 else 0
        for i in range(begin, series.size):
            g = group[i]
            if is_after_hole(holes, i):
                run = 0
            run = run + 1 if series[i] > limit[g] else 0
            level[i] = 0
            if run >= min_duration and not missing[i]:
                level[i] = category_of(severity_of(series[i], seas[cell, g], thresh[cell, g]))
        for i in asked:
            before = level[i - 1] if i > 0 else 0
            if level[i] != before:
                g = group[i]
                value = np.nan if missing[i] else series[i]
                severity = severity_of(value, seas[cell, g], thresh[cell, g])
                cells[size] = cell
                rows[size, 0], rows[size, 1], rows[size, 2] = i, before, level[i]
                rows[size, 3], rows[size, 4] = severity, value - seas[cell, g]
                size += 1
    return cells[:size].copy(), rows[:size].copy()
