"""Carry a statistic of windows that move over samples (a running mean) to a cube.

A task makes the results of one chunk and reads the neighbouring chunks that its windows reach
into; time is never put together. Chunks shorter than a window are taken several to a task.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Decoding, undecoded
from climcube.lift.common import Array, Tables, load_kernel, share
from climcube.lift.pieces import floats

__all__ = ["lift_windows"]

_NUMBERS = 2**15  # of one window, over cells: what a kernel works on should lie in its cache
_LEAST_CELLS = 32


@dataclass(frozen=True)
class _Work:
    """What every task of one lift knows."""

    reference: str
    axis: int
    length: int
    decoding: Decoding | None


def lift_windows(
    kernel: str,
    cube: xr.DataArray,
    dim: str,
    begin: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    length: int,
    *,
    tables: tuple[Any, ...],
    purpose: str,
) -> xr.DataArray:
    """Apply a kernel to the window of every sample.

    Parameters
    ----------
    kernel
        ``"module:function"``; called as ``function(block, start, first, last, *tables)``:
        results of samples ``first`` up to ``last``, ``(times, cells)`` in float64, from a
        ``(times, cells)`` block of the samples from number ``start`` on.
    cube, dim
        NumPy or Dask, chunked in any way; and the dimension that windows move along.
    begin, end
        First sample of each window, and one past its last; neither ever falls.
    length
        Samples of the longest window: chunks along ``dim`` that are shorter are joined.
    tables
        Further arguments of the kernel, shared by all tasks.
    purpose
        The public function, for the names of tasks.
    """
    axis = cube.dims.index(dim)
    stored, decoding = undecoded(cube) or (cube, None)
    work = _Work(kernel, axis, length, decoding)
    if not is_lazy(cube):
        whole = (0, 0, cube.sizes[dim])
        return cube.copy(data=_run([cube.values], Tables(tables), work=work, place=whole))
    data = stored.data
    node = share(tables)
    name = f"{purpose}-{tokenize(data.name, node.key, work, begin, end)}"
    edges = np.concatenate([[0], np.cumsum(data.chunks[axis])])
    cuts = _cuts(edges, length)
    tiles = data.chunks[:axis] + data.chunks[axis + 1 :]
    layer: dict[Any, Any] = {}
    for number, (first, last) in enumerate(pairwise(cuts)):
        low = int(np.searchsorted(edges, begin[first], side="right")) - 1
        high = int(np.searchsorted(edges, end[last - 1], side="left"))
        run = partial(_run, work=work, place=(int(edges[low]), int(first), int(last)))
        for place in np.ndindex(*map(len, tiles)):
            before, after = place[:axis], place[axis:]
            keys = [(data.name, *before, i, *after) for i in range(low, high)]
            layer[(name, *before, number, *after)] = (run, keys, node.key)
    dependencies: Any = [data, node]
    graph = HighLevelGraph.from_collections(name, layer, dependencies=dependencies)
    sizes = tuple(int(n) for n in np.diff(cuts))
    chunks = (*data.chunks[:axis], sizes, *data.chunks[axis + 1 :])
    return cube.copy(data=da.Array(graph, name, chunks, meta=np.empty((0,) * cube.ndim)))


def _cuts(edges: npt.NDArray[np.int64], length: int) -> list[int]:
    """Return the edges at which results are cut: no two closer than a window, if possible."""
    cuts = [0]
    for edge in edges[1:-1]:
        if edge - cuts[-1] >= length and edges[-1] - edge >= length:
            cuts.append(int(edge))
    return [*cuts, int(edges[-1])]


def _run(blocks: list[Array], tables: Any, *, work: _Work, place: tuple[int, int, int]) -> Array:
    """Return the results of one chunk, a slab of cells at a time (the work of one task)."""
    start, first, last = place
    kernel, shared = load_kernel(work.reference), Tables.unwrap(tables)
    moved = [np.moveaxis(block, work.axis, 0) for block in blocks]
    shape = moved[0].shape[1:]
    cells = math.prod(shape)
    flat = [block.reshape(len(block), cells) for block in moved]
    out = np.empty((last - first, cells))
    width = max(_LEAST_CELLS, _NUMBERS // work.length)
    for cell in range(0, cells, width):
        slab = slice(cell, cell + width)
        parts = [block[:, slab] for block in flat]
        part = floats(parts[0] if len(parts) == 1 else np.concatenate(parts), work.decoding)
        out[:, slab] = kernel(part, start, first, last, *shared)
    return np.moveaxis(out.reshape(last - first, *shape), 0, work.axis)
