"""How quick this machine is: measured once, then kept in the user's cache."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from climcube.lift.common import load_kernel

__all__ = ["Rates", "rates"]

_SERIES = "climcube.kernels.detrending:remove_polynomial"
_MERGEABLE = "climcube.kernels.weighted:weighted_sums"
_SHAPE = (1024, 64, 128)  # of the store that is written and read: 16 MB of int16
_CELLS = 512
_REPEATS = 3


@dataclass(frozen=True)
class Rates:
    """Of one core.

    Attributes
    ----------
    read, write
        Bytes of values a second, from and to a Zarr store on a local disk, compressed by zstd.
    series, mergeable
        Numbers a second that a quick kernel of either kind works on.
    """

    read: float
    write: float
    series: float
    mergeable: float


def rates(renew: bool = False, *, measure: bool = True) -> Rates | None:
    """Return how quick this machine is.

    Parameters
    ----------
    renew
        Measure again although it is known.
    measure
        Measure where it is not known (about 2 s); else ``None`` is returned then.
    """
    path = _folder() / f"calibration-{_versions()}.json"
    if not renew:
        known = _load(path)
        if known is not None or not measure:
            return known
    found = _measured()
    _keep(path, found)
    return found


def _folder() -> Path:
    own = os.environ.get("XDG_CACHE_HOME")
    return (Path(own) if own else Path.home() / ".cache") / "climcube"


def _versions() -> str:
    parts = [f"{sys.version_info.major}.{sys.version_info.minor}"]
    parts += [importlib.metadata.version(name) for name in ("numba", "zarr", "climcube")]
    return "-".join([*parts, platform.machine()])


def _load(path: Path) -> Rates | None:
    try:
        return Rates(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):  # not there, or not one of ours: measured anew
        return None


def _keep(path: Path, found: Rates) -> None:
    """Write the rates down; a home that cannot be written to is measured each time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text(json.dumps(asdict(found)))
        part.replace(path)
    except OSError:
        return


def _measured() -> Rates:
    import zarr
    from zarr.codecs import ZstdCodec

    noise = np.random.default_rng(0).normal(0, 50, _SHAPE).cumsum(axis=0)
    values = noise.astype("int16")
    with tempfile.TemporaryDirectory() as folder:
        array = zarr.create_array(
            f"{folder}/calibration.zarr", shape=_SHAPE, dtype="int16", chunks=(256, 32, 64),
            compressors=ZstdCodec(level=3, checksum=True),
        )  # fmt: skip

        def write() -> None:
            array[:] = values

        def read() -> None:
            array[:]

        writing, reading = _quickest(write), _quickest(read)
    series = np.random.default_rng(0).normal(size=(_CELLS, _SHAPE[0]))
    times = np.arange(_SHAPE[0], dtype="float64")
    weights = np.ones((1, _SHAPE[0]))
    detrend, merge = load_kernel(_SERIES), load_kernel(_MERGEABLE)
    return Rates(
        values.nbytes / reading,
        values.nbytes / writing,
        series.size / _quickest(lambda: detrend(series.copy(), times, 1, False)),
        series.size / _quickest(lambda: merge(series, weights)),
    )


def _quickest(work: Callable[[], object]) -> float:
    """Return seconds of the quickest of some runs; the first compiles, and is not counted."""
    work()
    took = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return max(min(took), 1e-6)
