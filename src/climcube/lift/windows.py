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
from climcube.cubes.packing import Decoding, as_stored
from climcube.lift.common import Array, Tables, load_kernel, share
from climcube.lift.costs import Cost, Outline, costs
from climcube.lift.pieces import Stretch, slabs

__all__ = ["lift_windows"]

_WINDOW_NUMBERS = 2**20  # of one window, over cells: rows should be long
_PIECE_NUMBERS = 2**22  # given to a kernel at once, or more where that is less than ...
_WINDOWS = 16  # times as long as a window: it begins anew in each piece


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
        ``"module:function"``; called as ``function(block, start, first, last, column, out,
        *tables)``: writes the results of samples ``first`` up to ``last`` into ``out``, ``(times,
        cells)`` in float64, from ``column`` on, given a ``(times, cells)`` block of some of the
        cells, of the samples from number ``start`` on.
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
    stored, decoding = as_stored(cube)
    work = _Work(kernel, axis, length, decoding)
    tables = (begin, end, *tables)
    if not is_lazy(cube):
        whole = (0, 0, cube.sizes[dim])
        return cube.copy(data=_run([cube.values], Tables(tables), work=work, place=whole))
    data = stored.data
    node = share(tables)
    name = f"{purpose}-{tokenize(data.name, node.key, work)}"
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


def _cost(blocks: list[Outline], tables: Any, *, work: _Work, place: tuple[int, int, int]) -> Cost:
    """Return what one task takes: the results, and pieces that a kernel works on."""
    _, first, last = place
    axis, shape = work.axis, blocks[0].shape
    cells = math.prod(shape) // max(1, shape[axis])
    width = max(1, min(_WINDOW_NUMBERS // work.length, cells))
    span = max(_WINDOWS * work.length, _PIECE_NUMBERS // width)
    steps = min(span, last - first) + 2 * work.length
    steps = min(steps, sum(block.shape[axis] for block in blocks))
    result = Outline((*shape[:axis], last - first, *shape[axis + 1 :]), "float64")
    decoded = 8 if work.decoding is None else np.dtype(work.decoding.dtype).itemsize
    each = blocks[0].dtype.itemsize + decoded + 8  # joined, as floats, and what the kernel needs
    return Cost(result, each * steps * width + 48 * work.length * width)


@costs(_cost)
def _run(blocks: list[Array], tables: Any, *, work: _Work, place: tuple[int, int, int]) -> Array:
    """Return the results of one chunk, piece by piece (the work of one task)."""
    start, first, last = place
    kernel, (begin, end, *shared) = load_kernel(work.reference), Tables.unwrap(tables)
    stretch = Stretch([np.moveaxis(block, work.axis, 0) for block in blocks], work.decoding)
    out = np.empty((last - first, stretch.cells))
    width = max(1, min(_WINDOW_NUMBERS // work.length, stretch.cells))
    span = max(_WINDOWS * work.length, _PIECE_NUMBERS // width)
    for slab in slabs(stretch.shape, width):
        for low in range(first, last, span):
            high = min(low + span, last)
            known, ahead = int(begin[low]), int(end[high - 1])
            piece = stretch.read(slab, known - start, ahead - start)
            target = out[low - first : high - first]
            kernel(piece, known, low, high, slab[1].start, target, *shared)
    return np.moveaxis(out.reshape(last - first, *stretch.shape), 0, work.axis)
