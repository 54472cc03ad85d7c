"""What tests of heatwave states share: records, and the comparison with the whole record."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import xarray as xr

import climcube as cc


def record(
    years=3,
    cells=(2, 3),
    seed=0,
    calendar="standard",
    hole=0.03,
    absent=0.0,
    packed=False,
    warming=0.0,
    hour=0,
):
    """Red noise on a season, with missing values, absent days, ties (packed), long events."""
    time = xr.date_range("2000-01-01", f"{1999 + years}-12-30", freq="D", calendar=calendar)
    time = time + pd.Timedelta(hours=hour) if hour else time
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 0.5, (len(time), *cells))
    for i in range(1, len(noise)):
        noise[i] += 0.9 * noise[i - 1]
    axes = (slice(None), *[None] * len(cells))
    days = np.arange(len(time))
    values = 20 + 5 * np.cos(2 * np.pi * days / 365.25)[axes] + noise
    values += (warming * days / 365.25)[axes]
    if packed:
        values = np.rint(values / 0.2) * np.float32(0.2)
    values = values.astype("float32")
    values[rng.random(values.shape) < hole] = np.nan
    for start in rng.integers(0, len(time), int(100 * hole)):
        values[start : start + rng.integers(2, 12), ..., 0] = np.nan
    dims = ("time", "lat", "lon")[: 1 + len(cells)]
    coords = {"time": time} | {d: np.arange(n) * 0.5 for d, n in zip(dims[1:], cells, strict=False)}
    cube = xr.DataArray(values, coords, dims, "sst", {"units": "degC"})
    cube = cube.isel(time=np.flatnonzero(rng.random(len(time)) >= absent))
    if packed:
        cube.encoding = {"dtype": np.dtype("int16"), "scale_factor": np.float32(0.2)}
    return cube


def assert_equals_whole(state, cube, **options):
    """The state's answers are the bytes of the whole record's."""
    whole = cc.heatwaves(cube, climatology=state.climatology, **options)
    annual, expected = state.annual.compute(), whole.annual.compute()
    xr.testing.assert_equal(annual, expected)
    for name, variable in expected.items():
        assert annual[name].dims == variable.dims and annual[name].dtype == variable.dtype
        assert annual[name].values.tobytes() == variable.values.tobytes(), name
        assert annual[name].attrs["units"] == variable.attrs["units"]
    pd.testing.assert_frame_equal(state.events(), whole.events(), check_exact=True)
    daily = state.daily.compute()
    age = (cube.time[-1] - cube.time).dt.days
    days = int((age < state.revisable).sum()) + 1  # and the one before
    assert daily.sizes["time"] == min(days, cube.sizes["time"])
    xr.testing.assert_equal(daily, whole.daily.compute().sel(time=daily.time))
    xr.testing.assert_equal(state.category(), daily.category[{"time": -1}])


def in_pieces(state, cube, edges):
    """Update with the record's days between edges."""
    for first, last in itertools.pairwise(edges):
        if last > first:
            state.update(cube.isel(time=slice(first, last)))
    return state
