"""Events in space and time, beside marEx and beside one label call over the cube in memory.

    python benchmarks/bench_tracking.py [--days 730] [--rows 180] [--columns 360] [--workers 1]

All get the same boolean cube: smooth noise on a global grid, 8 % of the cells of each day in an
event. climcube: the table of events (areas, centroids, intensities, footprints), and labels of a
lazy cube, in whole-time tiles and in maps. marEx follows objects by the same overlap, without
table; ``scipy.ndimage.label`` labels all days at once, without dateline, areas or table.
Scaling: ``--days 14600 --source lazy`` makes tiles as they are needed and tells the memory used.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import dask
import dask.array as da
import numpy as np
import xarray as xr
from measuring import reset_peak, resident
from scipy import ndimage

from climcube.analysis.tracking.track import track

SHARE = 0.08


def noise(days: int, rows: int, columns: int) -> np.ndarray:
    """Smooth in time, latitude and longitude; around the globe."""
    rng = np.random.default_rng(0)
    field = rng.normal(size=(days, rows, columns)).astype("float32")
    return ndimage.gaussian_filter(field, (5, 2.5, 2.5), mode=("nearest", "nearest", "wrap"))


def ocean(data: object, days: int, rows: int, columns: int) -> xr.DataArray:
    coords = {
        "time": xr.date_range("1982-01-01", periods=days),
        "lat": (np.arange(rows) + 0.5) * 180 / rows - 90,
        "lon": (np.arange(columns) + 0.5) * 360 / columns,
    }
    return xr.DataArray(data, coords, list(coords), name="hot")


def timed(label: str, cells: int, action: Callable[[], object]) -> str:
    reset_peak()
    before, start = resident("VmRSS"), time.perf_counter()
    found = action()
    seconds = time.perf_counter() - start
    memory = (resident("VmHWM") - before) / 2**20
    return f"| {label} | {seconds / cells * 1e9:.1f} | {memory:,.0f} | {found} |"


def marex_events(mask: xr.DataArray, merging: bool) -> int:
    import marEx
    from distributed import Client  # marEx asks for one

    sea = xr.ones_like(mask.isel(time=0, drop=True)).compute()
    with Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None):
        tracker = marEx.tracker(
            mask, sea, R_fill=0, T_fill=0, area_filter_absolute=1, allow_merging=merging,
            overlap_threshold=0.5, quiet=True,
        )  # fmt: skip
        found = tracker.run().load()
    return int(found["ID_field"].max())


def scipy_labels(mask: xr.DataArray) -> int:
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = structure[:, 1, 1] = True
    return ndimage.label(mask.values, structure)[1]


def in_memory(options: argparse.Namespace) -> list[str]:
    sizes = (options.days, options.rows, options.columns)
    strength = ocean(noise(*sizes), *sizes)
    mask = strength > np.quantile(strength[:: max(1, options.days // 50)], 1 - SHARE)
    cells = mask.size
    tiles = {"time": -1, "lat": options.rows // 2, "lon": options.columns // 4}
    maps = {"time": 30, "lat": -1, "lon": -1}
    rows = []
    for name, chunks in (("tiles", tiles), ("maps", maps)):
        cut, companion = mask.chunk(chunks), strength.chunk(chunks)
        rows += [
            timed(f"climcube, events(), {name}", cells,
                  lambda c=cut, s=companion: len(track(c, intensity=s).events())),
            timed(f"climcube, labels, {name}", cells,
                  lambda c=cut: int(track(c).labels.max())),
        ]  # fmt: skip
    rows.append(timed("scipy.ndimage.label", cells, lambda: scipy_labels(mask)))
    try:
        import marEx
    except ImportError:
        print("marEx is not installed: pip install marEx")
        return rows
    cut = mask.chunk(maps)
    label = f"marEx {marEx.__version__}, as Scannell et al."
    rows.append(timed(label, cells, lambda: marex_events(cut, merging=False)))
    if options.merging:
        label = f"marEx {marEx.__version__}, merging and splitting"
        rows.append(timed(label, cells, lambda: marex_events(cut, merging=True)))
    return rows


def from_tiles(options: argparse.Namespace) -> list[str]:
    """A cube that is never in memory: one tile of noise, turned for each place."""
    edge = 90
    base = noise(options.days, edge, edge)
    limit = np.quantile(base[:: max(1, options.days // 50)], 1 - SHARE)

    def tile(block_info: dict) -> np.ndarray:
        (_, (row, _), (column, _)) = block_info[None]["array-location"]
        return np.roll(base, 37 * (row + 5 * column) // edge, axis=0)

    chunks = (
        (options.days,),
        (edge,) * (options.rows // edge),
        (edge,) * (options.columns // edge),
    )
    data = da.map_blocks(tile, chunks=chunks, dtype="float32", meta=np.empty((0,) * 3, "float32"))
    strength = ocean(data, options.days, options.rows, options.columns)
    tracks = track(strength > limit, intensity=strength, min_area=options.min_area)
    cells = strength.size
    return [
        timed("climcube, events()", cells, lambda: len(tracks.events())),
        f"({len(tracks.objects()):,} objects; float32 data: {strength.nbytes / 2**30:.1f} GiB)",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--rows", type=int, default=180)
    parser.add_argument("--columns", type=int, default=360)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--min-area", type=float, default=None)
    parser.add_argument("--merging", action="store_true", help="marEx's own way as well: slow")
    parser.add_argument("--source", choices=("memory", "lazy"), default="memory")
    options = parser.parse_args()
    small = ocean(noise(4, 6, 8) > 0, 4, 6, 8)
    track(small.chunk(), intensity=small * 1.0).events()  # compiles
    track(small.chunk(), intensity=(small * 1.0).astype("float32")).labels.compute()
    with dask.config.set(scheduler="threads", num_workers=options.workers):
        rows = in_memory(options) if options.source == "memory" else from_tiles(options)
    cells = options.days * options.rows * options.columns
    print(f"\n{cells / 1e6:,.0f} million cell-days, {options.workers} thread(s)\n")
    print("| what | ns per cell-day | memory beyond the input, MiB | events |")
    print("| --- | ---: | ---: | ---: |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
