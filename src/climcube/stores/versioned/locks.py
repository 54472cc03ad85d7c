"""One writer at a time on this machine, where the file system itself cannot see to it.

Object stores replace a file only if it is still the one that was read. A local folder cannot:
of two commits at the same moment one would be lost. The lock is the system's: it ends with the
process that holds it, however that ends.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from climcube.errors import ConflictError

__all__ = ["alone"]

_LONGEST_WAIT = 60.0
_STEP = 0.005


@contextmanager
def alone(file: Path | None, where: str, longest_wait: float = _LONGEST_WAIT) -> Iterator[None]:
    """Hold a lock on a file that is made for it; on no file, do nothing.

    Raises
    ------
    ConflictError
        Somebody else holds it for longer than a change of a store can take.
    """
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="utf-8") as handle:
        _acquire(handle, where, longest_wait)
        yield


def _acquire(handle: Any, where: str, longest_wait: float) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has none; there, one process at a time may write
        return
    end = time.monotonic() + longest_wait
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise ConflictError(
                    "another process is changing the store", where=where,
                    expected=f"its end within {longest_wait:g} s" if longest_wait else None,
                    remedy="try again later",
                ) from None  # fmt: skip
            time.sleep(_STEP)
