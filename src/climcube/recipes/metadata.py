"""The store without its gridded values: variables, attributes, coordinates, times, codecs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import dask.array as da
import xarray as xr

from climcube.cubes.archive import Archive
from climcube.cubes.calendar import TimeAxis
from climcube.recipes.layout import Layout, StoreLayout, sizes_of, steps_of

__all__ = ["write_metadata"]

_ROOM = 4096  # times in a chunk of coordinates along time, where a store grows


def write_metadata(
    store: Any,
    archive: Archive,
    columns: xr.Dataset,
    attributes: Mapping[str, Any],
    layout: Layout,
    *,
    grows: bool,
) -> None:
    """Write everything of an archive but its gridded values, whose arrays are made.

    Parameters
    ----------
    store
        Zarr store; what is in it is replaced.
    archive
        The files.
    columns
        Times and other columns as the store is to hold them (`Archive.columns`, perhaps with
        times that no file holds).
    attributes
        Global attributes, added to those of the first file.
    layout
        How the store is cut.
    grows
        Whether days are appended later: then times are counted in seconds, and chunks along
        time keep their length.
    """
    sizes = sizes_of(archive, columns.sizes[archive.roles.time])
    template = _template(archive, columns, sizes, attributes, grows=grows)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        template.to_zarr(
            store,
            mode="w",
            zarr_format=3,
            consolidated=False,
            compute=False,
            safe_chunks=False,
            encoding=_encoding(template, archive, sizes, layout, grows=grows),
        )


def _template(
    archive: Archive,
    columns: xr.Dataset,
    sizes: Mapping[str, int],
    attributes: Mapping[str, Any],
    *,
    grows: bool,
) -> xr.Dataset:
    """Return the whole data set as it will be stored, gridded variables lazy and without values."""
    header, time = archive.headers[0], archive.roles.time
    whole = archive.template.drop_vars([*archive.roles.gridded, *archive.roles.columns])
    whole = whole.assign(dict(_with_time_units(columns, time, grows=grows).variables))
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


def _with_time_units(columns: xr.Dataset, time: str, *, grows: bool) -> xr.Dataset:
    """Count time in the largest unit that holds every time exactly, as integers.

    The first file's unit might not: noon in whole days would move to midnight unnoticed. A store
    that grows counts seconds: which times come later is not known.
    """
    axis = TimeAxis.of(columns)
    units = {"seconds": 1} if grows else {"days": 86_400, "hours": 3_600, "seconds": 1}
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
    template: xr.Dataset,
    archive: Archive,
    sizes: Mapping[str, int],
    layout: Layout,
    *,
    grows: bool,
) -> dict[str, dict[str, Any]]:
    from zarr.codecs import ZstdCodec

    time = archive.roles.time
    steps = steps_of(archive, sizes[time], layout, grows=grows)
    compressors = (ZstdCodec(level=layout.compression_level, checksum=True),)
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in template.variables.items():
        # What is given here replaces what the variable has.
        encoding[str(name)] = {**variable.encoding, "compressors": compressors}
        dims = tuple(str(d) for d in variable.dims)
        if name in archive.roles.gridded:
            cut = StoreLayout.of(dims, sizes, time, steps, layout)
            encoding[str(name)] |= {"chunks": cut.chunks, "shards": cut.shards}
        elif variable.ndim:
            encoding[str(name)]["chunks"] = tuple(
                _ROOM if grows and d == time else max(1, variable.sizes[d]) for d in dims
            )
    return encoding
