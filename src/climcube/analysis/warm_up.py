"""Compile the kernels of the common statistics before the first task needs them."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.anomaly import anomaly
from climcube.analysis.climatology import climatology
from climcube.analysis.events.heatwaves import heatwaves
from climcube.analysis.means import annual_mean
from climcube.analysis.trends.trend import trend
from climcube.cubes.open import open as open_cube

__all__ = ["compile_kernels"]


def compile_kernels() -> None:
    """Run climatologies, anomalies, heatwaves and trends on a tiny cube, in this thread.

    On a machine that has none of them, compiling takes about 20 s of a processor; they are then
    read from Numba's cache, in about a second. Theil-Sen's slope, which takes longer than all
    of these together, is left to its first use.
    """
    days = xr.date_range("2001-01-01", "2003-12-31", freq="D")
    values = np.random.default_rng(0).normal(15, 3, (days.size, 1, 2)).round(2)
    values[days.year == 2001, 0, 1] = np.nan
    coords = {"time": days, "lat": [0.5], "lon": [0.5, 1.5]}
    plain = xr.DataArray(values, coords, ("time", "lat", "lon"), "sst", {"units": "degC"})
    with tempfile.TemporaryDirectory(prefix="climcube-") as folder:
        # Integers are turned, decoded and compared as they were stored, by kernels of their own.
        packed = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": np.int16(-32768)}
        plain.to_zarr(folder, mode="w", zarr_format=3, consolidated=False, encoding={"sst": packed})
        decoded = plain.astype("float32")
        decoded.encoding = packed  # a claim that is verified, by a kernel
        for cube in (open_cube(folder, variable="sst"), decoded):
            _run(cube)


def _run(cube: Any) -> None:
    found = heatwaves(cube)
    results = (
        found.climatology, found.annual, found.daily, climatology(cube, "month"),
        anomaly(cube, "month"), trend(annual_mean(cube)), found.trend(),
    )  # fmt: skip
    for result in results:
        result.compute(scheduler="synchronous")
