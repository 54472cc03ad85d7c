"""What an ingest will take, before it is begun."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from climcube.recipes.layout import StoreLayout, sizes_of, steps_of
from climcube.recipes.page import Facts
from climcube.recipes.reading import Stretch, bands_of, stretches_of
from climcube.recipes.scan import Scan
from climcube.stores.files.rawchunks import read_piece
from climcube.stores.integrity.verification import spoken_size

__all__ = ["IngestPlan", "plan_of"]

_SAMPLE_BYTES = 2**25  # of values that are read and compressed to estimate the time
_OVERHEAD = 200 * 2**20  # of interpreter and libraries


@dataclass(frozen=True, repr=False)
class IngestPlan(Facts):
    """What an ingest will read, write, and take.

    Attributes
    ----------
    store
        Where to, without credentials.
    variables
        Variables with their shapes.
    files, times, period
        Files that are used, times of the store, first and last date.
    bytes_read
        Of the files, as far as it is known.
    bytes_values, bytes_written
        Of values in the store, and an estimate of what they take compressed.
    objects
        Objects with values.
    blocks
        Steps that a kill does not undo.
    memory
        Bytes at most, with the interpreter.
    seconds
        Estimated from one file; without the time that a network takes.
    gaps
        Missing stretches of days.
    irregular
        Files and days about which something was decided.
    """

    title: ClassVar[str] = "Ingest plan"

    store: str
    variables: dict[str, tuple[int, ...]]
    files: int
    times: int
    period: tuple[str, str]
    bytes_read: int
    bytes_values: int
    bytes_written: int
    objects: int
    blocks: int
    memory: int
    seconds: float
    gaps: tuple[str, ...] = ()
    irregular: int = 0

    def _lines(self) -> list[tuple[str, str]]:
        shapes = (f"{n} {' x '.join(map(str, s))}" for n, s in self.variables.items())
        lines = [
            ("store", self.store),
            ("variables", ", ".join(shapes)),
            ("period", f"{self.period[0]} to {self.period[1]}, {self.times:,} times"),
            ("reads", f"{self.files:,} files, {spoken_size(self.bytes_read)}"),
            ("writes", f"about {spoken_size(self.bytes_written)} in {self.objects:,} objects"),
            ("memory", f"at most {spoken_size(self.memory)}"),
            ("time", f"about {_duration(self.seconds)}, in {self.blocks:,} blocks"),
            ("gaps", f"{len(self.gaps):,}" if self.gaps else "none"),
        ]
        if self.irregular:
            lines.append(("irregular", f"{self.irregular:,} files or days; the report names them"))
        return lines


def plan_of(
    scan: Scan, store: str, workers: int, *, grows: bool, seconds_scanned: float
) -> IngestPlan:
    """Work out what an ingest takes; one file is read to estimate time and compression."""
    layout, archive = scan.recipe.store, scan.archive
    times = len(scan.axis)
    sizes, steps = sizes_of(archive, times), steps_of(archive, times, layout, grows=grows)
    stretches = stretches_of(archive, {}, scan.targets, 0, min(steps, times))
    objects, values = 0, 0
    largest = 0
    for stretch in stretches:
        dims = tuple(str(d) for d in archive.template[stretch.name].dims)
        cut = StoreLayout.of(dims, sizes, archive.roles.time, steps, layout)
        shape = [sizes[d] for d in dims]
        objects += math.prod(math.ceil(n / s) for n, s in zip(shape, cut.shards, strict=True))
        values += math.prod(shape) * stretch.dtype.itemsize
        for band in bands_of(stretch, cut.shards, layout.block_bytes):
            cells = math.prod(b.stop - b.start for i, b in enumerate(band) if i != stretch.axis)
            largest = max(largest, cells * stretch.shape[stretch.axis] * stretch.dtype.itemsize)
    rate, ratio = _sample(scan, stretches, layout.compression_level)
    return IngestPlan(
        store,
        {s.name: tuple(sizes[str(d)] for d in archive.template[s.name].dims) for s in stretches},
        len(archive.headers),
        times,
        (scan.axis.label(0), scan.axis.label(times - 1)),
        scan.bytes_read,
        values,
        int(values * ratio),
        objects,
        math.ceil(times / steps),
        2 * largest + _OVERHEAD,
        seconds_scanned + values * rate / max(1, min(workers, 4)),
        scan.gaps,
        len(scan.decisions),
    )


def _sample(scan: Scan, stretches: list[Stretch], level: int) -> tuple[float, float]:
    """Return seconds for a byte of values, and the share of it that is left compressed."""
    from numcodecs.zstd import Zstd  # type: ignore[import-untyped]

    first, took, read, left = scan.archive.headers[0], 0.0, 0, 0
    for stretch in stretches:
        shape = first.shapes[stretch.name]
        each = math.prod(shape) // max(1, shape[stretch.axis]) * stretch.dtype.itemsize
        most = max(1, min(shape[stretch.axis], _SAMPLE_BYTES // max(1, each)))
        key = tuple(
            slice(0, most if i == stretch.axis else min(n, 2048)) for i, n in enumerate(shape)
        )
        began = time.perf_counter()
        values: Any = read_piece(first.address, scan.found.options, stretch.name, key)
        packed = Zstd(level=level).encode(np.ascontiguousarray(values))
        took += time.perf_counter() - began
        read, left = read + values.nbytes, left + len(packed)
    return (took / read, left / read) if read else (0.0, 1.0)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
