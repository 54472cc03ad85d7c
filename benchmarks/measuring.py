"""What the benchmarks measure with: the shortest of several times, in turns; resident memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def best(call: Callable[[], object], repeats: int = 5) -> float:
    """Shortest of several runs after a warm-up, in seconds."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def turns(
    calls: dict[str, Callable[[], object]],
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Shortest time of each call, all measured in turns after a warm-up.

    Other work on the machine then meets all alike; ``time.process_time`` as the clock counts the
    processor's seconds of all threads, which it hardly changes.
    """
    found = dict.fromkeys(calls, float("inf"))
    for call in calls.values():
        call()
    for _ in range(repeats):
        for label, call in calls.items():
            start = clock()
            call()
            found[label] = min(found[label], clock() - start)
    return found


def resident(field: str) -> int:
    """Bytes of this process's memory: ``VmRSS`` now, ``VmHWM`` at most since it was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def reset_peak() -> None:
    """Let ``VmHWM`` begin anew from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")
