"""Scores tell good answers from bad ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.testing import score_events, score_trend


def table(*rows: tuple[float, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "lat": lat,
                "lon": 7.25,
                "date_start": pd.Timestamp(start),
                "date_end": pd.Timestamp(end),
                "kind": "long",
            }
            for lat, start, end in rows
        ]
    )


PLANTED = table((0, "2001-01-01", "2001-01-10"), (1, "2001-01-01", "2001-01-10"))


def test_perfect() -> None:
    found = PLANTED.copy()
    found["date_start"] += pd.Timedelta(hours=12)  # archives put a day at noon
    score = score_events(PLANTED, found)
    assert (score.recall, score.precision) == (1, 1)
    assert score.mean_date_error == score.max_date_error == 0
    assert score.kinds.loc["long"].tolist() == [2, 2, 0]


def test_missed_invented_and_shifted() -> None:
    found = table(
        (0, "2001-01-03", "2001-01-11"), (0, "2005-01-03", "2005-01-11"),
        (2, "2001-01-01", "2001-01-10")
    )  # fmt: skip
    score = score_events(PLANTED, found)
    assert score.matched == 1
    assert score.recall == 1 / 2 and score.precision == 1 / 3
    assert score.mean_date_error == 1.5  # two days late, one day long


def test_an_event_found_in_two_pieces_counts_once() -> None:
    found = table((0, "2001-01-01", "2001-01-06"), (0, "2001-01-08", "2001-01-10"))
    score = score_events(PLANTED.iloc[:1], found)
    assert score.recall == 1 and score.precision == 0.5
    assert score.mean_date_error == 2  # the longer piece is the match


def test_nothing_found_or_planted() -> None:
    score = score_events(PLANTED, PLANTED.iloc[:0])
    assert score.recall == 0 and np.isnan(score.precision) and np.isnan(score.mean_date_error)
    assert np.isnan(score_events(PLANTED.iloc[:0], PLANTED).recall)


def test_trend_coverage_counts_cells_with_both() -> None:
    planted = xr.DataArray([[0.1, 0.2, np.nan, 0.4]], dims=("lat", "lon"))
    slope = xr.DataArray([[0.1, 0.5, 0.3, np.nan]], dims=("lat", "lon"))
    trend = xr.Dataset({"slope": slope, "ci_low": slope - 0.1, "ci_high": slope + 0.1})
    score = score_trend(planted, trend.transpose("lon", "lat"))
    assert (score.cells, score.coverage) == (2, 0.5)
    assert score.mean_planted == pytest.approx(0.15) and score.mean_found == pytest.approx(0.3)
    assert score.rms_error == pytest.approx(0.3 / np.sqrt(2))
    assert score_trend(planted * np.nan, trend).cells == 0
