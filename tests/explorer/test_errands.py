"""Answers come in the page's own thread, the latest question's alone; the survey does each tile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from climcube.errors import StoreError
from climcube.explorer.errands import Errands, Survey

PATIENCE = 60.0


class Book:
    """Notes what is delivered."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.failed: list[str] = []

    def ask(self, errands: Errands, kind: str, work: Callable[[], Any]) -> None:
        errands.ask(kind, work, self.done.append, self.failed.append)


def deliver_all(errands: Errands) -> None:
    """Wait for what was asked, as the page's clock does."""
    errands._workers.shutdown(wait=True)
    errands.deliver()


def test_an_answer_is_delivered_in_the_thread_that_fetches_it() -> None:
    errands, threads = Errands(), []
    errands.ask(
        "map", threading.get_ident, lambda worker: threads.extend([worker, threading.get_ident()]),
        lambda line: None,
    )  # fmt: skip
    assert errands.busy("map") and errands.busy()
    deliver_all(errands)
    assert threads[1] == threading.get_ident() != threads[0]
    assert not errands.busy()


def test_only_the_latest_question_of_a_kind_is_answered() -> None:
    errands, book, go = Errands(), Book(), threading.Event()
    book.ask(errands, "map", lambda: go.wait(PATIENCE) and 1)
    book.ask(errands, "map", lambda: go.wait(PATIENCE) and 2)
    computed: list[int] = []
    for number in (3, 4, 5):  # both workers are held: these wait, and 5 makes the others stale
        book.ask(errands, "map", lambda n=number: computed.append(n) or n)  # type: ignore[misc]
    book.ask(errands, "cell", lambda: "cell")
    go.set()
    deliver_all(errands)
    assert sorted(map(str, book.done)) == ["5", "cell"]
    assert computed == [5]  # what nobody waits for any more is not even begun


def test_an_error_is_one_line_without_secrets() -> None:
    errands, book = Errands(), Book()

    def fail() -> None:
        raise StoreError("gone", where="s3://KEY:SECRET@host/sst.zarr")

    book.ask(errands, "cell", fail)
    deliver_all(errands)
    assert book.done == [] and "SECRET" not in book.failed[0] and "gone" in book.failed[0]
    assert not errands.busy()


class FakeScene:
    """Four tiles; one of them may fail."""

    def __init__(self, broken: int | None = None) -> None:
        self.tiles, self.broken = list(range(4)), broken
        self.computed: list[int] = []

    def pending(self) -> list[int]:
        return [n for n in self.tiles if n not in self.computed]

    def compute_tile(self, number: int) -> None:
        if number == self.broken:
            raise OSError("the disk is gone")
        self.computed.append(number)


def finish(survey: Survey) -> None:
    thread = survey._thread
    if thread is not None:
        thread.join(PATIENCE)
    assert not survey.running


def test_the_survey_computes_each_tile_once() -> None:
    scene: Any = FakeScene()
    survey = Survey(scene)
    survey.start()
    survey.start()
    finish(survey)
    assert scene.computed == [0, 1, 2, 3] and survey.progress == (4, 4)
    version = survey.version
    survey.start()
    assert not survey.running and survey.version == version


def test_an_error_ends_the_survey_and_a_new_start_goes_on() -> None:
    scene: Any = FakeScene(broken=2)
    survey = Survey(scene)
    survey.start()
    finish(survey)
    assert scene.computed == [0, 1] and survey.error == "OSError: the disk is gone"
    scene.broken = None
    survey.start()
    finish(survey)
    assert scene.computed == [0, 1, 2, 3] and survey.error is None


def test_a_survey_that_was_stopped_stays_so() -> None:
    scene: Any = FakeScene()
    survey = Survey(scene)
    survey.stop()
    survey.start()
    assert not survey.running and scene.computed == []


@pytest.mark.parametrize("late", [False, True])
def test_closing_leaves_nothing_behind(late: bool) -> None:
    errands, book = Errands(), Book()
    if late:
        errands.close()
        with pytest.raises(RuntimeError):
            book.ask(errands, "map", lambda: 1)
    else:
        book.ask(errands, "map", lambda: 1)
        errands.close()
