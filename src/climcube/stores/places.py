"""Where results go: written beside the target, and put in its place when complete."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from climcube.errors import ParameterError, StoreError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.exchange import exchanged
from climcube.stores.filesystems import file_system, reporting
from climcube.stores.publishing import copy_store

__all__ = [
    "LocalPlace",
    "Place",
    "RemotePlace",
    "place_of",
    "remove_remote",
    "require_target",
]

_ROOT = "zarr.json"
_MEANING = frozenset("*?[]#")  # patterns, queries and fragments
_MARKS = (_ROOT, ".zgroup", ".zarray", ".zmetadata")


class Place(Protocol):
    """A target: does it exist, and how does a complete result get there."""

    def exists(self) -> bool:
        """Whether something is there."""

    def staged(self) -> Any:
        """Context manager: yields where to write a file, publishes it, or removes it."""


def place_of(address: str, options: Mapping[str, Any] | None) -> Place:
    """Return the place that an address names."""
    if is_remote(address) and not address.startswith("file://"):
        return RemotePlace(address.rstrip("/"), dict(options or {}))
    return LocalPlace(Path(address.removeprefix("file://")))


def require_target(address: str) -> None:
    """Refuse a target that nothing can be written to and read from again.

    Raises
    ------
    ParameterError
        An address with characters that stand for something else, or of a bucket alone.
    StoreError
        A path within a Zarr store, plain or with versions, which would hold it or lose parts.
    """
    if is_remote(address) and not address.startswith("file://"):
        scheme, _, path = address.partition("://")
        if odd := _MEANING & set(path):
            raise ParameterError(
                "an address that is not taken as it stands", where=redact(address),
                expected="none of " + " ".join(sorted(_MEANING)), found=" ".join(sorted(odd)),
            )  # fmt: skip
        if scheme == "s3" and not path.partition("/")[2].strip("/"):
            raise ParameterError(
                "the address of a bucket, not of a store in it", where=redact(address),
                expected="s3://bucket/name.zarr",
            )  # fmt: skip
        return
    for folder in Path(os.path.abspath(address.removeprefix("file://"))).parents:
        versioned = (folder / "snapshots").is_dir() and (folder / "manifests").is_dir()
        if versioned or any((folder / name).is_file() for name in _MARKS):
            raise StoreError(
                "the target lies within another store", where=redact(address), found=str(folder),
                remedy="give it a place beside that store",
            )  # fmt: skip


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
    def staged(self) -> Iterator[str]:
        """Yield a name beside the target; rename it to the target's when complete."""
        self.require_replaceable(folder=False)
        mark = uuid.uuid4().hex[:8]
        beside = self.path.parent / f".{self.path.stem}.{mark}.partial{self.path.suffix}"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            yield str(beside)
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
        if exchanged(beside, self.path):
            _remove(beside)
            return
        old = self.path.parent / f".{self.path.stem}.{mark}.old{self.path.suffix}"
        os.rename(self.path, old)
        try:
            os.rename(beside, self.path)
        except BaseException:
            os.rename(old, self.path)
            raise
        _remove(old)

    def require_replaceable(self, *, folder: bool) -> None:
        """Never remove a folder that is no store, whatever overwrite says."""
        if not self.exists():
            return
        store = any((self.path / name).exists() for name in _MARKS)
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
        with reporting("saving failed", self.address):
            system, path = file_system(self.address, self.options)
            system.invalidate_cache()
            return bool(system.exists(path))

    @contextmanager
    def staged(self) -> Iterator[str]:
        """Yield a file on this machine; move it to the target when complete."""
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "result.nc"
            yield str(file)
            with reporting("saving failed", self.address):
                system, path = file_system(self.address, self.options)
                system.put_file(str(file), path)

    def publish(self, beside: str) -> None:
        """Copy what was written; a reader finds no store, or the whole one."""
        system, source = file_system(beside, self.options)
        _, target = file_system(self.address, self.options)
        remove_remote(self.address, self.options)
        copy_store(system, source, target)


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
