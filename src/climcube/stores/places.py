"""Where results go: written beside the target, and put in its place when complete."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from climcube.errors import StoreError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import file_system, reporting
from climcube.stores.publishing import copy_store

__all__ = ["LocalPlace", "Place", "RemotePlace", "Staging", "place_of", "remove_remote"]

_ROOT = "zarr.json"


@dataclass(frozen=True)
class Staging:
    """Where to write: a path or address, and the options of its file system."""

    address: str
    options: Mapping[str, Any] = field(default_factory=dict)


class Place(Protocol):
    """A target: does it exist, and how does a complete result get there."""

    def exists(self) -> bool:
        """Whether something is there."""

    def staged(self, *, folder: bool) -> Any:
        """Context manager: yields a `Staging`, publishes it at the end, or removes it."""


def place_of(address: str, options: Mapping[str, Any] | None) -> Place:
    """Return the place that an address names."""
    if is_remote(address) and not address.startswith("file://"):
        return RemotePlace(address.rstrip("/"), dict(options or {}))
    return LocalPlace(Path(address.removeprefix("file://")))


@dataclass(frozen=True)
class LocalPlace:
    """A file or folder on this machine; published by renaming, which is atomic."""

    path: Path

    def exists(self) -> bool:
        """Whether a file or a folder with something in it is there."""
        if self.path.is_dir():
            return any(self.path.iterdir())
        return os.path.lexists(self.path)

    @contextmanager
    def staged(self, *, folder: bool) -> Iterator[Staging]:
        """Yield a name beside the target; rename it to the target's when complete."""
        self.require_replaceable(folder)
        mark = uuid.uuid4().hex[:8]
        beside = self.path.parent / f".{self.path.stem}.{mark}.partial{self.path.suffix}"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            yield Staging(str(beside))
            self.publish(beside, mark)
        except OSError as error:
            raise StoreError(
                "saving failed", where=str(self.path),
                found=(str(error) or type(error).__name__).splitlines()[0],
            ) from error  # fmt: skip
        finally:
            _remove(beside)

    def publish(self, beside: Path, mark: str) -> None:
        """Give what was written beside the target the target's name."""
        if not self.path.is_dir():
            os.replace(beside, self.path)
            return
        old = self.path.parent / f".{self.path.stem}.{mark}.old{self.path.suffix}"
        os.rename(self.path, old)
        try:
            os.rename(beside, self.path)
        except BaseException:
            os.rename(old, self.path)
            raise
        _remove(old)

    def require_replaceable(self, folder: bool) -> None:
        """Never remove a folder that is no store, whatever overwrite says."""
        if not self.exists():
            return
        store = any((self.path / name).exists() for name in (_ROOT, ".zgroup", ".zarray"))
        if self.path.is_dir() and not store:
            raise StoreError(
                "the target is a folder that is no Zarr store; it is not replaced",
                where=str(self.path), remedy="give the result a name of its own within it",
            )  # fmt: skip
        if folder and not self.path.is_dir():
            raise StoreError(
                "the target is a file; a Zarr store cannot replace it", where=str(self.path),
                remedy="choose another target, or remove the file",
            )  # fmt: skip
        if self.path.is_dir() and not folder:
            raise StoreError(
                "the target is a Zarr store; a file cannot replace it", where=str(self.path)
            )


@dataclass(frozen=True)
class RemotePlace:
    """An object store: no renaming there, so objects are copied and the metadata come last."""

    address: str
    options: dict[str, Any]

    def exists(self) -> bool:
        """Whether there is an object of that name, or one below it."""
        with self._reporting():
            system, path = file_system(self.address, self.options)
            system.invalidate_cache()
            return bool(system.exists(path))

    @contextmanager
    def staged(self, *, folder: bool) -> Iterator[Staging]:
        """Yield a place to write; move it to the target when complete."""
        if folder:
            with self._beside() as staging:
                yield staging
            return
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "result.nc"
            yield Staging(str(file))
            with self._reporting():
                system, path = file_system(self.address, self.options)
                system.put_file(str(file), path)

    @contextmanager
    def _beside(self) -> Iterator[Staging]:
        beside = f"{self.address}.{uuid.uuid4().hex[:8]}.partial"
        complete = published = False
        try:
            with self._reporting(OSError):
                yield Staging(beside, self.options)
                complete = True
            with self._reporting():
                self.publish(beside)
                published = True
        except StoreError as error:
            if complete:
                raise _kept(error, beside) from error
            raise
        finally:
            # A complete result that could not be moved may be the only copy there is.
            if published or not complete:
                with suppress(StoreError), self._reporting():  # of the first failure, not of this
                    remove_remote(beside, self.options)

    def publish(self, beside: str) -> None:
        """Copy what was written; a reader finds no store, or the whole one."""
        system, source = file_system(beside, self.options)
        _, target = file_system(self.address, self.options)
        remove_remote(self.address, self.options)
        copy_store(system, source, target)

    @contextmanager
    def _reporting(self, kind: type[Exception] = Exception) -> Iterator[None]:
        """Report errors of a kind; what else the caller's code raises is its own affair."""
        try:
            yield
        except kind as error:
            with reporting("saving failed", self.address):
                raise error


def _kept(error: StoreError, beside: str) -> StoreError:
    return StoreError(
        "the result is complete but could not be moved to its place",
        where=redact(beside),
        found=str(error),
        remedy="it is kept there: open it there, or save again",
    )


def remove_remote(address: str, options: Mapping[str, Any]) -> None:
    """Remove a store; its root's metadata go first, so that no reader finds half of it."""
    system, path = file_system(address, options)
    system.invalidate_cache()
    if not system.exists(path):
        return
    root = f"{path}/{_ROOT}"
    if system.exists(root):
        system.rm_file(root)
    system.rm(path, recursive=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):  # whatever keeps it there was reported already
            path.unlink()
