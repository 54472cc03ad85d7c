"""Where the values of a lazy array are read: the stored array behind it, and which part of it.

A cube that was opened, and perhaps cut or transposed since, holds values as they are read. What
they are read from is found again in its Dask graph, so that the same values can be read anew in
another way: as the integers that are stored, or in other chunks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from dask._task_spec import Alias, Task, TaskRef
from dask.array.chunk import getitem
from dask.array.core import getter, normalize_chunks
from dask.base import tokenize
from dask.blockwise import Blockwise
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer
from dask.layers import ArraySliceDep
from xarray.core import indexing

__all__ = ["Origin", "origin_of", "read_anew"]

_RECHUNKED = "rechunk-merge-"
_OFTEN = 2.0  # times that stored chunks may be read on average

Chunks = tuple[tuple[int, ...], ...]
Blocks = list[range]  # places along one axis of what is stored, by blocks


@dataclass(frozen=True)
class Origin:
    """An array that reads from a store, and the part of it that a Dask array consists of.

    Attributes
    ----------
    array
        What is indexed, as xarray does it.
    name
        Of the Dask array that was made of the whole of it.
    region
        A slice or a number along each axis of it.
    axes
        Its axes that are left, in their present order.
    chunks
        Sizes in which the part is read, before it was perhaps rechunked.
    """

    array: Any
    name: str
    region: tuple[slice | int, ...]
    axes: tuple[int, ...]
    chunks: Chunks

    def read(self, array: Any, chunks: Chunks, prefix: str) -> da.Array:
        """Return the same part of an array of the same shape, lazily, in the chunks given."""
        view = indexing.LazilyIndexedArray(array, indexing.BasicIndexer(self.region))
        kept = sorted(self.axes)
        own = {f"d{axis}": chunks[self.axes.index(axis)] for axis in kept}
        name = f"{prefix}-{tokenize(self.name, str(self.region), own)}"
        data: da.Array = xr.Variable(list(own), view).chunk(own, name=name).data
        order = tuple(kept.index(axis) for axis in self.axes)
        return data if order == tuple(range(data.ndim)) else data.transpose(order)

    def unit(self, encoding: Mapping[str, Any]) -> tuple[int, ...]:
        """Return what of each axis that is left can be read alone: the stored chunks, if known.

        ``encoding`` is that of the variable, whose sizes are in the order of what is stored.
        """
        stored = encoding.get("chunks") or encoding.get("chunksizes") or ()
        known = len(stored) == len(self.region)
        return tuple(max(1, int(stored[axis])) if known else 1 for axis in self.axes)

    def repeats(self, axis: int, unit: int, size: int) -> float:
        """Return how often stored chunks are read on average, if an axis is cut into such sizes."""
        part = self.region[self.axes[axis]]
        assert isinstance(part, slice)
        places = range(part.start, part.stop, part.step or 1)
        if not places:
            return 1.0
        firsts = [places[i] // unit for i in range(0, len(places), size)]
        lasts = [
            places[min(i + size, len(places)) - 1] // unit for i in range(0, len(places), size)
        ]
        reads = sum(last - first + 1 for first, last in zip(firsts, lasts, strict=True))
        return reads / (places[-1] // unit - places[0] // unit + 1)


def origin_of(data: da.Array) -> Origin | None:
    """Return where the values of a Dask array are read; ``None`` where they were changed since.

    Parts with steps backwards, lists of places, and parts cut after a rechunk count as changed.
    """
    graph, name = data.dask, data.name
    if not isinstance(graph, HighLevelGraph):
        return None
    above: list[tuple[Any, str]] = []
    while (base := _indexed(graph, name)) is None:
        sources = graph.dependencies.get(name, set())
        if len(sources) != 1:
            return None
        (source,) = sources
        if not name.startswith(_RECHUNKED):
            above.append((graph.layers[name], source))
        elif above:
            return None
        name = source
    array, chunks = base
    blocks: list[Blocks | int] = [list(_ranges(sizes)) for sizes in chunks]
    axes = list(range(len(blocks)))
    for layer, source in reversed(above):
        turned = _transposed(layer)
        if turned is not None:
            axes = [axes[i] for i in turned]
        elif not _cut(layer, source, blocks, axes):
            return None
    region = [one if isinstance(one, int) else _as_slice(one) for one in blocks]
    read = tuple(tuple(map(len, blocks[axis])) for axis in axes)  # type: ignore[arg-type]
    if None in region or data.shape != tuple(map(sum, read)):
        return None
    return _unwrapped(Origin(array, name, tuple(region), tuple(axes), read))  # type: ignore[arg-type]


def _unwrapped(origin: Origin) -> Origin:
    """Return the same part, of the array that the given one is itself a part of."""
    array: Any = origin.array
    key: Any = getattr(array, "key", None)
    if isinstance(array, indexing.CopyOnWriteArray):
        return _unwrapped(replace(origin, array=array.array))
    plain = isinstance(key, indexing.BasicIndexer)
    if not isinstance(array, indexing.LazilyIndexedArray) or not plain:
        return origin
    parts, region, left = iter(origin.region), [], []
    for axis, (size, own) in enumerate(zip(array.array.shape, key.tuple, strict=True)):
        places: Any = range(size)[own]
        if isinstance(own, slice):
            left.append(axis)
            places = places[next(parts)]
            if isinstance(places, range):
                if places.step < 1:
                    return origin
                places = slice(places.start, places.stop, places.step)
        region.append(places)
    axes = tuple(left[axis] for axis in origin.axes)
    return _unwrapped(replace(origin, array=array.array, region=tuple(region), axes=axes))


def read_anew(
    data: da.Array, encoding: Mapping[str, Any], chunks: Sequence[int]
) -> da.Array | None:
    """Return what an array is, read in other chunks in place of cutting what was read.

    ``None`` where it is not as it was read, or where most would be read several times: then a
    rechunk, which moves everything once but holds it meanwhile, may be better.
    """
    origin = origin_of(data)
    if origin is None:
        return None
    repeats = [
        origin.repeats(axis, unit, size)
        for axis, (unit, size) in enumerate(zip(origin.unit(encoding), chunks, strict=True))
    ]
    if math.prod(repeats) > _OFTEN:
        return None
    return origin.read(origin.array, normalize_chunks(chunks, data.shape), "read")


def _indexed(graph: HighLevelGraph, name: str) -> tuple[Any, Chunks] | None:
    """Return the array that the tasks of a layer index, and in which chunks, if that is theirs."""
    layer, source = graph.layers.get(name), graph.layers.get(f"original-{name}")
    if not isinstance(layer, Blockwise) or layer.task.func is not getter or source is None:
        return None
    cuts = [dep for dep in layer.io_deps.values() if isinstance(dep, ArraySliceDep)]
    adapter = dict(source).get(f"original-{name}")
    if len(cuts) != 1 or not isinstance(adapter, indexing.ImplicitToExplicitIndexingAdapter):
        return None
    return adapter.array, cuts[0].chunks


def _ranges(sizes: Sequence[int]) -> Iterator[range]:
    stop = 0
    for size in sizes:
        yield range(stop, stop + size)
        stop += size


def _transposed(layer: Any) -> Sequence[int] | None:
    """Return the order of axes that a layer puts in place of the one before it, if it does."""
    if isinstance(layer, Blockwise) and layer.task.func is np.transpose:
        axes: Sequence[int] = layer.task.kwargs["axes"]
        return axes
    return None


def _cut(layer: Any, source: str, blocks: list[Blocks | int], axes: list[int]) -> bool:
    """Apply what a layer cuts out to ``blocks`` and ``axes``; False where it does anything else."""
    if not isinstance(layer, MaterializedLayer):
        return False
    parts: list[dict[int, range]] = [{} for _ in axes]
    single: dict[int, int] = {}
    for key, task in layer.mapping.items():
        read = _taken(task, source, len(axes))
        if read is None:
            return False
        places: Any = iter(key[1:])
        for i, (block, index) in enumerate(zip(*read, strict=True)):
            before: Any = blocks[axes[i]]
            if isinstance(index, slice):
                part = before[block][index]
                same = parts[i].setdefault(next(places), part) == part
            else:
                same = single.setdefault(i, before[block][index]) == before[block][index]
            if not same:  # not the same along an axis whatever the others
                return False
    for i, axis in enumerate(axes):
        blocks[axis] = single[i] if i in single else [parts[i][n] for n in sorted(parts[i])]
    axes[:] = [axis for i, axis in enumerate(axes) if i not in single]
    return True


def _taken(task: Any, source: str, axes: int) -> tuple[Sequence[int], Sequence[Any]] | None:
    """Return the block that a task takes, and the slices and numbers that it takes of it."""
    block: Any
    index: Any
    if isinstance(task, Alias):
        block, index = task.target, (slice(None),) * axes
    elif isinstance(task, Task) and task.func is getitem and isinstance(task.args[0], TaskRef):
        block, index = task.args[0].key, task.args[1]
    else:
        return None
    known = isinstance(block, tuple) and block[0] == source and isinstance(index, tuple)
    if not known or len(index) != axes or not all(isinstance(i, slice | Integral) for i in index):
        return None
    return block[1:], index


def _as_slice(blocks: Blocks) -> slice | None:
    """Return places as one slice; ``None`` where they do not rise in equal steps."""
    places = np.concatenate([np.asarray(block, "int64") for block in blocks])
    if not len(places):
        return slice(0, 0)
    step = int(places[1] - places[0]) if len(places) > 1 else 1
    if step < 1 or (np.diff(places) != step).any():
        return None
    return slice(int(places[0]), int(places[-1]) + 1, step)
