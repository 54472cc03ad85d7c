"""Store a result, tile by tile, complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from climcube.errors import ParameterError, require_module
from climcube.options import get_option
from climcube.planning.tiles.prepare import Parts, check_packing, parts_of, plain_dataset
from climcube.provenance import redact
from climcube.saving.netcdf import write_netcdf
from climcube.saving.zarrs import Saving, already_there, write_zarr
from climcube.stores.addresses import address_of, is_remote, is_versioned_name
from climcube.stores.places import place_of, require_target
from climcube.stores.plainwork import PlainWorkplace
from climcube.stores.work import Workplace

__all__ = ["save"]

_NETCDF = (".nc", ".nc4")
_ZARR = ("", ".zarr", ".icechunk")


def save(
    result: Any,
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    resume: bool | None = None,
    parts: tuple[str, ...] | None = None,
    encoding: Mapping[str, Mapping[str, Any]] | None = None,
    storage_options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> str:
    """Save a cube or a result as Zarr or netCDF.

    Lazy results are computed while they are written, a few tiles at a time, so memory does not
    grow with the cube. The target appears when it is complete; if anything fails, what was
    there before is left as it was. Whatever computes (this thread, threads, processes, a
    cluster), the bytes are the same.

    Parameters
    ----------
    result
        DataArray or Dataset, lazy or not, plain or pint-quantified (stored with its CF units);
        the result of `climcube.heatwaves` or `climcube.habitat`, a DataTree, or a mapping of
        names to Datasets. The last four become groups: open them with
        ``cc.open(target, group="annual")``.
    target
        A path or address whose name ends in ``.nc`` (netCDF-4), or in ``.zarr`` or no suffix
        (a Zarr 3 store), or in ``.icechunk`` (a versioned one, in which the result becomes one
        version). Folders above it are made.
    overwrite
        Replace what is there.
    resume
        Go on with an earlier attempt to save the same result there, and after an error keep
        what is finished for the next one; Zarr only. Tiles that are finished are not computed
        again, a save that was finished is known again and does nothing. By default (the
        option ``resume``) a save begins anew.
    parts
        Of heatwaves: which of ``"climatology"``, ``"annual"``, ``"daily"`` to save; default
        the first two. Of a habitat: which of ``"periods"`` (days, mean, coverage), ``"area"``
        (area and centroid, on a map), ``"suitability"``; default the first two.
    encoding
        How to store single variables, as xarray takes it: ``{"sst": {"dtype": "int16",
        "scale_factor": 0.01, "_FillValue": -32768}}``. By default values are stored as they
        are, also those of a cube that was opened from packed integers: results need not lie
        on the grid of the source.
    storage_options
        For the file system, as fsspec takes them.
    progress
        ``True`` or ``False`` overrides the option ``progress``.

    Returns
    -------
    str
        The target, without credentials.

    Raises
    ------
    StoreExistsError
        The target exists and ``overwrite`` is not set.
    ParameterError
        The suffix is unknown, the result is nothing that can be saved, or ``resume`` is asked
        for a netCDF file.
    CubeError
        A value does not fit the packing asked for.
    StoreError
        The target cannot be written.
    ConflictError
        Another process saves the same result there at this moment.
    ClusterError
        Workers died of a tile, which is named; the others are finished and kept. Or there has
        been no worker for 300 s, or the scheduler is gone.

    Notes
    -----
    Zarr chunks are compressed by zstd with a checksum, netCDF chunks by zlib with Fletcher32,
    so that damage shows when they are read. File chunks lie within Dask chunks and are at most
    about 8 MiB. Missing values are NaN.

    Unfinished work lies beside the target under a name that ends in ``.partial``. An attempt at
    another result for the same target is removed when a result is published there.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> sst = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).sst
    >>> path = cc.save(sst.mean("time"), tempfile.mkdtemp() + "/mean.zarr")
    >>> cc.open(path, variable="sst").sizes["lat"]
    4
    """
    address = address_of(target)
    netcdf = _is_netcdf(address)
    again = (get_option("resume") and not netcdf) if resume is None else resume
    if netcdf and again:
        raise ParameterError(
            "a netCDF file cannot be resumed: it is one file, half of which is of no use",
            where="resume=True", remedy="save as Zarr (a name that ends in .zarr)",
        )  # fmt: skip
    named = parts_of(result, parts)
    require_target(address)
    place = place_of(address, storage_options)
    # A repository without a version is what an attempt left that failed.
    there = _workplace(address, storage_options) if is_versioned_name(address) else place
    if not overwrite and not again and there.exists():
        raise already_there(address)
    datasets: Parts = {
        name: check_packing(plain_dataset(dataset), encoding or {})
        for name, dataset in named.items()
    }
    if netcdf:
        with place.staged() as file:
            write_netcdf(datasets, file, encoding or {}, progress)
    else:
        workplace = _workplace(address, storage_options)
        saving = Saving(
            workplace, redact(address), overwrite=overwrite, resume=again,
            volatile=not is_remote(address),
        )  # fmt: skip
        write_zarr(datasets, saving, encoding or {}, progress)
    return redact(address)


def _is_netcdf(address: str) -> bool:
    path = redact(address).rstrip("/")
    suffix = PurePosixPath(path.partition("://")[2] if is_remote(path) else path).suffix.lower()
    if suffix not in (*_NETCDF, *_ZARR):
        raise ParameterError(
            "the suffix says no format that climcube writes",
            where=redact(address),
            expected=".nc for netCDF, .zarr (or none) for Zarr, .icechunk for Zarr with versions",
            found=suffix,
        )
    return suffix in _NETCDF


def _workplace(address: str, options: Mapping[str, Any] | None) -> Workplace:
    if is_versioned_name(address):
        require_module("icechunk", "versions")
        from climcube.stores.versioned.work import VersionedWorkplace

        return VersionedWorkplace(address, dict(options or {}))
    return PlainWorkplace(address, dict(options or {}))
