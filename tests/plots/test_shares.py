"""Share of the ocean in each category: the numbers and the bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from climcube.errors import CubeError
from climcube.plots import category_share
from climcube.plots.selection import yearly_shares
from climcube.plots.style import CATEGORIES


def test_shares_by_hand(mhw: Any) -> None:
    shares = yearly_shares(mhw)
    # Five ocean cells of equal area; 2001 has 364 days here (the record ends on 30 December).
    assert float(shares["Extreme"][1]) == pytest.approx(1 / (5 * 364))
    assert float(shares["Moderate"][1]) == pytest.approx((4 + 5) / (5 * 364))
    assert float(shares["days"][1]) == pytest.approx(13 / 5)
    assert float(shares["days"][0]) == 0


def test_missing_days_leave_the_fraction(mhw: Any) -> None:
    mhw.annual["days_missing"][{"time": 1, "lat": 1, "lon": 2}] = 100
    assert float(yearly_shares(mhw)["Extreme"][1]) == pytest.approx(1 / (5 * 364 - 100))


@pytest.mark.parametrize("calendar", ["standard", "360_day"])
def test_bars_stack_to_the_total(make: Any, calendar: str) -> None:
    made = make(calendar=calendar)
    ax = category_share(made)
    shares = yearly_shares(made)
    top = max(bar.get_y() + bar.get_height() for bar in ax.patches)
    assert top == pytest.approx(100 * float(sum(shares[n][1] for n in CATEGORIES)))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(CATEGORIES)
    assert "2000–2001" in ax.get_title(loc="left")


def test_lazy_until_drawn(make: Any) -> None:
    shares = yearly_shares(make(lazy=True))
    assert all(shares[n].chunks is not None for n in CATEGORIES)
    np.testing.assert_allclose(shares["Strong"], yearly_shares(make())["Strong"])


def test_land_only(mhw: Any) -> None:
    mhw.climatology["seas"][:] = np.nan
    with pytest.raises(CubeError, match="nothing to draw"):
        category_share(mhw)


def test_a_region_counts_its_own_cells_only(plant: Any) -> None:
    whole, box = plant(), (165, 175, 20, 40)  # cell (1, 1) alone
    ax = category_share(whole, region=box)
    top = max(bar.get_y() + bar.get_height() for bar in ax.patches if bar.get_x() > 2000.5)
    days = whole.annual["days"].isel(time=1).sel(lat=30, lon=170)
    assert top == pytest.approx(100 * float(days) / 364)
    assert "30°N, 170°E" in ax.texts[0].get_text()
    assert ax.get_ylabel() == "Share of ocean area × days"


def test_years_without_any_value_are_not_called_calm(mhw: Any, all_texts: Any) -> None:
    mhw.annual["days_missing"][{"time": 0}] = 366
    assert "No data" in all_texts(category_share(mhw))
