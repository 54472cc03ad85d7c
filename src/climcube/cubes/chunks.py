"""Chunks: what must stay whole, and what it costs to make it so."""

from __future__ import annotations

import math
from typing import Any

import dask.array as da
import xarray as xr

from climcube.cubes.coordinates import find_spatial, find_time
from climcube.cubes.origins import read_anew
from climcube.errors import AxisError, ChunkError, ParameterError, require_choice
from climcube.options import get_option

__all__ = [
    "LAYOUTS",
    "horizontal_dims",
    "is_lazy",
    "rechunk",
    "require_cube",
    "require_whole",
    "series_chunks",
]

LAYOUTS = ("series", "maps")


def is_lazy(cube: xr.DataArray | xr.Dataset) -> bool:
    """Whether a cube (plain or pint-quantified) is backed by Dask."""
    if isinstance(cube, xr.Dataset):
        return any(is_lazy(variable) for variable in cube.data_vars.values())
    data = cube.variable._data  # .data would read a lazily indexed file
    return hasattr(getattr(data, "magnitude", data), "dask")


def require_cube(cube: Any, purpose: str) -> None:
    """Raise `ParameterError` for what is no xarray object, a path for example."""
    if isinstance(cube, xr.DataArray | xr.Dataset):
        return
    raise ParameterError(
        f"{purpose} needs a cube", expected="an xarray DataArray or Dataset",
        found=type(cube).__name__, remedy="open one with cc.open(...)",
    )  # fmt: skip


def require_whole(cube: xr.DataArray, dim: str, purpose: str) -> None:
    """Raise `ChunkError` when a Dask cube is cut along a dimension that must stay whole."""
    chunks = cube.chunksizes.get(dim, ())
    if len(chunks) <= 1:
        return
    raise ChunkError(
        f"{purpose} needs each cell's whole series in one chunk",
        where=f"variable {cube.name!r}, dimension '{dim}'",
        expected="1 chunk",
        found=f"{len(chunks)} chunks",
        remedy="rechunk once with cc.rechunk(cube, layout='series') (moves "
        f"{cube.nbytes / 2**20:,.0f} MiB) or open the cube with cc.open(..., layout='series')",
    )


def rechunk(cube: Any, *, layout: str = "series") -> Any:
    """Return a lazy cube chunked for whole series or for whole maps.

    Parameters
    ----------
    cube : DataArray or Dataset
        Any cube with a time axis; eager cubes become lazy.
    layout : {"series", "maps"}
        ``"series"``: time in one chunk, space in square tiles of about
        ``tile_bytes`` (see `set_options`) of float32. ``"maps"``: space whole, time cut.

    Returns
    -------
    DataArray or Dataset
        The same values, dimensions, coordinates and attributes; only the chunks differ.

    Notes
    -----
    A cube that comes from a store, uncut or cut, is read anew in the chunks asked for, unless its
    stored chunks lie across them. Then everything is read once and held while it is sorted: of
    what is larger than the memory, make a copy with `climcube.relayout`.

    Raises
    ------
    AxisError
        The cube has no time axis.
    ParameterError
        ``layout`` is unknown.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=2).sst.chunk(time=100)
    >>> cc.rechunk(sst, layout="series").chunksizes["time"]
    (731,)
    """
    require_choice("layout", layout, LAYOUTS)
    require_cube(cube, "rechunk")
    time = find_time(cube)
    main = _main_array(cube, time)
    sizes = {str(d): int(n) for d, n in main.sizes.items()}
    if layout == "series":
        chunks = series_chunks(sizes, time, horizontal=horizontal_dims(main))
    else:
        cell_bytes = 4 * math.prod(n for d, n in sizes.items() if d != time)
        steps = max(1, min(sizes[time], get_option("tile_bytes") // max(1, cell_bytes)))
        chunks = {d: steps if d == time else -1 for d in sizes}
    return _cut(cube, {str(d): chunks.get(str(d), -1) for d in cube.dims})


def _main_array(cube: xr.DataArray | xr.Dataset, time: str) -> xr.DataArray:
    """Return the array whose chunks matter: of a data set the largest one with time."""
    if isinstance(cube, xr.DataArray):
        return cube
    timed = [v for v in cube.data_vars.values() if time in v.dims]
    return max(timed, key=lambda v: v.size, default=cube[time])


def horizontal_dims(cube: xr.DataArray) -> tuple[str, ...] | None:
    """Return the dimensions of latitude and longitude; ``None`` where it is not clear which."""
    try:
        dims = find_spatial(cube).dims
    except AxisError:
        return None
    return dims or None


def _cut(cube: Any, chunks: dict[str, int]) -> Any:
    if isinstance(cube, xr.Dataset):
        cube = cube.assign({n: _read_anew(v, chunks) for n, v in cube.data_vars.items()})
        quantified = [n for n, v in cube.data_vars.items() if _is_quantity(v)]
        rest = cube.drop_vars(quantified).chunk({d: n for d, n in chunks.items() if d in cube.dims})
        for name in quantified:
            own = {d: n for d, n in chunks.items() if d in cube[name].dims}
            rest[name] = _cut(cube[name], own)
        return rest[list(cube.data_vars)]
    if not _is_quantity(cube):
        return _read_anew(cube, chunks).chunk(chunks)
    quantity = cube.variable._data  # xarray would put the quantity into Dask, not Dask into it
    plain = cube.copy(data=quantity.magnitude).chunk(chunks)
    return cube.copy(data=quantity._REGISTRY.Quantity(plain.data, quantity.units))


def _read_anew(cube: xr.DataArray, chunks: dict[str, int]) -> xr.DataArray:
    """Return a cube that reads in the chunks asked for, if it still reads, and not much twice."""
    data = cube.variable._data
    if not isinstance(data, da.Array):
        return cube
    sizes = [chunks.get(str(d), -1) for d in cube.dims]
    whole = [n if size < 0 else size for n, size in zip(cube.shape, sizes, strict=True)]
    anew = read_anew(data, cube.encoding, whole)
    return cube if anew is None else cube.copy(data=anew)


def _is_quantity(cube: xr.DataArray) -> bool:
    return hasattr(cube.variable._data, "magnitude")


def series_chunks(
    sizes: dict[str, int],
    time: str,
    multiple_of: dict[str, int] | None = None,
    horizontal: tuple[str, ...] | None = None,
) -> dict[str, int]:
    """Chunk sizes of square tiles over all time, of about ``tile_bytes`` of float32.

    ``multiple_of`` gives the stored chunk of each dimension; tiles are whole numbers of it.
    Dimensions other than the ``horizontal`` ones (default the last two), levels and members,
    are cut into single stored chunks.
    """
    stored = {d: max(1, min((multiple_of or {}).get(d, 1), n)) for d, n in sizes.items()}
    others = [d for d in sizes if d != time]
    map_dims = [d for d in others if d in (horizontal or ())] or others[-2:]
    single = {d: stored[d] for d in others if d not in map_dims}
    chunks = {time: -1} | single
    numbers = max(1, sizes[time]) * math.prod(single.values())
    cells = max(1, get_option("tile_bytes") // (4 * numbers))
    # The dimension with less to give comes first, so that the other one can make up for it.
    left = sorted(map_dims, key=lambda d: sizes[d])
    while left:
        dim = left.pop(0)
        room = cells // math.prod(stored[d] for d in left)  # the others need a stored chunk each
        edge = min(room, math.isqrt(cells)) if left else room
        whole = max(stored[dim], edge // stored[dim] * stored[dim])
        chunks[dim] = max(1, min(sizes[dim], whole))  # an empty dimension has chunks of one, too
        cells = max(1, cells // chunks[dim])
    return {d: chunks[d] for d in sizes}
