"""Stop a writer of a versioned store at any of its calls: another goes first, or it is killed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable
from typing import Any


class Stepping:
    """A repository or session that tells before each call of Icechunk what it is about to do."""

    STEPS = frozenset(
        {
            "amend", "commit", "create_branch", "create_tag", "delete_branch", "list_branches",
            "lookup_branch", "lookup_snapshot", "reset_branch", "writable_session",
        }
    )  # fmt: skip

    def __init__(self, inner: Any, told: Callable[[str], None]) -> None:
        self._inner, self._told = inner, told

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name not in self.STEPS:
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._told(name)
            result = value(*args, **kwargs)
            return Stepping(result, self._told) if name == "writable_session" else result

        return call


class Baton:
    """Threads of which one runs at a time; at each step chance decides which."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._alive: set[str] = set()
        self._turn: str | None = None
        self._mine = threading.local()
        self.log: list[tuple[str, str]] = []

    def run(self, tasks: Iterable[tuple[str, Callable[[], None]]]) -> None:
        failures: list[BaseException] = []

        def body(name: str, task: Callable[[], None]) -> None:
            self._mine.name = name
            try:
                self.step("begin")
                task()
            except BaseException as error:  # noqa: BLE001 - raised again by `run`
                failures.append(error)
            finally:
                with self._changed:
                    self._alive.discard(name)
                    self._pass_on()

        pairs = list(tasks)
        self._alive = {name for name, _ in pairs}
        threads = [threading.Thread(target=body, args=pair, daemon=True) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), "a writer waits for ever"
        if failures:
            raise failures[0]

    def step(self, what: str) -> None:
        name = getattr(self._mine, "name", None)
        if name is None:
            return
        with self._changed:
            self.log.append((name, what))
            self._waiting.add(name)
            self._pass_on()
            self._changed.wait_for(lambda: self._turn == name)
            self._turn = None
            self._waiting.discard(name)

    def _pass_on(self) -> None:
        if self._turn is None and self._waiting == self._alive and self._waiting:
            self._turn = self._chance.choice(sorted(self._waiting))
            self._changed.notify_all()
