"""Observations as people have them: Argo's flags and modes, argopy, tables, mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.matchup.argo import flag_numbers
from climcube.analysis.matchup.observations import Observations
from climcube.analysis.matchup.profiles import read_observations
from climcube.errors import (
    ClimcubeError,
    CubeError,
    ParameterError,
    StoreError,
    StoreNotFoundError,
    UnitsError,
    VariableError,
)
from tests.mistakes import assert_one_line

CUBE = xr.DataArray(
    0.0, name="thetao", attrs={"units": "degC", "standard_name": "sea_water_temperature"}
)


def read(profiles: Any, variable: str | None = None, qc: Any = (1, 2)) -> Observations:
    return read_observations(profiles, variable, qc, CUBE)


def table(**columns: Any) -> pd.DataFrame:
    plain = {
        "lon": [1.0, 2.0, 3.0], "lat": [10.0, 20.0, 30.0],
        "time": pd.to_datetime(["2001-01-03", "2001-01-01", "2001-01-02"]),
        "temp": [15.0, 16.0, 17.0],
    }  # fmt: skip
    return pd.DataFrame({k: v for k, v in (plain | columns).items() if v is not None})


def argo(mode: str = "RAD") -> xr.Dataset:
    """Three profiles of four levels as an Argo file holds them: adjusted is 1 degC warmer."""
    n, levels = len(mode), 4
    temp = 10.0 + np.arange(n * levels, dtype="float32").reshape(n, levels)
    pres = np.tile(np.array([5, 50, 100, 200], "float32"), (n, 1))
    ones = np.full((n, levels), b"1", object)
    profile, both = "N_PROF", ("N_PROF", "N_LEVELS")
    fields = {
        "LONGITUDE": (profile, np.array([170.0, -170.0, 0.0])[:n]),
        "LATITUDE": (profile, np.array([10.0, -10.0, 0.0])[:n]),
        "JULD": (profile, pd.to_datetime(["2001-01-01", "2001-02-01", "2001-03-01"])[:n]),
        "JULD_QC": (profile, np.full(n, b"1", object)),
        "POSITION_QC": (profile, np.full(n, b"1", object)),
        "DATA_MODE": (profile, np.array([m.encode() for m in mode], object)),
        "CYCLE_NUMBER": (profile, np.arange(n)),
        "PRES": (both, pres, {"units": "decibar"}),
        "PRES_QC": (both, ones.copy()),
        "PRES_ADJUSTED": (both, pres + 1, {"units": "decibar"}),
        "PRES_ADJUSTED_QC": (both, ones.copy()),
        "TEMP": (both, temp, {"units": "degree_Celsius"}),
        "TEMP_QC": (both, ones.copy()),
        "TEMP_ADJUSTED": (both, temp + 1, {"units": "degree_Celsius"}),
        "TEMP_ADJUSTED_QC": (both, ones.copy()),
        "PSAL": (both, temp + 20, {"units": "psu"}),
    }
    return xr.Dataset(fields)


def test_adjusted_values_count_where_the_mode_says_so() -> None:
    found = read(argo())
    assert found.name == "TEMP" and found.units == "degC"
    raw = 10.0 + np.arange(12)
    np.testing.assert_array_equal(found.value, raw + (np.arange(12) >= 4))
    np.testing.assert_array_equal(found.pressure[[0, 4, 8]], [5, 6, 6])
    np.testing.assert_array_equal(found.profile, np.repeat([0, 1, 2], 4))
    np.testing.assert_array_equal(found.level, np.tile(np.arange(4), 3))
    assert found.depth_source is not None and 4.9 < found.depth[0] < 5


def test_an_adjusted_value_that_was_removed_stays_so() -> None:
    data = argo("D")
    data.TEMP_ADJUSTED[0, 1] = np.nan
    data.TEMP_ADJUSTED_QC[0, 1] = b"4"
    found = read(data)
    np.testing.assert_array_equal(found.level, [0, 2, 3])
    assert found.dropped == (("missing value, place or time", 1),)


@pytest.mark.parametrize(
    ("name", "flag", "left"),
    [
        ("TEMP_QC", b"4", 11),  # raw in the first profile only
        ("TEMP_QC", b"2", 12),
        ("TEMP_QC", b"3", 11),
        ("TEMP_QC", b" ", 11),
        ("PRES_QC", b"4", 11),
        ("JULD_QC", b"4", 8),
        ("POSITION_QC", b"8", 8),
    ],
)
def test_flags_of_value_pressure_time_and_place(name: str, flag: bytes, left: int) -> None:
    data = argo()
    data[name][(0,) * data[name].ndim] = flag
    found = read(data)
    assert len(found) == left
    assert found.dropped == ((("another quality flag", 12 - left),) if left < 12 else ())
    assert len(read(data, qc=None)) == 12
    assert len(read(data, qc=(1, 2, 3, 4, 8))) == (12 if flag != b" " else 11)


def test_flags_of_adjusted_values_are_their_own() -> None:
    data = argo()
    data.TEMP_QC[1] = b"4"  # which is why they were adjusted
    data.TEMP_ADJUSTED_QC[2, 3] = b"4"
    found = read(data)
    assert len(found) == 11 and not ((found.profile == 2) & (found.level == 3)).any()


def test_each_parameter_of_a_biogeochemical_float_has_its_mode() -> None:
    data = argo("RRR")
    names = np.array([[b"PRES", b"TEMP  "]] * 3, object)
    modes = np.array([[b"R", b"R"], [b"R", b"D"], [b"D", b"A"]], object)
    data["STATION_PARAMETERS"] = ("N_PROF", "N_PARAM"), names
    data["PARAMETER_DATA_MODE"] = ("N_PROF", "N_PARAM"), modes
    found = read(data)
    np.testing.assert_array_equal(found.value[[0, 4, 8]], [10, 15, 19])
    np.testing.assert_array_equal(found.pressure[[0, 4, 8]], [5, 5, 6])


def test_flags_of_all_types() -> None:
    for values in (
        np.array([b"1", b"4", b" ", b""], "S1"), np.array(["1", "4", " ", ""], object),
        np.array([1.0, 4.0, np.nan, np.nan]), np.array(["1.0", "4", "nan", "?"]),
        np.array([b"1", "4", np.nan, None], object),
    ):  # fmt: skip
        np.testing.assert_array_equal(flag_numbers(values), [1, 4, -1, -1])
    np.testing.assert_array_equal(flag_numbers(np.array([1, 4], "int8")), [1, 4])
    assert flag_numbers(np.empty((0, 3), object)).shape == (0, 3)


def test_data_sets_of_argopy() -> None:
    whole = argo("RRR")
    stacked = whole.stack(N_POINTS=("N_PROF", "N_LEVELS")).reset_index("N_POINTS", drop=True)
    names = ["TEMP", "PRES", "LATITUDE", "LONGITUDE", "JULD", "CYCLE_NUMBER"]
    points = stacked[names].rename(JULD="TIME").set_coords(["LATITUDE", "LONGITUDE", "TIME"])
    expected, found = read(whole), read(points)
    for field in ("value", "longitude", "time", "depth", "profile", "level"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field), field)
    flat = points.reset_coords().to_dataframe()  # argopy's other output
    np.testing.assert_array_equal(read(flat).depth, expected.depth)
    profiles = whole[names].rename(JULD="TIME").set_coords(["LATITUDE", "LONGITUDE", "TIME"])
    np.testing.assert_array_equal(read(profiles).value, expected.value)


def test_levels_without_their_own_pressure() -> None:
    """A data set by profile and depth, as CF's orthogonal representation."""
    data = xr.Dataset(
        {"temp": (("profile", "z"), [[1.0, 2.0], [3.0, np.nan]])},
        {"lon": ("profile", [1.0, 2.0]), "lat": ("profile", [3.0, 4.0]),
         "time": ("profile", pd.to_datetime(["2001-01-01", "2001-01-02"])),
         "depth": ("z", [-5.0, -10.0], {"units": "m", "positive": "up"})},
    )  # fmt: skip
    found = read(data)
    np.testing.assert_array_equal(found.depth, [5, 10, 5])
    np.testing.assert_array_equal(found.profile, [0, 0, 1])


# ---------------------------------------------------------------- tables


@pytest.mark.parametrize(
    "names",
    [
        {"lon": "longitude", "lat": "latitude", "time": "date"},
        {"lon": "LONGITUDE", "lat": "Lat", "time": "JULD"},
        {"lon": "Long", "lat": "lats", "time": "datetime"},
    ],
)
def test_names_in_use(names: dict[str, str]) -> None:
    np.testing.assert_array_equal(read(table().rename(columns=names)).longitude, [1, 2, 3])


def test_names_by_standard_name() -> None:
    data = xr.Dataset.from_dataframe(table()).rename(lon="x", lat="y", time="when", temp="t_obs")
    for name, standard in (("x", "longitude"), ("y", "latitude"), ("when", "time")):
        data[name].attrs["standard_name"] = standard
    data["other"] = data.t_obs + 1
    with pytest.raises(VariableError, match="not clear"):
        read(data)
    data.t_obs.attrs["standard_name"] = "sea_water_temperature"
    assert read(data).name == "t_obs"


def test_the_variable_is_found_or_asked_for() -> None:
    many = table(second=[5.0] * 3, temp_qc=[1, 1, 4], error=[0.1] * 3)
    assert read(many).name == "temp" and len(read(many)) == 2
    assert read(many, "second").name == "second"
    assert (
        read(table(temp=None, thetao=[1.0, 2.0, 3.0], temperature=[4.0, 5.0, 6.0])).name == "thetao"
    )
    assert read(table(temp=None, only=[1.0, 2.0, 3.0])).name == "only"
    assert read(table(temp=None, only=pd.Series([1.0, 2.0, 3.0], dtype=object))).name == "only"
    with pytest.raises(VariableError, match="which variable was observed") as caught:
        read(table(temp=None, a=[1.0, 2.0, 3.0], b=[1.0, 2.0, 3.0]))
    assert_one_line(caught.value, "a, b", "variable=")
    with pytest.raises(VariableError, match="no such variable") as caught:
        read(table(), "tmp")
    assert_one_line(caught.value, "did you mean 'temp'")
    with pytest.raises(VariableError, match="no observed variable"):
        read(table(temp=None))


def test_times_of_all_types() -> None:
    expected = pd.to_datetime(["2001-01-03", "2001-01-01", "2001-01-02"]).to_numpy()
    days = (expected - np.datetime64("1950-01-01")) / np.timedelta64(1, "D")
    utc = pd.to_datetime(["2001-01-03 05:00+05:00", "2001-01-01 05:00+05:00",
                          "2001-01-02 05:00+05:00"])  # fmt: skip
    for column in (
        ["2001-01-03", "2001-01-01", "2001-01-02T00:00:00"], utc,
        [cftime.DatetimeGregorian(2001, 1, d) for d in (3, 1, 2)],
        pd.Series(expected, dtype="category"), [pd.Timestamp(t).date() for t in expected],
    ):  # fmt: skip
        np.testing.assert_array_equal(read(table(time=column)).time, expected)
    np.testing.assert_array_equal(read(table(time=None, JULD=days)).time, expected)
    np.testing.assert_array_equal(read(table().set_index("time")).time, expected)
    unnamed = table().set_index("time").rename_axis(None)
    np.testing.assert_array_equal(read(unnamed).time, expected)
    assert len(read(table(time=None, JULD=[days[0], 999_999.0, np.nan]))) == 1
    assert len(read(table(time=["2001-01-03", None, "2001-01-02"]))) == 2
    for wrong in (
        ["soon", "later", "never"],
        [1.0, 2.0, 3.0],
        [cftime.Datetime360Day(2001, 2, 30)] * 3,
    ):
        with pytest.raises(CubeError, match="does not hold dates") as caught:
            read(table(time=wrong))
        assert_one_line(caught.value, "'time'")


def test_what_is_left_out_is_counted() -> None:
    twice = pd.concat([table(), table(lon=[1.0, np.nan, 3.5])], ignore_index=True)
    found = read(twice)
    np.testing.assert_array_equal(found.row, [0, 1, 2, 5])
    assert found.dropped == (("missing value, place or time", 1), ("repeated", 1))


def test_several_sources_become_one(tmp_path: Path) -> None:
    argo("RAD").to_netcdf(tmp_path / "1_prof.nc")
    argo("R").to_netcdf(tmp_path / "2_prof.nc")
    found = read(str(tmp_path / "*_prof.nc"))
    assert len(found) == 12 and dict(found.dropped) == {"repeated": 4}  # the same profile twice
    other = argo("R").assign(LATITUDE=("N_PROF", [50.0]))
    found = read([tmp_path / "1_prof.nc", other])
    np.testing.assert_array_equal(found.profile[-4:], 3)
    np.testing.assert_array_equal(found.row, np.arange(16))


def test_sources_need_not_agree_in_units() -> None:
    kelvin = xr.Dataset.from_dataframe(table(lon=[4.0, 5.0, 6.0]))
    kelvin["temp"] = (kelvin.temp + 273.15).assign_attrs(units="K")
    found = read([table(), kelvin])
    np.testing.assert_allclose(found.value, [15, 16, 17, 15, 16, 17], rtol=1e-12)
    with pytest.raises(UnitsError, match="median of"):
        read([table(), table(temp=[288.15, 289.15, 290.15])])


def test_sources_agree_on_having_a_depth() -> None:
    """Else levels of 1000 m would be held beside the surface."""
    with pytest.raises(CubeError, match="others have none") as caught:
        read([argo(), table()])
    assert_one_line(caught.value, "1 of 2 without", "depth=0.0")
    assert len(read([argo(), table(depth=[0.0] * 3)])) == 15
    assert len(read([argo(), table()[:0]])) == 12
    assert read([argo(), table(depth=[0.0] * 3)]).pressure is None


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_in_files(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"buoys{suffix}"
    write: Callable[..., Any] = table().to_csv if suffix == ".csv" else table().to_parquet
    write(path, index=False)
    np.testing.assert_array_equal(read(path).time, read(table()).time)


def test_mappings_and_arrays() -> None:
    columns = table().to_dict("list")
    np.testing.assert_array_equal(read(columns).value, [15, 16, 17])
    array = xr.Dataset.from_dataframe(table()).set_coords(["lon", "lat", "time"]).temp
    np.testing.assert_array_equal(read(array).value, [15, 16, 17])


# ---------------------------------------------------------------- mistakes

MISTAKES: dict[str, tuple[Any, type[ClimcubeError], str]] = {
    "nothing": (table()[:0], CubeError, "an empty table"),
    "empty list": ([], ParameterError, "an empty list"),
    "no longitude": (table(lon=None), VariableError, "no longitude"),
    "no latitude": (table(lat=None), VariableError, "no latitude"),
    "no time": (table(time=None), VariableError, "no time"),
    "all missing": (table(temp=[np.nan] * 3), CubeError, "3 with missing value"),
    "all flagged": (table(temp_qc=[4, 4, 4]), CubeError, "qc=None takes every flag"),
    "places swapped": (table(lat=[10.0, 170.0, 0.0]), CubeError, "latitude of the observations"),
    "fill values": (table(lon=[1.0, 99999.0, 3.0]), CubeError, "found 99999"),
    "heights": (table(depth=[-5.0, -50.0, -100.0]), CubeError, "depths of the observations"),
    "words": (table(lon=["east", "west", "east"]), CubeError, "does not hold numbers"),
    "a number": (5, ParameterError, "observations not understood"),
    "uneven": ({"lon": [1.0], "lat": [1.0, 2.0]}, ParameterError, "do not fit"),
    "no file": ("nowhere.nc", StoreNotFoundError, "nowhere.nc"),
    "no files": ("nowhere/*.nc", StoreNotFoundError, "nowhere"),
    "fathoms": (
        xr.Dataset.from_dataframe(table()).assign(depth=("index", [1.0] * 3, {"units": "fathom"})),
        UnitsError, "m, km, cm or dbar",
    ),
    "dimensions": (
        argo().assign(LONGITUDE=("N_OTHER", [1.0, 2.0])), CubeError, "places do not fit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line(name: str) -> None:
    profiles, kind, words = MISTAKES[name]
    with pytest.raises(kind, match=words) as caught:
        read(profiles)
    assert_one_line(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    for name in ("broken.nc", "broken.parquet", "empty.csv"):
        (tmp_path / name).write_bytes(b"" if name == "empty.csv" else b"nothing of the kind")
        with pytest.raises(StoreError, match="cannot be read") as caught:
            read(tmp_path / name)
        assert_one_line(caught.value, name)


def test_two_columns_of_one_name() -> None:
    both = pd.concat([table(), table()[["temp"]]], axis=1)
    with pytest.raises(VariableError, match="one name"):
        read(both)
