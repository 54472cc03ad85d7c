"""Every wrong cube of the issue's list, through every public function and command it reaches.

Each ends as one typed error of one line, with its parts (what, where, and expected, found or
remedy), before anything is computed, and leaves every folder as it was. Targets that cannot be
opened or must not be replaced: `tests.test_bad_targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import (
    AxisError,
    CalendarError,
    ChunkError,
    ClimcubeError,
    CubeError,
    ParameterError,
    UnitsError,
)
from climcube.testing import synthetic_ocean
from climcube.testing.laziness import no_compute
from tests.mistakes import COMMANDS, assert_exit_1, assert_one_line, command, contents

Kind = type[ClimcubeError]


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return synthetic_ocean(years=4, shape=(3, 4)).sst


# ---------------------------------------------------------------- cubes that are wrong


def _no_time(sst: xr.DataArray) -> xr.DataArray:
    return sst[0].drop_vars("time")


def _undated(sst: xr.DataArray) -> xr.DataArray:
    return sst.assign_coords(time=np.arange(sst.sizes["time"]))


def _two_time_axes(sst: xr.DataArray) -> xr.DataArray:
    start = xr.DataArray(sst.time.values[:2] - np.timedelta64(9, "D"), dims="reference_time")
    unmarked = sst[:900].copy()
    unmarked.time.attrs = {}  # nothing says which of the two is meant
    return unmarked.expand_dims(reference_time=start)


def _unordered(sst: xr.DataArray) -> xr.DataArray:
    order = np.arange(900)
    order[[400, 401]] = 401, 400
    return sst.isel(time=order)


def _repeated(sst: xr.DataArray) -> xr.DataArray:
    return sst.isel(time=[*range(500), *range(499, 900)])


def _sub_daily(sst: xr.DataArray) -> xr.DataArray:
    step = np.arange(900) * np.timedelta64(6, "h")
    return sst[:900].assign_coords(time=sst.time.values[0] + step)


def _monthly(sst: xr.DataArray) -> xr.DataArray:
    return sst[:24].assign_coords(time=xr.date_range("2000-01-01", periods=24, freq="MS"))


def _odd_units(sst: xr.DataArray) -> xr.DataArray:
    return sst[:900].assign_attrs(units="furlongs per fortnigth")


def _cut_in_time(sst: xr.DataArray) -> xr.DataArray:
    return sst.chunk(time=200)


def _words(sst: xr.DataArray) -> xr.DataArray:
    return sst[:5].astype(str)


@dataclass(frozen=True)
class Case:
    """A cube that is wrong, the error it earns, and the functions that must refuse it."""

    make: Callable[[xr.DataArray], xr.DataArray]
    kind: Kind
    fragments: tuple[str, ...]
    functions: tuple[str, ...]
    commands: bool = True  # whether a file can hold such a cube


DAILY = ("heatwaves", "climatology", "anomaly", "report")
TIMED = (*DAILY, "climatology_month", "anomaly_month", "trend", "change", "quantile_trend",
         "breakpoint", "annual_mean", "monthly_mean", "seasonal_mean", "accessor_trend",
         "accessor_heatwaves")  # fmt: skip
WITH_UNITS = (*TIMED, "area_mean", "zonal_mean")

CASES = {
    "no time axis": Case(_no_time, AxisError, ("no time axis", "sst", "lat, lon"), TIMED),
    "undated": Case(_undated, AxisError, ("no time axis", "int64"), TIMED, commands=False),
    "two time axes": Case(
        _two_time_axes, AxisError, ("several time axes", "reference_time", "time"), TIMED
    ),
    "unordered": Case(_unordered, AxisError, ("not increasing", "time[401]", "sortby"), TIMED),
    "repeated": Case(_repeated, AxisError, ("duplicate", "time[500]", "2001-05-14"), TIMED),
    "sub-daily": Case(
        _sub_daily, CalendarError, ("sub-daily", "2000-01-01", "make daily means first"),
        (*DAILY, "accessor_heatwaves"),
    ),
    "monthly": Case(
        _monthly, CalendarError, ("daily", "median step"), (*DAILY, "accessor_heatwaves")
    ),
    "unknown units": Case(
        _odd_units, UnitsError, ("unknown units", "sst", "furlongs per fortnigth", "degC"),
        WITH_UNITS,
    ),
    "cut in time": Case(
        _cut_in_time, ChunkError, ("time", "rechunk", "layout='series'"),
        ("heatwaves", "accessor_heatwaves", "report", "quantile_trend", "breakpoint"),
        commands=False,
    ),
    "words": Case(_words, CubeError, ("numbers", "sst", "<U"), WITH_UNITS, commands=False),
}  # fmt: skip

FUNCTIONS: dict[str, Callable[[xr.DataArray, Path], Any]] = {
    "heatwaves": lambda cube, _: cc.heatwaves(cube),
    "accessor_heatwaves": lambda cube, _: cube.climcube.heatwaves(),
    "climatology": lambda cube, _: cc.climatology(cube),
    "climatology_month": lambda cube, _: cc.climatology(cube, "month"),
    "anomaly": lambda cube, _: cc.anomaly(cube),
    "anomaly_month": lambda cube, _: cc.anomaly(cube, "month"),
    "trend": lambda cube, _: cc.trend(cube),
    "change": lambda cube, _: cc.change(cube, (2000, 2000), (2001, 2001)),
    "quantile_trend": lambda cube, _: cc.quantile_trend(cube),
    "breakpoint": lambda cube, _: cc.breakpoint(cube),
    "accessor_trend": lambda cube, _: cube.climcube.trend(),
    "annual_mean": lambda cube, _: cc.annual_mean(cube),
    "monthly_mean": lambda cube, _: cc.monthly_mean(cube),
    "seasonal_mean": lambda cube, _: cc.seasonal_mean(cube),
    "area_mean": lambda cube, _: cc.area_mean(cube),
    "zonal_mean": lambda cube, _: cc.zonal_mean(cube),
    "report": lambda cube, folder: cc.report(
        cube, folder / "page.html", figures=folder / "png", progress=False
    ),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize(
    ("name", "function"), [(n, f) for n, case in CASES.items() for f in case.functions]
)
def test_a_wrong_cube_is_refused_before_anything_is_computed(
    sst: xr.DataArray, tmp_path: Path, name: str, function: str, lazy: bool
) -> None:
    case = CASES[name]
    cube = case.make(sst)
    if lazy and not cube.chunks:
        cube = cube.chunk()
    with no_compute(), pytest.raises(ClimcubeError) as caught:
        FUNCTIONS[function](cube, tmp_path)
    assert isinstance(caught.value, case.kind), repr(caught.value)
    assert_one_line(caught.value, *case.fragments)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "function"),
    [(n, f) for n, c in CASES.items() if c.commands for f in c.functions if f in COMMANDS],
)
def test_a_wrong_file_is_refused_by_the_commands(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, function: str
) -> None:
    CASES[name].make(sst).to_netcdf(tmp_path / "cube.nc")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    verb, options = COMMANDS[function]
    assert_exit_1(command(verb, "cube.nc", *options), *CASES[name].fragments)
    assert contents(tmp_path) == before


def test_statistics_of_any_chunks_take_a_cube_cut_in_time(sst: xr.DataArray) -> None:
    cut = _cut_in_time(sst)
    for name in ("climatology", "anomaly", "trend", "annual_mean", "monthly_mean", "area_mean"):
        FUNCTIONS[name](cut, Path()).load()


# ---------------------------------------------------------------- base periods

PERIODS: dict[str, tuple[Any, Kind, tuple[str, ...]]] = {
    "before": ((1950, 1960), CalendarError, ("base_period", "1950", "2000..2003")),
    "after": (("2001", "2030"), CalendarError, ("base_period", "2030", "(2001, 2003)")),
    "upside down": ((2003, 2000), ParameterError, ("base_period", "upside down")),
    "one year": (2001, ParameterError, ("base_period", "two years")),
    "words": (("then", "now"), ParameterError, ("base_period", "two years")),
}
BASED: dict[str, Callable[[xr.DataArray, Any, Path], Any]] = {
    "heatwaves": lambda cube, period, _: cc.heatwaves(cube, base_period=period),
    "climatology": lambda cube, period, _: cc.climatology(cube, base_period=period),
    "anomaly": lambda cube, period, _: cc.anomaly(cube, "month", base_period=period),
    "report": lambda cube, period, folder: cc.report(
        cube, folder / "page.html", base_period=period, progress=False
    ),
}


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("function", BASED)
def test_base_periods(sst: xr.DataArray, tmp_path: Path, function: str, period: str) -> None:
    value, kind, fragments = PERIODS[period]
    with pytest.raises(kind) as caught:
        BASED[function](sst, value, tmp_path)
    assert_one_line(caught.value, *fragments)
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("verb", ["heatwaves", "anomaly", "report"])
def test_base_periods_of_commands(
    sst: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    sst.to_netcdf(tmp_path / "cube.nc")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    _, options = COMMANDS[verb]
    for period in ("1950-1960", "2003-2000"):
        assert_exit_1(command(verb, "cube.nc", *options, "--base-period", period), "base_period")
    usage = command(verb, "cube.nc", *options, "--base-period", "lately")
    assert usage.exit_code == 2 and "two years" in usage.stderr
    assert contents(tmp_path) == before


# ---------------------------------------------------------------- cells without a value


@pytest.mark.parametrize("lazy", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize("everywhere", [False, True], ids=["one cell", "all cells"])
def test_cells_without_any_value(sst: xr.DataArray, lazy: bool, everywhere: bool) -> None:
    full = sst.fillna(10.0)
    empty = xr.full_like(sst, np.nan) if everywhere else full.where(full.lat != full.lat[1])
    cube = empty.chunk(lat=1) if lazy else empty
    row = {"lat": 1}
    fit = cc.trend(cube).load().isel(row)
    assert (fit.n == 0).all() and fit[["slope", "pvalue", "n_eff"]].isnull().all().to_array().all()
    for frequency in ("day", "month", "season"):
        assert cc.climatology(cube, frequency).isel(row).isnull().all()
        assert cc.anomaly(cube, frequency).isel(row).isnull().all()
    for mean in (cc.annual_mean, cc.monthly_mean, cc.seasonal_mean):
        assert mean(cube).isel(row).isnull().all()
    assert cc.zonal_mean(cube).isel(row).isnull().all()
    assert cc.area_mean(cube).isnull().all() == everywhere
    mhw = cc.heatwaves(cube)
    annual, events = mhw.annual.load().isel(row), mhw.events()
    assert annual["count"].isnull().all() and annual["days"].isnull().all()
    assert annual["intensity_mean"].isnull().all()
    assert mhw.climatology["thresh"].isel(row).isnull().all()
    assert (mhw.daily["event"].isel(row) == 0).all()
    assert not (events["lat"] == float(sst.lat[1])).any() and (len(events) == 0) == everywhere
