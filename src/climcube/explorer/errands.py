"""Work beside the page: a page asks, goes on listening, and fetches the answer when it is there."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from climcube.explorer.scene import Scene
from climcube.explorer.words import error_line

__all__ = ["Errands", "Survey"]

Deliver = Callable[[Any], None]


class Errands:
    """Questions of one page. Of each kind only the latest one is answered.

    Answers are delivered by `deliver`, in the thread that calls it: the page's own.
    """

    def __init__(self) -> None:
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="explorer")
        self._latest: dict[str, int] = {}
        self._waiting: dict[str, int] = {}
        self._answers: queue.SimpleQueue[tuple[str, int, Deliver, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()

    def ask(self, kind: str, work: Callable[[], Any], done: Deliver, failed: Deliver) -> None:
        """Do some work; its result goes to ``done``, or a line about its error to ``failed``."""
        with self._lock:
            number = self._latest[kind] = self._latest.get(kind, 0) + 1
            self._waiting[kind] = number
        self._workers.submit(self._run, kind, number, work, done, failed)

    def busy(self, kind: str | None = None) -> bool:
        """Whether answers (of a kind) are still to come."""
        with self._lock:
            return bool(self._waiting) if kind is None else kind in self._waiting

    def deliver(self) -> None:
        """Hand over what is ready."""
        while not self._answers.empty():
            kind, number, receive, answer = self._answers.get()
            with self._lock:
                if self._latest[kind] != number:
                    continue
                del self._waiting[kind]
            receive(answer)

    def close(self) -> None:
        """Ask for nothing more."""
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _run(
        self, kind: str, number: int, work: Callable[[], Any], done: Deliver, failed: Deliver
    ) -> None:
        with self._lock:
            if self._latest[kind] != number:  # another question has taken its place
                return
        try:
            answer, receive = work(), done
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says so
            answer, receive = error_line(error), failed
        self._answers.put((kind, number, receive, answer))


class Survey:
    """Computes the categories of all tiles, one after the other, for all pages of a scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.error: str | None = None
        self.version = 0  # counts what there is to draw anew
        self._queue: list[int] = []
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stopped = False

    @property
    def running(self) -> bool:
        """Whether tiles are being computed."""
        with self._lock:
            return self._thread is not None

    @property
    def progress(self) -> tuple[int, int]:
        """How many tiles are at hand, and how many there are."""
        total = len(self.scene.tiles)
        return total - len(self.scene.pending()), total

    def start(self) -> None:
        """Compute every tile that is not at hand, once; an error ends it until the next start."""
        with self._lock:
            if self._thread is not None or self._stopped:
                return
            self._queue = self.scene.pending()
            if not self._queue:
                return
            self.error = None
            self._thread = threading.Thread(target=self._run, name="survey", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End after the tile that is being computed."""
        with self._lock:
            self._stopped = True
            self._queue.clear()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    self.version += 1
                    return
                number = self._queue.pop(0)
            try:
                self.scene.compute_tile(number)
            except Exception as error:  # noqa: BLE001 - whatever it is, the page says so
                self.error = error_line(error)
                with self._lock:
                    self._queue.clear()
            self.version += 1
