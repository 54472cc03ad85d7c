"""Targets of ingests: plain Zarr stores, and versioned ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from climcube.errors import ClimcubeError, IntegrityError, ParameterError, StoreError
from climcube.provenance import redact
from climcube.stores.addresses import address_of, is_remote
from climcube.stores.filesystems import zarr_target
from climcube.stores.places import require_target
from climcube.stores.plainwork import PlainWorkplace
from climcube.stores.versioned.repositories import is_repository, is_write_error
from climcube.stores.work import Work, Workplace, write_failure

__all__ = ["Target", "keeping", "target_of"]

_SUFFIX = ".icechunk"
_FILES = (".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".grib", ".grib2", ".yaml", ".yml")


@dataclass(frozen=True)
class Target:
    """Where an ingest goes.

    Attributes
    ----------
    address, options
        Path or address, and the options of its file system.
    versioned
        Whether it is a versioned store.
    workplace
        Where it is worked on.
    """

    address: str
    options: Mapping[str, Any]
    versioned: bool
    workplace: Workplace

    @property
    def label(self) -> str:
        """The address, without credentials."""
        return redact(self.address)

    def published(self) -> Any:
        """Return the Zarr store as its readers see it."""
        if self.versioned:
            from climcube.stores.versioned.snapshots import open_snapshot

            return open_snapshot(self.address, self.options)[0]
        target = zarr_target(self.address, self.options, read_only=True)
        if not isinstance(target["store"], str) or not is_remote(target["store"]):
            return target["store"]
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(
            target["store"], storage_options=target["storage_options"], read_only=True
        )


def target_of(
    store: str | os.PathLike[str], options: Mapping[str, Any] | None, versioned: bool | None
) -> Target:
    """Find out what kind of store a target is, or is to be: by its name, or what is there."""
    address = address_of(store).rstrip("/")
    suffix = os.path.splitext(address)[1].lower()
    if suffix in _FILES:
        # A shell that expands a glob makes the last file the target, where none was given.
        raise ParameterError(
            "an ingest makes a Zarr store, no file", where=redact(address),
            expected="a name that ends in .zarr or .icechunk", found=suffix,
        )  # fmt: skip
    require_target(address)
    options = dict(options or {})
    if versioned is None:
        versioned = address.endswith(_SUFFIX) or is_repository(address, options)
    if not versioned:
        return Target(address, options, False, PlainWorkplace(address, options))
    from climcube.stores.versioned.work import VersionedWorkplace

    return Target(address, options, True, VersionedWorkplace(address, options))


@contextmanager
def keeping(work: Work) -> Iterator[None]:
    """Keep what is finished after a failure that passes, and say so; else leave nothing.

    Data that do not fit will not fit the next time either: then everything is removed.
    """
    try:
        yield
    except IntegrityError:
        work.discard()  # what is kept would be damaged the next time, too
        raise
    except StoreError as error:
        if not work.done:
            raise
        kept = _kept(work)
        raise type(error)(
            error.what, where=error.where, expected=error.expected, found=error.found,
            remedy=f"{error.remedy}; {kept}" if error.remedy else kept,
        ) from error  # fmt: skip
    except ClimcubeError:
        work.discard()
        raise
    except BaseException as error:
        if is_write_error(error):
            raise write_failure(work, error, _kept(work) if work.done else None) from error
        if work.done:
            error.add_note(f"climcube: {_kept(work)}")
        raise


def _kept(work: Work) -> str:
    steps = len(work.done)
    return (
        f"{steps} finished step{'s are' if steps > 1 else ' is'} kept in "
        f"{getattr(work, 'place', 'the store')}: run the same ingest again to go on, "
        "or remove that to give up"
    )
