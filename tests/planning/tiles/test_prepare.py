"""Results of several parts as stores take them: habitats and match-ups, of maps and of stations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pint_xarray  # noqa: F401 - registers .pint
import pytest
import xarray as xr
from typer.testing import CliRunner

import climcube as cc
from climcube.cli.app import app
from climcube.errors import AxisError, ParameterError
from climcube.testing.laziness import no_compute

SUFFIXES = (".nc", ".zarr")
TABLE = [
    {"species": "cod", "min": 5, "preferred_min": 8, "preferred_max": 15, "max": 20},
    {"species": "tuna", "min": 10, "preferred_min": 15, "preferred_max": 25, "max": 30},
]


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return cc.testing.synthetic_ocean(years=2, shape=(6, 8)).sst


def opened(path: str, group: str) -> xr.Dataset:
    engine = "zarr" if path.endswith(".zarr") else "h5netcdf"
    return xr.open_dataset(path, engine=engine, group=group)


def habitat(cube: xr.DataArray, **options: Any) -> cc.Habitat:
    return cc.habitat(cube, **{"thermal_range": (10, 20), "units": "degC"} | options)


CUBES: dict[str, Any] = {
    "map": lambda sst: sst,
    "lazy": lambda sst: sst.chunk(time=100, lat=4),
    "quantified": lambda sst: sst.pint.quantify({"lat": None, "lon": None}),
    "360_day": lambda sst: sst.convert_calendar("360_day", align_on="date"),
    "station": lambda sst: sst.isel(lat=2, lon=1),
    "bare": lambda sst: sst.isel(lat=2, lon=1).drop_vars(["lat", "lon"]),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", CUBES)
def test_habitats_are_saved_and_come_back(
    sst: xr.DataArray, tmp_path: Path, kind: str, suffix: str
) -> None:
    with no_compute():
        found = habitat(CUBES[kind](sst))
    path = cc.save(found, tmp_path / f"h{suffix}")
    periods = opened(path, "periods")
    for name in ("days", "mean", "coverage"):
        plain = getattr(found, name).pint.dequantify()
        xr.testing.assert_allclose(periods[name].drop_attrs(), plain.drop_attrs())
        assert periods[name].attrs["units"] in ("1", "day", "d")
    on_map = kind not in ("station", "bare")
    assert set(found.datasets()) == ({"periods", "area"} if on_map else {"periods"})
    if on_map:
        area = opened(path, "area")
        np.testing.assert_allclose(area.area, found.area.pint.dequantify())
        assert area.area.attrs["units"] in ("km2", "km^2", "kilometer ** 2")
        np.testing.assert_allclose(area.lat, found.centroid.lat.pint.dequantify())


def test_parts_are_chosen(sst: xr.DataArray, tmp_path: Path) -> None:
    import pandas as pd

    found = habitat(sst, thermal_range=pd.DataFrame(TABLE))
    path = cc.save(found, tmp_path / "h.zarr", parts=("suitability", "periods"))
    xr.testing.assert_allclose(opened(path, "suitability").suitability, found.suitability)
    with pytest.raises((OSError, KeyError), match="area"):
        opened(path, "area")
    with pytest.raises(ParameterError, match="unknown part.*periods"):
        cc.save(found, tmp_path / "other.zarr", parts=("climatology",))
    with pytest.raises(ParameterError, match="unknown part"):
        cc.save(habitat(CUBES["station"](sst)), tmp_path / "other.zarr", parts=("area",))
    assert not (tmp_path / "other.zarr").exists()


@pytest.mark.parametrize("kind", ["station", "bare"])
def test_a_station_has_days_and_no_area(sst: xr.DataArray, kind: str) -> None:
    found = habitat(CUBES[kind](sst), threshold=0.2)
    assert found.days.dims == ("time",)
    change = found.change((2000, 2000), (2001, 2001))
    assert {"state", "change"} <= set(change) and "area_gain" not in change
    for ask in (lambda: found.area, lambda: found.centroid, found.latitudes, found.poleward_shift):
        with pytest.raises(AxisError, match="a station has no area"):
            ask()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["map", "lazy", "quantified", "360_day", "station"])
def test_matchups_are_saved_and_come_back(
    sst: xr.DataArray, tmp_path: Path, kind: str, suffix: str
) -> None:
    place = CUBES["station"](sst)
    seen = {"lon": [float(place.lon)] * 3, "lat": [float(place.lat)] * 3,
            "time": ["2000-05-05", "2001-06-06", "2009-01-01"], "sst": [20.0, 21, 22]}  # fmt: skip
    found = cc.matchup(CUBES[kind](sst), seen, distance=1.0)
    path = cc.save(found, tmp_path / f"m{suffix}")
    xr.testing.assert_allclose(opened(path, None), found.pint.dequantify())  # type: ignore[arg-type]
    assert int(opened(path, None).n) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("station", [False, True], ids=["map", "station"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_commands_save_habitats_of_maps_and_stations(
    sst: xr.DataArray, tmp_path: Path, suffix: str, station: bool
) -> None:
    CUBES["station" if station else "map"](sst).to_netcdf(tmp_path / "sst.nc")
    call = ["habitat", str(tmp_path / "sst.nc"), "-r", "10,20", "--units", "degC",
            "--from", "2000-2000", "--to", "2001-2001"]  # fmt: skip
    told = CliRunner().invoke(app, call)
    assert told.exit_code == 0, told.output
    assert ("suitable days" in told.stdout) == station and ("km2" in told.stdout) != station
    output = str(tmp_path / f"h{suffix}")
    assert CliRunner().invoke(app, [*call, "-o", output]).exit_code == 0
    assert opened(output, "periods").days.sizes["time"] == 2
    assert "state" in opened(output, "change")
