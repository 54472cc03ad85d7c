"""False alarms: measured by the public functions, at their documented rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.trends.rates import _red_noise
from climcube.errors import ParameterError
from tests.analysis.trends.test_trend import years

DEFAULTS = ["ols: ar1", "theil_sen: ar1"]


def test_the_defaults_keep_their_level() -> None:
    """20,000 series for each memory: 0.025 to 0.08 (the standard error is 0.0015)."""
    rates = cc.false_positive_rates(40, (0.0, 0.3, 0.6), tests=DEFAULTS, series=20_000, seed=1)
    assert (rates > 0.025).all() and (rates < 0.08).all(), rates.to_series()


def test_change_and_breakpoint_keep_theirs() -> None:
    names = ["change: ar1", "breakpoint: ar1"]
    rates = cc.false_positive_rates((40, 60), (0.0, 0.6), tests=names, series=4000)
    assert (rates > 0.015).all() and (rates < 0.08).all(), rates.to_series()


def test_known_rates_of_what_is_no_default() -> None:
    """Measured independently of this code (semantics: 3000 series, n = 40, phi 0 and 0.6)."""
    known = {
        "ols: none": (0.047, 0.328), "ols: ar1_uncorrected": (0.039, 0.089),
        "theil_sen: none": (0.048, 0.308), "theil_sen: hamed_rao": (0.087, 0.227),
        "theil_sen: yue_wang": (0.464, 0.527), "theil_sen: yue_wang, lags=1": (0.080, 0.149),
        "theil_sen: tfpw": (0.053, 0.385), "theil_sen: pre_whitening": (0.044, 0.056),
    }  # fmt: skip
    rates = cc.false_positive_rates(40, (0.0, 0.6), tests=list(known), series=3000)
    for name, expected in known.items():
        found = rates.sel(test=name, n=40).values
        error = np.sqrt(np.multiply(expected, np.subtract(1, expected)) / 3000)
        assert (np.abs(found - expected) < 4.5 * np.sqrt(2) * error + 0.006).all(), name


@pytest.mark.parametrize("name", ["ols", "sen", "quantile", "change", "breakpoint"])
def test_gaps_do_not_hide_memory(name: str) -> None:
    """Half of the values missing at random: 0.07 to 0.15 as long as the sums were not scaled."""
    noise = _red_noise(80, 1500, 0.8, [3])
    noise[np.random.default_rng(5).random(noise.shape) < 0.5] = np.nan
    cube = xr.DataArray(noise.T, dims=("time", "cell"), coords={"time": years(80)}, name="noise")
    ask: Any = {
        "ols": cc.trend,
        "sen": lambda cube: cc.trend(cube, method="theil_sen"),
        "quantile": lambda cube: cc.quantile_trend(cube, 0.5),
        "change": lambda cube: cc.change(cube, (1901, 1940), (1941, 1980)),
        "breakpoint": cc.breakpoint,
    }[name]
    pvalue = ask(cube).pvalue
    assert float((pvalue < 0.05).mean()) < 0.065
    assert float(pvalue.notnull().mean()) > 0.5
    alone = cube.where((np.arange(80) % 2 == 0)[:, None])
    assert np.isnan(ask(alone).pvalue).all()


def test_the_noise_is_what_it_is_said_to_be() -> None:
    noise = _red_noise(60, 20_000, 0.6, [1])
    np.testing.assert_allclose(noise.var(axis=0), 1, atol=0.05)
    pairs = (noise[:, 1:] * noise[:, :-1]).mean(axis=0)
    np.testing.assert_allclose(pairs, 0.6, atol=0.05)
    assert abs((noise[:, 10:] * noise[:, :-10]).mean() - 0.6**10) < 0.01


def test_seeds_repeat_and_every_series_counts() -> None:
    options: dict[str, Any] = {"tests": ["ols: ar1"], "series": 400}
    first = cc.false_positive_rates(20, 0.5, **options)
    assert first.item() == cc.false_positive_rates(20, 0.5, **options).item()
    assert first.item() != cc.false_positive_rates(20, 0.5, seed=5, **options).item()
    assert first.dims == ("test", "n", "phi") and first.shape == (1, 1, 1)
    everything = cc.false_positive_rates(20, 0.5, tests=["ols: none"], alpha=0.9999999)
    assert everything.item() == 1


def test_every_method_can_be_measured() -> None:
    rates = cc.false_positive_rates(30, 0.3, series=60)
    assert (rates >= 0).all() and (rates <= 1).all()
    assert rates.sizes["test"] > 15 and "ols: ar1" in rates.test


def test_the_table_of_the_documentation_is_what_this_code_gives() -> None:
    table = Path(__file__).parents[3] / "docs/explanation/tables/false_positive_rates.md"
    if not table.exists():
        pytest.skip("the documentation does not travel with the source distribution")
    names = ["ols: ar1", "theil_sen: tfpw", "change: ar1", "breakpoint: ar1"]
    phi = (0.0, 0.3, 0.6, 0.8)
    rates = cc.false_positive_rates(20, phi, tests=names, series=20_000)
    page = table.read_text(encoding="utf-8").split("| n = 40")[0]
    for name in names:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
        written = np.array(row.split("|")[2:-1], "float64")
        # Rounded to three digits; one series more or less is rounding on another machine.
        np.testing.assert_allclose(written, rates.sel(test=name, n=20), atol=0.00061)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"n": 9}, "10 or more"),
        ({"n": 40.5}, "n="),
        ({"n": []}, "n="),
        ({"phi": 1.0}, "-1 and 1"),
        ({"phi": "red"}, "phi not understood"),
        ({"tests": ["ols"]}, "'ols: ar1'"),
        ({"tests": []}, "no test is named"),
        ({"alpha": 5}, "alpha"),
        ({"series": 0}, "series"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        cc.false_positive_rates(**options)


def test_numbers_of_numpy_are_numbers() -> None:
    plain = cc.false_positive_rates(20, 0.5, tests="ols: ar1", series=50)
    other = cc.false_positive_rates(
        np.int64(20), np.float32(0.5), tests="ols: ar1", series=np.int64(50)
    )
    xr.testing.assert_identical(other, plain)
