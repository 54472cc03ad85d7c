"""Planted against found: how well an analysis recovered what a synthetic ocean was made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EventScore", "TrendScore", "score_events", "score_trend"]

_DAY: Any = np.timedelta64(1, "D")


@dataclass(frozen=True)
class EventScore:
    """Planted events against found ones, matched one to one by overlap of their days."""

    planted: int
    found: int
    matched: int
    mean_date_error: float
    max_date_error: float
    kinds: pd.DataFrame

    @property
    def recall(self) -> float:
        """Share of the planted events that were found."""
        return self.matched / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float:
        """Share of the found events that were planted."""
        return self.matched / self.found if self.found else float("nan")


@dataclass(frozen=True)
class TrendScore:
    """Planted trends against estimated ones over the cells that have both."""

    cells: int
    coverage: float
    mean_planted: float
    mean_found: float
    rms_error: float


def score_events(planted: pd.DataFrame, found: pd.DataFrame) -> EventScore:
    """Match found events with planted ones of the same cell and say how well they agree.

    An event matches at most one other, the one with which it shares the largest part of its
    days. The date error of a pair is the mean of the errors of its first and last day, in days;
    ``kinds`` has one row for each kind with the columns ``planted``, ``found`` and
    ``date_error`` (mean).
    """
    pairs = _pairs(_cells(planted), _cells(found))
    matches = planted[["kind"]].join(pairs.set_index("planted"), how="left")
    kinds = matches.groupby("kind", sort=False).agg(
        planted=("kind", "size"), found=("found", "count"), date_error=("date_error", "mean")
    )
    errors = pairs["date_error"]
    return EventScore(
        planted=len(planted),
        found=len(found),
        matched=len(pairs),
        mean_date_error=float(errors.mean()) if len(pairs) else float("nan"),
        max_date_error=float(errors.max()) if len(pairs) else float("nan"),
        kinds=kinds.sort_index(),
    )


def score_trend(planted: xr.DataArray, trend: xr.Dataset) -> TrendScore:
    """Say how often the confidence interval of a trend holds the planted one."""
    truth = planted.values.ravel()
    estimate = {
        name: trend[name].transpose(*planted.dims).values.ravel()
        for name in ("slope", "ci_low", "ci_high")
    }
    known = np.isfinite(truth) & np.isfinite(estimate["slope"])
    truth, estimate = truth[known], {k: v[known] for k, v in estimate.items()}
    if not known.any():
        return TrendScore(0, *(float("nan"),) * 4)
    inside = (estimate["ci_low"] <= truth) & (truth <= estimate["ci_high"])
    error = estimate["slope"] - truth
    return TrendScore(
        cells=int(known.sum()),
        coverage=float(inside.mean()),
        mean_planted=float(truth.mean()),
        mean_found=float(estimate["slope"].mean()),
        rms_error=float(np.sqrt((error**2).mean())),
    )


def _cells(events: pd.DataFrame) -> pd.DataFrame:
    """Return cell, first day and last day of each event, with its position in the table."""
    import pandas as pd

    dates = {
        name: pd.to_datetime(events[f"date_{name}"]).to_numpy().astype("datetime64[D]")
        for name in ("start", "end")
    }
    place = {name: np.round(events[name].to_numpy("float64"), 4) for name in ("lat", "lon")}
    return pd.DataFrame(
        place
        | {k: v.astype("datetime64[s]") for k, v in dates.items()}
        | {"row": events.index.to_numpy()}
    )


def _pairs(planted: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return matched pairs of rows, the best overlaps first, each row at most once."""
    both = planted.merge(found, on=["lat", "lon"], suffixes=("", "_found"))
    first = both[["start", "start_found"]]
    last = both[["end", "end_found"]]
    shared = (last.min(axis=1) - first.max(axis=1)) / _DAY + 1
    union = (last.max(axis=1) - first.min(axis=1)) / _DAY + 1
    start_error = (both["start"] - both["start_found"]).abs() / _DAY
    end_error = (both["end"] - both["end_found"]).abs() / _DAY
    both = both.assign(likeness=shared / union, date_error=(start_error + end_error) / 2)
    both = both[shared > 0].sort_values("likeness", ascending=False, kind="stable")
    taken: tuple[set[int], set[int]] = set(), set()
    keep = []
    for one, other in zip(both["row"], both["row_found"], strict=True):
        free = one not in taken[0] and other not in taken[1]
        keep.append(free)
        if free:
            taken[0].add(one)
            taken[1].add(other)
    columns = {"row": "planted", "row_found": "found", "date_error": "date_error"}
    kept: pd.DataFrame = both.loc[np.array(keep, bool), list(columns)]
    return kept.rename(columns=columns)
