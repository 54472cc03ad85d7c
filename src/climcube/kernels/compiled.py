"""Compile a kernel on first use and keep it for the next process, never beyond its source.

Numba's cache looks at the file of the function alone, by time and size. A kernel calls others
from other files, whose code becomes part of it: after an upgrade that changed only those, a
stale kernel would go on computing yesterday's numbers without a word. Here the cached code is
tied to the contents of all files of the folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy.typing as npt
from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

__all__ = ["Array", "compiled", "compiled_with"]

Array = npt.NDArray[Any]


def compiled[Function: Callable[..., Any]](function: Function) -> Function:
    """Compile a kernel without the interpreter lock, divide as NumPy does, cache the result.

    With ``NUMBA_DISABLE_JIT=1`` the function stays plain Python.
    """
    kernel: Function = compiled_with(fastmath=False)(function)
    return kernel


def compiled_with(*, fastmath: bool | set[str]) -> Callable[..., Any]:
    """Return `compiled` with liberties that floating-point sums may take."""

    def decorate(function: Any) -> Any:
        dispatcher: Any = njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
        if dispatcher is not function:
            dispatcher._cache = _FolderCache(function)
        return dispatcher

    return decorate


class _FolderCache(FunctionCache):
    """Numba's cache of one function, stale as soon as any file beside it has changed."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = IndexDataCacheFile(  # type: ignore[no-untyped-call]
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(stamp, _digest(Path(function.__code__.co_filename).parent)),
        )


@lru_cache(maxsize=8)
def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
