"""From thousands of archive files to one analysis-ready cube."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from climcube.cubes.targets import resolve
from climcube.errors import ParameterError, StoreExistsError, require_choice
from climcube.recipes.cataloguing import write_catalog_entry
from climcube.recipes.changes import change_store, whole_of
from climcube.recipes.facts import holds
from climcube.recipes.filenames import Filenames
from climcube.recipes.places import Target, target_of
from climcube.recipes.plan import IngestPlan, plan_of
from climcube.recipes.recipe import Recipe, is_recipe, read_recipe
from climcube.recipes.report import IngestReport
from climcube.recipes.run import Whole, make_store
from climcube.recipes.scan import Scan, scan_files
from climcube.recipes.sources import find_files
from climcube.recipes.virtual import MIXED, make_virtual
from climcube.recipes.writing import default_workers

__all__ = ["ingest", "plan_ingest"]

Files = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Recipe
_MODES = ("new", "append", "replace")


def ingest(
    files: Files,
    store: str | os.PathLike[str],
    *,
    variable: str | None = None,
    mode: str = "new",
    period: tuple[str, str] | None = None,
    overwrite: bool = False,
    versioned: bool | None = None,
    virtual: bool | str = False,
    attributes: Mapping[str, Any] | None = None,
    compression_level: int | None = None,
    catalog: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> IngestReport:
    """Turn netCDF files, one a day or one a year, into one Zarr cube.

    The headers and coordinates of all files are read and compared first; only when they are one
    cube is anything written. Values are copied as they are stored: packed integers stay packed.
    The store (Zarr format 3) has shards of a year of days x 90 x 90 cells with inner chunks of
    30 x 30 cells, so that a cell's whole series and a day's whole map are both cheap; every
    chunk is compressed by zstd with a checksum, and a manifest keeps the digest of each, so
    that a lost or changed one is an error when it is read.

    It is written beside the target and takes its name when it is complete. A run that was
    killed leaves the target as it was; the same call goes on where it stopped, and the result
    is the same to the last byte. The same call after success writes nothing. A target whose
    name ends in ``.icechunk`` is a versioned store: there, days can be appended and preliminary
    ones replaced, each time as one new version.

    Parameters
    ----------
    files
        Pattern (``"sst/*.nc"``) or path of netCDF files, local or at addresses, or a list; or a
        recipe: a `climcube.Recipe`, or the path of one in YAML. Their order does not matter.
    store
        Path or address (``s3://bucket/cube.zarr``) of the store to write.
    variable
        Only this variable with its coordinates; default all, or those of the recipe.
    mode
        ``"new"`` makes a store; ``"append"`` adds days after its last one; ``"replace"`` puts
        final days in the place of preliminary ones. The latter two need a versioned store.
    period
        First and last date, in place of those of a recipe with a template.
    overwrite
        Replace a store that exists, once the new one is complete.
    versioned
        Make a versioned store; default by the name, or what is there.
    virtual
        Write references into the files (netCDF4, local or on S3) instead of copies of their
        values, into a versioned store: see `climcube.open`, ``sources``. Files whose chunks are
        encoded otherwise than the first's are refused; ``"mixed"`` copies those.
    attributes
        Global attributes added to those of the first file and of the recipe.
    compression_level
        Of zstd, 1 to 22; default 3, or that of the recipe.
    catalog
        Catalog file (YAML) in which the store gets an entry.
    report
        Write the report there: an HTML page, and the same name with ``.json``.
    workers
        Threads that read files; default one for each core. Where a Dask client exists, its
        workers write a block each.
    storage_options, target_options
        File-system options, as fsspec takes them, for reading and for writing.
    progress
        Show progress bars; default as `climcube.set_options` says.

    Returns
    -------
    IngestReport
        Files, times, period, missing days, sizes, duration, and what was decided about every
        irregular file.

    Raises
    ------
    StoreNotFoundError
        No file matches.
    StoreError
        A file is truncated or not netCDF; the target cannot be written, or has no versions
        and is to be changed. Where finished blocks are kept, the message says so.
    StoreExistsError
        The target exists, holds something else, and ``overwrite`` is not set.
    ConflictError
        Another writer published, or makes the same store, at this time.
    AxisError
        Files with other grids (to the last bit), duplicated or unordered times, no time axis.
    UnitsError, CalendarError, VariableError
        A file has other units, calendar or variables than the first, or than the recipe says.
    IngestError
        A file is packed in another way, has values out of range, or gives a second value for a
        day; a recipe is not valid.

    Notes
    -----
    Memory holds two blocks: a block is a shard's times of one variable, at most 1 GiB
    (``store: block_bytes`` in a recipe); see `climcube.plan_ingest`.

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
    >>> cc.ingest(folder + "/*.nc", folder + "/cube.zarr").unchanged
    True
    """
    began = time.perf_counter()
    require_choice("mode", mode, _MODES)
    require_choice("virtual", virtual, (False, True, MIXED))
    if virtual and mode != "new":
        raise ParameterError(
            "a virtual cube is made anew", where=f"mode={mode!r}",
            remedy="pass all files and overwrite=True: references are quickly written",
        )  # fmt: skip
    recipe = _recipe(files, variable, period, attributes, compression_level)
    target = target_of(store, target_options, versioned)
    if mode == "new":
        _require_free(target, overwrite)
    scan = scan_files(recipe, find_files(recipe, storage_options))
    kind = (f"virtual={virtual}",) if virtual else ()
    identity = scan.identity(mode, str(target.versioned), *kind)
    threads = _workers(workers)
    unchanged, version = _is_done(target, identity, mode, overwrite), None
    whole = whole_of(target) if unchanged else (len(scan.axis), scan.period)
    if not unchanged and virtual:
        version, more = make_virtual(
            scan, target, identity, threads, progress, mixed=virtual == MIXED
        )
        scan = replace(scan, decisions=(*scan.decisions, *more))
    elif not unchanged and mode == "new":
        version = make_store(scan, target, identity, threads, progress)
    elif not unchanged:
        version, whole, scan = change_store(scan, target, identity, mode, threads, progress)
    made = _report(scan, target, mode, version, unchanged, whole, time.perf_counter() - began)
    if catalog is not None:
        write_catalog_entry(catalog, scan, target, made)
    if report is not None:
        made.write(report)
    return made


def plan_ingest(
    files: Files,
    store: str | os.PathLike[str],
    *,
    variable: str | None = None,
    period: tuple[str, str] | None = None,
    versioned: bool | None = None,
    compression_level: int | None = None,
    workers: int | None = None,
    storage_options: Mapping[str, Any] | None = None,
    target_options: Mapping[str, Any] | None = None,
) -> IngestPlan:
    """Say what an ingest will read, write and take; nothing is written.

    Headers of all files are read and compared, as `climcube.ingest` does, and one file is read
    to estimate time and compression.

    Parameters
    ----------
    files, store, variable, period, versioned, compression_level, workers
        As `climcube.ingest` takes them.
    storage_options, target_options
        File-system options for reading and for writing.

    Returns
    -------
    IngestPlan
        Files, times, bytes, objects, blocks, memory, seconds.

    Raises
    ------
    ClimcubeError
        As `climcube.ingest` would: files that do not fit are found here.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).isel(time=slice(30))
    >>> files = cc.testing.write_daily_files(ocean, folder)
    >>> plan = cc.plan_ingest(folder + "/*.nc", folder + "/cube.zarr")
    >>> plan.files, plan.objects, plan.bytes_values
    (30, 1, 1440)
    """
    began = time.perf_counter()
    recipe = _recipe(files, variable, period, None, compression_level)
    target = target_of(store, target_options, versioned)
    scan = scan_files(recipe, find_files(recipe, storage_options))
    took = time.perf_counter() - began
    return plan_of(
        scan, target.label, _workers(workers), grows=target.versioned, seconds_scanned=took
    )


def _recipe(
    files: Any,
    variable: str | None,
    period: tuple[str, str] | None,
    attributes: Mapping[str, Any] | None,
    level: int | None,
) -> Recipe:
    """Return the recipe, with what the call says in place of what the recipe says."""
    if level is not None and (
        isinstance(level, bool) or not isinstance(level, int) or not 1 <= level <= 22
    ):
        raise ParameterError(
            "compression level out of range", where=f"compression_level={level!r}",
            expected="a whole number from 1 to 22",
        )  # fmt: skip
    if is_recipe(files):
        recipe = read_recipe(files)
    else:
        if not isinstance(files, str | os.PathLike | list | tuple) or not files:
            resolve(files)  # says what is wrong with it
        several = isinstance(files, list | tuple)
        recipe = Recipe(tuple(map(os.fspath, files)) if several else os.fspath(files))
    if period is not None:
        if not isinstance(recipe.files, Filenames):
            raise ParameterError(
                "a period needs a template of file names", where=f"period={period!r}",
                remedy="write a recipe with files: {template: ..., period: ...}",
            )  # fmt: skip
        recipe = replace(recipe, files=replace(recipe.files, period=(period[0], period[1])))
    if variable is not None:
        recipe = replace(recipe, variables=(variable,))
    if attributes:
        recipe = replace(recipe, attributes={**recipe.attributes, **attributes})
    if level is not None:
        recipe = replace(recipe, store=replace(recipe.store, compression_level=level))
    return recipe


def _workers(given: int | None) -> int:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise ParameterError(
            "number of workers out of range", where=f"workers={given!r}",
            expected="a whole number of threads, or None",
        )  # fmt: skip
    return given or default_workers()


def _require_free(target: Target, overwrite: bool) -> None:
    """Refuse a target before all files are looked at, unless it may hold just this."""
    if overwrite or not target.workplace.exists() or holds(target.published()):
        return
    raise StoreExistsError(
        "the target exists already", where=target.label,
        remedy="pass overwrite=True to replace it, or choose another target",
    )  # fmt: skip


def _is_done(target: Target, identity: str, mode: str, overwrite: bool) -> bool:
    """Whether the store holds all of this ingest already."""
    if (overwrite and mode == "new") or not target.workplace.exists():
        return False
    # What was replaced may have been replaced again since by something else.
    if holds(target.published(), identity, last=mode == "replace"):
        tidy = getattr(target.workplace, "tidy", None)
        if tidy is not None:
            tidy(identity)
        return True
    if mode == "new":
        raise StoreExistsError(
            "the target exists already", where=target.label,
            found="a store of other files, or of another recipe",
            remedy="pass overwrite=True to replace it, or choose another target",
        )  # fmt: skip
    return False


def _report(
    scan: Scan, target: Target, mode: str, version: str | None, unchanged: bool, whole: Whole,
    seconds: float,
) -> IngestReport:  # fmt: skip
    header = scan.archive.headers[0]
    sizes = dict(scan.archive.template.sizes) | {scan.archive.roles.time: len(scan.axis)}
    written = sum(
        math.prod(sizes[d] for d in header.dims[n]) * header.dtypes[n].itemsize
        for n in scan.archive.roles.gridded
    )
    return IngestReport(
        target.label,
        scan.archive.roles.gridded,
        len(scan.archive.headers),
        whole[0],
        whole[1],
        scan.axis.calendar,
        scan.gaps,
        scan.bytes_read,
        0 if unchanged else written,
        seconds,
        decisions=scan.decisions,
        preliminary=tuple(scan.preliminary),
        version=version,
        unchanged=unchanged,
        mode=mode,
    )
