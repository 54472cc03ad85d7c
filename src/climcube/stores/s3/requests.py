"""Requests to object storage: one deadline for all repetitions of one, one cap for all at once.

Clients repeat failed requests at several levels, each with its own clock: a stalled object took
15 requests and 41 s. Here the clients do not repeat, and one clock runs over one request. It
starts when the request may begin: waiting for other requests of this process does not count.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from climcube.options import get_option
from climcube.stores.s3.answers import Failure, final, no_answer

__all__ = ["requests_under_way", "timely"]

_CONNECTIONS = 3  # attempts to reach a host that refuses connections or has no address
_LONGEST_WAIT = 8.0

# Whether a clock runs already: what is called within one request does not start its own.
_timed: ContextVar[bool] = ContextVar("climcube_s3_timed", default=False)


async def timely[T](
    where: str,
    deadline: float,
    request: Callable[[], Awaitable[T]],
    judge: Callable[[BaseException], Failure],
    denied: Callable[[], None] = lambda: None,
) -> T:
    """Repeat a request until it succeeds, fails for good, or the time is up.

    Parameters
    ----------
    where
        The object, for messages.
    deadline
        Seconds for all attempts together.
    request
        Makes the request, anew each time; called once only within another one.
    judge
        What an exception of the client means.
    denied
        Called when credentials are missing or refused.

    Raises
    ------
    StoreError
        What went wrong, in one line. A missing object, or a condition that was not met, keeps
        the exception of the client.
    """
    if _timed.get():
        return await request()
    async with _SLOTS.one():
        mark = _timed.set(True)
        try:
            return await _repeated(where, deadline, request, judge, denied)
        finally:
            _timed.reset(mark)


async def _repeated[T](
    where: str,
    deadline: float,
    request: Callable[[], Awaitable[T]],
    judge: Callable[[BaseException], Failure],
    denied: Callable[[], None],
) -> T:
    clock = asyncio.get_running_loop().time
    end = clock() + deadline
    attempt = 0
    first: tuple[Failure, Exception] | None = None
    while True:
        attempt += 1
        try:
            async with asyncio.timeout_at(end):
                return await request()
        except Exception as error:
            failure, late = judge(error), clock() >= end
            # The end of our own clock says less than what the store said before.
            last = first if late and first is not None else (failure, error)
            first = last
            if not late and failure.kind not in ("passing", "unreachable"):
                if failure.kind in ("denied", "no credentials"):
                    denied()
                typed = final(failure, where)
                if typed is None:
                    raise
                raise typed from error
        wait = random.uniform(0.5, 1.0) * min(0.1 * 2**attempt, _LONGEST_WAIT)
        hopeless = last[0].kind == "unreachable" and attempt >= _CONNECTIONS
        if clock() + wait >= end or hopeless:
            raise no_answer(last[0], where, deadline, attempt) from last[1]
        await asyncio.sleep(wait)


class _Slots:
    """A semaphore across threads and their event loops, first come first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    @property
    def busy(self) -> int:
        return self._busy

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        await self._take()
        try:
            yield
        finally:
            self._give()

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._busy < get_option("s3_concurrency") and not self._waiting:
                self._busy += 1
                return
            ticket: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, ticket))
        try:
            await ticket
        except asyncio.CancelledError:
            with self._lock:
                waits = (loop, ticket) in self._waiting
                if waits:
                    self._waiting.remove((loop, ticket))
            if not waits:  # the slot was given at the same moment
                self._give()
            raise

    def _give(self) -> None:
        with self._lock:
            self._busy -= 1
            while self._waiting and self._busy < get_option("s3_concurrency"):
                loop, ticket = self._waiting.popleft()
                try:
                    loop.call_soon_threadsafe(_grant, ticket)
                except RuntimeError:  # that loop was closed meanwhile
                    continue
                self._busy += 1


def _grant(ticket: asyncio.Future[None]) -> None:
    if not ticket.done():
        ticket.set_result(None)


_SLOTS = _Slots()
# A forked child makes none of the requests that its parent was making.
os.register_at_fork(after_in_child=_SLOTS.__init__)  # type: ignore[misc]


def requests_under_way() -> int:
    """Return how many requests this process makes at this moment, for tests and reports."""
    return _SLOTS.busy
