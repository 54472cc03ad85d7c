"""Progress bars for long work, on the error stream, never in the way of results.

The option ``progress`` decides (see `climcube.options.set_options`): ``True`` shows bars,
``False`` hides them, ``None`` (the default) shows them only when the error stream is a terminal.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from climcube.options import get_option

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["Advance", "dask_progress", "progress_bar", "shows_progress"]

Advance = Callable[..., None]

# rich allows one live display at a time: a bar inside a bar becomes a second line of the first.
_lock = threading.Lock()
_live: list[Progress] = []


def shows_progress(progress: bool | None = None) -> bool:
    """Whether bars are shown, given an argument that overrides the option where not ``None``."""
    wanted = get_option("progress") if progress is None else progress
    return bool(sys.stderr.isatty() if wanted is None else wanted)


@contextmanager
def progress_bar(
    description: str, total: int | None = None, progress: bool | None = None
) -> Iterator[Advance]:
    """Show a bar while the block runs.

    Parameters
    ----------
    description
        What is going on, in a few words.
    total
        Number of steps; ``None`` where it is unknown.
    progress
        ``True`` or ``False`` overrides the option ``progress``.

    Yields
    ------
    callable
        ``advance(n=1, nbytes=0)``: say that ``n`` more steps are done, and that as many bytes
        were written; may be called from any thread.

    Examples
    --------
    >>> with progress_bar("reading files", 3) as advance:
    ...     for _ in range(3):
    ...         advance()
    """
    if not shows_progress(progress):
        yield _nothing
        return
    with _display() as display:
        yield _advance(display, display.add_task(description, total=total, written=""))


@contextmanager
def dask_progress(description: str, progress: bool | None = None) -> Iterator[None]:
    """Show a bar of finished tasks while Dask computes in this process.

    Works with the threaded, process and synchronous schedulers. A distributed client reports
    on its dashboard instead: the bar then only says that work is going on.
    """
    if not shows_progress(progress):
        yield
        return
    with _display() as display, _dask_callback(display, description):
        yield


def _nothing(n: int = 1, nbytes: int = 0) -> None:
    return None


def _advance(display: Progress, task: TaskID) -> Advance:
    from rich.filesize import decimal

    lock, written = threading.Lock(), 0

    def advance(n: int = 1, nbytes: int = 0) -> None:
        nonlocal written
        if nbytes:
            with lock:
                written += nbytes
                display.update(task, written=f"{decimal(written)} written")
        display.advance(task, n)

    return advance


@contextmanager
def _display() -> Iterator[Progress]:
    with _lock:
        display, outermost = (_live[0], False) if _live else (_new_display(), True)
        if outermost:
            _live.append(display)
            display.start()
    try:
        yield display
    finally:
        if outermost:
            with _lock:
                _live.remove(display)
            display.stop()


def _new_display() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[written]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _dask_callback(display: Progress, description: str) -> Any:
    """Return a Dask callback (a context manager) that feeds a bar."""
    import dask.callbacks

    callback: Any = dask.callbacks.Callback
    task = display.add_task(description, total=None, written="")
    known = 0

    def start(graph: Any, state: dict[str, Any]) -> None:
        # Several computations in one block add up to one bar.
        nonlocal known
        known += sum(len(state[group]) for group in ("ready", "waiting", "running"))
        display.update(task, total=known)

    def step(*_: Any) -> None:
        display.advance(task)

    return callback(start_state=start, posttask=step)
