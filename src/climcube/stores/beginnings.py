"""Repositories that were begun and never made: what a kill at the first moment leaves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["LOCK", "barely_begun", "names_below"]

LOCK = "climcube.lock"  # see `climcube.stores.versioned.locks`
_FIRST = "1CECHNKREP0F1RSTCMT0"  # id of the first, empty snapshot of every repository


def barely_begun(names: Iterable[str]) -> bool:
    """Whether files are but what a process leaves that is killed while it makes a repository.

    The file ``repo``, which makes it one, comes last; before it, there is only the first
    snapshot, which holds nothing.

    >>> barely_begun([]), barely_begun(["x/snapshots/1CECHNKREP0F1RSTCMT0"])
    (True, True)
    >>> barely_begun(["x/snapshots/1CECHNKREP0F1RSTCMT0", "x/letters.txt"])
    False
    """
    last = (name.rpartition("/")[2] for name in names)
    return all(name == LOCK or name.startswith((_FIRST, "repo#")) for name in last)


def names_below(path: Path) -> Iterator[str]:
    """Yield the names of all files in a folder, at any depth."""
    return (p.name for p in path.rglob("*") if not p.is_dir()) if path.is_dir() else iter(())
