"""What local files were when a virtual cube was made of them.

Icechunk asks whether a file was changed after its reference was written, by the clock of the file
system. A file that was put in its place with an older time goes unnoticed. So size and time of
each local file are kept with the cube, and compared whenever a chunk is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from zarr.storage import WrapperStore

from climcube.errors import IntegrityError

__all__ = ["GROUP", "watching", "write_states"]

GROUP = "climcube_files"


def write_states(
    store: Any,
    files: Iterable[tuple[int, int, str, tuple[int, int]]],
    arrays: Mapping[str, tuple[int, int]],
) -> None:
    """Note what files were.

    Parameters
    ----------
    store
        Zarr store, writable.
    files
        For each, in the order of times: its first place in the cube, how many it has, its
        location, and its size and time of change in nanoseconds.
    arrays
        For each virtual array the axis of time, and the length of its chunks along it.
    """
    import zarr

    rows = sorted(files)
    group = zarr.create_group(store, path=GROUP, overwrite=True)
    group.attrs.put({"arrays": {name: list(facts) for name, facts in arrays.items()}})
    numbers = np.array([(first, steps, *state) for first, steps, _, state in rows], "i8")
    group.create_array("states", data=numbers.reshape(-1, 4))
    text = "\n".join(location for _, _, location, _ in rows).encode()
    group.create_array("locations", data=np.frombuffer(text, "u1"))


def watching(store: Any) -> Any:
    """Return a store that compares files with what they were before it reads from them."""
    import zarr

    try:
        group = zarr.open_group(store, path=GROUP, mode="r", use_consolidated=False)
    except (FileNotFoundError, KeyError):
        return store
    states: Any = group["states"]
    locations: Any = group["locations"]
    arrays: Any = group.attrs["arrays"]
    names = locations[:].tobytes().decode().split("\n")
    paths = [name.removeprefix("file://") for name in names]
    return _Watching(store, arrays, states[:], paths)


class _Watching(WrapperStore[Any]):
    """A store whose arrays are parts of local files."""

    def __init__(
        self, store: Any, arrays: Mapping[str, Any], states: npt.NDArray[np.int64], paths: list[str]
    ) -> None:
        super().__init__(store)
        self._arrays, self._states, self._paths = dict(arrays), states, paths

    @property
    def supports_consolidated_metadata(self) -> bool:
        return False

    def _with_store(self, store: Any) -> _Watching:
        return _Watching(store, self._arrays, self._states, self._paths)

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        array, found, chunk = key.rpartition("/c/")
        if found and array in self._arrays:
            self._require_unchanged(array, chunk)
        return await self._store.get(key, prototype, byte_range)

    def _require_unchanged(self, array: str, chunk: str) -> None:
        axis, length = self._arrays[array]
        place = int(chunk.split("/")[axis]) * length
        row = int(np.searchsorted(self._states[:, 0], place, "right")) - 1
        if row < 0 or place >= self._states[row, 0] + self._states[row, 1]:
            return  # copied, or of no file
        try:
            now = os.stat(self._paths[row])
        except OSError as error:
            raise _changed(f"{_uri(self._paths[row])}: {error.strerror}") from error
        if (now.st_size, now.st_mtime_ns) != tuple(self._states[row, 2:].tolist()):
            raise _changed(f"{_uri(self._paths[row])} was changed after the cube was made")


def _uri(path: str) -> str:
    return f"file://{path}"


def _changed(found: str) -> IntegrityError:
    return IntegrityError("the file that holds the values is not what it was", found=found)
