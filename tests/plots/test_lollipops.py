"""Stems of all events of a cell."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from climcube.analysis.events.heatwaves import heatwaves
from climcube.errors import CubeError, ParameterError
from climcube.plots import lolliplot
from climcube.plots.style import CATEGORIES, palette
from climcube.testing.ocean import synthetic_ocean

PLACE = {"lat": 30, "lon": 170}


def heads(ax: Any) -> dict[str, list[float]]:
    """Return the heights of the heads of each category."""
    return {
        str(line.get_label()).partition(" (")[0]: sorted(np.asarray(line.get_ydata(), float))
        for line in ax.lines
        if not str(line.get_label()).startswith("_")
    }


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
@pytest.mark.parametrize("cold", [False, True])
def test_every_event_has_a_stem_in_the_colour_of_its_category(
    plant: Any, all_texts: Any, calendar: str, cold: bool
) -> None:
    ax = lolliplot(plant(calendar=calendar, cold=cold), cell=PLACE)
    sign = -1 if cold else 1
    expected = {"Moderate": [1.2, 1.5], "Strong": [2.5], "Severe": [3.5], "Extreme": [4.5]}
    found = heads(ax)
    assert found.keys() == expected.keys()
    for name, sizes in expected.items():
        assert found[name] == pytest.approx(sorted(sign * s for s in sizes))
    colours = {
        str(line.get_label()).partition(" (")[0]: to_hex(line.get_color()) for line in ax.lines
    }
    for name, colour in zip(CATEGORIES, palette(cold), strict=True):
        assert colours[name] == colour.lower()
    stems = np.concatenate([c.get_segments() for c in ax.collections])
    assert (stems[:, 0, 1] == 0).all()
    text = all_texts(ax)
    kind = "cold spell" if cold else "heatwave"
    assert f"Marine {kind}s at 30°N, 170°E, 2000–2001" in text
    assert "5 events by category, at their peak" in text
    assert "Moderate (2)" in text
    assert ax.get_ylabel() == "Maximum intensity (°C)"


def test_heads_stand_on_their_dates(plant: Any) -> None:
    mhw = plant()
    table = mhw.events()
    table = table[(table.lat == 30) & (table.lon == 170)]
    for xaxis in ("date_peak", "date_start", "date_end"):
        ax = lolliplot(mhw, cell=PLACE, xaxis=xaxis)
        drawn = sorted(
            str(day)[:10]
            for line in ax.lines
            if not str(line.get_label()).startswith("_")
            for day in np.asarray(line.get_xdata())
        )
        assert drawn == sorted(str(day)[:10] for day in table[xaxis])


@pytest.mark.parametrize(
    ("metric", "label", "extreme"),
    [
        ("duration", "Duration (days)", 8),
        ("duration_severe", "Days in category Severe (days)", 1),
        ("intensity_cumulative", "Cumulative intensity (°C days)", 18.2),
        ("intensity_mean", "Mean intensity (°C)", 18.2 / 8),
        ("intensity_max_relThresh", "Maximum intensity, relative to threshold (°C)", 3.5),
        ("intensity_max_abs", "Maximum intensity, absolute (°C)", 24.5),
        ("rate_onset", "Rate of onset (°C per day)", (4.5 - 0.6) / 2.5),
    ],
)
def test_metrics(plant: Any, metric: str, label: str, extreme: float) -> None:
    # The event of 8 days: 1.2, 2.5, 4.5, 3.5, 2.2, 1.8, 1.4, 1.1 above a climatology of 20.
    ax = lolliplot(plant(), cell=PLACE, metric=metric)
    assert ax.get_ylabel() == label
    assert heads(ax)["Extreme"] == pytest.approx([extreme])
    low, high = ax.get_ylim()
    assert low < extreme < high


def test_absolute_values_stand_on_the_edge_of_the_frame(plant: Any) -> None:
    for cold, edge in ((False, 0), (True, 1)):
        ax = lolliplot(plant(cold=cold), cell=PLACE, metric="intensity_max_abs")
        stems = np.concatenate([c.get_segments() for c in ax.collections])
        assert (stems[:, 0, 1] == ax.get_ylim()[edge]).all()
        assert not np.isclose(ax.get_ylim()[0], 0)


def test_the_largest_are_dated(plant: Any, all_texts: Any) -> None:
    text = all_texts(lolliplot(plant(), cell=PLACE, event_count=2))
    assert "3 Mar 2001" in text
    assert "1 Jun 2001" in text
    assert "30 Dec 2000" not in text
    longest = all_texts(lolliplot(plant(), cell=PLACE, metric="duration", event_count=1))
    assert "1 Jun 2001" in longest
    assert "3 Mar 2001" not in longest
    none = all_texts(lolliplot(plant(), cell=PLACE, event_count=0))
    assert not re.search(r"\d+ \w{3} 200\d", none)
    coldest = lolliplot(plant(cold=True), cell=PLACE, metric="intensity_max_abs", event_count=1)
    assert "3 Mar 2001" in all_texts(coldest)


def test_labels_never_lie_over_each_other_or_over_stems() -> None:
    for seed in range(3):
        sst = synthetic_ocean(years=15, shape=(2, 3), seed=seed).sst
        ax = lolliplot(heatwaves(sst, percentile=80), event_count=8)
        ax.figure.canvas.draw()
        labels = [
            t for t in ax.texts if t.get_text()[-4:].isdigit() and "limat" not in t.get_text()
        ]
        assert len(labels) >= 3
        boxes = [t.get_window_extent() for t in labels]
        for n, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[n + 1 :])
        heads_at = ax.transData.transform(
            np.concatenate([np.column_stack([ax.convert_xunits(line.get_xdata()),
                                             line.get_ydata()])
                            for line in ax.lines if not str(line.get_label()).startswith("_")])
        )  # fmt: skip
        for box in boxes:
            assert not any(box.contains(*point) for point in heads_at)


def test_a_cell_without_any_event_is_an_empty_frame_that_says_so(
    plant: Any, all_texts: Any
) -> None:
    ax = lolliplot(plant(), cell={"lat": 30, "lon": 190})
    assert "No marine heatwave in 2000–2001" in all_texts(ax)
    assert heads(ax) == {}
    assert ax.get_legend() is None
    assert not len(ax.get_yticks())


def test_lazy_and_eager_stems_are_equal(plant: Any) -> None:
    for metric in ("intensity_max", "duration"):
        eager, lazy = (
            heads(lolliplot(plant(lazy=lazy), cell=PLACE, metric=metric)) for lazy in (False, True)
        )
        assert eager == lazy


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"cell": {"lat": -30, "lon": 150}}, CubeError, "no values"),
        ({"cell": (30, 170)}, ParameterError, "cell not understood"),
        ({"cell": {"lat": "north", "lon": 170}}, ParameterError, "no number"),
        ({"cell": {"lat": np.nan, "lon": 170}}, ParameterError, "no number"),
        ({"metric": "intensity"}, ParameterError, "metric"),
        ({"xaxis": "date"}, ParameterError, "xaxis"),
        ({"event_count": -1}, ParameterError, "event_count"),
        ({"event_count": True}, ParameterError, "event_count"),
    ],
)
def test_mistakes(plant: Any, arguments: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        lolliplot(plant(), **arguments)
    assert "\n" not in str(caught.value)


def test_no_event_in_any_cell(plant: Any) -> None:
    calm = heatwaves(plant().cube * 0 + 20, climatology=plant().climatology)
    with pytest.raises(CubeError, match=r"no heatwave in the cube.*cell="):
        lolliplot(calm)
