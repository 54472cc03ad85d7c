"""Work on plain Zarr stores: written beside the target, resumed after a kill, moved when complete.

::

    .sst.zarr.0f3a9c20d1b4.partial/   beside a local sst.zarr; s3://b/sst.zarr.0f3a... of s3://b/...
      store/                     what is written; takes the target's name when it is complete
      ledger/block-00003.json    a step that is finished; appears in one go, after its objects

The staging place is named by the identity of the work, so that the same work, begun again, finds
what an earlier attempt finished. A plain store has no versions: it is made or replaced, never
continued.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from climcube.errors import ConflictError, StoreError, StoreExistsError, StoreNotFoundError
from climcube.provenance import redact
from climcube.stores.filesystems import file_system, has_folders, reporting, zarr_target
from climcube.stores.integrity.header import GROUP, IDENTITY
from climcube.stores.places import LocalPlace, RemotePlace, place_of, remove_remote
from climcube.stores.versioned.locks import alone

__all__ = ["PUBLISHING", "PlainWork", "PlainWorkplace"]

PUBLISHING = "publishing"  # a step of our own: what is at a remote target from then on is ours
_PARTIAL = ".partial"
_IS_MARK = re.compile("[0-9a-f]{12}")
_MARK = 12  # characters of an identity that name a place
_ROOTS = ("zarr.json", ".zgroup", ".zarray")


@dataclass(frozen=True)
class PlainWorkplace:
    """A plain Zarr store, or the place where one is to be.

    Parameters
    ----------
    address, options
        Path or address of the store, and the options of its file system.
    """

    address: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def exists(self) -> bool:
        """Whether something is there under the target's name."""
        place = place_of(self.address, self.options)
        if isinstance(place, RemotePlace):
            return place.exists() and any(_remote_has(place, name) for name in ("", *_ROOTS))
        return place.exists()

    def tidy(self, identity: str) -> None:
        """Remove what a killed attempt left after it had published."""
        stage = self._stage(identity[:_MARK])
        if stage.exists():
            with stage.opened():
                stage.remove()

    def holds(self, identity: str) -> bool:
        """Whether what lies there is the result of the same work, as its manifest says."""
        import zarr

        try:
            target = zarr_target(self.address, self.options, read_only=True)
            group = zarr.open_group(path=GROUP, mode="r", use_consolidated=False, **target)
        except (OSError, ValueError, KeyError, StoreNotFoundError):  # no store, no manifest
            return False
        return group.attrs.get(IDENTITY) == identity

    def attempts(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the ledgers of all unfinished work, by a mark of each."""
        stages = {mark: self._stage(mark) for mark in _marks(self.address, self.options)}
        return {mark: stage.ledger() for mark, stage in stages.items()}

    def drop(self, mark: str) -> None:
        """Remove unfinished work, unless another process is at it."""
        stage = self._stage(mark)
        with suppress(ConflictError), stage.opened():
            stage.remove()

    def _stage(self, mark: str) -> _Stage:
        return _stage_of(self.address, self.options, mark)

    @contextmanager
    def work(self, identity: str, *, new: bool) -> Iterator[PlainWork]:
        """Begin work, or resume it; see `climcube.stores.work.Workplace`.

        Raises
        ------
        StoreError
            ``new`` is not set, or the target is something that must not be replaced.
        ConflictError
            Another process does the same work at this moment.
        """
        if not new:
            raise StoreError(
                "a plain Zarr store cannot be continued in one step", where=redact(self.address),
                found="a store without versions: its readers would see half of a change",
                remedy="make it a versioned one (a name that ends in .icechunk)",
            )  # fmt: skip
        stage = self._stage(identity[:_MARK])
        with stage.opened():
            work = PlainWork(stage)
            if not work.done:
                stage.clear()  # of what an attempt wrote that was killed before its first step
            try:
                yield work
            finally:
                # Work of which nothing is finished is not worth a trace.
                if work.over or not work.done:
                    stage.remove()


class PlainWork:
    """One attempt to make a plain Zarr store; see `climcube.stores.work.Work`.

    Attributes
    ----------
    place
        Where the unfinished work lies, for messages.
    over
        Whether the work was published or discarded.
    """

    base: str | None = None

    def __init__(self, stage: _Stage) -> None:
        self._stage = stage
        self.place = redact(stage.address)
        self.store: Any = stage.store()
        self.done: dict[str, dict[str, Any]] = stage.ledger()
        self.over = False

    def fork(self) -> Any:
        """Return the store: objects of a plain store need no bookkeeping."""
        return self.store

    def merge(self, forks: Iterable[Any]) -> None:
        """Do nothing: what forks wrote is there."""

    def finish(self, step: str, facts: Mapping[str, Any] | None = None) -> None:
        """Note that a step is finished."""
        self._stage.note(step, dict(facts or {}))
        self.done[step] = dict(facts or {})

    def publish(self, message: str, facts: Mapping[str, Any] | None = None) -> str | None:
        """Give what was written the name of the target; there is no version to return."""
        if PUBLISHING not in self.done:
            self.finish(PUBLISHING, self._stage.facts())
        self._stage.publish()
        self.over = True
        return None

    def discard(self) -> None:
        """Remove what was written."""
        self.over = True
        self._stage.remove()


class _Stage(Protocol):
    """Where unfinished work lies."""

    address: str

    def exists(self) -> bool: ...

    def opened(self) -> contextlib.AbstractContextManager[None]: ...
    def store(self) -> Any: ...

    def ledger(self) -> dict[str, dict[str, Any]]: ...
    def note(self, step: str, facts: dict[str, Any]) -> None: ...
    def facts(self) -> dict[str, Any]: ...
    def publish(self) -> None: ...
    def clear(self) -> None: ...
    def remove(self) -> None: ...


def _marks(address: str, options: Mapping[str, Any]) -> list[str]:
    """Return the marks of all staging places of a target."""
    place = place_of(address, options)
    if isinstance(place, RemotePlace):
        with reporting("unfinished work cannot be looked for", address):
            system, path = file_system(place.address, options)
            system.invalidate_cache()
            try:
                listed = system.ls(system._parent(path), detail=False)
            except FileNotFoundError:
                return []
        names, first = [str(n).rstrip("/").rpartition("/")[2] for n in listed], f"{path}."
        first = first.rpartition("/")[2]
    else:
        assert isinstance(place, LocalPlace)
        first = f".{place.path.name}."
        folder = place.path.parent
        names = os.listdir(folder) if folder.is_dir() else []
    found = [
        n[len(first) : -len(_PARTIAL)]
        for n in names
        if n.startswith(first) and n.endswith(_PARTIAL)
    ]
    return sorted(mark for mark in found if _IS_MARK.fullmatch(mark))


def _stage_of(address: str, options: Mapping[str, Any], mark: str) -> _Stage:
    place = place_of(address, options)
    if isinstance(place, RemotePlace):
        return _RemoteStage(place, mark)
    assert isinstance(place, LocalPlace)
    return _LocalStage(place, mark)


class _LocalStage:
    """A hidden folder beside the target; publishing is a renaming."""

    def __init__(self, place: LocalPlace, mark: str) -> None:
        self._place, self._mark = place, mark
        self._folder = place.path.parent / f".{place.path.name}.{mark}{_PARTIAL}"
        self.address = str(self._folder)

    def exists(self) -> bool:
        return self._folder.exists()

    @contextmanager
    def opened(self) -> Iterator[None]:
        self._place.require_replaceable(folder=True)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with alone(self._folder / "lock", str(self._place.path), longest_wait=0):
                if self._is_published():  # by an attempt that was killed just then
                    self.clear()
                    _remove_folder(self._folder / "ledger")
                (self._folder / "ledger").mkdir(exist_ok=True)
                self._remove_torn()
                yield
        except OSError as error:
            raise StoreError(
                "saving failed", where=str(self._place.path),
                found=(str(error) or type(error).__name__).splitlines()[0],
            ) from error  # fmt: skip

    def _is_published(self) -> bool:
        """Whether the target is what was written here; then what is here may be what it was."""
        if not (self._folder / "store").exists():
            return True
        folder = self.ledger().get(PUBLISHING, {}).get("folder")
        path = self._place.path
        return folder is not None and path.exists() and path.stat().st_ino == folder

    def facts(self) -> dict[str, Any]:
        return {"folder": (self._folder / "store").stat().st_ino}

    def store(self) -> Any:
        from zarr.storage import LocalStore

        return LocalStore(self._folder / "store")

    def ledger(self) -> dict[str, dict[str, Any]]:
        files = sorted((self._folder / "ledger").glob("*.json"))
        return {file.stem: json.loads(file.read_text("utf-8")) for file in files}

    def note(self, step: str, facts: dict[str, Any]) -> None:
        file = self._folder / "ledger" / f"{step}.json"
        beside = file.with_suffix(".new")
        beside.write_text(json.dumps(facts, sort_keys=True), "utf-8")
        os.replace(beside, file)

    def _remove_torn(self) -> None:
        """Remove files that zarr was writing when the process, or one of its workers, died."""
        for torn in (self._folder / "store").rglob("*.partial"):
            torn.unlink(missing_ok=True)

    def publish(self) -> None:
        self._remove_torn()
        self._remove_aside()
        self._place.publish(self._folder / "store", self._mark)
        self._remove_aside()

    def _remove_aside(self) -> None:
        """Remove what the target was, unless nothing has taken its place yet."""
        path = self._place.path
        if path.exists():
            _remove_folder(path.parent / f".{path.stem}.{self._mark}.old{path.suffix}")

    def clear(self) -> None:
        _remove_folder(self._folder / "store")

    def remove(self) -> None:
        self._remove_aside()
        _remove_folder(self._folder / "ledger")  # first: it must not name what is gone
        _remove_folder(self._folder)


class _RemoteStage:
    """A prefix beside the target's; publishing copies objects, the root's metadata last."""

    def __init__(self, place: RemotePlace, mark: str) -> None:
        self._place = place
        self.address = f"{place.address}.{mark}{_PARTIAL}"

    def exists(self) -> bool:
        with reporting("the unfinished work cannot be looked for", self.address):
            system, path = file_system(self.address, self._place.options)
            system.invalidate_cache()
            return bool(system.exists(path))

    @contextmanager
    def opened(self) -> Iterator[None]:
        # What an interrupted publication left is ours; what else has no root is not.
        taken = PUBLISHING not in self.ledger() and self._place.exists()
        if taken and not any(_remote_has(self._place, name) for name in _ROOTS):
            raise StoreExistsError(
                    "something that is no Zarr store lies at the target; it is not replaced",
                    where=redact(self._place.address), remedy="choose another target",
                )  # fmt: skip
        yield

    def store(self) -> Any:
        target = zarr_target(f"{self.address}/store", self._place.options)
        if not isinstance(target["store"], str):
            return target["store"]
        from zarr.storage import FsspecStore

        return FsspecStore.from_url(target["store"], storage_options=target["storage_options"])

    def ledger(self) -> dict[str, dict[str, Any]]:
        with reporting("the unfinished work cannot be read", self.address):
            system, path = file_system(self.address, self._place.options)
            system.invalidate_cache()
            try:
                names = system.ls(f"{path}/ledger", detail=False)
            except FileNotFoundError:
                return {}
            files = {str(n).rpartition("/")[2]: str(n) for n in names if str(n).endswith(".json")}
            return {
                name.removesuffix(".json"): json.loads(system.cat_file(file))
                for name, file in sorted(files.items())
            }

    def note(self, step: str, facts: dict[str, Any]) -> None:
        with reporting("saving failed", self.address):
            system, path = file_system(self.address, self._place.options)
            file = f"{path}/ledger/{step}.json"
            if has_folders(system):
                system.makedirs(system._parent(file), exist_ok=True)
            system.pipe_file(file, json.dumps(facts, sort_keys=True).encode())

    def facts(self) -> dict[str, Any]:
        return {}

    def publish(self) -> None:
        with reporting("saving failed", self._place.address):
            self._place.publish(f"{self.address}/store")

    def clear(self) -> None:
        with reporting("saving failed", self.address):
            remove_remote(f"{self.address}/store", self._place.options)

    def remove(self) -> None:
        with suppress(StoreError), reporting("cleaning up failed", self.address):
            # The ledger first: it must not name what is gone.
            remove_remote(f"{self.address}/ledger", self._place.options)
            remove_remote(self.address, self._place.options)


def _remote_has(place: RemotePlace, name: str) -> bool:
    """Whether there is an object of that name below a target; of no name: at the target itself."""
    with reporting("the target cannot be looked at", place.address):
        system, path = file_system(place.address, place.options)
        return bool(system.isfile(f"{path}/{name}" if name else path))


def _remove_folder(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
