"""Small cubes of noise in any calendar, for tests of statistics along time."""

from __future__ import annotations

import numpy as np
import xarray as xr


def cube_of(
    calendar: str = "standard", years: int = 6, start: int = 2001, cells: int = 3, freq: str = "D",
    dtype: str = "float32",
) -> xr.DataArray:  # fmt: skip
    end = f"{start + years - 1}-12-{30 if calendar == '360_day' else 31}"
    time = xr.date_range(
        f"{start}-01-01", end, freq=freq, calendar=calendar, use_cftime=calendar != "standard"
    )
    rng = np.random.default_rng(5)
    values = rng.normal(15, 4, (len(time), cells)).astype(dtype)
    values[rng.random(values.shape) < 0.1] = np.nan
    attrs = {"units": "degC", "standard_name": "sea_surface_temperature"}
    return xr.DataArray(values, [("time", time), ("x", np.arange(cells))], name="sst", attrs=attrs)


def month_day(cube: xr.DataArray) -> np.ndarray:
    return np.asarray(cube.time.dt.month * 100 + cube.time.dt.day)
