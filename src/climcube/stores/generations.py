"""A store of generations: each is published by one small file, written last, in one go.

::

    TARGET/
      generations/000007.json       what belongs to generation 7; it exists or it does not
      parts/000007-1f3a9c20/...     Zarr groups written for it; later generations may use them

A writer that is killed leaves parts that no generation names; the next one removes them. Two
writers at once: one publishes, the other is told. Nothing that a generation names is changed.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from climcube.errors import StoreError, StoreExistsError, StoreNotFoundError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.filesystems import file_system, has_folders, reporting

__all__ = ["Generations"]

_GENERATIONS, _PARTS = "generations", "parts"


@dataclass(frozen=True)
class Generations:
    """The generations kept at an address.

    Parameters
    ----------
    address, options
        A path or an address, and the options of its file system.
    format_name, format_version
        What the generations are; others are refused.
    """

    address: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    format_name: str = ""
    format_version: int = 1

    @property
    def where(self) -> str:
        """The address, for messages."""
        return redact(self.address)

    def numbers(self) -> list[int]:
        """Return the generations that are there, rising; none where there is no such store."""
        with reporting("the store cannot be listed", self.address):
            system, path = self._system()
            folder = f"{path}/{_GENERATIONS}"
            try:
                names = system.ls(folder, detail=False)
            except FileNotFoundError:
                return []
        stems = [str(n).rstrip("/").rpartition("/")[2] for n in names]
        known = (s.removesuffix(".json") for s in stems if s.endswith(".json"))
        return sorted(int(stem) for stem in known if stem.isdigit())

    def read(self, number: int | None = None) -> dict[str, Any]:
        """Return what one generation says of itself, by default the newest.

        Raises
        ------
        StoreNotFoundError
            There is no such generation; the message names those that are there.
        StoreError
            It is damaged, of another kind, or of a format that this version does not know.
        """
        numbers = self.numbers()
        if not numbers or (number is not None and number not in numbers):
            raise StoreNotFoundError(
                f"no {self.format_name} there" if not numbers else "no such generation",
                where=self.where if not numbers else f"{self.where}, generation={number}",
                found=", ".join(map(str, numbers)) or None,
                remedy="check the address" if not numbers else "pass one of these",
            )
        number = numbers[-1] if number is None else number
        where = f"{self.where}, generation {number}"
        with reporting("the generation cannot be read", self.address):
            system, _ = self._system()
            text = system.cat_file(self._file(number))
        try:
            document = json.loads(text)
            name, version = document["format"], document["format_version"]
        except (ValueError, KeyError, TypeError) as error:
            earlier = [n for n in numbers if n < number]
            raise StoreError(
                "the generation is damaged", where=where, found=str(error),
                remedy=f"go back: generation={earlier[-1]}" if earlier else None,
            ) from error  # fmt: skip
        if name != self.format_name or version != self.format_version:
            raise StoreError(
                "the store has a format that this version of climcube does not read", where=where,
                expected=f"{self.format_name} {self.format_version}", found=f"{name} {version}",
                remedy="use the version of climcube that wrote it"
                + (", or a newer one" if name == self.format_name else ""),
            )  # fmt: skip
        return dict(document)

    def require_free(self) -> None:
        """Raise unless nothing is there, or a store of this kind."""
        if self.numbers():
            return
        with reporting("the target cannot be looked at", self.address):
            system, path = self._system()
            taken = system.exists(path) and (
                not system.isdir(path) or set(_names(system, path)) - {_PARTS, _GENERATIONS}
            )
        if taken:
            raise StoreExistsError(
                f"something else is there, no {self.format_name}", where=self.where,
                remedy="it is never replaced: pass another target",
            )  # fmt: skip

    @contextmanager
    def writing(self, number: int) -> Iterator[str]:
        """Yield the name of a new folder for the parts of a generation; remove it on failure."""
        name = f"{number:06d}-{uuid.uuid4().hex[:8]}"
        try:
            yield name
        except BaseException as error:
            with suppress(StoreError, OSError):
                self._remove(f"{_PARTS}/{name}")
            if isinstance(error, OSError):  # whatever else went wrong says so itself
                with reporting("saving failed", self.address):
                    raise
            raise

    def part(self, name: str) -> str:
        """Return the address of a part."""
        return f"{self.address.rstrip('/')}/{_PARTS}/{name}"

    def publish(self, number: int, document: Mapping[str, Any]) -> None:
        """Make a generation exist, all at once.

        Raises
        ------
        StoreError
            Another writer published a generation of this number first.
        """
        whole = {"format": self.format_name, "format_version": self.format_version, **document}
        text = json.dumps(whole, sort_keys=True, indent=1).encode()
        with reporting("saving failed", self.address):
            system, _ = self._system()
            name = self._file(number)
            try:
                if is_remote(self.address):
                    _put_new(system, name, text)
                else:
                    _link_new(name, text)
            except FileExistsError as error:
                raise self._moved_on(number) from error

    def require_newest(self, number: int) -> None:
        """Raise unless no generation follows this one: sooner than `publish` would."""
        newest = max(self.numbers(), default=number)
        if newest > number:
            raise self._moved_on(newest)

    def _moved_on(self, number: int) -> StoreError:
        return StoreError(
            "the store has moved on since it was opened", where=self.where,
            found=f"generation {number}, written by another process",
            remedy="open it again and repeat what you did",
        )  # fmt: skip

    def prune(self, keep: Iterable[int], used: Iterable[str], upto: int) -> None:
        """Remove all generations up to ``upto`` but those kept, and parts that none of them uses.

        ``used`` names parts as ``folder/group``. Newer folders may belong to another writer.
        """
        with suppress(StoreError, OSError):  # what stays is removed the next time
            kept = set(keep)
            for number in self.numbers():
                if number not in kept and number <= upto:
                    self._remove(f"{_GENERATIONS}/{number:06d}.json")
            system, path = self._system()
            named = set(used)
            for folder in _names(system, f"{path}/{_PARTS}"):
                if int(folder.partition("-")[0]) > upto:
                    continue
                groups = _names(system, f"{path}/{_PARTS}/{folder}")
                gone = [g for g in groups if f"{folder}/{g}" not in named]
                whole = len(gone) == len(groups)
                for name in [folder] if whole else [f"{folder}/{g}" for g in gone]:
                    self._remove(f"{_PARTS}/{name}")

    def _file(self, number: int) -> str:
        return f"{self._system()[1]}/{_GENERATIONS}/{number:06d}.json"

    def _system(self) -> tuple[Any, str]:
        system, path = file_system(self.address, self.options)
        system.invalidate_cache()
        return system, path.rstrip("/")

    def _remove(self, name: str) -> None:
        with reporting("old parts cannot be removed", self.address):
            system, path = self._system()
            if system.exists(f"{path}/{name}"):
                system.rm(f"{path}/{name}", recursive=True)


def _names(system: Any, folder: str) -> list[str]:
    try:
        listed = system.ls(folder, detail=False)
    except FileNotFoundError:
        return []
    names = (str(n).rstrip("/").rpartition("/")[2] for n in listed)
    return [n for n in names if n and n != folder.rpartition("/")[2]]


def _put_new(system: Any, name: str, text: bytes) -> None:
    """Write an object unless it is there."""
    if has_folders(system):
        system.makedirs(system._parent(name), exist_ok=True)
    if system.exists(name):
        raise FileExistsError(name)
    try:
        system.pipe_file(name, text, mode="create")
    except OSError as error:
        system.invalidate_cache()
        # Object stores say in many ways that the condition was not met.
        if system.exists(name) and system.cat_file(name) != text:
            raise FileExistsError(name) from error
        raise


def _link_new(name: str, text: bytes) -> None:
    """Write a file beside its place and give it its name, which no other file can have then."""
    folder = os.path.dirname(name)
    os.makedirs(folder, exist_ok=True)
    beside = f"{folder}/.{uuid.uuid4().hex[:8]}.partial"
    try:
        with open(beside, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, name)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(name):
                raise FileExistsError(name) from None
            os.replace(beside, name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(beside)
