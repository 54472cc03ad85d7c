"""What verification costs: reads with and without it, in turns in one run.

    python benchmarks/bench_verify.py [--years 5] [--side 90] [--repeats 21]

One cube as an ingest writes it (int16, shards of a year x 90 x 90 cells with chunks of 30 x 30,
zstd with a checksum), on the local disk in the page cache: with the least to wait for, the
overhead is the largest there is. Seconds of the processor, of all threads; percentages are the
median over all turns of what a read takes more than the plain reads just before and after it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from measuring import turns
from zarr.codecs import ZstdCodec
from zarr.storage import LocalStore

from climcube.stores.integrity.manifest import Recorder, seal_manifest, verifying, write_records
from climcube.stores.verify import verify_store

DAYS = 366


def make(store: Any, values: np.ndarray, algorithm: str | None) -> None:
    """Write the cube, a year at a time; with an algorithm, with its manifest."""
    target = Recorder(store, algorithm) if algorithm else store
    group = zarr.open_group(target, mode="w", zarr_format=3)
    array = group.create_array(
        "sst", shape=values.shape, shards=(DAYS, 90, 90), chunks=(DAYS, 30, 30), dtype="int16",
        fill_value=-32768, compressors=(ZstdCodec(level=3, checksum=True),),
    )  # fmt: skip
    for start in range(0, len(values), DAYS):
        array[start : start + DAYS] = values[start : start + DAYS]
        if isinstance(target, Recorder):
            write_records(target, target.take())
    if algorithm:
        seal_manifest(target)


def ocean(years: int, side: int) -> np.ndarray:
    """Seasons, weather and noise, packed to hundredths: about 2.5 times smaller when stored."""
    rng = np.random.default_rng(0)
    day = np.arange(years * DAYS, dtype="float32")[:, None, None]
    season = 15 + 8 * np.sin(2 * np.pi * day / DAYS)
    weather = np.empty((len(day), side, side), "float32")
    state = np.zeros((side, side), "float32")
    for step in range(len(day)):
        state = 0.95 * state + rng.normal(0, 0.05, state.shape).astype("float32")
        weather[step] = state
    return np.round((season + weather) / 0.01).astype("int16")


def reads(years: int, side: int) -> dict[str, tuple[Any, ...]]:
    """Return what is read: selections, each of a list."""
    rng = np.random.default_rng(1)
    cells = rng.integers(0, side, (20, 2))
    days = rng.integers(0, years * DAYS, 10)
    return {
        "the whole cube": (np.s_[:],),
        "all time of a tile, 90 x 90": (np.s_[:, :90, :90],),
        "all time of 20 cells": tuple(np.s_[:, i, j] for i, j in cells.tolist()),
        "10 maps": tuple(np.s_[d] for d in days.tolist()),
    }


def compare(calls: dict[str, Callable[[], None]], repeats: int) -> tuple[float, dict[str, float]]:
    """Return the shortest plain time, and the median ratio of each other call to it."""

    def taken(call: Callable[[], None]) -> float:
        start = time.process_time()
        call()
        return time.process_time() - start

    plain = calls["plain"]
    others = {name: call for name, call in calls.items() if name != "plain"}
    ratios: dict[str, list[float]] = {name: [] for name in others}
    for call in calls.values():
        call()
    shortest = float("inf")
    for _ in range(repeats):
        for name, call in others.items():
            before, own, after = taken(plain), taken(call), taken(plain)
            ratios[name].append(2 * own / (before + after))
            shortest = min(shortest, before, after)
    return shortest, {name: float(np.median(found)) for name, found in ratios.items()}


def reader(array: Any, selections: tuple[Any, ...]) -> Callable[[], None]:
    def read() -> None:
        for selection in selections:
            array[selection]

    return read


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--side", type=int, default=90)
    parser.add_argument("--repeats", type=int, default=21)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp())
    try:
        values = ocean(given.years, given.side)
        stores = {name: LocalStore(folder / name) for name in ("xxh3_128", "sha256")}
        for name, store in stores.items():
            make(store, values, name)
        _print_reads(stores, given)
        _print_rest(stores["xxh3_128"], folder, values, given.repeats)
    finally:
        shutil.rmtree(folder)


def _print_reads(stores: dict[str, LocalStore], given: argparse.Namespace) -> None:
    def opened(store: LocalStore, mode: str | None) -> Any:
        plain = LocalStore(store.root, read_only=True)
        return zarr.open_group(verifying(plain, mode) if mode else plain, mode="r")["sst"]

    xxh3, sha = stores["xxh3_128"], stores["sha256"]
    sides = {
        "plain": opened(xxh3, None),
        "never": opened(xxh3, "never"),
        "sample": opened(xxh3, "sample"),
        "always": opened(xxh3, "always"),
        "always, SHA-256": opened(sha, "always"),
    }
    print("| read | plain, s | " + " | ".join(list(sides)[1:]) + " |")
    print("|---" * (1 + len(sides)) + "|")
    for label, selections in reads(given.years, given.side).items():
        calls = {name: reader(array, selections) for name, array in sides.items()}
        plain, ratios = compare(calls, given.repeats)
        over = [f"{100 * (ratio - 1):+.1f} %" for ratio in ratios.values()]
        print(f"| {label} | {plain:.3f} | " + " | ".join(over) + " |", flush=True)


def _print_rest(store: LocalStore, folder: Path, values: np.ndarray, repeats: int) -> None:
    stored = sum(f.stat().st_size for f in Path(store.root).rglob("*") if f.is_file())
    own = Path(store.root) / "climcube_manifest"
    manifest = sum(f.stat().st_size for f in own.rglob("*") if f.is_file())
    some = values[: 2 * DAYS]
    sides = {
        "plain": lambda: make(LocalStore(folder / "a"), some, None),
        "noted": lambda: make(LocalStore(folder / "b"), some, "xxh3_128"),
        "verified": lambda: verify_store(store, "", progress=False),
    }
    found = turns(sides, max(2, repeats // 2), time.process_time)
    print(f"\nstored {stored / 1e6:.0f} MB for {values.nbytes / 1e6:.0f} MB of int16, "
          f"of it the manifest {manifest / 1e3:.1f} kB")  # fmt: skip
    print(f"writing with a manifest {100 * (found['noted'] / found['plain'] - 1):+.1f} %")
    print(f"verify {stored / 1e6 / found['verified']:.0f} MB/s of one core")
    print(f"load of the machine {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
