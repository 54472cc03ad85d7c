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

from climcube.kernels.annual import ANNUAL
from climcube.kernels.detection import annual_loop, daily_loop, events_loop, severity_loop
from climcube.kernels.percentile import sliding_statistics
from climcube.kernels.runs import drop_infinite, fill_gaps, remove_trend
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
    severity_loop(block, settings.sign * seas, settings.sign * thresh, group, settings.ties, out)
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
    annual_loop(
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
    return events_loop(block, sign * seas, sign * thresh, group, days, tuple(settings), allowed)


def prepare(block: Block, days: Days, settings: Settings) -> None:
    """Drop what is infinite, detrend, fill gaps and negate as the settings say, in place."""
    _fill(block, days, settings)
    if settings.sign < 0:
        np.negative(block, out=block)


def _fill(block: Block, days: Days, settings: Settings) -> None:
    drop_infinite(block)
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
    daily_loop(
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
