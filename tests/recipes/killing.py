"""Kill an ingest at a chosen write, look at what a reader sees, and go on; run as a script.

    python killing.py KIND FILES WORK [EVERY [FIRST]]      before chosen writes
    python killing.py KIND FILES WORK random TIMES SEED    SIGKILL at random moments

Each attempt is a child made by fork, so that libraries are imported once. Prints one JSON
object: the number of writes, the moments tried, and what was wrong, if anything. KIND is plain,
icechunk or s3: a server that the environment names (AWS_ENDPOINT_URL), with a bucket "killed";
it is killed at random moments only.
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = 9


BUCKET = "s3://killed"


def target_of(kind: str, folder: Path) -> Any:
    if kind == "s3":
        return f"{BUCKET}/{folder.name}/cube.zarr"
    return folder / ("cube.icechunk" if kind == "icechunk" else "cube.zarr")


def left_beside(kind: str, folder: Path) -> list[str]:
    """Return what lies beside the target, of unfinished work."""
    names = [p.name for p in folder.iterdir()]
    if kind == "s3":
        names = [n for n in _s3().ls(f"{BUCKET}/{folder.name}") if not n.endswith("/cube.zarr")]
    return [n for n in names if "partial" in n or ".old" in n]


def emptied(kind: str, folder: Path) -> Path:
    """Make a folder anew, in the bucket too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if kind == "s3":  # by a child: no fork survives its threads
        in_child(lambda: _s3().rm(f"{BUCKET}/{folder.name}", recursive=True), folder)
    return folder


def _s3() -> Any:
    import s3fs

    return s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)


def ingest(files: str, target: Path, **options: Any) -> Any:
    import climcube as cc
    from climcube.recipes.layout import Layout

    pattern = sorted(map(str, Path(files).glob("*.nc")))
    recipe = cc.Recipe(tuple(pattern), store=Layout(times=4, tile=4, chunk=4))
    return cc.ingest(recipe, target, progress=False, workers=1, **options)


def announced_ingest(files: str, target: str, ready: Any) -> None:
    """In a process of its own: say that it begins, and ingest."""
    import climcube as cc

    ready.send("ready")
    cc.ingest(files, target)


def digests(target: Path) -> dict[str, str] | None:
    """Digest of each object as readers see it; of nothing, nothing."""
    import zarr
    from zarr.core.sync import sync

    from climcube.recipes.places import target_of as find

    found = find(target, None, None)
    if not found.workplace.exists():
        return None
    if isinstance(target, Path) and not found.versioned:
        files = (p for p in target.rglob("*") if p.is_file())
        return {
            str(p.relative_to(target)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        }

    async def read() -> dict[str, str]:
        store = found.published()
        proto = zarr.core.buffer.default_buffer_prototype()
        return {
            key: hashlib.sha256((await store.get(key, proto)).to_bytes()).hexdigest()
            async for key in store.list()
        }

    return sync(read())


def kill_at(number: int, kind: str) -> Callable[[], int]:
    """Let this process end just before its write of that number; return the count so far."""
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os._exit(KILLED)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                count()
        elif event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link"):
            count()

    if kind != "icechunk":
        sys.addaudithook(audit)
        return lambda: seen
    # Icechunk writes beyond the sight of Python: stop before each call that changes anything.
    import icechunk

    for owner, names in (
        (icechunk.IcechunkStore, ("set", "delete", "delete_dir", "clear", "set_if_not_exists")),
        (icechunk.Session, ("commit", "amend", "flush")),
        (icechunk.Repository, ("create_branch", "delete_branch", "reset_branch", "create")),
    ):
        for name in names:
            _wrap(owner, name, count)
    return lambda: seen


def _wrap(owner: Any, name: str, count: Callable[[], None]) -> None:
    given = getattr(owner, name, None)
    if given is None:
        return

    def counted(*arguments: Any, **options: Any) -> Any:
        count()
        return given(*arguments, **options)

    setattr(owner, name, counted)


def in_child(action: Callable[[], Any], folder: Path) -> tuple[int, Any]:
    """Run something in a child; return its exit code and what it returned."""
    answer = folder / "answer.json"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if not child:
        code = 1
        try:
            result = action()
            answer.write_text(json.dumps(result))
            code = 0
        except BaseException as error:  # noqa: BLE001 - told to the parent
            answer.write_text(json.dumps(f"{type(error).__name__}: {error}"))
        os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code, json.loads(answer.read_text()) if answer.exists() else None


def attempt(
    kind: str, files: str, folder: Path, number: int, expected: Any
) -> tuple[str | None, bool]:
    """Kill one ingest; return what was wrong, and whether it was killed at all."""
    target = target_of(kind, emptied(kind, folder))

    def run() -> None:
        kill_at(number, kind)
        ingest(files, target)

    code, said = in_child(run, folder)
    if code not in (0, KILLED):
        return f"write {number}: the ingest failed: {said}", False
    return look_and_go_on(kind, files, folder, f"write {number}", expected), code == KILLED


def look_and_go_on(kind: str, files: str, folder: Path, when: str, expected: Any) -> str | None:
    """Look at what a reader sees after a kill, run the same ingest again, and compare."""
    target = target_of(kind, folder)

    def go_on() -> tuple[Any, Any, bool, list[str]]:
        seen = digests(target)
        ingest(files, target)
        after, again = digests(target), ingest(files, target)
        return seen, after, again.unchanged, left_beside(kind, folder)

    again, said = in_child(go_on, folder)
    if again:
        return f"{when}: it could not go on: {said}"
    return _judged(when, said, expected)


def kill_after(kind: str, files: str, folder: Path, seconds: float) -> str:
    """Start an ingest, SIGKILL it some seconds after, and say how far it was."""
    target = target_of(kind, emptied(kind, folder))
    child = os.fork()
    if not child:
        code = 1
        try:
            ingest(files, target)
            code = 0
        finally:
            os._exit(code)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        return "after its end"
    if kind == "plain":
        steps = list(folder.glob(".cube*.partial/ledger/*.json"))
        return "between blocks or in one" if steps else "before the first block was finished"
    return "before its end"


def _judged(when: str, said: Any, expected: Any) -> str | None:
    seen, after, unchanged, left = said
    if seen is not None and seen != expected:
        return f"{when}: a reader saw another store"
    if after != expected or left:
        wrong = sorted(k for k in {*after, *expected} if after.get(k) != expected.get(k))
        return f"{when}: another result: {wrong[:5]}, left {left}"
    return None if unchanged is True else f"{when}: not idempotent"


def prepare(kind: str, files: str, folder: Path) -> tuple[int, Any, float]:
    """Import all, and make the store once without a kill; return writes, digests, seconds."""
    whole = emptied(kind, folder / "whole")
    # Imports all but Icechunk, whose threads no fork survives.
    ingest(files, folder / "warm.zarr")
    target = target_of(kind, whole)

    def count() -> tuple[int, float]:
        counted = kill_at(0, kind)
        began = time.perf_counter()
        ingest(files, target)
        return counted(), time.perf_counter() - began

    code, said = in_child(count, folder)
    if code:
        raise SystemExit(f"the ingest fails when it is not killed: {said}")
    _, expected = in_child(lambda: digests(target), folder)
    return said[0], expected, said[1]


def main(kind: str, files: str, work: str, every: int = 1, first: int = 1) -> None:
    folder = Path(work)
    writes, expected, _ = prepare(kind, files, folder)
    wrong, killed, tried = [], 0, 0
    for number in range(first, writes + 1, every):
        problem, was_killed = attempt(kind, files, folder / "tried", number, expected)
        tried, killed = tried + 1, killed + was_killed
        wrong += [problem] if problem else []
    result = {"writes": writes, "tried": tried, "killed": killed, "wrong": wrong}
    print(json.dumps(result | {"objects": len(expected)}))


def at_random(kind: str, files: str, work: str, times: int, seed: int) -> None:
    folder, generator = Path(work), random.Random(seed)
    _, expected, seconds = prepare(kind, files, folder)
    wrong, moments = [], collections.Counter()
    for number in range(times):
        tried = folder / "tried"
        moments[kill_after(kind, files, tried, generator.uniform(0, 1.1 * seconds))] += 1
        problem = look_and_go_on(kind, files, tried, f"kill {number} (seed {seed})", expected)
        wrong += [problem] if problem else []
    print(json.dumps({"tried": times, "moments": moments, "wrong": wrong, "seconds": seconds}))


if __name__ == "__main__":
    if "random" in sys.argv:
        at_random(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[5]), int(sys.argv[6]))
    else:
        main(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
