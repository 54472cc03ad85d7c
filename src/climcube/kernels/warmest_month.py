"""The warmest month of one series of monthly means after another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["warmest_month"]

Floats = npt.NDArray[np.float64]


def warmest_month(
    block: Floats, month: npt.NDArray[np.int64], year: Floats, share: float
) -> tuple[Floats, Floats]:
    """Return each calendar month's value on its regression line, and the largest of them.

    Parameters
    ----------
    block
        ``(cells, months)``; NaN is missing.
    month
        Calendar month of each column, from 0; -1 for those that are not used.
    year
        Of each column, counted from the year at which the line is evaluated.
    share
        Of a calendar month's columns that must have a value; below it the month is NaN.
    """
    if np.isinf(block).any():
        first = int(np.isinf(block).any(axis=0).argmax())
        raise FloatingPointError(f"infinite value at month index {first}")
    monthly = np.full((len(block), 12), np.nan)
    for number in range(12):
        columns = np.flatnonzero(month == number)
        if len(columns):
            monthly[:, number] = _on_line(block[:, columns], year[columns], share)
    there = np.isfinite(monthly)
    warmest = np.where(there, monthly, -np.inf).max(axis=1)
    return monthly, np.where(there.any(axis=1), warmest, np.nan)


def _on_line(values: Floats, year: Floats, share: float) -> Floats:
    """Least squares over the valid columns, evaluated at year 0."""
    there = np.isfinite(values)
    count = there.sum(axis=1)
    enough = (count > 0) & (count >= share * values.shape[1] - 1e-9)
    n = np.maximum(count, 1)
    x = np.where(there, year, 0.0)
    middle = x.sum(axis=1) / n
    x = np.where(there, x - middle[:, None], 0.0)
    # About the first valid value: sums of small numbers keep their digits.
    origin = values[np.arange(len(values)), there.argmax(axis=1)]
    y = np.where(there, values - origin[:, None], 0.0)
    spread = (x * x).sum(axis=1)
    slope = np.where(spread > 0, (x * y).sum(axis=1) / np.where(spread > 0, spread, 1.0), 0.0)
    return np.where(enough, origin + y.sum(axis=1) / n - slope * middle, np.nan)
