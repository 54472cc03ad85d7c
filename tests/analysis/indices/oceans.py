"""Small oceans for the tests of indices."""

from __future__ import annotations

import numpy as np
import xarray as xr

CALENDARS = ("standard", "noleap", "360_day")


def months(first: int, last: int, calendar: str = "standard") -> xr.DataArray:
    """First days of all months of the years."""
    time = xr.date_range(
        f"{first}-01-01", periods=12 * (last - first + 1), freq="MS", calendar=calendar,
        use_cftime=calendar != "standard",
    )  # fmt: skip
    return xr.DataArray(time, dims="time", name="time")


def globe(
    first: int = 1991, last: int = 2020, calendar: str = "standard", seed: int = 1
) -> xr.DataArray:
    """Monthly red noise on a 5-degree globe, with a seasonal cycle, and land west of 110W."""
    time = months(first, last, calendar)
    lat, lon = np.arange(-67.5, 70, 5), np.arange(2.5, 360, 5)
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 1, (time.size, 4))
    shapes = rng.normal(0, 1, (4, lat.size, lon.size))
    values = 15 + np.einsum("tk,kyx->tyx", shared, shapes) * 0.3
    values += rng.normal(0, 0.3, values.shape)
    values += 4 * np.cos(2 * np.pi * np.arange(time.size) / 12)[:, None, None]
    values[:, (lat > 30)[:, None] & ((lon > 250) & (lon < 280))] = np.nan
    coords = {"time": time.values, "lat": lat, "lon": lon}
    attrs = {"units": "degC", "standard_name": "sea_surface_temperature"}
    return xr.DataArray(values, coords, ("time", "lat", "lon"), "sst", attrs)


def series(values: np.ndarray, first: str = "2001-01-01", **attrs: str) -> xr.DataArray:
    """Daily values of one place."""
    time = xr.date_range(first, periods=len(values), freq="D")
    known = {"units": "degC", **attrs}
    return xr.DataArray(values, {"time": time}, ("time",), "sst", known)
