"""One deadline for all repetitions of a request, one cap for all requests of a process."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import climcube as cc
from climcube.errors import StoreError, StoreNotFoundError
from climcube.stores.s3 import filesystem
from climcube.stores.s3.answers import Failure
from climcube.stores.s3.requests import requests_under_way, timely


class Broken(Exception):
    pass


def passing(error):
    return Failure("passing", 503, "SlowDown") if isinstance(error, Broken) else told(error)


def told(error):
    return Failure("passing" if isinstance(error, TimeoutError) else "told", reason=str(error))


class Load:
    """Requests that count how many of them there are at once."""

    def __init__(self, seconds=0.005):
        self.seconds, self.active, self.most, self.done = seconds, 0, 0, 0
        self.lock = threading.Lock()

    async def __call__(self):
        with self.lock:
            self.active += 1
            self.most = max(self.most, self.active)
        await asyncio.sleep(self.seconds)
        with self.lock:
            self.active -= 1
            self.done += 1


def run_many(load, count):
    async def many():
        await asyncio.gather(*(timely("s3://b/k", 60, load, told) for _ in range(count)))

    asyncio.run(many())


def test_the_cap_holds_over_threads_and_their_loops():
    load = Load()
    with cc.set_options(s3_concurrency=3), ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: run_many(load, 25), range(4)))
    assert load.done == 100 and load.most == 3
    assert requests_under_way() == 0


def test_a_larger_cap_is_used():
    here, all_here = [], asyncio.Event()

    async def wait_for_the_others():
        here.append(1)
        if len(here) == 40:
            all_here.set()
        await asyncio.wait_for(all_here.wait(), 60)

    with cc.set_options(s3_concurrency=40):
        run_many(wait_for_the_others, 40)
    assert len(here) == 40


def test_requests_that_are_given_up_leave_their_place():
    async def main():
        load = Load(0.05)
        tasks = [asyncio.create_task(timely("s3://b/k", 60, load, told)) for _ in range(20)]
        await asyncio.sleep(0.01)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return load

    with cc.set_options(s3_concurrency=2):
        load = asyncio.run(main())
    assert load.done >= 10 and requests_under_way() == 0
    run_many(Load(), 5)


def test_a_request_within_a_request_waits_for_nobody():
    async def outer():
        return await timely("s3://b/inner", 60, inner, told)

    async def inner():
        return 7

    with cc.set_options(s3_concurrency=1):
        assert asyncio.run(timely("s3://b/outer", 60, outer, told)) == 7


def test_waiting_for_others_does_not_count():
    """Twenty requests in a queue of one last longer than the deadline of one."""
    load = Load(0.075)

    async def main():
        await asyncio.gather(*(timely("s3://b/k", 1.5, load, told) for _ in range(20)))

    with cc.set_options(s3_concurrency=1):
        asyncio.run(main())
    assert load.done == 20


def test_repeated_until_it_succeeds():
    tries = []

    async def request():
        tries.append(1)
        if len(tries) < 3:
            raise Broken
        return "here"

    assert asyncio.run(timely("s3://b/k", 30, request, passing)) == "here"


def test_the_end_is_one_line_that_says_what_the_store_said():
    async def request():
        if requests.pop():
            raise Broken
        await asyncio.sleep(30)

    requests = [False, True]
    with pytest.raises(StoreError, match=r"s3://b/k.*within 2 s.*SlowDown \(HTTP 503\) after 2"):
        asyncio.run(timely("s3://b/k", 2, request, passing))


@pytest.mark.parametrize(
    ("kind", "error", "match", "forgotten"),
    [
        ("told", KeyError, "gone", 0),
        ("denied", StoreError, "refuses access.*anon", 1),
        ("no credentials", StoreError, "no credentials.*AWS_PROFILE", 1),
        ("no bucket", StoreNotFoundError, "no bucket 'b'", 0),
        ("other", StoreError, "request failed", 0),
    ],
)
def test_what_waiting_does_not_mend_is_told_at_once(kind, error, match, forgotten):
    tries, denied = [], []

    async def request():
        tries.append(1)
        raise KeyError("gone")

    with pytest.raises(error, match=match):
        asyncio.run(
            timely("s3://b/k", 30, request, lambda _: Failure(kind), lambda: denied.append(1))
        )
    assert len(tries) == 1 and len(denied) == forgotten


def test_a_host_that_is_not_there_is_not_waited_for():
    tries = []

    async def request():
        tries.append(1)
        raise Broken

    with pytest.raises(StoreError, match="after 3 attempts"):
        asyncio.run(timely("s3://b/k", 600, request, lambda _: Failure("unreachable")))
    assert len(tries) == 3


def test_a_busy_server_is_asked_again():
    """It accepts no connection in time, and does so a moment later; s3fs itself repeats that."""
    from botocore.exceptions import ConnectTimeoutError

    asked = []

    async def request():
        asked.append(1)
        if len(asked) < 3:
            raise ConnectTimeoutError(endpoint_url="http://127.0.0.1:9/bucket?prefix=x")
        return "answer"

    assert asyncio.run(timely("s3://b/k", 60, request, filesystem._judge)) == "answer"
    assert len(asked) == 3


def test_a_forked_child_begins_anew():
    import os

    async def main():
        child = os.fork()
        if child == 0:
            os._exit(requests_under_way())
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), requests_under_way()

    assert asyncio.run(timely("s3://b/k", 60, main, told)) == (0, 1)
