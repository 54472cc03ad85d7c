"""How a result is cut before it is stored: even chunks, neither tiny nor many, whole files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import xarray as xr

from climcube.errors import ParameterError
from climcube.planning.tiles.prepare import Parts, even_chunks

__all__ = ["cut"]

_FEW = 512  # tiles that are left as they are, however small
_JOINED = 64 * 2**20  # bytes of all variables in tiles that were joined, at most


def cut(parts: Parts, encoding: Mapping[str, Mapping[str, Any]]) -> Parts:
    """Return data sets whose Dask chunks are the tiles in which they are evaluated and stored.

    Parameters
    ----------
    parts
        Data sets by the name of their group.
    encoding
        What the caller says of single variables; ``chunks`` and ``shards`` in it are kept to.

    Notes
    -----
    Along each dimension chunks get one size, as Zarr stores them. Where there are many small
    ones (a map of each day), neighbours become one: of all variables and groups alike, so that
    what came from one task still does.
    """
    even = {name: even_chunks(dataset) for name, dataset in parts.items()}
    factors = _factors(even.values())
    joined = {name: _joined(dataset, factors) for name, dataset in even.items()}
    return {name: _fitting(dataset, encoding) for name, dataset in joined.items()}


def _factors(datasets: Iterable[xr.Dataset]) -> dict[str, int]:
    """Return how many chunks along each dimension become one."""
    lazy = [
        (tuple(map(str, variable.dims)), variable.chunks, variable.dtype.itemsize)
        for dataset in datasets
        for variable in dataset.variables.values()
        if variable.chunks is not None and variable.size
    ]
    factors: dict[str, int] = {}

    def tiles() -> int:
        counts = [
            math.prod(-(-len(c) // factors.get(d, 1)) for d, c in zip(dims, chunks, strict=True))
            for dims, chunks, _ in lazy
        ]
        return max(counts, default=0)

    def nbytes() -> int:
        return sum(
            itemsize
            * math.prod(
                min(sum(c), max(c) * factors.get(d, 1)) for d, c in zip(dims, chunks, strict=True)
            )
            for dims, chunks, itemsize in lazy
        )

    while tiles() > _FEW:
        left = {
            d: -(-len(c) // factors.get(d, 1))
            for dims, chunks, _ in lazy
            for d, c in zip(dims, chunks, strict=True)
        }
        most = max(sorted(left), key=lambda d: left[d])
        before = factors.get(most, 1)
        factors[most] = 2 * before
        if nbytes() > _JOINED:
            factors[most] = before
            break
    return factors


def _joined(dataset: xr.Dataset, factors: Mapping[str, int]) -> xr.Dataset:
    chunks = {
        dim: sizes[0] * factors[str(dim)]
        for dim, sizes in (dataset.chunksizes.items() if factors else ())
        if factors.get(str(dim), 1) > 1 and len(sizes) > 1
    }
    return dataset.chunk(chunks) if chunks else dataset


def _fitting(dataset: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]) -> xr.Dataset:
    """Let chunks hold whole files of the size that the caller asks for."""
    changed = {}
    for name, variable in dataset.variables.items():
        wanted = encoding.get(str(name), {})
        files = wanted.get("shards") or wanted.get("chunks")
        if variable.chunks is None or not files or not variable.ndim:
            continue
        sizes = (files,) * variable.ndim if isinstance(files, int) else tuple(files)
        if len(sizes) != variable.ndim or not all(isinstance(n, int) and n > 0 for n in sizes):
            raise ParameterError(
                "sizes of chunks that do not fit the variable", where=f"encoding[{name!r}]",
                expected=f"{variable.ndim} positive whole numbers", found=repr(files),
            )  # fmt: skip
        fitting = {
            dim: -(-max(own) // size) * size
            for dim, own, size in zip(variable.dims, variable.chunks, sizes, strict=True)
            if len(own) > 1 and max(own) % size
        }
        if fitting:
            changed[name] = variable.chunk(fitting)
    return dataset.assign(changed) if changed else dataset
