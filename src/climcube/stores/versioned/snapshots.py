"""Which snapshot a user means by a version: an id, a tag, a branch, or a day."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from zarr.storage import WrapperStore

from climcube.errors import IntegrityError, ParameterError, StoreNotFoundError, suggest
from climcube.provenance import redact
from climcube.stores.damage import DamagedChunk
from climcube.stores.versioned.filestates import watching
from climcube.stores.versioned.references import Sources, reading
from climcube.stores.versioned.repositories import icechunk, open_repository, repository_reporting

__all__ = ["MAIN", "Version", "find_snapshot", "open_snapshot", "when"]

MAIN = "main"
Version = str | date | np.datetime64
# Crockford's base 32: no I, L, O or U.
_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{20}")


def open_snapshot(
    address: str,
    options: Mapping[str, Any] | None = None,
    version: Version | None = None,
    sources: Sources | None = None,
) -> tuple[Any, str]:
    """Return one version of a versioned store as a Zarr store to read, and its id.

    ``sources`` are the places of other files that may be read for it; see
    `climcube.stores.versioned.references`.

    Raises
    ------
    StoreNotFoundError
        There is no versioned store, nothing was published in it yet, or no such version.
    """
    extra = reading(address, options or {}, sources) if sources else {}
    repository = open_repository(address, options, **extra)
    found = find_snapshot(repository, version, redact(address))
    with repository_reporting("the version cannot be opened", address):
        session = repository.readonly_session(snapshot_id=found)
        # Before a file elsewhere is read, what it is now is compared with what it was.
        store = watching(session.store) if sources else session.store
        return _SnapshotStore(store, redact(address)), found


class _SnapshotStore(WrapperStore[Any]):
    """A store to read whose errors are ours, and name what could not be read."""

    def __init__(self, store: Any, where: str) -> None:
        super().__init__(store)
        self._where = where

    @property
    def supports_consolidated_metadata(self) -> bool:
        return False

    def _with_store(self, store: Any) -> _SnapshotStore:
        return _SnapshotStore(store, self._where)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        with _reading(self._where, key):
            return await self._store.get(key, prototype, byte_range)

    async def get_ranges(
        self, key: str, byte_ranges: Any, *, prototype: Any, **limits: Any
    ) -> AsyncIterator[Any]:
        with _reading(self._where, key):
            async for part in super().get_ranges(key, byte_ranges, prototype=prototype, **limits):
                yield part


@contextmanager
def _reading(where: str, key: str) -> Iterator[None]:
    array, found, chunk = key.rpartition("/c/")
    place = f"{where}, {key}" if found else key  # metadata: who opens the store names it
    try:
        with repository_reporting("an object cannot be read", place):
            yield
    except IntegrityError as error:
        if not found:
            raise
        kind = "missing" if "not found" in str(error.found) else "truncated"
        if error.what.startswith("the file"):  # of a virtual cube
            kind = "other content"
        raise DamagedChunk(kind, array, f"c/{chunk}", (), found=error.found, store=where) from error


def find_snapshot(repository: Any, version: Version | None, where: str) -> str:
    """Return the id of the snapshot that a version means.

    Parameters
    ----------
    version
        In this order: a tag, a branch, a snapshot's id, an ISO date or time (UTC where it
        names no zone; a day, month or year up to its end): the newest on ``main`` not after
        it. None: the newest on ``main``.

    Raises
    ------
    StoreNotFoundError
        No such version, or nothing published yet.
    ParameterError
        Neither a name nor a date.
    """
    with repository_reporting("the version cannot be looked up", where):
        found = _find(repository, version, where)
        if found == _root(repository, found):
            raise StoreNotFoundError("nothing was published there yet", where=where)
        return found


def _find(repository: Any, version: Version | None, where: str) -> str:
    if version is None:
        return str(repository.lookup_branch(MAIN))
    if isinstance(version, date | np.datetime64):
        return _as_of(repository, version, where)
    if not isinstance(version, str):
        raise ParameterError(
            "version not understood", where=f"version={version!r}",
            expected="a snapshot's id, a tag, a branch, or a date", found=type(version).__name__,
        )  # fmt: skip
    tags, branches = set(repository.list_tags()), set(repository.list_branches())
    if version in tags:
        return str(repository.lookup_tag(version))
    if version in branches:
        return str(repository.lookup_branch(version))
    if _ID.fullmatch(version):
        known = icechunk().SnapshotNotFoundError
        try:
            return str(repository.lookup_snapshot(version).id)
        except known as error:
            raise StoreNotFoundError(
                "no such version", where=f"{where}, version='{version}'",
                remedy="cc.versions(store) lists all; it may have been expired",
            ) from error  # fmt: skip
    try:
        when(version)
    except ValueError:
        raise StoreNotFoundError(
            "no such version", where=f"{where}, version={version!r}",
            expected="a snapshot's id, a tag, a branch, or an ISO date",
            remedy=suggest(version, sorted(tags | branches)) + " (cc.versions(store) lists all)",
        ) from None  # fmt: skip
    return _as_of(repository, version, where)


def when(version: Version) -> datetime:
    """Return the last moment that a date or time means, in UTC.

    >>> when("2026-11-21").isoformat(), when("2026-11-21T12:00+02:00").isoformat()
    ('2026-11-21T23:59:59.999999+00:00', '2026-11-21T10:00:00+00:00')

    Raises
    ------
    ValueError
        It is no date.
    """
    if isinstance(version, np.datetime64):
        version = str(version)
    if isinstance(version, str):
        version = _parsed(version)
    if not isinstance(version, datetime):
        return _end(version + timedelta(days=1))
    return version.replace(tzinfo=UTC) if version.tzinfo is None else version.astimezone(UTC)


def _parsed(text: str) -> date:
    """Return the day, the last day of a month or year, or the time that a text names."""
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 12, 31)
    if re.fullmatch(r"\d{4}-\d{2}", text):
        year, month = map(int, text.split("-"))
        return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def _end(after: date) -> datetime:
    return datetime(after.year, after.month, after.day, tzinfo=UTC) - timedelta(microseconds=1)


def _as_of(repository: Any, version: Version, where: str) -> str:
    moment, oldest = when(version), None
    for snapshot in repository.ancestry(branch=MAIN):
        if snapshot.parent_id is None:
            break
        oldest = snapshot.written_at
        if oldest <= moment:
            return str(snapshot.id)
    raise StoreNotFoundError(
        "no version is as old as that", where=f"{where}, version={str(version)!r}",
        found=f"the oldest is of {oldest:%Y-%m-%dT%H:%M:%SZ}" if oldest else "none at all",
    )  # fmt: skip


def _root(repository: Any, snapshot: str) -> str | None:
    """Return the id if this is the empty snapshot that every repository begins with."""
    found = repository.lookup_snapshot(snapshot)
    return snapshot if found.parent_id is None else None
