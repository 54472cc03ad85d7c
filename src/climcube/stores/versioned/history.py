"""The versions of a store: list them, name them, go back to one, let old ones go."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from climcube.errors import (
    ConflictError,
    ParameterError,
)
from climcube.stores.versioned.repositories import icechunk, repository_reporting
from climcube.stores.versioned.snapshots import MAIN, Version, find_snapshot, when
from climcube.stores.versioned.work import FACTS, ROLLED_BACK, WORK, existing

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Expiry",
    "expire_versions",
    "roll_back",
    "versions",
]

_COLUMNS = ("when", "message", "tags", "branches", "files", "period", "climcube")
# Objects of unfinished work are named by no version yet; work is never expected to take longer.
_UNFINISHED = timedelta(days=1)


@dataclass(frozen=True)
class Expiry:
    """What `climcube.expire_versions` removed, or would remove.

    Attributes
    ----------
    versions
        Ids of the versions that are no longer listed.
    objects, bytes
        Stored objects removed, and their size; of those that nothing refers to any more.
    """

    versions: tuple[str, ...]
    objects: int
    bytes: int


def versions(
    store: str | os.PathLike[str], *, storage_options: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """List the versions of a versioned store, newest first.

    Parameters
    ----------
    store
        Path or address of a versioned store.
    storage_options
        For the file system, as `climcube.open` takes them.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``id``, with ``when`` (UTC), ``message``, ``tags``, ``branches`` (those whose
        newest version it is), and what the ingest told: ``files``, ``period``, ``climcube`` (the
        version of the package). Versions of ``main``, and those that a tag or another branch
        keeps. Unfinished work is no version.

    Raises
    ------
    StoreNotFoundError
        There is no store.
    StoreError
        The store keeps no versions, or cannot be read.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> from climcube.stores.versioned.work import VersionedWorkplace
    >>> store = tempfile.mkdtemp() + "/ocean.icechunk"
    >>> with VersionedWorkplace(store).work("0" * 40, new=True) as work:
    ...     _ = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).to_zarr(work.store)
    ...     _ = work.publish("one year of ocean", {"files": 366})
    >>> cc.versions(store)[["message", "branches", "files"]].values.tolist()
    [['one year of ocean', 'main', 366]]
    """
    import pandas as pd

    place, repository = existing(store, storage_options)
    with repository_reporting("the versions cannot be listed", place.address):
        found = _all(repository)
        names = _names(repository)
    rows = sorted(found.values(), key=lambda s: s.written_at, reverse=True)
    table = pd.DataFrame(
        [_row(snapshot, *names) for snapshot in rows],
        columns=list(_COLUMNS),
        index=pd.Index([str(snapshot.id) for snapshot in rows], name="id", dtype="str"),
    )
    table["when"] = pd.to_datetime(table["when"], utc=True)
    return table


def roll_back(
    store: str | os.PathLike[str],
    version: Version,
    *,
    message: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> str:
    """Make an old version the newest again; return the id of the version that says so.

    Nothing is copied and nothing is lost: ``main`` continues from the old version, and what it
    was before stays under the tag ``rolled-back-...``.

    Parameters
    ----------
    store, storage_options
        As for `climcube.versions`.
    version
        Of ``main``: a tag, an id or a date, as for `climcube.open`.
    message
        Why; default says where it went.

    Returns
    -------
    str
        The id of the new version, whose content is that of the old one.

    Raises
    ------
    StoreNotFoundError
        No such version.
    ConflictError
        Another writer published in the same moment.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> store = tempfile.mkdtemp() + "/ocean.icechunk"
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).isel(time=slice(4))
    >>> files = cc.testing.write_daily_files(ocean, tempfile.mkdtemp())
    >>> first = cc.ingest(sorted(files)[:3], store).version
    >>> second = cc.ingest(sorted(files)[3:], store, mode="append").version
    >>> new = cc.roll_back(store, first)
    >>> cc.open(store).sizes["time"], cc.open(store, version=second).sizes["time"]
    (3, 4)
    """
    place, repository = existing(store, storage_options)
    target = find_snapshot(repository, version, place.where)
    with place.changing("the store cannot be rolled back"):
        tip = str(repository.lookup_branch(MAIN))
        facts = dict(repository.lookup_snapshot(target).metadata.get(FACTS) or {})
        facts |= {"rolled_back_to": target, "rolled_back_from": tip}
        with _aside(repository, tip, target) as branch:
            session = repository.writable_session(branch)
            new = str(
                session.commit(
                    message or f"rolled back to {target}",
                    metadata={FACTS: facts},
                    allow_empty=True,
                )
            )
            # Before main moves: a kill in between leaves a tag too many, never a version lost.
            with suppress(icechunk().AlreadyExistsError):
                repository.create_tag(ROLLED_BACK + tip, tip)
            try:
                repository.reset_branch(MAIN, new, from_snapshot_id=tip)
            except Exception as error:
                if getattr(error, "kind", "") == "branch-update-conflict":
                    raise ConflictError(
                        "another writer published first", where=place.where,
                        remedy="look at cc.versions(store), and do it again",
                    ) from error  # fmt: skip
                raise
    return new


def expire_versions(
    store: str | os.PathLike[str],
    older_than: date | str,
    *,
    dry_run: bool = False,
    storage_options: Mapping[str, Any] | None = None,
) -> Expiry:
    """Let versions go, and remove the objects that only they had.

    The newest version of every branch stays, and every version with a tag. This is the only
    function that removes what was published, and it does so only when it is called.

    Parameters
    ----------
    store, storage_options
        As for `climcube.versions`.
    older_than
        Date or time; versions written before it go. Objects that nothing refers to go when
        they are as old, and at least a day, so that work under way keeps its own.
    dry_run
        Only tell what would go. Objects are then those that nothing refers to already.

    Returns
    -------
    Expiry
        Ids of the versions that are gone, and how many objects and bytes went with them.

    Raises
    ------
    StoreNotFoundError
        There is no store.
    ParameterError
        No date, or one in the future.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> store = tempfile.mkdtemp() + "/ocean.icechunk"
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).isel(time=slice(4))
    >>> files = cc.testing.write_daily_files(ocean, tempfile.mkdtemp())
    >>> first = cc.ingest(sorted(files)[:3], store).version
    >>> cc.expire_versions(store, "2020-01-01").versions
    ()
    """
    moment = _past(older_than)
    place, repository = existing(store, storage_options)
    with place.changing("the versions cannot expire"):
        before = _all(repository)
        if dry_run:
            kept = {str(repository.lookup_branch(b)) for b in repository.list_branches()}
            kept |= {str(repository.lookup_tag(t)) for t in repository.list_tags()}
            gone = {i for i, s in before.items() if i not in kept and s.written_at < moment}
        else:
            repository.expire_snapshots(moment)
            gone = set(before) - set(_all(repository))
        oldest = min(moment, datetime.now(UTC) - _UNFINISHED)
        removed = repository.garbage_collect(oldest, dry_run=dry_run)
    objects = sum(
        getattr(removed, f"{kind}_deleted")
        for kind in ("chunks", "manifests", "snapshots", "attributes", "transaction_logs")
    )
    return Expiry(tuple(sorted(gone)), int(objects), int(removed.bytes_deleted))


def _all(repository: Any) -> dict[str, Any]:
    """Return every version that main, a tag or a branch of the user's leads to, by id."""
    tips = [str(repository.lookup_tag(tag)) for tag in repository.list_tags()]
    tips += [str(repository.lookup_branch(b)) for b in repository.list_branches() if _open(b)]
    found: dict[str, Any] = {}
    for tip in tips:
        for snapshot in repository.ancestry(snapshot_id=tip):
            if str(snapshot.id) in found or snapshot.parent_id is None:
                break
            found[str(snapshot.id)] = snapshot
    return found


def _names(repository: Any) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    tags: dict[str, list[str]] = {}
    branches: dict[str, list[str]] = {}
    for name in sorted(repository.list_tags()):
        tags.setdefault(str(repository.lookup_tag(name)), []).append(name)
    for name in filter(_open, sorted(repository.list_branches())):
        branches.setdefault(str(repository.lookup_branch(name)), []).append(name)
    return tags, branches


def _open(branch: str) -> bool:
    return not branch.startswith(WORK)


def _row(snapshot: Any, tags: Mapping[str, Any], branches: Mapping[str, Any]) -> dict[str, Any]:
    key = str(snapshot.id)
    facts = snapshot.metadata.get(FACTS) or {}
    period = facts.get("period")
    return {
        "when": snapshot.written_at,
        "message": snapshot.message,
        "tags": ", ".join(tags.get(key, ())),
        "branches": ", ".join(branches.get(key, ())),
        "files": facts.get("files"),
        "period": "/".join(map(str, period)) if isinstance(period, list | tuple) else period,
        "climcube": facts.get("climcube"),
    }


@contextmanager
def _aside(repository: Any, tip: str, target: str) -> Iterator[str]:
    """Yield a branch at a version, as long as it takes."""
    branch = f"{WORK}roll-back-{tip}"
    with suppress(KeyError):  # of an attempt that was killed
        repository.delete_branch(branch)
    repository.create_branch(branch, target)
    try:
        yield branch
    finally:
        with suppress(Exception):
            repository.delete_branch(branch)


def _past(older_than: date | str) -> datetime:
    """Return the beginning of the day, or the time, that is meant."""
    try:
        moment = when(older_than)
    except (ValueError, TypeError, AttributeError):
        raise ParameterError(
            "older_than not understood", where=f"older_than={older_than!r}",
            expected="an ISO date or time",
        ) from None  # fmt: skip
    if not isinstance(older_than, datetime) and len(str(older_than)) <= 10:
        moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        text = str(older_than)
        if len(text) in (4, 7):  # a year or a month: its first day
            moment = moment.replace(day=1, month=int(text[5:] or 1))
    if moment > datetime.now(UTC):
        raise ParameterError(
            "older_than is in the future", where=f"older_than={older_than!r}",
            expected="a date that has come",
        )  # fmt: skip
    return moment
