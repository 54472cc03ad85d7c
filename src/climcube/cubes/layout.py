"""Which Dask chunks suit the chunks of a store and the work that comes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import xarray as xr

from climcube.cubes.chunks import horizontal_dims, series_chunks
from climcube.cubes.coordinates import find_time
from climcube.errors import AxisError
from climcube.options import get_option

__all__ = ["Plan", "choose_chunks", "grow_chunks", "stored_chunks", "stored_layout"]


@dataclass(frozen=True)
class Plan:
    """Chunks to open with, and whether a rechunk to series must follow."""

    chunks: dict[str, int]
    rechunk: bool = False


def choose_chunks(dataset: xr.Dataset, layout: str | None) -> Plan:
    """Choose Dask chunks that are whole numbers of stored chunks (shards, where there are).

    ``"series"``: tiles over all time. Where the stored chunks are such that a tile of whole
    ones would be larger than ``tile_bytes`` (maps a day each), chunks are opened as stored and
    must be rechunked. ``"maps"``: whole maps, cut in time as stored. ``None``: series where
    the store allows them without a rechunk, else as stored.
    """
    main = _main_variable(dataset)
    if main is None:
        return Plan({})
    sizes = {str(d): int(n) for d, n in main.sizes.items()}
    shards, inner = stored_chunks(main)
    try:
        time = find_time(dataset)
    except AxisError:
        if layout is not None:
            raise
        return Plan(grow_chunks(sizes, shards, list(reversed(list(sizes)))))
    if time not in sizes:
        return Plan(grow_chunks(sizes, shards, list(reversed(list(sizes)))))
    if layout == "maps":
        return Plan({d: shards[d] if d == time else -1 for d in sizes})
    for unit in (shards, inner):
        column = 4 * sizes[time] * math.prod(min(unit[d], n) for d, n in sizes.items() if d != time)
        if column <= get_option("tile_bytes"):
            return Plan(series_chunks(sizes, time, unit, horizontal_dims(main)))
    order = [time, *(d for d in reversed(list(sizes)) if d != time)]
    return Plan(grow_chunks(sizes, shards, order, share=8), rechunk=layout == "series")


def stored_layout(dataset: xr.Dataset) -> dict[str, int]:
    """Return the chunks (shards, where there are) of the largest variable as stored."""
    main = _main_variable(dataset)
    if main is None:
        return {}
    in_pieces = any(main.encoding.get(k) for k in ("chunks", "chunksizes", "preferred_chunks"))
    return stored_chunks(main)[0] if in_pieces else dict.fromkeys(map(str, main.dims), -1)


def stored_chunks(variable: xr.DataArray) -> tuple[dict[str, int], dict[str, int]]:
    """Return the sizes of what is stored as one object, and of what can be read alone.

    Both are the chunks, but for a sharded store: shards, and the chunks in them. A variable
    that is stored in one piece can be cut anywhere (sizes of 1).
    """
    encoding = variable.encoding
    dims = [str(d) for d in variable.dims]
    chunks = encoding.get("chunks") or encoding.get("chunksizes")
    if chunks is None or len(chunks) != len(dims):
        preferred: Mapping[Hashable, int] = encoding.get("preferred_chunks") or {}
        chunks = [preferred.get(d, 1) for d in variable.dims]
    inner = {d: max(1, int(n)) for d, n in zip(dims, chunks, strict=True)}
    shards = encoding.get("shards")
    if shards is None or len(shards) != len(dims):
        return inner, inner
    return {d: int(n) for d, n in zip(dims, shards, strict=True)}, inner


def _main_variable(dataset: xr.Dataset) -> xr.DataArray | None:
    """Return the largest variable: the one whose chunks matter."""
    gridded = [v for v in dataset.data_vars.values() if v.ndim]
    return max(gridded, key=lambda v: v.size, default=None)


def grow_chunks(
    sizes: Mapping[str, int], unit: Mapping[str, int], order: list[str], share: int = 1
) -> dict[str, int]:
    """Grow stored chunks along the dimensions in order, up to a share of ``tile_bytes``."""
    chunks = {d: min(unit[d], n) for d, n in sizes.items()}
    for dim in order:
        room = get_option("tile_bytes") // share // (4 * max(1, math.prod(chunks.values())))
        if room > 1:
            chunks[dim] = min(sizes[dim], chunks[dim] * room)
    return {d: -1 if n >= sizes[d] else n for d, n in chunks.items()}
