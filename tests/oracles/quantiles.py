"""Quantile regression by the letter: all lines through two values, explicit scores."""

from __future__ import annotations

import numpy as np

TIED = 1e-10


def loss(t: np.ndarray, x: np.ndarray, tau: float, slope: float, level: float) -> float:
    """Sum of the check function over the departures from a line."""
    e = x - slope * t - level
    return float(np.where(e >= 0, tau * e, (tau - 1) * e).sum())


def best_lines(t: np.ndarray, x: np.ndarray, tau: float) -> tuple[float, float, float, float]:
    """Return the least loss, the least and the greatest best slope, and the level in the middle.

    The best lines form a convex set, whose corners go through two values each.
    """
    i, j = np.triu_indices(len(x), 1)
    slopes = (x[j] - x[i]) / (t[j] - t[i])
    losses = np.array([loss(t, x, tau, b, x[k] - b * t[k]) for b, k in zip(slopes, i, strict=True)])
    least = losses.min()
    best = slopes[losses <= least + TIED * max(1.0, np.abs(x).max())]
    middle = (best.min() + best.max()) / 2
    heights = x - middle * t
    at = np.array([loss(t, x, tau, middle, a) for a in heights])
    levels = heights[at <= at.min() + TIED * max(1.0, np.abs(x).max())]
    return least, best.min(), best.max(), (levels.min() + levels.max()) / 2


def rank_scores(t: np.ndarray, x: np.ndarray, tau: float, slope: float) -> tuple[float, float]:
    """Return the least and the greatest rank score of a slope that ties allow."""
    n = len(x)
    centred = t - t.mean()
    height = np.round(x - slope * t, 10)
    scores = []
    for order in (np.lexsort((t, height)), np.lexsort((-t, height))):
        weights = np.clip(n * tau - np.arange(n), 0, 1)
        scores.append(float((weights * centred[order]).sum()))
    return min(scores), max(scores)


def score_deviation(t: np.ndarray, tau: float) -> float:
    """Return the standard deviation of the rank score over all orders of the values."""
    n = len(t)
    weights = np.clip(n * tau - np.arange(n), 0, 1)
    return float(np.sqrt(weights.var(ddof=1) * ((t - t.mean()) ** 2).sum()))


def score_limits(t: np.ndarray, x: np.ndarray, tau: float, far: float) -> tuple[float, float]:
    """Return the ends of the slopes with a rank score within ``far`` of 0; NaN where none is."""
    i, j = np.triu_indices(len(x), 1)
    slopes = np.unique(np.round((x[j] - x[i]) / (t[j] - t[i]), 12))
    if len(slopes) == 1:
        slopes = np.array([slopes[0], slopes[0] + 1e-6])
    between = np.concatenate([[slopes[0] - 1], (slopes[1:] + slopes[:-1]) / 2, [slopes[-1] + 1]])
    scores = np.array([rank_scores(t, x, tau, b)[0] for b in between])
    low = slopes[np.flatnonzero(scores < -far).max()] if (scores < -far).any() else np.nan
    high = slopes[np.flatnonzero(scores > far).min() - 1] if (scores > far).any() else np.nan
    return float(low), float(high)
