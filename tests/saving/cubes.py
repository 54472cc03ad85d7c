"""Small cubes for saves, and what is made of them."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import xarray as xr


def times_two(block: Any) -> Any:
    return block * 2


def cube(tiles: int = 4) -> xr.DataArray:
    values = np.random.default_rng(1).normal(15, 3, (12, 3 * tiles, 4)).astype("f4")
    values[0, 0, 0] = np.nan
    data = da.from_array(values, chunks=(4, 3, 4), name=f"values-{tiles}")
    time_ = xr.date_range("2000-01-01", periods=12, freq="D")
    return xr.DataArray(
        data, dims=("time", "lat", "lon"), name="sst", coords={"time": time_}, attrs={"units": "K"}
    )


def doubled(tiles: int = 4) -> xr.DataArray:
    whole = cube(tiles)
    return whole.copy(data=whole.data.map_blocks(times_two, dtype="f4"))
