"""What the lifts share: how an output is described and dressed, how kernels and tables travel."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import getitem
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr
from dask._task_spec import Task, TaskRef
from dask.base import tokenize
from dask.delayed import Delayed, delayed
from dask.highlevelgraph import HighLevelGraph

from climcube.errors import CubeError

__all__ = [
    "Array",
    "Output",
    "Tables",
    "dress",
    "load_kernel",
    "pick",
    "refused",
    "require_free_names",
    "share",
]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Output:
    """One output of a kernel: its name, what replaces the core dimension, type, attributes."""

    name: str
    dim: str | None
    dtype: str = "float64"
    attrs: Mapping[str, Any] = field(default_factory=dict)


@lru_cache(maxsize=64)
def load_kernel(reference: str) -> Any:
    """Return the kernel (a function or a `Reduction`) named ``"module:object"``."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Tables:
    """Hides a tuple of tables from numpy and dask, which would take it apart."""

    values: tuple[Any, ...]

    def scalar(self) -> Array:
        """Return a 0-d object array holding the tables."""
        scalar = np.empty((), dtype=object)
        scalar[()] = self
        return scalar

    @classmethod
    def unwrap(cls, given: Any) -> tuple[Any, ...]:
        """Return the tables, whether dask handed over the 0-d array or its element."""
        tables: Tables = given if isinstance(given, cls) else given.item()
        return tables.values


def share(tables: tuple[Any, ...]) -> Delayed:
    """Return one graph node that holds the tables: sent to each worker once, whatever the tasks."""
    # Named by the tables themselves: of an object array dask sees the printed form only, which
    # leaves out the middle of long tables, so that two seasons would be one and the same.
    name = f"tables-{tokenize(tables)}"
    node: Delayed = delayed(Tables(tables).scalar(), name=name, traverse=False)
    return node


def pick(
    graph: HighLevelGraph,
    layer_name: str,
    name: str,
    tiles: tuple[Any, ...],
    axis: int,
    number: int,
    length: int | None,
    dtype: str,
) -> da.Array:
    """Return one output of finished tiles as a Dask array.

    The tiles are tuples of arrays under the keys ``(name, *place)`` of layer ``layer_name``;
    the output's own dimension, if it has one, stands at ``axis``.
    """
    own = f"{name}-{number}"
    middle = () if length is None else (0,)
    layer = {}
    for place in np.ndindex(*map(len, tiles)):
        key = (own, *place[:axis], *middle, *place[axis:])
        layer[key] = Task(key, getitem, TaskRef((name, *place)), number)
    layers: Any = {**graph.layers, own: layer}
    whole = HighLevelGraph(layers, {**graph.dependencies, own: {layer_name}})
    chunks = tiles if length is None else (*tiles[:axis], (length,), *tiles[axis:])
    meta = np.empty((0,) * len(chunks), dtype)
    return da.Array(whole, own, chunks, meta=meta)


def require_free_names(
    subject: xr.DataArray,
    core: str,
    known: Mapping[str, Any],
    purpose: str,
    outputs: Sequence[Output] = (),
) -> None:
    """Raise `CubeError` where a name of the result is that of one of its own dimensions.

    That is a dimension that outputs introduce, or an output: it would become the dimension's
    coordinate, or replace it.
    """
    cells = [dim for dim in subject.dims if dim != core]
    results = {output.name: output.dim for output in outputs}
    of_results = {*cells, *results.values()}
    taken = [name for name in known if name in cells]
    taken += [name for name in results if name in of_results]
    if taken:
        raise CubeError(
            f"{purpose} gives a result the name of a dimension that the cube has already",
            where=f"variable {subject.name!r}",
            expected=f"no dimension {taken[0]!r}",
            found=", ".join(map(str, subject.dims)),
            remedy=f"rename it: cube.rename({taken[0]}='my_{taken[0]}')",
        )


def refused(error: FloatingPointError, where: str) -> CubeError:
    """Return what a user is told when a kernel refuses the values that it met.

    A kernel may say after what it found what it expects, and what to do.
    """
    what, *more = error.args
    expected, remedy = more or (
        "finite numbers, NaN where missing",
        "mask them: cube.where(np.isfinite(cube))",
    )
    return CubeError(str(what), where=where, expected=expected, remedy=remedy)


def dress(
    arrays: Sequence[Any],
    outputs: Sequence[Output],
    subject: xr.DataArray,
    core: str,
    known: Mapping[str, xr.DataArray],
) -> xr.Dataset:
    """Give outputs their dimensions, coordinates, names and attributes.

    They have the subject's dimensions in its order, their own standing where ``core`` stood.
    """
    dressed = subject.coords.to_dataset().drop_dims(core, errors="ignore")
    for dim in {output.dim: None for output in outputs if output.dim is not None}:
        if dim in known or dim in subject.coords:
            dressed = dressed.assign_coords({dim: known[dim] if dim in known else subject[dim]})
    variables: dict[str, Any] = {}
    for output, data in zip(outputs, arrays, strict=True):
        dims = [output.dim if d == core else d for d in subject.dims if d != core or output.dim]
        variables[output.name] = (dims, data, dict(output.attrs))
    # All at once: xarray looks at every coordinate anew for each assignment. A coordinate of the
    # subject that has the name of a result gives way to it.
    return dressed.drop_vars(variables, errors="ignore").assign(variables)
