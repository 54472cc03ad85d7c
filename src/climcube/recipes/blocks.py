"""Write the values of many files into one store, a stretch of time at a time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.archive import Archive
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.headers import Header
from climcube.progress import Advance, progress_bar
from climcube.stores.filesystems import zarr_target
from climcube.stores.places import Staging
from climcube.stores.rawfile import raw_file

__all__ = ["StoreLayout", "write_store"]

_YEAR = 366  # times in a shard: a year of days
_TILE = 90  # cells along each side of a shard ...
_INNER = 30  # ... and of the chunks in it, which are read alone
_BLOCK_BYTES = 2**30  # of one stretch of time of all variables in memory


@dataclass(frozen=True)
class StoreLayout:
    """How a variable is cut: shards are objects, inner chunks can be read alone."""

    shards: tuple[int, ...]
    chunks: tuple[int, ...]

    @classmethod
    def of(
        cls, dims: tuple[str, ...], sizes: Mapping[str, int], time: str, steps: int
    ) -> StoreLayout:
        """Cut space into square tiles and time into stretches of ``steps``."""
        horizontal = [d for d in dims if d != time][-2:]
        inner = {d: min(_INNER, sizes[d]) if d in horizontal else 1 for d in dims} | {time: steps}
        # A shard is a whole number of inner chunks, no larger than needed.
        shards = {
            d: inner[d] * min(_TILE // _INNER, math.ceil(sizes[d] / inner[d]))
            if d in horizontal
            else inner[d]
            for d in dims
        }
        return cls(tuple(shards[d] for d in dims), tuple(inner[d] for d in dims))


def write_store(
    archive: Archive,
    options: Mapping[str, Any],
    staging: Staging,
    attributes: Mapping[str, Any],
    level: int,
    progress: bool | None,
) -> int:
    """Write an archive as one Zarr store of format 3; return the bytes of the gridded values.

    Memory holds one stretch of time of one variable, which is at most a year.
    """
    import zarr

    sizes = {str(d): int(n) for d, n in archive.template.sizes.items()}
    sizes[archive.roles.time] = archive.columns.sizes[archive.roles.time]
    steps = _steps(archive, sizes)
    template = _template(archive, sizes, attributes)
    target = zarr_target(staging.address, staging.options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        template.to_zarr(
            target["store"],
            mode="w-",
            zarr_format=3,
            consolidated=False,
            compute=False,
            safe_chunks=False,
            encoding=_encoding(template, archive, sizes, steps, level),
            storage_options=target["storage_options"],
        )
        group = zarr.open_group(mode="r+", **target)
        # Every shard is written, empty or not: one that is absent later was lost.
        with (
            zarr.config.set({"array.write_empty_chunks": True}),
            progress_bar("ingesting files", len(archive.headers), progress) as advance,
        ):
            for name in archive.roles.gridded:
                _fill(group[name], archive, name, options, steps, advance)
        zarr.consolidate_metadata(group.store, zarr_format=3)
    return sum(template[name].nbytes for name in archive.roles.gridded)


def _fill(
    array: Any,
    archive: Archive,
    name: str,
    options: Mapping[str, Any],
    steps: int,
    advance: Advance,
) -> None:
    """Write the values of one variable, a stretch of time after the other."""
    axis = archive.template[name].dims.index(archive.roles.time)
    total = archive.columns.sizes[archive.roles.time]
    share = len(archive.headers) / len(archive.roles.gridded) / total
    for start, block in _blocks(archive, name, options, axis, steps, total):
        place = [slice(None)] * block.ndim
        place[axis] = slice(start, start + block.shape[axis])
        array[tuple(place)] = block
        advance(share * block.shape[axis])


def _steps(archive: Archive, sizes: Mapping[str, int]) -> int:
    """Times in a shard: a year of days, or as many as one block in memory may hold."""
    cells = max(
        math.prod(sizes[str(d)] for d in archive.template[n].dims if d != archive.roles.time)
        * archive.headers[0].dtypes[n].itemsize
        for n in archive.roles.gridded
    )
    return max(1, min(_YEAR, sizes[archive.roles.time], _BLOCK_BYTES // cells))


def _template(
    archive: Archive,
    sizes: Mapping[str, int],
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Return the whole data set as it will be stored, gridded variables lazy and without values."""
    header, time = archive.headers[0], archive.roles.time
    whole = archive.template.drop_vars([*archive.roles.gridded, *archive.roles.columns])
    whole = whole.assign(dict(_with_time_units(archive.columns, time).variables))
    coordinates = [n for n in archive.template.coords if n in whole.variables]
    whole = whole.set_coords(coordinates)
    for name in archive.roles.gridded:
        dims = [str(d) for d in archive.template[name].dims]
        shape, dtype = tuple(sizes[d] for d in dims), header.dtypes[name].newbyteorder("=")
        empty = da.zeros(shape, dtype=dtype, chunks=shape)  # never computed: one chunk will do
        attrs = {k: v for k, v in header.attrs[name].items() if k != "coordinates"}
        whole[name] = xr.Variable(dims, empty, attrs)
    whole.attrs = {**archive.template.attrs, **attributes}
    for variable in whole.variables.values():
        variable.encoding = {
            k: variable.encoding[k]
            for k in ("units", "calendar", "dtype", "_FillValue")
            if k in variable.encoding and variable.dtype.kind in "MO"
        }
    return whole


def _with_time_units(columns: xr.Dataset, time: str) -> xr.Dataset:
    """Count time in the largest unit that holds every time exactly, as integers.

    The first file's unit might not: noon in whole days would move to midnight unnoticed.
    """
    axis = TimeAxis.of(columns)
    units = {"days": 86_400, "hours": 3_600, "seconds": 1}
    unit = next(u for u, seconds in units.items() if not (axis.seconds % seconds).any())
    columns = columns.copy()
    bounds = columns[time].attrs.get("bounds")
    for name in (time, bounds):
        if name in columns.variables and columns[name].dtype.kind in "MO":
            columns[name].encoding = {
                "units": f"{unit if name == time else 'seconds'} since 1970-01-01 00:00:00",
                "calendar": axis.calendar,
                "dtype": "int64",
            }
    if bounds in columns.variables:  # CF: bounds are in the units of their coordinate
        columns[time].encoding["units"] = columns[bounds].encoding.get(
            "units", columns[time].encoding["units"]
        )
    return columns


def _encoding(
    template: xr.Dataset, archive: Archive, sizes: Mapping[str, int], steps: int, level: int
) -> dict[str, dict[str, Any]]:
    from zarr.codecs import ZstdCodec

    compressors = (ZstdCodec(level=level, checksum=True),)
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in template.variables.items():
        encoding[str(name)] = {"compressors": compressors}
        if name in archive.roles.gridded:
            dims = tuple(str(d) for d in variable.dims)
            layout = StoreLayout.of(dims, sizes, archive.roles.time, steps)
            encoding[str(name)] |= {"chunks": layout.chunks, "shards": layout.shards}
        elif variable.ndim:
            encoding[str(name)]["chunks"] = tuple(max(1, n) for n in variable.shape)
    return encoding


def _blocks(
    archive: Archive,
    name: str,
    options: Mapping[str, Any],
    axis: int,
    steps: int,
    total: int,
) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Yield consecutive stretches of a variable as stored, each read from its files in order."""
    header = archive.headers[0]
    shape = list(header.shapes[name])
    dtype = header.dtypes[name].newbyteorder("=")
    start = filled = 0
    shape[axis] = min(steps, total)
    block = np.empty(shape, dtype)
    for file in archive.headers:
        values = _read(file, name, options)
        done = 0
        while done < values.shape[axis]:
            count = min(block.shape[axis] - filled, values.shape[axis] - done)
            _part(block, axis, filled, count)[...] = _part(values, axis, done, count)
            filled, done = filled + count, done + count
            if filled == block.shape[axis]:
                yield start, block
                start, filled = start + filled, 0
                shape[axis] = min(steps, total - start)
                block = block if block.shape == tuple(shape) else np.empty(shape, dtype)


def _read(file: Header, name: str, options: Mapping[str, Any]) -> npt.NDArray[Any]:
    with raw_file(file.address, options) as opened:
        return opened.read(name)


def _part(array: npt.NDArray[Any], axis: int, start: int, count: int) -> npt.NDArray[Any]:
    place = [slice(None)] * array.ndim
    place[axis] = slice(start, start + count)
    return array[tuple(place)]
