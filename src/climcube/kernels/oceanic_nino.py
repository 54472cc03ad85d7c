"""The Oceanic Nino Index of one series of months after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MILD", "oceanic_nino"]

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MILD = 0.5  # degrees from which a season counts
_CLASSES = np.array([0.5, 1.0, 1.5, 2.0])  # weak, moderate, strong, very strong
_LEAST_SEASONS = 5
_NOISE = 9  # decimals; thresholds are met by values that fall short by rounding alone


def oceanic_nino(
    block: Floats,
    month: Whole,
    base: Whole,
    periods: Whole,
    share: float,
    decimals: int,
) -> tuple[npt.NDArray[np.generic], ...]:
    """Return anomaly, 3-month mean, episode (-1, 0, 1) and strength (0 to 4) of each month.

    Parameters
    ----------
    block
        ``(cells, months)``, one column for each month without a gap; NaN is missing.
    month
        Calendar month of each column, from 0.
    base
        Row of ``periods`` that is each column's base; -1 for none.
    periods
        First column and one past the last of each base period.
    share
        Of a base's values of a calendar month that must be there.
    decimals
        To which 3-month means are rounded before they are compared.
    """
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at month index {first}")
    departure = np.full(block.shape, np.nan)
    for row, (first, last) in enumerate(periods):
        for number in range(12):
            columns = np.flatnonzero((base == row) & (month == number))
            pool = block[:, first:last][:, month[first:last] == number]
            departure[:, columns] = block[:, columns] - _mean(pool, share)[:, None]
    season = np.full(block.shape, np.nan)
    season[:, 1:-1] = (departure[:, :-2] + departure[:, 1:-1] + departure[:, 2:]) / 3
    rounded = np.round(season, decimals if decimals >= 0 else _NOISE)
    episode, strength = (np.zeros(block.shape, np.int8) for _ in range(2))
    for cell in range(len(block)):
        _episodes(rounded[cell], episode[cell], strength[cell])
    return departure, season, episode, strength


def _mean(pool: Floats, share: float) -> Floats:
    there = np.isfinite(pool)
    count = there.sum(axis=1)
    enough = (count > 0) & (count >= share * pool.shape[1] - 1e-9)
    total = np.where(there, pool, 0.0).sum(axis=1)
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def _episodes(
    season: Floats, episode: npt.NDArray[np.int8], strength: npt.NDArray[np.int8]
) -> None:
    """Mark runs of one sign that are long enough."""
    with np.errstate(invalid="ignore"):
        sign = np.where(season >= MILD, 1, np.where(season <= -MILD, -1, 0))
    edges = np.flatnonzero(np.diff(sign)) + 1
    for start, end in zip([0, *edges], [*edges, len(sign)], strict=True):
        if sign[start] and end - start >= _LEAST_SEASONS:
            episode[start:end] = sign[start]
            strength[start:end] = np.sum(np.abs(season[start:end]).max() >= _CLASSES)
