"""The mean series, the line of its trend, and the band about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.trends.quantile_trend import quantile_trend
from climcube.analysis.trends.trend import trend
from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError, UnitsError, VariableError
from climcube.options import set_options
from climcube.plots import time_series


def noisy(calendar: str = "standard", freq: str = "YS", n: int = 40, seed: int = 2) -> xr.DataArray:
    time = xr.date_range(
        "1980-01-01", periods=n, freq=freq, calendar=calendar, use_cftime=calendar != "standard"
    )
    values = 15 + 0.02 * np.arange(n) + np.random.default_rng(seed).normal(0, 0.2, n)
    return xr.DataArray(values, {"time": time}, "time", name="sst", attrs={"units": "degC"})


@pytest.fixture
def series() -> xr.DataArray:
    """Forty years of which three are missing."""
    made = noisy()
    made[[0, 7, 20]] = np.nan
    return made


def line_of(ax: Any) -> np.ndarray[Any, Any]:
    return np.asarray(next(a for a in ax.lines if a.get_gid() == "trend").get_ydata())


def band_of(ax: Any, length: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the lower and the upper edge of the shading."""
    shading = next(c for c in ax.collections if c.get_gid() == "band")
    corners = shading.get_paths()[0].vertices
    x = np.unique(corners[:, 0])
    assert x.size == length
    at = [corners[corners[:, 0] == place, 1] for place in x]
    return np.array([a.min() for a in at]), np.array([a.max() for a in at])


def years_of(series: xr.DataArray) -> np.ndarray[Any, Any]:
    t = TimeAxis.of(series).decimal_year
    return np.asarray(t - t[0])


def words(ax: Any) -> str:
    return " ".join(t.get_text() for t in ax.texts).replace("\n", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_band_is_that_of_a_regression_line(series: xr.DataArray, confidence: float) -> None:
    linear_model = pytest.importorskip("statsmodels.regression.linear_model")
    fit = trend(series, autocorrelation="none", confidence=confidence)
    low, high = band_of(time_series(series, trend=fit), 40)
    t, known = years_of(series), np.isfinite(series.values)
    design = np.column_stack([np.ones(40), t])
    model = linear_model.OLS(series.values[known], design[known]).fit()
    expected = model.get_prediction(design).conf_int(alpha=1 - confidence)
    np.testing.assert_allclose(np.column_stack([low, high]), expected, rtol=1e-9)
    assert f"{100 * confidence:g} % confidence band of the line" in words(
        time_series(series, trend=fit)
    )


def test_memory_widens_the_band_as_it_widens_the_limits(series: xr.DataArray) -> None:
    narrow, wide = trend(series, autocorrelation="none"), trend(series)
    width = [np.subtract(*band_of(time_series(series, trend=f), 40)[::-1]) for f in (narrow, wide)]
    ratio = float((wide.ci_high - wide.ci_low) / (narrow.ci_high - narrow.ci_low))
    np.testing.assert_allclose(width[1], ratio * width[0])


@pytest.mark.parametrize("per", ["day", "month", "year", "decade", "century"])
@pytest.mark.parametrize("method", ["ols", "theil_sen"])
@pytest.mark.parametrize("calendar", ["standard", "360_day"])
def test_the_line_is_the_fits_own(per: str, method: str, calendar: str) -> None:
    series = noisy(calendar)
    ax = time_series(series, trend=trend(series, method=method, per=per))
    fit = trend(series, method=method, per="year")
    expected = float(fit.intercept) + float(fit.slope) * years_of(series)
    np.testing.assert_allclose(line_of(ax), expected, rtol=1e-12)
    assert line_of(ax)[0] == pytest.approx(float(fit.intercept), rel=1e-14)
    assert f"°C per {per}" in words(ax)


def test_the_line_is_not_drawn_anew_through_the_mean(series: xr.DataArray) -> None:
    fit = trend(series)
    moved = fit.assign(intercept=fit.intercept + 5)
    np.testing.assert_allclose(
        line_of(time_series(series, trend=moved)), line_of(time_series(series, trend=fit)) + 5
    )


def test_theil_sen_has_a_fan_about_the_median_time(series: xr.DataArray) -> None:
    fit = trend(series, method="theil_sen", confidence=0.9, per="century")
    ax = time_series(series, trend=fit)
    low, high = band_of(ax, 40)
    t, known = years_of(series), np.isfinite(series.values)
    middle = np.median(t[known])
    height = np.interp(middle, t, line_of(ax))
    lines = [height + float(fit[n]) / 100 * (t - middle) for n in ("ci_low", "ci_high")]
    np.testing.assert_allclose(low, np.minimum(*lines))
    np.testing.assert_allclose(high, np.maximum(*lines))
    assert "lines with the slopes at both 90 % limits, about the median time" in words(ax)
    assert "Mann–Kendall test, autocorrelation taken into account" in words(ax)


def test_slope_limits_probability_and_size_in_words(series: xr.DataArray) -> None:
    fit = trend(series, confidence=0.9)
    assert words(time_series(series, trend=fit)) == (
        f"trend {float(fit.slope):+.2f} °C per decade (90 % CI {float(fit.ci_low):+.2f} to "
        f"{float(fit.ci_high):+.2f}), p < 0.001, effective sample size {float(fit.n_eff):.3g} "
        "of 37; shading: 90 % confidence band of the line; "
        "Student's t test, autocorrelation taken into account"
    )
    ax = time_series(series, trend=fit, band=False)
    assert "shading" not in words(ax) and not ax.collections


def test_a_title_of_ones_own(series: xr.DataArray) -> None:
    ax = time_series(series, trend=trend(series), title="Area mean")
    assert ax.get_title(loc="left") == "Area mean, 1980–2019"
    assert "trend +0.2" in words(ax) and "(95 % CI" in words(ax)
    assert not words(time_series(series))


def test_part_of_the_years(series: xr.DataArray) -> None:
    fit = trend(series.isel(time=slice(10, 31)))
    ax = time_series(series, trend=fit)
    drawn = next(a for a in ax.lines if a.get_gid() == "trend")
    np.testing.assert_array_equal(drawn.get_xdata(), series.time.values[10:31])
    assert line_of(ax)[0] == pytest.approx(float(fit.intercept))
    band_of(ax, 21)


def test_the_unit_of_time_without_units_or_provenance(series: xr.DataArray) -> None:
    bare = series.drop_attrs()
    ax = time_series(bare, trend=trend(bare, per="month"))
    slope = float(trend(series, per="year").slope)
    assert line_of(ax)[-1] - line_of(ax)[0] == pytest.approx(39 * slope, rel=1e-9)
    assert "per month" in words(ax)
    with set_options(provenance=False):
        silent = trend(series, per="month", confidence=0.8)
        ax = time_series(series, trend=silent)
        assert "80 % CI" in words(ax)
        assert line_of(ax)[-1] - line_of(ax)[0] == pytest.approx(39 * slope, rel=1e-9)
        nothing = trend(bare, per="month")
    with pytest.raises(UnitsError, match="unit of time is not known"):
        time_series(bare, trend=nothing)


def test_dimensionless_and_quantified(series: xr.DataArray) -> None:
    share = series.assign_attrs(units="1")
    assert "per decade" in words(time_series(share, trend=trend(share)))
    pytest.importorskip("pint_xarray")
    quantified = series.pint.quantify()
    ax = time_series(quantified, trend=trend(quantified, per="day"))
    np.testing.assert_allclose(line_of(ax), line_of(time_series(series, trend=trend(series))))
    assert "°C per day" in words(ax)


def test_quantiles_are_labelled_lines_without_a_band(series: xr.DataArray, tidy: Any) -> None:
    fit = quantile_trend(series, [0.1, 0.9, 0.5])
    ax = time_series(series, trend=fit)
    lines = [np.asarray(a.get_ydata()) for a in ax.lines if a.get_gid() == "trend"]
    t = years_of(series)
    for drawn, q in zip(lines, (0.9, 0.5, 0.1), strict=True):
        own = fit.sel(quantile=q)
        np.testing.assert_allclose(drawn, float(own.intercept) + float(own.slope) / 10 * t)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label[:12] for label in labels] == ["0.9 quantile", "0.5 quantile", "0.1 quantile"]
    assert not ax.collections
    assert words(ax).startswith("trends of quantiles in °C per decade; rank-score test")
    tidy(ax)


def test_too_few_values_for_a_trend(series: xr.DataArray) -> None:
    fit = trend(series, min_valid=38)
    ax = time_series(series, trend=fit)
    assert words(ax) == "no trend: too few values"
    assert len(ax.lines) == 1
    assert words(time_series(series, trend=quantile_trend(series, min_valid=38))) == (
        "no trend: too few values"
    )


def test_a_line_without_limits_has_no_band(series: xr.DataArray) -> None:
    fit = trend(series, method="theil_sen", autocorrelation="pre_whitening")
    ax = time_series(series, trend=fit)
    assert line_of(ax).size == 40 and not ax.collections
    assert "CI" not in words(ax) and "shading" not in words(ax)
    assert "autocorrelation removed before the test (pre-whitening)" in words(ax)


def test_an_exact_line_has_a_band_of_no_width() -> None:
    series = noisy().copy(data=0.5 * np.arange(40.0))
    fit = trend(series, method="theil_sen", autocorrelation="none")
    assert "p < 0.001" in words(time_series(series, trend=fit))


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda s: trend(s.isel(time=slice(1, None)).assign_coords(
            time=s.time[:-1] + np.timedelta64(9, "D"))), CubeError, "another record"),
        (lambda s: trend(s.fillna(15.0)), CubeError, "another series.*37 valid.*40"),
        (lambda s: trend(s.expand_dims(x=2)), CubeError, "one series.*dimensions x"),
        (lambda s: trend(s.assign_attrs(units="K")), UnitsError, "other units.*degC.*K"),
        (lambda s: trend(s).drop_vars("intercept"), VariableError, "intercept"),
        (lambda s: trend(s).slope, VariableError, "DataArray"),
    ],
)  # fmt: skip
def test_trends_of_something_else(
    series: xr.DataArray, spoil: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        time_series(series, trend=spoil(series))
    assert "\n" not in str(caught.value)


def test_series_that_cannot_be_drawn(series: xr.DataArray) -> None:
    with pytest.raises(CubeError, match="one series"):
        time_series(series.expand_dims(x=2))
    with pytest.raises(CubeError, match="nothing to draw"):
        time_series(series * np.nan)


@pytest.mark.parametrize("method", ["ols", "theil_sen"])
@pytest.mark.parametrize(("freq", "n"), [("YS", 12), ("YS", 150), ("MS", 240), ("D", 3000)])
@pytest.mark.filterwarnings("ignore:.*seasonal cycle")
def test_words_are_legible(tidy: Any, method: str, freq: str, n: int) -> None:
    series = noisy(freq=freq, n=n)
    tidy(time_series(series, trend=trend(series, method=method)))
