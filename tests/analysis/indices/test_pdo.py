"""The PDO: NumPy's own decomposition, sign, land, months without values, units, refusals."""

from __future__ import annotations

import sys

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CalendarError, CubeError, DependencyError, UnitsError
from climcube.testing.laziness import no_compute
from tests.analysis.indices.oceans import CALENDARS, globe

pytest.importorskip("xeofs", reason="xeofs is not installed (the extra eof)")

from climcube.analysis.indices.pdo import pdo

COAST = {"lat": slice(23, 60), "lon": slice(215, 250)}


def by_hand(sst: xr.DataArray, base: tuple[str, str]) -> dict[str, np.ndarray]:
    """Mantua's recipe in plain xarray and NumPy, rows of equal height."""
    weight = np.cos(np.deg2rad(sst.lat))
    cycle = sst.sel(time=slice(*base)).groupby("time.month").mean()
    departure = sst.groupby("time.month") - cycle
    residual = departure - departure.weighted(weight).mean(["lat", "lon"])
    field = residual.sel(lat=slice(20, 70), lon=slice(110, 260))
    root = np.sqrt(weight.sel(lat=field.lat)).broadcast_like(field[0])
    flat = (field * root).transpose("time", "lat", "lon").values.reshape(sst.sizes["time"], -1)
    used = np.isfinite(flat).all(axis=0)
    inside = ((sst.time.dt.year >= int(base[0])) & (sst.time.dt.year <= int(base[1]))).values
    fit = flat[inside][:, used]
    _, s, v = np.linalg.svd(fit - fit.mean(axis=0), full_matrices=False)
    index = (flat[:, used] - fit.mean(axis=0)) @ v[0]
    index /= index[inside].std(ddof=1)
    values = field.transpose("time", "lat", "lon")[inside]
    pattern = (values * xr.DataArray(index[inside], dims="time")).sum("time", skipna=False)
    pattern /= inside.sum() - 1
    sign = np.sign(pattern.sel(COAST).weighted(weight.sel(lat=COAST["lat"])).mean().item())
    return {
        "index": sign * index,
        "pattern": sign * pattern.values,
        "explained_variance": s[0] ** 2 / (s**2).sum(),
        "cells": used.sum(),
    }


@pytest.mark.parametrize("calendar", CALENDARS)
def test_it_is_the_leading_singular_vector(calendar: str) -> None:
    sst = globe(1991, 2000, calendar)
    for base in (("1991", "2000"), ("1992", "1997")):
        found, expected = pdo(sst, base_period=base), by_hand(sst, base)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, atol=1e-9, err_msg=name)
    assert found.pattern.sel(COAST).mean() > 0
    assert found.pattern.attrs["units_metadata"] == "temperature: difference"
    assert np.isnan(found.pattern.sel(lat=42.5, lon=252.5))  # land


def test_warm_along_the_coast_is_positive_whatever_the_sign_of_the_noise() -> None:
    for seed in range(3):
        sst = globe(1991, 1996, seed=seed)
        found, turned = pdo(sst), pdo((30 - sst).assign_attrs(sst.attrs))
        np.testing.assert_allclose(turned["index"], -found["index"], atol=1e-9)
        np.testing.assert_allclose(turned.pattern, found.pattern, atol=1e-9)


def test_nothing_is_computed_before_and_chunks_leave_no_trace() -> None:
    sst = globe(1991, 1998)
    whole = pdo(sst)
    for chunks in ({"time": 10}, {"lat": 7, "lon": 20}):
        with no_compute():
            lazy = pdo(sst.chunk(chunks))
        assert all(v.chunks is not None for v in lazy.data_vars.values())
        for name in whole.data_vars:
            np.testing.assert_allclose(lazy[name], whole[name], atol=1e-10)


def test_missing_cells_and_months_are_left_out() -> None:
    sst = globe(1991, 1998)
    lost = sst.copy()
    lost[7] = np.nan  # a month without any value
    lost[20, (sst.lat == 52.5).values.argmax(), (sst.lon == 172.5).values.argmax()] = np.nan
    found = pdo(lost)
    assert np.isnan(found["index"]).sum() == 1 and np.isnan(found["index"][7])
    assert np.isnan(found.pattern.sel(lat=52.5, lon=172.5))
    assert int(found.cells) == int(pdo(sst).cells) - 1
    kept = np.delete(np.arange(96), 7)
    np.testing.assert_allclose(found["index"][kept].std(ddof=1), 1)


def test_tiles_that_lack_months_are_added_up_as_the_whole_is_seen() -> None:
    """A month may be missing in one tile, or in all of them: that is known at the end only."""
    sst = globe(1991, 1996)
    sst[5] = np.nan
    sst[9, :, (sst.lon >= 150).values & (sst.lon < 200).values] = np.nan
    sst[30, (sst.lat > 40).values & (sst.lat < 50).values] = np.nan
    whole = pdo(sst)
    assert 2 < int(whole.cells) < 0.8 * int(pdo(globe(1991, 1996)).cells)
    for chunks in ({"lat": 5, "lon": 10}, {"lat": 1}, {"time": 7, "lon": 12}):
        lazy = pdo(sst.chunk(chunks)).compute()
        for name in whole.data_vars:
            np.testing.assert_allclose(lazy[name], whole[name], atol=1e-10, err_msg=name)


def test_no_task_holds_the_basin() -> None:
    coarse = globe(1991, 2020).chunk(lat=4, lon=9)
    place = {"lat": np.arange(-69.5, 70), "lon": np.arange(0.5, 360)}
    fine = coarse.reindex(place, method="nearest").chunk(lat=20, lon=20)
    basin = 8 * 360 * 50 * 150
    assert cc.plan(pdo(fine)).memory_per_worker < basin


def test_order_of_dimensions_two_dimensional_grids_and_kelvin() -> None:
    sst = globe(1991, 1998)
    whole = pdo(sst)
    turned = pdo(sst.transpose("lon", "time", "lat"))
    np.testing.assert_allclose(turned["index"], whole["index"], atol=1e-9)
    assert turned.pattern.dims == ("lon", "lat")
    kelvin = pdo((sst + 273.15).assign_attrs(units="K"))
    np.testing.assert_allclose(kelvin["index"], whole["index"], atol=1e-9)
    lat, lon = xr.broadcast(sst.lat, sst.lon)
    flat = sst.drop_vars(["lat", "lon"]).rename(lat="y", lon="x")
    area = np.cos(np.deg2rad(lat.values))
    curvilinear = flat.assign_coords(
        nav_lat=(("y", "x"), lat.values, {"standard_name": "latitude"}),
        nav_lon=(("y", "x"), lon.values, {"standard_name": "longitude"}),
        areacello=(("y", "x"), area, {"standard_name": "cell_area", "units": "m2"}),
    )
    found = pdo(curvilinear)
    np.testing.assert_allclose(found["index"], whole["index"], atol=1e-9)
    assert found.pattern.dims == ("y", "x")
    quantified = pdo(sst.pint.quantify({"lat": None, "lon": None}))
    assert str(quantified.pattern.pint.units) == "delta_degree_Celsius"


def test_a_basin_with_the_global_mean_beside_it() -> None:
    sst = globe(1991, 1998)
    steady = sst.fillna(15.0)  # the mean of anomalies is the anomaly of the mean
    mean = (
        steady.weighted(np.cos(np.deg2rad(sst.lat))).mean(["lat", "lon"]).assign_attrs(units="degC")
    )
    basin = steady.sel(lat=slice(20, 70), lon=slice(110, 260))
    found = pdo(basin, global_mean=mean)
    np.testing.assert_allclose(found["index"], pdo(steady)["index"], atol=1e-9)
    with pytest.raises(CubeError, match="global_mean="):
        pdo(basin)
    with pytest.raises(CubeError, match="one value a month"):
        pdo(basin, global_mean=basin)


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    sst = globe(1991, 1994)
    with pytest.raises(UnitsError, match="expected a temperature"):
        pdo(sst.assign_attrs(units="mm day-1"))
    with pytest.raises(CalendarError, match="1991..1994"):
        pdo(sst, base_period=(1981, 2010))
    with pytest.raises(CubeError, match=r"isel\(member=0\)"):
        pdo(sst.expand_dims(member=2))
    with pytest.raises(CubeError, match="too few values"):
        pdo(sst.where(sst.lat < 0))
    with pytest.raises(CubeError, match="North America"):
        pdo(sst.where((sst.lat < 20) | (sst.lon < 210)))
    lazy = pdo(sst.where(sst.lat < 0).chunk(time=5))
    with pytest.raises(CubeError, match="too few values"):
        lazy.compute()
    monkeypatch.setitem(sys.modules, "xeofs", None)
    with pytest.raises(DependencyError, match=r"climcube\[eof\]"):
        pdo(sst)
