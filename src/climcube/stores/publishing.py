"""Copy a complete Zarr store to its place in object storage, where nothing can be renamed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from climcube.stores.filesystems import has_folders
from climcube.stores.integrity.grids import Grid

__all__ = ["copy_store"]

_ROOT = "zarr.json"
_AT_ONCE = 16


def copy_store(system: Any, source: str, target: str) -> None:
    """Copy all objects of a store; the metadata of its root, which make it one, come last.

    Parameters
    ----------
    system
        File system of both.
    source, target
        Paths in it.
    """
    names = _objects(system, source)
    documents = [name for name in names if name.rpartition("/")[2] == _ROOT]

    def copy(name: str) -> None:
        destination = target + name[len(source) :]
        if has_folders(system):
            system.makedirs(system._parent(destination), exist_ok=True)
        system.cp_file(name, destination)

    _together(copy, names.difference(documents))
    for name in sorted(documents, key=lambda n: (-n.count("/"), n)):
        copy(name)


def _objects(system: Any, source: str) -> set[str]:
    """Return all objects of a store, those, too, that a listing does not know yet.

    A chunk that was not copied would be read as missing values. What the metadata say could be
    there and is not listed is asked for by its name; chunks of fill values alone were not
    written.
    """
    listed = {str(name) for name in system.find(source) if str(name).startswith(f"{source}/")}
    documents = _documents(system, source, listed)
    unlisted = {f"{source}/{path}".rstrip("/") + f"/{_ROOT}" for path in documents}
    for path, document in documents.items():
        grid = Grid.of(document)
        if grid is not None:
            below = f"{source}/{path}".rstrip("/")
            unlisted.update(f"{below}/{grid.key(index)}" for index in grid.indices())
    unlisted -= listed
    found = _together(lambda name: name if _is_object(system, name) else "", unlisted)
    return listed.union(name for name in found if name)


def _is_object(system: Any, name: str) -> bool:
    # Not `isfile`: to that, a store that does not answer is one that holds nothing.
    try:
        return bool(system.info(name)["type"] == "file")
    except FileNotFoundError:
        return False


def _documents(system: Any, source: str, listed: set[str]) -> dict[str, Any]:
    """Return the metadata of all groups and arrays by path."""
    root = json.loads(system.cat_file(f"{source}/{_ROOT}"))
    known = (root.get("consolidated_metadata") or {}).get("metadata", {})
    names = [n for n in listed if n.endswith(f"/{_ROOT}") and n != f"{source}/{_ROOT}"]
    paths = [name[len(source) + 1 : -len(_ROOT) - 1] for name in names]
    unknown = [path for path in paths if path not in known]
    read = _together(lambda p: json.loads(system.cat_file(f"{source}/{p}/{_ROOT}")), unknown)
    return {"": root, **known, **dict(zip(unknown, read, strict=True))}


def _together[T](act: Callable[[str], T], names: Iterable[str]) -> list[T]:
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copy") as pool:
        return list(pool.map(act, sorted(names) if isinstance(names, set) else names))
