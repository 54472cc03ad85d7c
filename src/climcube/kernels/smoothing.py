"""Circular running mean over the days of year."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from climcube.kernels.compiled import compiled

__all__ = ["convolve_circular", "smooth_circular"]


@compiled
def _add(total: float, rest: float, value: float) -> tuple[float, float]:
    """Add to a running sum kept in two parts (Knuth's two-sum), so that nothing is lost.

    Days exactly on a threshold are not rare in quantised data, and a running sum that drifts
    by one part in 10^15 decides them by accident.
    """
    new = total + value
    part = new - total
    rest += (total - (new - part)) + (value - part)
    return new, rest


@compiled
def smooth_circular(rows: npt.NDArray[np.float64], width: int) -> None:
    """Replace each row by its centred circular running mean, in place.

    The mean runs over the valid entries as if they were neighbours; missing entries stay
    missing, so a day of year without data spoils none of the others. A width larger than the
    row visits entries more than once, as going around the year does.
    """
    if width <= 1:
        return
    half = width // 2
    packed = np.empty(rows.shape[1])
    for row in range(rows.shape[0]):
        size = 0
        for i in range(rows.shape[1]):
            if not np.isnan(rows[row, i]):
                packed[size] = rows[row, i]
                size += 1
        if size == 0:
            continue
        position = 0
        total = rest = 0.0
        for j in range(-half, half + 1):
            total, rest = _add(total, rest, packed[j % size])
        for i in range(rows.shape[1]):
            if np.isnan(rows[row, i]):
                continue
            rows[row, i] = (total + rest) / width
            total, rest = _add(total, rest, packed[(position + half + 1) % size])
            total, rest = _add(total, rest, -packed[(position - half) % size])
            position += 1


def convolve_circular(rows: npt.NDArray[np.float64], width: int) -> None:
    """Do the same by ``numpy.convolve``, rounding as the reference implementation does.

    The last bit then depends on the linear algebra library and the processor; for comparisons.
    """
    half = width // 2
    for row in rows if width > 1 else ():
        valid = ~np.isnan(row)
        if valid.any():
            around = np.pad(row[valid], half, mode="wrap")
            row[valid] = np.convolve(around, np.ones(width) / width, mode="valid")
