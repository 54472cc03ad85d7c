"""From thousands of archive files to one analysis-ready cube."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from climcube import provenance
from climcube.cubes.archive import Archive, scan_archive
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.targets import Source, resolve
from climcube.errors import IngestError, ParameterError, StoreExistsError
from climcube.provenance import redact
from climcube.recipes.blocks import write_store
from climcube.recipes.checks import find_gaps, require_one_packing, require_one_value_a_day
from climcube.recipes.report import IngestReport
from climcube.stores.addresses import is_remote
from climcube.stores.guard import COMPLETE
from climcube.stores.places import place_of

__all__ = ["ingest"]

Files = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


def ingest(
    files: Files,
    store: str | os.PathLike[str],
    *,
    variable: str | None = None,
    overwrite: bool = False,
    attributes: Mapping[str, Any] | None = None,
    compression_level: int = 3,
    storage_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> IngestReport:
    """Turn netCDF files, one a day or one a year, into one Zarr cube.

    The headers and coordinates of all files are read and compared first; only when they are one
    cube is anything written. Values are copied as they are stored: packed integers stay packed.
    The store (Zarr format 3) has shards of a year of days x 90 x 90 cells with inner chunks of
    30 x 30 cells, so that a cell's whole series and a day's whole map are both cheap; every
    chunk is compressed by zstd with a checksum, so a flipped bit is an error when it is read. It
    is written beside the target and takes its name when it is complete: a reader, or a run
    that was killed, never leaves half a cube under that name.

    Parameters
    ----------
    files
        Pattern (``"sst/*.nc"``), path or list of netCDF files, local or at addresses. They are
        put in the order of the times they hold.
    store
        Path or address (``s3://bucket/cube.zarr``) of the store to write.
    variable
        Only this variable with its coordinates; default all.
    overwrite
        Replace a store that exists, once the new one is complete.
    attributes
        Global attributes added to those of the first file.
    compression_level
        Of zstd, 1 to 22.
    storage_options, target_options
        File-system options, as fsspec takes them, for reading and for writing.
    progress
        Show progress bars; default as `climcube.set_options` says.

    Returns
    -------
    IngestReport
        Files, times, period, missing days, sizes, duration.

    Raises
    ------
    StoreNotFoundError
        No file matches.
    StoreError
        A file is truncated or not netCDF; the target cannot be written.
    StoreExistsError
        The target exists and ``overwrite`` is not set.
    AxisError
        Files with other grids (to the last bit), duplicated or unordered times, no time axis.
    UnitsError, CalendarError, VariableError
        A file has other units, calendar or variables than the first.
    IngestError
        A file is packed in another way, or gives a second value for a day.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).isel(time=slice(30))
    >>> files = cc.testing.write_daily_files(ocean, folder)
    >>> report = cc.ingest(folder + "/*.nc", folder + "/cube.zarr")
    >>> report.files, report.period, report.gaps
    (30, ('2000-01-01', '2000-01-30'), ())
    >>> cc.open(folder + "/cube.zarr", variable="sst").shape
    (30, 4, 6)
    """
    began = time.perf_counter()
    _require_level(compression_level)
    address = os.path.expanduser(os.fspath(store))
    place = place_of(address, target_options)
    if place.exists() and not overwrite:
        raise StoreExistsError(
            "the target exists already", where=redact(address),
            remedy="pass overwrite=True to replace it, or choose another target",
        )  # fmt: skip
    source = resolve(files, storage_options=storage_options)
    archive = _scan(source, variable)
    axis = TimeAxis.of(archive.columns)
    require_one_packing(archive)
    require_one_value_a_day(archive, axis)
    facts = dict(attributes or {}) | _provenance(archive, source) | COMPLETE
    with place.staged(folder=True) as staging:
        written = write_store(archive, source.options, staging, facts, compression_level, progress)
    return IngestReport(
        redact(address),
        archive.roles.gridded,
        len(archive.headers),
        len(axis),
        (axis.label(0), axis.label(len(axis) - 1)),
        axis.calendar,
        find_gaps(axis),
        sum(Path(h.address).stat().st_size for h in archive.headers if not is_remote(h.address)),
        written,
        time.perf_counter() - began,
    )


def _scan(source: Source, variable: str | None) -> Archive:
    """Look at all files, and refuse what is no archive of gridded values."""
    if source.kind != "netcdf":
        raise IngestError(
            "nothing to ingest", where=source.label, expected="netCDF files", found=source.kind,
            remedy="open a Zarr store with cc.open; it is a cube already",
        )  # fmt: skip
    archive = scan_archive(source.addresses, source.options, variable)
    if not archive.roles.gridded:
        raise IngestError(
            "no variable on a grid", where=source.label, expected="a variable with time and space",
            found=", ".join(archive.roles.columns),
        )  # fmt: skip
    return archive


def _require_level(level: object) -> None:
    if isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= 22:
        raise ParameterError(
            "compression level out of range", where=f"compression_level={level!r}",
            expected="a whole number from 1 to 22",
        )  # fmt: skip


def _provenance(archive: Archive, source: Source) -> dict[str, str]:
    """Say where the cube came from: pattern, and a digest of all files' names and times."""
    digest = hashlib.sha256()
    for header in archive.headers:
        digest.update(os.path.basename(redact(header.address)).encode() + b"\0")
        digest.update(header.values[archive.roles.time].tobytes())
    carrier = archive.template[[]].copy()
    carrier.attrs = {}
    facts = {"files": str(len(archive.headers)), "digest": f"sha256:{digest.hexdigest()}"}
    provenance.set_source(carrier, source.label, **facts)
    provenance.record(carrier, "ingest", {"files": source.label}, [carrier.copy()])
    known = archive.template.attrs.get("history")
    if known and "history" in carrier.attrs:
        carrier.attrs["history"] = f"{carrier.attrs['history']}\n{known}"
    return {str(k): str(v) for k, v in carrier.attrs.items()}
