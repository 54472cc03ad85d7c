"""Carry a mergeable statistic to a labelled cube: any chunks, no rechunking, one pass, a tree.

Each stretch of time of each spatial tile becomes a small state; states are merged pairwise up
a tree, and the last task of a tile turns its state into results. Small chunks (a day each) are
taken several to a task, because a state is then larger than the chunk it sums up. Within a
task the work goes piece by piece, so a task never needs a second copy of its chunk: packed
integers stay packed but for the piece that is worked on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

from climcube.cubes.chunks import is_lazy
from climcube.cubes.packing import Decoding, as_stored
from climcube.lift.common import (
    Array,
    Output,
    Tables,
    dress,
    load_kernel,
    pick,
    refused,
    require_free_names,
    share,
)
from climcube.lift.costs import Cost, Outline, costs
from climcube.lift.pieces import PIECE, Slab, Stretch, slabs
from climcube.lift.states import States
from climcube.options import get_option

__all__ = ["Output", "lift_reduction"]

State = dict[str, Array]

_TASK_STEPS = 128  # times that one task takes at least, where chunks are smaller
_FAN_IN = 2  # states merged at once; in a wider tree more of them wait in memory
_BLOCK_STEPS = 2048  # times and numbers given to a kernel at once, of which it makes a state
_BLOCK_NUMBERS = 2**20
_STATE_NUMBERS = 2**16  # numbers of one state's largest array merged or finished at once

# What kernels need at most: numbers, in times of those that they work on.
_CHUNK_COPIES = 1.25
_STREAM_COPIES = 4
_FINISH_COPIES = 4


@dataclass(frozen=True)
class _Work:
    """What every task of one lift knows."""

    reference: str
    where: str
    axis: int
    dtypes: tuple[str, ...]
    lengths: tuple[int | None, ...]
    decoding: Decoding | None


def lift_reduction(
    kernel: str,
    cube: xr.DataArray,
    dim: str,
    outputs: Sequence[Output],
    *,
    tables: tuple[Any, ...] = (),
    coordinates: Mapping[str, xr.DataArray] | None = None,
    purpose: str,
    task_steps: int = _TASK_STEPS,
) -> xr.Dataset:
    """Apply a mergeable statistic along one dimension.

    Parameters
    ----------
    kernel
        ``"module:object"``, the name of a `climcube.kernels.reduction.Reduction`.
    cube
        NumPy or Dask, chunked in any way along any dimension.
    dim
        The dimension that is reduced.
    outputs
        What ``finalize`` returns, in order; an output's dimension stands where ``dim`` stood.
    tables
        Arrays and numbers that depend on the axis and options only; shared by all tasks.
    coordinates
        Coordinates of the dimensions that outputs introduce; sizes are taken from here.
    purpose
        The public function, for messages and for the names of tasks.
    task_steps
        Times that one task takes at least; more where a state is large.

    Returns
    -------
    Dataset
        Lazy where the cube is; nothing is computed while the graph is built.

    Raises
    ------
    CubeError
        At compute: the kernel met values that it cannot take (it raises FloatingPointError).
    """
    known = dict(coordinates or {})
    require_free_names(cube, dim, known, purpose, outputs)
    stored, decoding = as_stored(cube)
    work = _Work(
        kernel,
        f"{purpose} of variable {cube.name!r}",
        cube.dims.index(dim),
        tuple(o.dtype for o in outputs),
        tuple(None if o.dim is None else known[o.dim].size for o in outputs),
        decoding,
    )
    arrays: Sequence[Any]
    if is_lazy(cube):
        arrays = _build(stored.data, work, tables, purpose, task_steps)
    else:
        boxed = Tables(tables)
        shape = _cells(cube.shape, work.axis)
        arrays = _whole([cube.values], boxed, work=work, shape=shape)
    return dress(arrays, outputs, cube, dim, known)


def _build(
    data: da.Array, work: _Work, tables: tuple[Any, ...], purpose: str, task_steps: int
) -> list[da.Array]:
    """Write the graph: leaves, merges, one finish for each tile, one pick for each output."""
    node = share(tables)
    name = f"{purpose}-{tokenize(data.name, node.key, work)}"
    tiles = _cells(data.chunks, work.axis)
    most = task_steps
    if load_kernel(work.reference).stream:  # its states are large: the fewer the better
        row = data.dtype.itemsize * math.prod(max(sizes, default=0) for sizes in tiles)
        most = max(task_steps, get_option("tile_bytes") // max(1, row))
    groups = _groups(data.chunks[work.axis], task_steps, most)
    layer: dict[Any, Any] = {}
    for place in np.ndindex(*map(len, tiles)):
        shape = tuple(sizes[i] for sizes, i in zip(tiles, place, strict=True))
        stretches = [
            (start, [(data.name, *place[: work.axis], i, *place[work.axis :]) for i in members])
            for start, members in groups
        ]
        if len(stretches) == 1:  # leaf and finish are one task
            whole = partial(_whole, work=work, shape=shape)
            layer[(f"finish-{name}", *place)] = (whole, stretches[0][1], node.key)
            continue
        keys: list[Any] = []
        for start, blocks in stretches:
            keys.append((f"leaf-{name}", start, *place))
            layer[keys[-1]] = (partial(_leaf, work=work, start=start), blocks, node.key)
        level = 0
        while len(keys) > _FAN_IN:
            level += 1
            parts = [keys[i : i + _FAN_IN] for i in range(0, len(keys), _FAN_IN)]
            keys = [(f"merge-{name}", level, i, *place) for i in range(len(parts))]
            for i, part in enumerate(parts):
                if len(part) == 1:  # nothing to merge: it waits for the next level
                    keys[i] = part[0]
                else:
                    layer[keys[i]] = (partial(_merge, work=work), part)
        finish = partial(_finish, work=work, shape=shape)
        layer[(f"finish-{name}", *place)] = (finish, keys, node.key)
    dependencies: Any = [data, node]
    graph = HighLevelGraph.from_collections(name, layer, dependencies=dependencies)
    return [
        pick(graph, name, f"finish-{name}", tiles, work.axis, number, length, dtype)
        for number, (length, dtype) in enumerate(zip(work.lengths, work.dtypes, strict=True))
    ]


def _groups(chunks: tuple[int, ...], least: int, most: int) -> list[tuple[int, list[int]]]:
    """Gather neighbouring chunks into tasks: first time of each, and the numbers of its chunks.

    A task has ``least`` times, and further chunks as long as it has no more than ``most``.
    """
    groups: list[tuple[int, list[int]]] = []
    start = steps = 0
    members: list[int] = []
    for number, size in enumerate(chunks):
        if members and steps >= least and steps + size > most:
            groups.append((start, members))
            start, steps, members = start + steps, 0, []
        members.append(number)
        steps += size
    groups.append((start, members))
    return groups


def _leaf_cost(blocks: list[Outline], tables: Any, *, work: _Work, start: int) -> Cost:
    """Return what a leaf takes: its state, that of a slab, and the pieces of the slab."""
    steps = sum(block.shape[work.axis] for block in blocks)
    cells = blocks[0].size // max(1, blocks[0].shape[work.axis])
    probe = partial(_leaf, work=work, start=start)
    state = States.of(probe, blocks, work.axis, tables, steps).whole(cells)
    stream = load_kernel(work.reference).stream is not None
    piece = max(PIECE, cells) if stream else _BLOCK_NUMBERS
    numbers = min(piece, steps * cells) * (_STREAM_COPIES if stream else _CHUNK_COPIES)
    return Cost(state, int(8 * numbers) + (0 if stream else state.nbytes // 8))


@costs(_leaf_cost)
def _leaf(blocks: list[Array], tables: Any, *, work: _Work, start: int) -> State:
    """Return the state of consecutive blocks of one tile."""
    reduction = load_kernel(work.reference)
    shared = Tables.unwrap(tables)
    stretch = Stretch([np.moveaxis(block, work.axis, 0) for block in blocks], work.decoding)
    width = _BLOCK_NUMBERS // max(1, min(stretch.steps, _BLOCK_STEPS))
    if reduction.stream and stretch.in_rows:  # rows are read as they lie, whole
        width = stretch.cells
    whole: State = {}
    for slab in slabs(stretch.shape, width):
        try:
            if reduction.stream:
                state = _streamed(reduction, stretch, slab, start, shared)
            else:
                state = _chunked(reduction, stretch, slab, start, shared)
        except FloatingPointError as error:
            raise refused(error, work.where) from None
        _put(whole, state, slab[1], stretch.cells)
    return whole


def _chunked(
    reduction: Any, stretch: Stretch, slab: Slab, start: int, tables: tuple[Any, ...]
) -> State:
    """Return the state of some cells, merged from those of some times each."""
    parts = (
        reduction.chunk(piece, start + number * _BLOCK_STEPS, *tables)
        for number, piece in enumerate(stretch.pieces(slab, _BLOCK_STEPS))
    )
    state: State = reduce(lambda before, after: reduction.combine([before, after]), parts)
    return state


def _streamed(
    reduction: Any, stretch: Stretch, slab: Slab, start: int, tables: tuple[Any, ...]
) -> State:
    """Return the state of some cells, to which some times after the other are added."""
    cells = slab[1].stop - slab[1].start
    pieces = stretch.pieces(slab, max(1, PIECE // max(1, cells)))
    state: State = reduction.stream(pieces, (stretch.steps, cells), start, *tables)
    return state


def _whole_cost(blocks: list[Outline], tables: Any, *, work: _Work, shape: tuple[int, ...]) -> Cost:
    leaf = _leaf_cost(blocks, tables, work=work, start=0)
    finish = _finish_cost([leaf.result], tables, work=work, shape=shape)
    return Cost(finish.result, max(leaf.workspace, leaf.result.nbytes + finish.workspace))


@costs(_whole_cost)
def _whole(
    blocks: list[Array], tables: Any, *, work: _Work, shape: tuple[int, ...]
) -> tuple[Array, ...]:
    """Return the results of a tile that is read by one task."""
    state = _leaf(blocks, tables, work=work, start=0)
    return _finish([state], tables, work=work, shape=shape)


def _merge_cost(states: list[States], *, work: _Work) -> Cost:
    """Return what a merge takes: in a stream a second state while it is made, else a slab's."""
    merged = states[0].merged(states, partial(_merge, work=work))
    if load_kernel(work.reference).stream is not None:
        return Cost(merged, merged.nbytes)
    return Cost(merged, _slab_room([*states, merged]))


@costs(_merge_cost)
def _merge(states: list[State], *, work: _Work) -> State:
    """Return the state of consecutive stretches together."""
    reduction = load_kernel(work.reference)
    combine = reduction.combine
    if reduction.stream is not None:  # it goes row by row: slabs would only be in its way
        together: State = combine(states)
        return together
    cells = next(iter(states[0].values())).shape[-1]
    merged: State = {}
    for rows in _rows(states[0], cells):
        _put(merged, combine([_cut(state, rows) for state in states]), rows, cells)
    return merged


def _finish_cost(states: list[States], tables: Any, *, work: _Work, shape: tuple[int, ...]) -> Cost:
    """Return what the last task of a tile takes: results, and slabs of states and of them."""
    axis = work.axis
    results = [
        Outline(shape if n is None else (*shape[:axis], n, *shape[axis:]), dtype)
        for n, dtype in zip(work.lengths, work.dtypes, strict=True)
    ]
    cells = max(1, math.prod(shape))
    room = 0
    if load_kernel(work.reference).stream is not None and len(states) > 1:
        merged = states[0].merged(states, partial(_merge, work=work))
        room, states = 2 * merged.nbytes, [merged]
    rows = min(cells, states[0].rows(_STATE_NUMBERS))
    slab = rows * sum(result.size // cells for result in results) * 8
    return Cost(tuple(results), room + _slab_room(states) + _FINISH_COPIES * slab)


def _slab_room(states: list[States]) -> int:
    """Return the bytes of some cells of states, merged and put together."""
    return sum(3 * state.slab(_STATE_NUMBERS) for state in states)


@costs(_finish_cost)
def _finish(
    states: list[State], tables: Any, *, work: _Work, shape: tuple[int, ...]
) -> tuple[Array, ...]:
    """Merge the last states of one tile and return its results, shaped as the tile."""
    reduction = load_kernel(work.reference)
    shared = Tables.unwrap(tables)
    cells = math.prod(shape)
    results = [
        np.empty((cells,) if k is None else (k, cells), dtype)
        for k, dtype in zip(work.lengths, work.dtypes, strict=True)
    ]
    if reduction.stream is not None and len(states) > 1:
        states = [reduction.combine(states)]
    for rows in _rows(states[0], cells):
        parts = [_cut(state, rows) for state in states]
        state = parts[0] if len(parts) == 1 else reduction.combine(parts)
        for result, values in zip(results, reduction.finalize(state, *shared), strict=True):
            result[..., rows] = values
    return tuple(
        r.reshape(shape) if r.ndim == 1 else np.moveaxis(r.reshape(len(r), *shape), 0, work.axis)
        for r in results
    )


def _rows(state: State, cells: int) -> Iterator[slice]:
    """Cut the cells of a state so that the numbers worked on at once are bounded."""
    deepest = max([1, *(v.size // max(1, cells) for v in state.values())])
    step = max(1, _STATE_NUMBERS // deepest)
    for first in range(0, max(1, cells), step):
        yield slice(first, min(first + step, cells))


def _cut(state: State, rows: slice) -> State:
    return {key: values[..., rows] for key, values in state.items()}


def _put(whole: State, part: State, rows: slice, cells: int) -> None:
    """Write the cells of a part into the whole, which the first part gives its shapes."""
    for key, values in part.items():
        if values.shape[-1] == cells:
            whole[key] = values
            continue
        if key not in whole:
            whole[key] = np.empty((*values.shape[:-1], cells), values.dtype)
        whole[key][..., rows] = values


def _cells(per_dim: tuple[Any, ...], axis: int) -> tuple[Any, ...]:
    return per_dim[:axis] + per_dim[axis + 1 :]
