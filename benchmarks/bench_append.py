"""What appending days to a versioned store costs, for decision 0016.

    python benchmarks/bench_append.py [--cells 360 720] [--days 300]

For several lengths of the shards in time: seconds (of the processor) and bytes that one more
day costs, in the middle of a shard, and what the same days cost appended seven at a time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path


def stored(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def measure(
    files: list[Path], store: Path, times: int, days: int
) -> list[tuple[str, float, float]]:
    import climcube as cc
    from climcube.recipes.layout import Layout

    def recipe(part: list[Path]) -> cc.Recipe:
        return cc.Recipe(tuple(map(str, part)), store=Layout(times=times))

    cc.ingest(recipe(files[:days]), store, progress=False)
    rows = []
    for label, step in (("1 day", 1), ("7 days", 7)):
        size, start = stored(store), time.process_time()
        cc.ingest(recipe(files[days : days + step]), store, mode="append", progress=False)
        rows.append((label, time.process_time() - start, (stored(store) - size) / 1e6))
        days += step
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, nargs=2, default=(360, 720))
    parser.add_argument("--days", type=int, default=300)
    options = parser.parse_args()
    import climcube as cc

    print("| times in a shard | appended | CPU s | MB written |")
    print("| ---: | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ocean = cc.testing.synthetic_ocean(years=1, shape=tuple(options.cells))
        files = cc.testing.write_daily_files(ocean.isel(time=slice(options.days + 8)), folder / "f")
        for times in (366, 92, 31, 8):
            rows = measure(files, folder / f"{times}.icechunk", times, options.days)
            for label, seconds, size in rows:
                print(f"| {times} | {label} | {seconds:.1f} | {size:.1f} |", flush=True)


if __name__ == "__main__":
    main()
