"""Open anything as a lazy cube: find it, open it, give it meaning, cut it well."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr
from dask.base import tokenize

from climcube import provenance
from climcube.cubes.archive import open_archive
from climcube.cubes.chunks import LAYOUTS, rechunk
from climcube.cubes.coordinates import select_variable
from climcube.cubes.decoding import decode_cf, decode_packed, load_coordinates
from climcube.cubes.layout import choose_chunks, stored_layout
from climcube.cubes.mirrors import first_that_answers
from climcube.cubes.targets import Source, resolve
from climcube.errors import ParameterError, require_choice
from climcube.options import get_option
from climcube.provenance import redact
from climcube.stores.contents import ZARR_DOCUMENTS, content_token
from climcube.stores.files.netcdf import open_netcdf, open_opendap
from climcube.stores.integrity.verifying import MODES
from climcube.stores.versioned.references import Sources
from climcube.stores.versioned.snapshots import Version
from climcube.stores.zarrs import VERSION, open_references, open_zarr

__all__ = ["open"]

Target = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def open(
    target: Target,
    *,
    variable: str | None = None,
    layout: str | None = None,
    chunks: Mapping[str, int] | str | int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    catalog: Any = None,
    group: str | None = None,
    version: Version | None = None,
    verify: str | None = None,
    sources: Sources | None = None,
) -> xr.Dataset | xr.DataArray:
    """Open a catalog entry, a Zarr store, a netCDF file or many of them, as a lazy cube.

    Nothing but metadata and coordinates is read. Values are decoded by the CF conventions:
    packed integers and fill values to floats with NaN (flags stay integers), times to dates of
    their own calendar (cftime objects for noleap, 360_day ...).

    Parameters
    ----------
    target
        In this order: a list of netCDF files or patterns; an address (``s3://``, ``https://``,
        ``memory://`` ...), which is a netCDF file where its name ends so and a Zarr store
        otherwise; an existing path; a pattern of netCDF files (``"sst/*.nc"``); the id of an
        entry of the shipped catalog, or of those in the option ``catalogs``; ``"ID@NAME"`` for
        one of its addresses and no other. With ``catalog`` given, its entries come first.
    variable
        Return this variable as a DataArray; default the whole Dataset.
    layout
        ``"series"``: each Dask chunk holds the whole series of a tile of cells, as
        `climcube.heatwaves` needs it. Where maps are stored this adds a rechunk, which moves
        the whole cube once. ``"maps"``: whole maps, cut in time as stored. An entry that has
        an address of that layout is opened there. Default: series
        where the stored chunks allow it within the option ``tile_bytes``, else as stored.
    chunks
        Dask chunks, by dimension, instead of a layout; ``{}`` for the stored chunks.
    storage_options
        For the file system, as fsspec takes them (``{"anon": True}``).
    catalog
        Catalog (or its path) in which ``target`` is an entry; default the shipped one.
    group
        Group within the store (``"annual"`` of saved heatwaves).
    version
        Of a versioned store (`climcube.versions` lists them): a tag, a branch, a snapshot's id,
        or a date, which means the newest version not after it. Default the newest. Which one
        was opened is in the provenance.
    verify
        Stores that climcube wrote hold a manifest of digests. ``"always"``: whatever is read is
        what was written, or an `IntegrityError`; ``"sample"``: nothing is missing or cut
        short, and the digest of every 16th object is checked; ``"never"``: only that what is
        missing was left out on purpose. Default as the option ``verify`` says (``"always"``).
    sources
        Of a virtual cube, whose values lie in other files: the folders that may be read
        (``["s3://bucket/raw/"]``, or a mapping of these to storage options), or True for all
        that it names. Default none: then reading a value says where it lies.

    Returns
    -------
    Dataset or DataArray
        Plain xarray objects on Dask. Chunks are whole numbers of stored chunks (of shards,
        where the store has them). Their provenance names the source, without credentials.
        Packed variables keep their packing in ``encoding``.

    Raises
    ------
    StoreNotFoundError
        There is no such file, store, version or entry; the message names near ones.
    StoreError
        A file is truncated or of another format; a store cannot be read. Where the entry names
        copies of the data they are tried first, in order, with a `MirrorWarning`.
    IntegrityError
        Now or at compute: an object is lost, or is not what was written; the message names
        variable, chunk, dates and latitudes and longitudes. See `climcube.verify`.
    VariableError
        No such variable; the message names near ones.
    AxisError, CalendarError, UnitsError
        Many files do not continue each other: grids, times, calendars or units differ. The
        file is named; nothing is aligned. Files are put in the order of their first times.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6))
    >>> path = tempfile.mkdtemp() + "/ocean.nc"
    >>> ocean.to_netcdf(path)
    >>> sst = cc.open(path, variable="sst")
    >>> sst.shape, sst.chunksizes["time"]
    ((366, 4, 6), (366,))
    """
    require_choice("layout", layout, (None, *LAYOUTS))
    require_choice("verify", verify, (None, *MODES))
    if layout is not None and chunks is not None:
        raise ParameterError("layout and chunks both given", remedy="pass one of them")
    if not isinstance(group, str | None):
        raise ParameterError(
            "group not understood", where=f"group={group!r}", expected="its name within the store"
        )
    source = resolve(target, storage_options=storage_options, catalog=catalog, layout=layout)

    def _opened(found: Source) -> xr.Dataset:
        part = found.version if version is None else version
        found = replace(found, group=group or found.group, version=part)
        return _open(found, variable, layout, chunks, {"verify": verify, "sources": sources})

    cube, source = first_that_answers(source, _opened)
    cube = _with_source(cube, source)
    return cube if variable is None else cube[variable]


def _open(
    source: Source, variable: str | None, layout: str | None, chunks: Any, how: Mapping[str, Any]
) -> xr.Dataset:
    """Open what one source names: files that continue each other, or one store or file."""
    if source.version is not None and source.kind not in ("zarr", "icechunk"):
        raise ParameterError(
            "files have no versions", where=f"version={str(source.version)!r}",
            found=source.label, remedy="leave version= out",
        )  # fmt: skip
    if len(source.addresses) > 1 and (source.group or "").strip("/"):
        raise ParameterError(
            "groups of many files cannot be joined", where=f"group={source.group!r}",
            found=source.label, remedy="open one file, or copy the group into files of its own",
        )  # fmt: skip
    if len(source.addresses) > 1:
        return _many_files(source, variable, layout, chunks)
    return _one_store(source, variable, layout, chunks, how)


def _one_store(
    source: Source, variable: str | None, layout: str | None, chunks: Any, how: Mapping[str, Any]
) -> xr.Dataset:
    """Open, decode and cut one Zarr store or netCDF file."""
    raw = _raw(source, how)
    decoded = decode_cf(raw, source.label)
    if variable is not None:
        select_variable(decoded, variable, source.label)
        decoded = decoded[[variable]]
    decoded = load_coordinates(decoded)
    cube = _cut(decoded, layout, chunks, _content(source, raw.encoding.get(VERSION)))
    cube.encoding[VERSION] = raw.encoding.get(VERSION)
    return cube


def _raw(source: Source, how: Mapping[str, Any]) -> xr.Dataset:
    """Open one store or file as stored."""
    address = source.addresses[0]
    if source.kind in ("zarr", "icechunk"):
        versioned = True if source.kind == "icechunk" else None
        return open_zarr(
            address, source.options, source.group, source.version, versioned=versioned, **how
        )
    if source.kind == "references":
        return open_references(address, source.options, source.group, how["sources"])
    opener = open_opendap if source.kind == "opendap" else open_netcdf
    return opener(address, source.options, source.group)


def _content(source: Source, snapshot: str | None) -> str:
    """Return what tells one content from another; of a snapshot, which never changes, its id."""
    address = source.addresses[0]
    if snapshot:
        return str(tokenize((redact(address), snapshot), source.group))
    documents = ZARR_DOCUMENTS if source.kind == "zarr" else ()
    return str(tokenize(content_token(address, source.options, documents), source.group))


def _cut(decoded: xr.Dataset, layout: str | None, chunks: Any, token: str) -> xr.Dataset:
    """Make a lazy cube with the chunks asked for."""
    if chunks is not None:
        given = stored_layout(decoded) if chunks == {} else chunks
        return _chunked(decode_packed(decoded), given, token)
    plan = choose_chunks(decoded, layout)
    # Decoded before it is cut: then a cell that is taken out of a chunk is read by itself.
    lazy = _chunked(decode_packed(decoded), plan.chunks, token)
    return rechunk(lazy, layout="series") if plan.rechunk else lazy


def _many_files(
    source: Source, variable: str | None, layout: str | None, chunks: Any
) -> xr.Dataset:
    """Open netCDF files that continue each other in time."""
    cube = load_coordinates(open_archive(source.addresses, source.options, variable))
    if chunks is not None:
        return cube if chunks == {} else _chunked(cube, chunks, None)
    if layout is None:
        # A cube of at most one tile: whatever comes next, it is best in one piece.
        return _chunked(cube, -1, None) if _size(cube) <= get_option("tile_bytes") else cube
    relaid: xr.Dataset = rechunk(cube, layout=layout)
    return relaid


def _chunked(dataset: xr.Dataset, chunks: Any, token: str | None) -> xr.Dataset:
    """Cut a data set into Dask chunks; coordinates in memory stay there."""
    try:
        lazy = dataset.chunk(chunks, name_prefix="open-", token=token)
    except (ValueError, TypeError) as error:
        raise ParameterError(
            "chunks not understood", where=f"chunks={chunks!r}",
            expected="sizes by dimension: " + ", ".join(map(str, dataset.dims)),
            found=str(error),
        ) from error  # fmt: skip
    loaded = {
        name: dataset[name].variable
        for name in dataset.coords
        if name not in dataset.xindexes and dataset[name].variable._in_memory
    }
    return lazy.assign_coords(loaded)


def _size(cube: xr.Dataset) -> int:
    """Bytes of the largest variable as float32."""
    return 4 * max((variable.size for variable in cube.data_vars.values()), default=0)


def _with_source(cube: xr.Dataset, source: Source) -> xr.Dataset:
    """Name the source, and its version, in the provenance of the data set and its variables."""
    facts = {**source.facts, "version": cube.encoding.pop(VERSION, None)}
    for part in (cube, *cube.data_vars.values()):
        provenance.set_source(part, source.label, **facts)
    return cube
