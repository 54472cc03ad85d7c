"""Draw the pictures of how-to/figures.md: ``python docs/make_figures.py``.

They are of red noise on a warming sea, made here, so that anyone gets the same pictures.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter

import climcube as cc

IMAGES = Path(__file__).parent / "images"
_DPI = 110


def sea() -> xr.DataArray:
    """Return 33 years of a sea off an imagined west coast: season, trend, and slow red noise."""
    time = xr.date_range("1988-01-01", "2020-12-31", name="time")
    lat, lon = np.arange(-34.5, -24, 1.0), np.arange(105.5, 118, 1.0)
    rng = np.random.default_rng(2011)
    white = gaussian_filter(rng.normal(size=(len(time), lat.size, lon.size)), (0, 2, 2))
    slow, fast = (lfilter([1], [1, -memory], white, axis=0) for memory in (0.985, 0.8))
    slow, fast = slow / slow.std(axis=0), fast / fast.std(axis=0)
    noise = 1.0 * np.expm1(0.45 * slow) + 0.3 * fast  # warm departures are the larger ones
    years = np.arange(len(time)) / 365.25
    season = 2.2 * np.cos(2 * np.pi * (years - 0.14))
    mean = 22.5 + 0.35 * (lat + 29)[:, None]
    values = mean + (season + 0.02 * (years - years.mean()))[:, None, None] + noise
    land = lon[None, :] > 114.5 + 0.25 * (lat[:, None] + 29)
    return xr.DataArray(
        np.where(land, np.nan, values).astype("float32"),
        {"time": time, "lat": ("lat", lat, {"units": "degrees_north"}),
         "lon": ("lon", lon, {"units": "degrees_east"})},
        ("time", "lat", "lon"), name="sst",
        attrs={"units": "degC", "long_name": "sea surface temperature"},
    )  # fmt: skip


def planet() -> xr.DataArray:
    """Return 40 annual means of an imagined planet's sea: slow noise, warming in some places."""
    rng = np.random.default_rng(1982)
    lat, lon = np.arange(-87.5, 90, 5.0), np.arange(2.5, 360, 5.0)

    def smooth(cells: float, years: int = 1) -> Any:
        noise = rng.normal(size=(years, lat.size, lon.size))
        filtered = gaussian_filter(noise, (0, cells, cells), mode=("wrap", "nearest", "wrap"))
        return filtered / filtered.std()

    noise = lfilter([1], [1, -0.5], smooth(1.5, 60), axis=0)[20:]
    trend = 0.014 * (0.4 + smooth(5)[0])
    values = 15 + 0.18 * noise + trend * np.arange(40)[:, None, None]
    return xr.DataArray(
        np.where(smooth(4)[0] > 0.9, np.nan, values),
        {"time": xr.date_range("1982-01-01", periods=40, freq="YS", name="time"),
         "lat": ("lat", lat, {"units": "degrees_north"}),
         "lon": ("lon", lon, {"units": "degrees_east"})},
        ("time", "lat", "lon"), name="sst",
        attrs={"units": "degC", "long_name": "sea surface temperature"},
    )  # fmt: skip


def draw_trends() -> dict[str, Any]:
    """Return the axes of each picture of trends, by the name of its file."""
    cube = planet()
    fit, mean = cc.trend(cube), cc.area_mean(cube.sel(lat=slice(-30, 30), lon=slice(180, 240)))
    return {
        "figure_trend_stippled": cc.plot.trend_map(fit),
        "figure_trend_hatched": cc.plot.trend_map(fit, marks="hatching"),
        "figure_time_series": cc.plot.time_series(mean, trend=cc.trend(mean)),
    }


def draw() -> dict[str, Any]:
    """Return the axes of each picture, by the name of its file."""
    mhw = cc.heatwaves(sea(), base_period=(1988, 2017))
    table = mhw.events()
    best = table.loc[table["intensity_max"].idxmax()]
    cell = {"lat": best["lat"], "lon": best["lon"]}
    return {
        "figure_event_line": cc.plot.event_line(mhw, cell=cell, padding_days=45),
        "figure_flame": cc.plot.flame(mhw, cell=cell),
        "figure_lolliplot": cc.plot.lolliplot(mhw, cell=cell),
        "figure_category_calendar": cc.plot.category_calendar(mhw, cell=cell),
        "figure_share_calendar": cc.plot.share_calendar(mhw),
        "figure_category_share": cc.plot.category_share(mhw),
    }


def pacific() -> xr.DataArray:
    """Return 40 years of monthly means of an imagined tropical Pacific, with its oscillation."""
    rng = np.random.default_rng(1997)
    time = xr.date_range("1982-01-01", periods=480, freq="MS", name="time")
    lat, lon = np.arange(-19.5, 20, 1.0), np.arange(120.5, 290, 2.0)
    slow = lfilter([1], [1, -1.85, 0.88], rng.normal(size=540))[60:]  # about four years
    shape = np.exp(-(((lon - 235) / 45) ** 2)) * np.exp(-((lat[:, None] / 8) ** 2))
    # Warm water comes from the west: there the same some months earlier.
    lag = np.clip((lon - 200) / 20, -3, 3).astype(int)
    nino = np.stack([np.roll(slow, k) for k in lag], axis=-1) / slow.std()
    noise = 0.25 * gaussian_filter(rng.normal(size=(480, lat.size, lon.size)), (1, 2, 2)) / 0.1
    season = (
        1.5
        * np.sin(np.radians(lat))[:, None]
        * np.cos(2 * np.pi * np.arange(480) / 12 - 2)[:, None, None]
    )
    values = 27 - 0.004 * lat[:, None] ** 2 + season + nino[:, None] * shape + 0.2 * noise
    return xr.DataArray(
        values, {"time": time, "lat": ("lat", lat, {"units": "degrees_north"}),
                 "lon": ("lon", lon, {"units": "degrees_east"})},
        ("time", "lat", "lon"), name="sst",
        attrs={"units": "degC", "long_name": "sea surface temperature"},
    )  # fmt: skip


def draw_others() -> dict[str, Any]:
    """Return the axes of the pictures of values, indices and habitats."""
    cube, water = planet(), pacific()
    zones = 28 * np.cos(np.radians(cube.lat)) ** 1.5 - 1  # as of the sea
    warm = (cube - 15) * 3 + zones.assign_attrs(units="degC")
    warm = warm.transpose(*cube.dims).assign_attrs(cube.attrs)
    fish = cc.habitat(warm, thermal_range=(8, 12, 20, 24))
    index = cc.oni(water, base_period=(1991, 2020))
    section = cc.anomaly(water, "month").sel(time=slice("1990", "1999"))
    return {
        "figure_map": cc.plot.map(warm, "2021"),
        "figure_hovmoller": cc.plot.hovmoller(section, region=(120, 290, -5, 5)),
        "figure_warming_stripes": cc.plot.warming_stripes(cc.area_mean(cube)),
        "figure_index_line": cc.plot.index_line(index),
        "figure_habitat_map": cc.plot.habitat_map(fish.change((1982, 1991), (2012, 2021))),
    }


def write(axes: Any, path: Path) -> None:
    """Write a small PNG: of at most 256 colours, but for shades, which would miss some."""
    marked = "trend" in path.stem  # dots and hatching compress badly
    buffer = io.BytesIO()
    axes.figure.savefig(buffer, format="png", dpi=80 if marked else _DPI)
    picture = Image.open(buffer).convert("RGB")
    if not marked and path.stem not in ("figure_map", "figure_hovmoller"):
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)


if __name__ == "__main__":
    for name, axes in (draw() | draw_trends() | draw_others()).items():
        write(axes, IMAGES / f"{name}.png")
