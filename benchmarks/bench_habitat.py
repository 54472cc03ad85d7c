"""Climate velocity and habitats: time a cell beside plain xarray, tasks, memory.

python benchmarks/bench_habitat.py            # one core, from memory
python benchmarks/bench_habitat.py --graph    # tasks for each chunk, by layout
python benchmarks/bench_habitat.py --memory   # peak above what is resident, lazily made cube
"""

from __future__ import annotations

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import dask
import dask.array as da
import numpy as np
import xarray as xr
from measuring import best, reset_peak, resident

from climcube.analysis.habitats.habitat import habitat
from climcube.analysis.habitats.surroundings import spatial_gradient
from climcube.analysis.habitats.velocity import climate_velocity

DAYS = 14_610
RANGE = (5, 10, 18, 22)
LAYOUTS = {  # time, lat, lon
    "one tile a chunk": (DAYS, 60, 60),
    "a year a chunk, tiles": (365, 60, 60),
    "a month a chunk, maps": (31, 180, 180),
}


def coordinates(days: int, lat: int, lon: int, freq: str = "D") -> dict[str, object]:
    """Axes of a part of a quarter-degree grid."""
    return {
        "time": xr.date_range("1981-01-01", periods=days, freq=freq),
        "lat": -60 + 0.25 * np.arange(lat),
        "lon": 0.25 * np.arange(lon),
    }


def cube_of(days: int, lat: int, lon: int, freq: str = "D") -> xr.DataArray:
    """Values in memory, float32, time first."""
    values = np.random.default_rng(0).standard_normal((days, lat, lon), dtype="float32") * 5 + 15
    coords = coordinates(days, lat, lon, freq)
    return xr.DataArray(values, coords, ("time", "lat", "lon"), name="sst", attrs={"units": "degC"})


def lazy_cube(chunks: tuple[int, ...], edge: int = 180) -> xr.DataArray:
    """The same, made chunk by chunk without passing arrays."""
    plan = da.core.normalize_chunks(chunks, (DAYS, edge, edge))
    values = da.map_blocks(_made, chunks=plan, dtype="float32", meta=np.empty((0, 0, 0), "f4"))
    coords = coordinates(DAYS, edge, edge)
    return xr.DataArray(values, coords, ("time", "lat", "lon"), name="sst", attrs={"units": "degC"})


def _made(block_info: dict[object, dict[str, tuple[int, ...]]]) -> np.ndarray:
    shape = block_info[None]["chunk-shape"]
    values = np.random.default_rng(0).standard_normal(shape, dtype="float32")
    values *= 5
    values += 15
    return values


def speed() -> None:
    """Microseconds a cell on one core."""
    globe = cube_of(1, 480, 1440).isel(time=0)
    years = cube_of(40, 480, 1440, "YS")
    days = cube_of(DAYS, 50, 50)
    rows = {
        "gradient of a map": (lambda: spatial_gradient(globe), globe.size),
        "climate_velocity, 40 annual values": (lambda: climate_velocity(years), globe.size),
        "  xarray: polyfit, mean, differentiate": (lambda: peer_velocity(years), globe.size),
        "habitat, 40 years daily: suitability": (lambda: suitable(days).suitability, 2500),
        "  and days, mean, coverage a year": (lambda: suitable(days).days, 2500),
        "  and area, centroid a day": (lambda: both(suitable(days)), 2500),
        "  xarray: days a year and area a day": (lambda: peer_habitat(days), 2500),
    }
    for label, (call, cells) in rows.items():
        print(f"{label:42s} {best(call, 3) / cells * 1e6:9.1f} us a cell", flush=True)


def suitable(cube: xr.DataArray):
    """Return the habitat of a trapezoid."""
    return habitat(cube, thermal_range=RANGE)


def both(found) -> tuple[object, ...]:
    """Return the results by day that need whole maps, and those by year."""
    return found.days, found.area, found.centroid


def peer_velocity(cube: xr.DataArray) -> xr.DataArray:
    """Central differences on the grid, without missing neighbours, wrap or p-value."""
    slope = cube.polyfit("time", 1).polyfit_coefficients.sel(degree=1) * 86_400e9 * 3652.425
    mean = cube.mean("time")
    north = mean.differentiate("lat") / 111.325
    east = mean.differentiate("lon") / (111.325 * np.cos(np.deg2rad(cube.lat)))
    return slope / np.hypot(east, north)


def peer_habitat(cube: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """The same numbers by whole-array operations."""
    a, b, c, d = RANGE
    rise, fall = (cube - a) / (b - a), (d - cube) / (d - c)
    suitability = np.minimum(rise, fall).clip(0, 1).where(cube.notnull())
    days = (suitability > 0.5).resample(time="YS").sum()
    area = suitability.weighted(np.cos(np.deg2rad(cube.lat))).sum(("lat", "lon"))
    return days, area


def graph() -> None:
    """Tasks for each chunk of the cube, beyond the chunks themselves."""
    for label, chunks in LAYOUTS.items():
        cube = lazy_cube(chunks)
        found = suitable(cube)
        results = {"days": found.days, "area": found.area, "velocity": velocity(cube)}
        own = len(dask.optimize(cube)[0].__dask_graph__())
        tasks = {n: len(dask.optimize(r)[0].__dask_graph__()) - own for n, r in results.items()}
        count = cube.data.npartitions
        words = ", ".join(f"{n} {t / count:.2f}" for n, t in tasks.items())
        print(f"{label:26s} {count:6d} chunks; tasks a chunk: {words}")


def velocity(cube: xr.DataArray) -> xr.DataArray:
    """Return the velocity of daily values that call themselves annual: one pass, no warning."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return climate_velocity(cube).velocity


def memory() -> None:
    """Peak of days, area and velocity computed together on two threads."""
    for label, chunks in LAYOUTS.items():
        cube = lazy_cube(chunks)
        found = suitable(cube)
        before = resident("VmRSS")
        reset_peak()
        with dask.config.set(scheduler="threads", num_workers=2):
            dask.compute(found.days, found.area)
        chunk = np.prod(chunks) * 4
        peak = resident("VmHWM") - before
        print(
            f"{label:26s} chunk {chunk / 2**20:6.0f} MiB, peak {peak / 2**20:6.0f} MiB of a cube "
            f"of {cube.nbytes / 2**20:.0f}", flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--graph", action="store_true")
    parser.add_argument("--memory", action="store_true")
    wanted = parser.parse_args()
    graph() if wanted.graph else memory() if wanted.memory else speed()
