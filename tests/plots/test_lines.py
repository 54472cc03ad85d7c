"""The mean series and its trend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.trends.trend import trend
from climcube.errors import CubeError
from climcube.plots import time_series


def test_time_series_with_its_trend(all_texts: Any) -> None:
    time = xr.date_range("1990-01-01", periods=30, freq="YS")
    values = 15 + 0.02 * np.arange(30) + 0.01 * (-1.0) ** np.arange(30)
    series = xr.DataArray(values, {"time": time}, "time", name="sst", attrs={"units": "degC"})
    ax = time_series(series, trend=trend(series), title="Area mean")
    assert ax.get_title(loc="left") == "Area mean, 1990–2019"
    assert "trend +0.20 °C per decade (95 % CI" in all_texts(ax)
    line = next(item for item in ax.lines if item.get_label() == "Trend")
    drawn = np.asarray(line.get_ydata())
    assert drawn[-1] - drawn[0] == pytest.approx(0.02 * 29, rel=0.05)
    with pytest.raises(CubeError, match="one series"):
        time_series(series.expand_dims(x=2))
    with pytest.raises(CubeError, match="nothing to draw"):
        time_series(series * np.nan)
