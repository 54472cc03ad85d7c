"""Verify a store: whether every byte of it is what was written."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from climcube.errors import (
    ClimcubeError,
    IntegrityError,
    ParameterError,
    StoreError,
    StoreNotFoundError,
)
from climcube.progress import progress_bar
from climcube.provenance import redact
from climcube.stores.addresses import address_of, is_versioned_name
from climcube.stores.filesystems import reporting, zarr_target
from climcube.stores.integrity.verification import Problem, VerifyReport
from climcube.stores.integrity.whereabouts import describe_place
from climcube.stores.versioned.repositories import is_repository, repository_reporting
from climcube.stores.versioned.snapshots import Version, open_snapshot
from climcube.stores.zarrs import zarr_store

__all__ = ["verify", "verify_store"]

_PLACED = 500  # problems whose place in time and space is looked up
_ROOTS = ("zarr.json", "climcube_manifest/zarr.json", ".zgroup", ".zarray", ".zmetadata")


def verify(
    store: str | os.PathLike[str],
    *,
    version: Version | None = None,
    storage_options: Mapping[str, Any] | None = None,
    sample: float | None = None,
    progress: bool | None = None,
) -> VerifyReport:
    """Compare a store with the digests that were written with it.

    Every object is read once and compared with its entry in the manifest (length and digest of
    the object and of each chunk in it), every metadata document with its digest; what is there
    but was never written is reported, too. Nothing is decoded, unless it is wrong: then that
    tells damage from a valid object in the wrong place. Memory holds a few objects at a time.

    A store without a manifest, of other programs, is decoded chunk by chunk: what its codecs
    notice is reported, and what they cannot is said in the notes.

    Parameters
    ----------
    store
        Path or address of a Zarr store or a versioned store.
    version
        Of a versioned store: a tag, branch, snapshot or date; default the newest.
    storage_options
        For the file system, as fsspec takes them.
    sample
        Share of the objects whose content is compared, as 0.01; of the others only that they
        are there. Default all.
    progress
        ``True`` or ``False`` overrides the option ``progress``.

    Returns
    -------
    VerifyReport
        ``ok``; ``problems``, a table of kind, variable, object, place in time and space;
        ``raise_if_damaged()``; ``to_json()``.

    Raises
    ------
    StoreNotFoundError
        There is no such store, or version.
    StoreError
        The store cannot be reached. Damage is reported, not raised.
    ParameterError
        ``sample`` is no share.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 6))
    >>> path = cc.save(ocean, tempfile.mkdtemp() + "/ocean.zarr")
    >>> report = cc.verify(path)
    >>> report.ok, len(report.problems)
    (True, 0)
    """
    share = _share(sample)
    address = address_of(store)
    where = redact(address)
    snapshot = None
    try:
        opened, snapshot = _reader(address, storage_options or {}, version)
        with repository_reporting("the store cannot be verified", address):
            return replace(
                verify_store(opened, where, share=share, progress=progress), version=snapshot
            )
    except IntegrityError as error:  # so much is lost that nothing more can be looked at
        problem = Problem("metadata", "", "", found=f"{error.what}: {error.found}")
        return VerifyReport(where, snapshot, None, 0, 0, 0, 0, 0, (problem,), ())


def verify_store(
    store: Any, where: str, *, share: float = 1.0, progress: bool | None = None
) -> VerifyReport:
    """Verify a Zarr store that is open: see `verify`."""
    from climcube.stores.integrity.checking import Checked, check_manifest
    from climcube.stores.integrity.foreign import arrays_of, check_chunks, count_objects
    from climcube.stores.integrity.ledger import load_manifest

    try:
        manifest, broken = load_manifest(store), None
    except IntegrityError as error:
        found = error.what if error.found is None else f"{error.what}: {error.found}"
        manifest, broken = None, Problem("manifest", "", "climcube_manifest", found=found)
    if manifest is not None:
        total = sum(math.prod(grid.counts) for grid in manifest.grids.values())
        with progress_bar("verifying", total, progress) as advance:
            checked = check_manifest(store, manifest.anew(), share, advance)
    else:
        try:
            arrays = arrays_of(store)
        except (ValueError, KeyError, TypeError, FileNotFoundError) as error:
            checked = Checked()
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            checked.findings.append(Problem("metadata", "", "zarr.json", found=reason))
        else:
            with progress_bar("verifying", count_objects(arrays), progress) as advance:
                checked = check_chunks(store, arrays, share, advance)
    findings = [*([broken] if broken else []), *checked.findings]
    return VerifyReport(
        where, None, None if manifest is None else manifest.algorithm,
        checked.objects, checked.bytes, checked.empty, checked.unread, checked.documents,
        tuple(_placed(store, manifest, findings)), tuple(checked.notes),
    )  # fmt: skip


def _placed(store: Any, manifest: Any, findings: list[Problem]) -> list[Problem]:
    """Add dates, latitudes and longitudes, by coordinates that are themselves intact."""
    import zarr

    from climcube.stores.integrity.verifying import Verifying

    checked = store if manifest is None else Verifying(store, manifest, "always")
    arrays: dict[str, Any] = {}
    placed = []
    for number, problem in enumerate(findings):
        place = ", ".join(f"{a}:{b}" for a, b in problem.region)
        place = f"index {place}" if place else ""
        if problem.region and number < _PLACED:
            with suppress(ClimcubeError, OSError, ValueError, KeyError, TypeError, RuntimeError):
                if problem.variable not in arrays:
                    arrays[problem.variable] = zarr.open_array(
                        checked, path=problem.variable, mode="r"
                    )
                place = describe_place(arrays[problem.variable], problem.region) or place
        placed.append(replace(problem, place=place))
    return placed


def _reader(
    address: str, options: Mapping[str, Any], version: Version | None
) -> tuple[Any, str | None]:
    """Open a plain store, or a version of a versioned one, to be read."""
    from zarr.core.sync import sync

    if is_versioned_name(address) or version is not None:
        return open_snapshot(address, options, version)

    async def has_root(store: Any) -> bool:
        await store._ensure_open()
        for name in _ROOTS:
            if await store.exists(name):
                return True
        return False

    with reporting("the store cannot be read", address):
        try:
            store = zarr_store(zarr_target(address, options, read_only=True))
            found = sync(has_root(store))
        except FileNotFoundError:
            found = False
    if found:
        return store, None
    if is_repository(address, options):
        return open_snapshot(address, options, version)
    if os.path.isfile(address):
        raise StoreError(
            "this is a file, no Zarr store", where=redact(address),
            remedy="only Zarr stores hold digests to compare with",
        )  # fmt: skip
    raise StoreNotFoundError("no Zarr store", where=redact(address), remedy="check the address")


def _share(sample: float | None) -> float:
    if sample is None:
        return 1.0
    number = isinstance(sample, int | float) and not isinstance(sample, bool)
    if not number or not 0 < sample <= 1:
        raise ParameterError(
            "sample is no share", where=f"sample={sample!r}", expected="more than 0, at most 1"
        )
    return float(sample)
