"""Lazy variables read piece by piece from many files: open, read, decode, close in one task."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from climcube.cubes.packing import Decoding
from climcube.options import get_option
from climcube.stores.contents import content_token
from climcube.stores.files.rawfile import raw_file

__all__ = ["SHARE", "FileVariable", "join_lazily", "read_stretches"]

# A task reads whole files until it has this share of a tile.
SHARE = 8


@dataclass(frozen=True)
class FileVariable:
    """One variable in one file, and how it is decoded there.

    ``decoding`` for packed integers; ``fills``, ``scale`` and ``offset`` for floats.
    """

    address: str
    steps: int
    decoding: Decoding | None
    fills: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(
        cls, address: str, steps: int, attrs: Mapping[str, Any], stored: np.dtype[Any]
    ) -> FileVariable:
        """Read how a variable is decoded from its attributes."""
        if stored.kind != "f":
            return cls(address, steps, Decoding.of(attrs, stored))
        given = [np.asarray(attrs.get(k, ())).reshape(-1) for k in ("_FillValue", "missing_value")]
        numbers = (float(np.asarray(v, stored)) for values in given for v in values)
        fills = tuple(n for n in numbers if not math.isnan(n))
        scale, offset = (
            float(np.asarray(attrs.get(name, default)).reshape(-1)[0])
            for name, default in (("scale_factor", 1.0), ("add_offset", 0.0))
        )
        return cls(address, steps, None, fills, scale, offset)

    def decode(self, block: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """Decode what was read; ``block`` may be overwritten."""
        if self.decoding is not None:
            return self.decoding.apply(block).astype(dtype, copy=False)
        missing = np.isin(block, np.array(self.fills, block.dtype)) if self.fills else None
        values = block.astype(dtype, copy=False)
        if (self.scale, self.offset) != (1.0, 0.0):
            values = values * dtype.type(self.scale) + dtype.type(self.offset)
        if missing is not None and missing.any():
            values = values if values.flags.writeable else values.copy()
            values[missing] = np.nan
        return values


def join_lazily(
    name: str,
    files: Sequence[FileVariable],
    axis: int,
    cells: Mapping[int, int],
    step_chunk: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    options: Mapping[str, Any],
) -> da.Array:
    """Return one lazy array of a variable over all files.

    Parameters
    ----------
    name
        The variable.
    files
        In the order of time.
    axis
        Of time.
    cells
        Chunk size of each other axis.
    step_chunk
        Time steps that a task may read of one file.
    shape
        Of the whole.
    dtype
        Of the decoded values.
    options
        Storage options.
    """
    chunk_cells = math.prod(cells.values())
    groups = list(_groups(files, step_chunk, max(1, _room() // max(1, chunk_cells))))
    times = tuple(sum(stop - start for _, start, stop in group) for group in groups)
    chunks = tuple(times if i == axis else _cut(n, cells[i]) for i, n in enumerate(shape))
    starts = [np.concatenate([[0], np.cumsum(c)[:-1]]).astype(int) for c in chunks]
    own = "files-" + tokenize(
        name, dtype, axis, chunks, [(f, content_token(f.address)) for f in files]
    )
    layer: dict[Any, Any] = {}
    for place in np.ndindex(*map(len, chunks)):
        key = tuple(
            slice(None) if i == axis else slice(int(starts[i][p]), int(starts[i][p]) + chunks[i][p])
            for i, p in enumerate(place)
        )
        layer[own, *place] = (
            read_stretches,
            tuple(groups[place[axis]]),
            name,
            axis,
            key,
            dtype,
            dict(options),
        )
    graph = HighLevelGraph.from_collections(own, layer)
    return da.Array(graph, own, chunks, meta=np.empty((0,) * len(shape), dtype))


def read_stretches(
    parts: tuple[tuple[FileVariable, int, int], ...],
    name: str,
    axis: int,
    key: tuple[slice, ...],
    dtype: np.dtype[Any],
    options: dict[str, Any],
) -> npt.NDArray[Any]:
    """Read and decode consecutive stretches of files (the work of one task)."""
    blocks = []
    for file, start, stop in parts:
        place = (*key[:axis], slice(start, stop), *key[axis + 1 :])
        with raw_file(file.address, options) as opened:
            block = opened.read(name, place)
        blocks.append(file.decode(block, dtype))
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=axis)


def _room() -> int:
    """Numbers that one task may read."""
    return max(1, int(get_option("tile_bytes")) // (4 * SHARE))


def _groups(
    files: Sequence[FileVariable], step_chunk: int, most: int
) -> Iterable[list[tuple[FileVariable, int, int]]]:
    """Gather whole small files, and cut long ones, into the work of one task each."""
    group: list[tuple[FileVariable, int, int]] = []
    steps = 0
    for file in files:
        if group and steps + file.steps > most:
            yield group
            group, steps = [], 0
        if file.steps > step_chunk:
            for start in range(0, file.steps, step_chunk):
                yield [(file, start, min(start + step_chunk, file.steps))]
        elif file.steps:
            group.append((file, 0, file.steps))
            steps += file.steps
    if group:
        yield group


def _cut(size: int, chunk: int) -> tuple[int, ...]:
    whole, rest = divmod(size, max(1, chunk))
    return (chunk,) * whole + ((rest,) if rest else ())
