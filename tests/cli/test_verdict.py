"""The demonstration fails when what was planted is not found."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
import pytest
from rich.console import Console

from climcube.cli.verdict import checks, print_scores, require
from climcube.errors import ClimcubeError
from climcube.testing import EventScore, TrendScore

TREND = TrendScore(1500, 0.95, 0.3, 0.29, 0.02)
KINDS = pd.DataFrame(
    {"planted": [1000], "found": [1000], "date_error": [0.0]}, index=pd.Index(["five_day"])
)
EVENTS = EventScore(1000, 1000, 1000, 0.0, 0.0, KINDS)


def test_good_scores_pass() -> None:
    require(checks(TREND, EVENTS))


@pytest.mark.parametrize(
    ("trend", "events", "named"),
    [
        (replace(TREND, coverage=0.8), EVENTS, "interval"),
        (replace(TREND, coverage=1.0), EVENTS, "interval"),  # limits too wide are wrong as well
        (replace(TREND, coverage=float("nan")), EVENTS, "interval"),
        (TREND, replace(EVENTS, matched=900), "planted that were found"),
        (TREND, replace(EVENTS, found=1200), "found that were planted"),
        (TREND, replace(EVENTS, mean_date_error=0.5), "date error"),
        (TREND, replace(EVENTS, found=0, matched=0, mean_date_error=float("nan")), "planted"),
    ],
)
def test_bad_scores_are_named(trend: TrendScore, events: EventScore, named: str) -> None:
    with pytest.raises(ClimcubeError, match=named) as error:
        require(checks(trend, events))
    assert "did not find what was planted" in str(error.value)


def test_few_cells_may_scatter_more() -> None:
    require(checks(replace(TREND, cells=30, coverage=0.85), EVENTS))


def test_tables_show_planted_and_found() -> None:
    out = io.StringIO()
    bad = replace(EVENTS, matched=900)
    print_scores(Console(file=out, width=100), TREND, bad, checks(TREND, bad))
    text = out.getvalue()
    for words in ("five day", "1,000", "+0.290", "+0.300", "95.0 %", "90.0 %", "ok", "FAILED"):
        assert words in text
    assert "not planted" in text
