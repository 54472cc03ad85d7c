"""Work on a versioned store: on a branch of its own, which becomes the newest version in one go.

::

    main      ──o──────────────o            a reader sees the one or the other
                 \\            /
    work-3f9a..   w1 → w2 → w3              each finished step replaces the one before it

A work branch holds one commit, which every finished step amends and which says what was done.
Publishing moves `main` from the version that the work began with, and only from that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from zarr.core.sync import sync
from zarr.storage import WrapperStore

from climcube.errors import ConflictError, StoreError, StoreNotFoundError
from climcube.provenance import redact, versions
from climcube.stores.addresses import address_of
from climcube.stores.versioned.locks import alone
from climcube.stores.versioned.references import naming
from climcube.stores.versioned.repositories import (
    LOCK,
    is_repository,
    local_path,
    open_repository,
    repository_reporting,
    require_clean,
)
from climcube.stores.versioned.snapshots import MAIN

__all__ = ["FACTS", "ROLLED_BACK", "WORK", "VersionedWork", "VersionedWorkplace", "existing"]

FACTS = "climcube"  # key of the facts in the metadata of a published version
WORK = "work-"  # how names of branches of unfinished work begin
ROLLED_BACK = "rolled-back-"  # how names of tags begin that keep what was given up
_LEDGER = "climcube_work"


@dataclass(frozen=True)
class VersionedWorkplace:
    """A versioned store, or the place where one is to be.

    Parameters
    ----------
    address, options
        Path or address of the store, and its storage options.
    branch
        The branch that is published to.
    sources
        Folders of other files that the store may refer to, with the options of their file
        systems.
    """

    address: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    branch: str = MAIN
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def where(self) -> str:
        """The address, for messages."""
        return redact(self.address)

    def exists(self) -> bool:
        """Whether a version was published there."""
        if not is_repository(self.address, self.options):
            return False
        repository = open_repository(self.address, self.options)
        with repository_reporting("the versioned store cannot be read", self.address):
            if self.branch not in repository.list_branches():
                return False
            tip = repository.lookup_branch(self.branch)
            return repository.lookup_snapshot(tip).parent_id is not None

    def holds(self, identity: str) -> bool:
        """Whether the newest version is the result of the same work."""
        if not self.exists():
            return False
        repository = open_repository(self.address, self.options)
        with repository_reporting("the versioned store cannot be read", self.address):
            newest = repository.lookup_snapshot(repository.lookup_branch(self.branch))
        return bool(newest.metadata.get(FACTS, {}).get("identity") == identity)

    def attempts(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the ledgers of all unfinished work, by the branch of each."""
        if not is_repository(self.address, self.options):
            return {}
        repository = open_repository(self.address, self.options)
        with repository_reporting("the versioned store cannot be read", self.address):
            branches = [b for b in repository.list_branches() if b.startswith(WORK)]
            tips = {b: repository.lookup_snapshot(repository.lookup_branch(b)) for b in branches}
        return {b: dict(tip.metadata.get(_LEDGER, {}).get("done", {})) for b, tip in tips.items()}

    def drop(self, mark: str) -> None:
        """Remove unfinished work."""
        repository = open_repository(self.address, self.options)
        with self.changing("the versioned store cannot be changed"):
            _remove(repository, mark)

    def tidy(self, identity: str) -> None:
        """Remove what an attempt left that was killed just after it had published."""
        if not is_repository(self.address, self.options):
            return
        repository = open_repository(self.address, self.options)
        with self.changing("the versioned store cannot be changed"):
            _remove(repository, _final(_branch(identity)))
            _remove(repository, _branch(identity))

    @contextmanager
    def work(self, identity: str, *, new: bool) -> Iterator[VersionedWork]:
        """Begin work, or resume it; see `climcube.stores.work.Workplace`.

        Work that an earlier attempt began on a version that is no longer the newest can never
        be published: it is begun again, on the newest.

        Raises
        ------
        StoreNotFoundError
            Not ``new``, and nothing was published there.
        """
        if not new and not self.exists():
            raise StoreNotFoundError(
                "no version to continue", where=self.where,
                remedy="make the store first: mode='new'",
            )  # fmt: skip
        if new and local_path(self.address) and not is_repository(self.address, self.options):
            try:  # before our lock is put into what may be somebody's plain store
                require_clean(self.address, self.options)
            except StoreError:
                if not is_repository(self.address, self.options):  # made by another just now
                    raise
        with self.changing("the versioned store cannot be opened"):
            extra = naming(self.options, self.sources) if self.sources else {}
            repository = open_repository(self.address, self.options, create=new, **extra)
            if self.sources:
                repository.save_config()  # says where references lead, not how to get there
            done = self._prepare(repository, _branch(identity))
        work = VersionedWork(self, repository, identity, done)
        if new and not done:
            work.clear()
        try:
            yield work
        finally:
            work.close()

    def _prepare(self, repository: Any, branch: str) -> dict[str, dict[str, Any]]:
        """Have a work branch on the newest version; return its ledger."""
        if self.branch not in repository.list_branches():
            raise StoreNotFoundError("no such branch", where=f"{self.where}, '{self.branch}'")
        newest = repository.lookup_branch(self.branch)
        _remove(repository, _final(branch))
        if branch in repository.list_branches():
            tip = repository.lookup_snapshot(repository.lookup_branch(branch))
            ledger = tip.metadata.get(_LEDGER)
            if ledger and ledger["base"] == newest:
                return dict(ledger["done"])
            if tip.id == newest:
                return {}
            _remove(repository, branch)
        repository.create_branch(branch, newest)
        return {}

    @contextmanager
    def changing(self, what: str) -> Iterator[None]:
        """Report errors as ours; where the file system is local, one at a time."""
        path = local_path(self.address)
        with (
            repository_reporting(what, self.address),
            alone(path / LOCK if path else None, self.where),
        ):
            yield


def existing(store: Any, options: Mapping[str, Any] | None) -> tuple[VersionedWorkplace, Any]:
    """Return the place and the repository of a versioned store that is there."""
    place = VersionedWorkplace(address_of(store), dict(options or {}))
    if not is_repository(place.address, place.options):
        raise StoreNotFoundError(
            "no versioned store", where=redact(place.address),
            expected="a store that was written with versions (its name ends in .icechunk)",
        )  # fmt: skip
    return place, open_repository(place.address, place.options)


class VersionedWork:
    """One attempt to change a versioned store; see `climcube.stores.work.Work`.

    Attributes
    ----------
    store
        What the branch of this work holds, to read and to write; stays the same over steps.
    place
        Where the unfinished work lies, for messages.
    over
        Whether the work was published or discarded.
    """

    def __init__(
        self,
        workplace: VersionedWorkplace,
        repository: Any,
        identity: str,
        done: dict[str, dict[str, Any]],
    ) -> None:
        self._workplace, self._repository, self._identity = workplace, repository, identity
        self._branch = _branch(identity)
        self.place = f"{workplace.where}, branch '{self._branch}'"
        self.done, self.over = done, False
        self._session = repository.writable_session(self._branch)
        tip = repository.lookup_snapshot(self._session.snapshot_id)
        self._root = str(tip.parent_id if done else tip.id)
        self.store: Any = _CurrentStore(self._session.store, workplace.address)

    @cached_property
    def base(self) -> str | None:
        """Version from which this work began; ``None`` where nothing was published before."""
        found = self._repository.lookup_snapshot(self._root)
        return None if found.parent_id is None else self._root

    def fork(self) -> Any:
        """Return a store that can be pickled, for one task in another process."""
        return self._session.fork().store

    def merge(self, forks: Iterable[Any]) -> None:
        """Take over what was written to forks."""
        with repository_reporting("the work cannot be put together", self.place):
            self._session.merge(*(fork.session for fork in forks))

    def refer(
        self,
        array: str,
        at: Sequence[int],
        grid: Sequence[int],
        places: Sequence[tuple[str, int, int]],
        state: str | datetime,
    ) -> None:
        """Let chunks of an array be parts of a file elsewhere.

        Parameters
        ----------
        array
            Path of the array.
        at, grid
            Index of the first chunk, and how many there are along each dimension.
        places
            Location, first byte and bytes of each chunk, the last dimension fastest.
        state
            Tag of the file, or when it was last changed: another one later is an error.
        """
        with repository_reporting("the references cannot be written", self.place):
            refused = self._session.store.set_virtual_refs_arr(
                array,
                tuple(grid),
                [location for location, _, _ in places],
                np.array([first for _, first, _ in places], "u8"),
                np.array([size for _, _, size in places], "u8"),
                arr_offset=tuple(at),
                checksum=state,
            )
            if refused:
                raise StoreError("references lead to no known place", where=self.place)

    def finish(self, step: str, facts: Mapping[str, Any] | None = None) -> None:
        """Note that a step is finished."""
        done = {**self.done, step: dict(facts or {})}
        ledger = {"base": self._root, "done": done}
        with self._workplace.changing("the step cannot be saved"):
            self._commit(self._session, f"unfinished: {step}", {_LEDGER: ledger})
            self._session = self._repository.writable_session(self._branch)
            self.store.turn_to(self._session.store)
        self.done = done

    def publish(self, message: str, facts: Mapping[str, Any] | None = None) -> str | None:
        """Make everything visible at once; return the id of the new version.

        Raises
        ------
        ConflictError
            Another writer published since this work began. The work is kept, for messages
            about it; begun again, it begins on the newest version.
        """
        if not self.done or self._session.has_uncommitted_changes:
            self.finish("(what was not yet finished)")
        metadata = {
            FACTS: {
                **dict(facts or {}),
                "identity": self._identity,
                "climcube": versions().get("climcube"),
            }
        }
        final = _final(self._branch)
        with self._workplace.changing("the work cannot be published"):
            self._require_newest()
            # The ledger stays on the work branch until the very end, and out of the versions.
            _remove(self._repository, final)  # of an attempt that was killed right here
            self._repository.create_branch(final, self._repository.lookup_branch(self._branch))
            session = self._repository.writable_session(final)
            version = str(session.amend(message, metadata=metadata, allow_empty=True))
            self._move(version)
            self.over = True
            with suppress(Exception):  # published it is; `tidy` removes what is left
                _remove(self._repository, final)
                _remove(self._repository, self._branch)
        return version

    def discard(self) -> None:
        """Remove what was written."""
        self.over = True
        with self._workplace.changing("the work cannot be removed"):
            _remove(self._repository, self._branch)

    def clear(self) -> None:
        """Begin with an empty store, in this work."""
        with repository_reporting("the versioned store cannot be read", self.place):
            sync(self._session.store.clear())

    def close(self) -> None:
        """Leave no trace of work of which nothing is finished."""
        if self.over or self.done:
            return
        with suppress(StoreError), self._workplace.changing("cleaning up failed"):
            _remove(self._repository, self._branch)

    def _commit(self, session: Any, message: str, metadata: dict[str, Any]) -> str:
        if self.done:
            return str(session.amend(message, metadata=metadata, allow_empty=True))
        return str(session.commit(message, metadata=metadata, allow_empty=True))

    def _require_newest(self) -> None:
        if self._repository.lookup_branch(self._workplace.branch) != self._root:
            raise self._lost()

    def _move(self, version: str) -> None:
        try:
            self._repository.reset_branch(
                self._workplace.branch, version, from_snapshot_id=self._root
            )
        except Exception as error:
            if getattr(error, "kind", "") == "branch-update-conflict":
                raise self._lost() from error
            raise

    def _lost(self) -> ConflictError:
        return ConflictError(
            "another writer published first", where=self._workplace.where,
            expected=f"version {self._root}, on which this work began, to be the newest",
            found=f"version {self._repository.lookup_branch(self._workplace.branch)}",
            remedy="nothing of either is lost: do it again, on what is there now",
        )  # fmt: skip


class _CurrentStore(WrapperStore[Any]):
    """The store of the present session: each finished step ends one and begins another."""

    def __init__(self, store: Any, where: str) -> None:
        super().__init__(store)
        self._where = where

    def turn_to(self, store: Any) -> None:
        """Continue with the store of another session."""
        self._store = store

    @property
    def supports_consolidated_metadata(self) -> bool:
        return False

    def _with_store(self, store: Any) -> _CurrentStore:
        return _CurrentStore(store, self._where)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        with repository_reporting("the store cannot be read", self._where):
            return await self._store.get(key, prototype, byte_range)

    async def set(self, key: str, value: Any) -> None:
        with repository_reporting("the store cannot be written", self._where):
            await self._store.set(key, value)


def _branch(identity: str) -> str:
    return f"{WORK}{identity[:24]}"


def _final(branch: str) -> str:
    return f"{branch}-final"


def _remove(repository: Any, branch: str) -> None:
    with suppress(KeyError):  # there is none
        repository.delete_branch(branch)
