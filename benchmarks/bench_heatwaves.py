"""Marine heatwaves, complete, beside heatwave3 and marEx from the package index, in one run.

    python benchmarks/bench_heatwaves.py [--side 24] [--repeat 3]

All get the same series (40 years, daily) on one core. climcube: climatology, threshold,
smoothing, detection, all metrics, annual blocks, from memory; the same with the event table; from
a netCDF file; and from a packed, compressed Zarr store. heatwave3 works from file to file:
climatology and events from an uncompressed netCDF file, written uncompressed. marEx finds the
days above the exact percentile of anomalies (fixed baseline, 11-day window) from memory: no
events, no metrics.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1", HEATWAVE3_NUM_THREADS="1")

import dask
import numpy as np
import xarray as xr
from scipy.signal import lfilter
from stores import write_packed

import climcube as cc

BASE = (1983, 2012)


def ocean(side: int, packed: bool) -> xr.DataArray:
    """40 years of seasonal cycle and red noise; packed as hundredths of a degree on request."""
    time_axis = xr.date_range("1982-01-01", "2021-12-31", freq="D")
    rng = np.random.default_rng(0)
    noise = lfilter([1.0], [1.0, -0.9], rng.normal(0, 0.4, (len(time_axis), side * side)), axis=0)
    season = 5 * np.cos(2 * np.pi * np.arange(len(time_axis)) / 365.25)
    values = (18 + season[:, None] + noise).reshape(-1, side, side)
    scale = np.float32(0.01)
    data = np.rint(values / scale).astype("int16") * scale if packed else values.astype("float32")
    sst = xr.DataArray(
        data.astype("float32"),
        dims=("time", "lat", "lon"),
        coords={"time": time_axis, "lat": np.arange(side) * 0.25, "lon": np.arange(side) * 0.25},
        name="sst",
        attrs={"units": "degC", "standard_name": "sea_surface_temperature"},
    )
    sst.lat.attrs["units"], sst.lon.attrs["units"] = "degrees_north", "degrees_east"
    if packed:
        sst.encoding = {
            "dtype": np.dtype("int16"),
            "scale_factor": scale,
            "add_offset": np.float32(0),
        }
    return sst


def timed(action: Callable[[], object], repeat: int) -> float:
    action()  # compiles, warms caches
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def climcube_annual(sst: xr.DataArray) -> xr.Dataset:
    mhw = cc.heatwaves(sst, base_period=BASE)
    return mhw.annual


def climcube_with_events(sst: xr.DataArray) -> object:
    mhw = cc.heatwaves(sst, base_period=BASE)
    return mhw.annual, mhw.events()


def climcube_from_file(path: Path) -> object:
    with dask.config.set(scheduler="synchronous"):
        sst = cc.open(str(path), variable="sst", layout="series")
        return cc.heatwaves(sst, base_period=BASE).annual.compute()


def climcube_from_zarr(path: Path) -> object:
    with dask.config.set(scheduler="synchronous"):
        sst = cc.open(str(path), variable="sst")
        return cc.heatwaves(sst, base_period=BASE).annual.compute()


def marex_days(sst: xr.DataArray) -> object:
    import marEx

    with dask.config.set(scheduler="synchronous"):
        return marEx.preprocess_data(
            sst.chunk(time=-1), method_anomaly="fixed_baseline", method_extreme="hobday_extreme",
            threshold_percentile=90, window_days_hobday=11, reference_period=BASE,
            method_percentile="exact", dask_chunks={"time": -1}, quiet=True,
        ).extreme_events.compute()  # fmt: skip


def heatwave3_files(path: Path, folder: Path) -> object:
    import heatwave3

    return heatwave3.detect3(
        str(path), str(folder / "hw3"), (f"{BASE[0]}-01-01", f"{BASE[1]}-12-31"),
        var_name="sst", category=True, n_threads=1, compression=0, quiet=True,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=24)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    cells = options.side**2
    plain, packed = ocean(options.side, packed=False), ocean(options.side, packed=True)
    rows: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "sst.nc"
        plain.to_netcdf(path)
        store = folder / "sst.zarr"
        write_packed(packed, store)
        cases: list[tuple[str, Callable[[], object]]] = [
            ("climcube, float32 in memory, annual", lambda: climcube_annual(plain)),
            ("climcube, packed in memory, annual", lambda: climcube_annual(packed)),
            ("climcube, float32 in memory, annual and events", lambda: climcube_with_events(plain)),
            ("climcube, float32 netCDF file, annual", lambda: climcube_from_file(path)),
            ("climcube, packed Zarr store, annual", lambda: climcube_from_zarr(store)),
        ]
        try:
            import heatwave3
        except ImportError:
            print("heatwave3 is not installed: pip install 'climcube[benchmarks]'")
        else:
            label = f"heatwave3 {heatwave3.__version__}, float32 netCDF file"
            cases.append((label, lambda: heatwave3_files(path, folder)))
        if importlib.util.find_spec("marEx") is None:
            print("marEx is not installed: pip install marEx")
        else:
            version = importlib.metadata.version("marEx")
            cases.append((f"marEx {version}, in memory, days only", lambda: marex_days(plain)))
        for label, action in cases:
            rows.append((label, timed(action, options.repeat) / cells * 1e3))
    peer = next((ms for label, ms in rows if label.startswith("heatwave3")), None)
    print(f"\n{cells} cells, {plain.sizes['time']} days, one core, median of {options.repeat}\n")
    print("| what | ms per cell | times faster than heatwave3 |")
    print("| --- | ---: | ---: |")
    for label, milliseconds in rows:
        ratio = "" if peer is None else f"{peer / milliseconds:.1f}"
        print(f"| {label} | {milliseconds:.3f} | {ratio} |")


if __name__ == "__main__":
    main()
