"""Indices against NOAA: the ONI table, Nino boxes of ERSSTv5, Coral Reef Watch in Florida."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube.analysis.indices.heating_weeks import degree_heating_weeks
from climcube.analysis.indices.nino import nino34, oni

pytestmark = pytest.mark.reference

FLORIDA_MMM = 29.6264


def dated(values: np.ndarray, year: np.ndarray, month: np.ndarray, day: object = 1) -> xr.DataArray:
    time = pd.to_datetime(pd.DataFrame({"year": year, "month": month, "day": day}))
    return xr.DataArray(
        values, {"time": time.to_numpy("M8[ns]")}, ("time",), "sst", {"units": "degC"}
    )


@pytest.fixture(scope="module")
def boxes(reference_data: Path) -> dict[str, xr.DataArray]:
    """NOAA's monthly means of the Nino boxes, 1950 to 2021, and anomalies from 1991-2020."""
    path = reference_data / "series" / "ersst5_nino_monthly_91-20.ascii.txt"
    table = np.loadtxt(path, skiprows=2)
    names = ["nino12", "nino12_anomaly", "nino3", "nino3_anomaly", "nino4", "nino4_anomaly"]
    names += ["nino34", "nino34_anomaly"]
    return {n: dated(table[:, 2 + i], table[:, 0], table[:, 1]) for i, n in enumerate(names)}


def test_the_oni_table(reference_data: Path, boxes: dict[str, xr.DataArray]) -> None:
    table = pd.read_csv(reference_data / "series" / "oni.ascii.txt", sep=r"\s+")
    with pytest.warns(UserWarning, match=r"1950..1965"):
        found = oni(boxes["nino34"])
    seasons = found.season.values
    np.testing.assert_array_equal(seasons, table.SEAS[: len(seasons)])
    np.testing.assert_array_equal(found.time.dt.year, table.YR[: len(seasons)])
    difference = (found.oni - table.ANOM.to_numpy()[: len(seasons)]).sel(
        time=slice("1966-02", "2021-08")
    )
    assert difference.notnull().all() and difference.size == 667
    assert float(np.sqrt((difference**2).mean())) < 0.0055
    assert float(abs(difference).max()) < 0.0245
    # NOAA's own table, compared in tenths, has these episodes; so have we.
    official = oni_episodes(table.ANOM.to_numpy()[: len(seasons)].round(1))
    ours = oni_decimals(boxes["nino34"])
    late = (found.time >= np.datetime64("1966-02-01")).values & np.isfinite(found.oni).values
    assert (ours[late] != official[late]).mean() < 0.02
    peak = found.sel(time="1997-11")
    assert (int(peak.episode[0]), int(peak.strength[0])) == (1, 4)
    assert (
        int(found.episode.sel(time="2010-10-01")),
        int(found.strength.sel(time="2010-10-01")),
    ) == (-1, 3)


def oni_decimals(series: xr.DataArray) -> np.ndarray:
    with pytest.warns(UserWarning, match="1950"):
        return np.asarray(oni(series, decimals=1).episode.values)


def oni_episodes(tenths: np.ndarray) -> np.ndarray:
    sign = np.where(tenths >= 0.5, 1, np.where(tenths <= -0.5, -1, 0))
    out = np.zeros(len(sign), int)
    edges = np.flatnonzero(np.diff(sign)) + 1
    for start, end in zip([0, *edges], [*edges, len(sign)], strict=True):
        if end - start >= 5:
            out[start:end] = sign[start]
    return out


def test_one_base_period(boxes: dict[str, xr.DataArray]) -> None:
    """The table's anomalies are rounded to hundredths, and so are its means."""
    for name in ("nino12", "nino3", "nino4", "nino34"):
        found = nino34(boxes[name], base_period=(1991, 2020))
        assert float(abs(found - boxes[f"{name}_anomaly"]).max()) < 0.0151, name


def test_boxes_of_ersst(reference_data: Path, boxes: dict[str, xr.DataArray]) -> None:
    path = reference_data / "gridded" / "ersstv5_sst_monthly_2010_2020.nc"
    with xr.open_dataset(path) as ersst:
        sst = ersst.sst.load()
    for name, limit in {"nino34": 0.06, "nino3": 0.06, "nino4": 0.06, "nino12": 0.35}.items():
        found = nino34(sst, region=name, base_period=(2010, 2019))
        theirs = nino34(boxes[name].sel(time=slice("2010", "2020-08")), base_period=(2010, 2019))
        assert float(abs(found - theirs).max()) < limit, name


@pytest.fixture(scope="module")
def florida(reference_data: Path) -> np.ndarray:
    text = (reference_data / "series" / "florida_keys_crw_1985_2004.txt").read_text()
    rows = text.split("BAA_7day_max", 1)[1].split("\n")
    return np.array([line.split() for line in rows if len(line.split()) == 10], "float64")


@pytest.mark.parametrize("offset", [0.0, 273.15])
def test_coral_reef_watch_in_florida(florida: np.ndarray, offset: float) -> None:
    sst = dated(florida[:, 7] + FLORIDA_MMM + offset, *florida.T[:3])
    sst.attrs["units"] = "K" if offset else "degC"
    mmm = xr.DataArray(FLORIDA_MMM, attrs={"units": "degC"})
    found = degree_heating_weeks(sst, mmm=mmm)
    assert int(found.dhw.notnull().argmax("time")) == 83  # 25 March 1985, as the file says
    difference = (found.dhw - florida[:, 8])[83:]
    assert difference.notnull().all() and difference.size == 7222
    assert float(abs(difference).max()) <= 5e-5
    np.testing.assert_allclose(found.hotspot, florida[:, 7], atol=1e-9)
    # The file gives the highest alert of seven days, from 31 March on.
    highest = found.alert.rolling(time=7).max()[89:]
    np.testing.assert_array_equal(highest, florida[89:, 9])
    assert set(florida[89:, 9]) == {0, 1, 2, 3}


def test_new_days_in_florida(florida: np.ndarray) -> None:
    sst = dated(florida[:, 7] + FLORIDA_MMM, *florida.T[:3])
    whole = degree_heating_weeks(sst, mmm=FLORIDA_MMM)
    for end in range(200, 7000, 997):
        new = degree_heating_weeks(sst[end : end + 5], mmm=FLORIDA_MMM, before=sst[end - 83 : end])
        np.testing.assert_array_equal(new.dhw, whole.dhw[end : end + 5])
