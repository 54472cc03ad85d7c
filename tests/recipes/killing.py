"""Kill an ingest at a chosen write, look at what a reader sees, and go on; run as a script.

    python killing.py KIND FILES WORK [EVERY [FIRST]]

Each attempt is a child made by fork, so that libraries are imported once. Prints one JSON
object: the number of writes, the moments tried, and what was wrong, if anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

KILLED = 9


def target_of(kind: str, folder: Path) -> Path:
    return folder / ("cube.icechunk" if kind == "icechunk" else "cube.zarr")


def ingest(files: str, target: Path, **options: Any) -> Any:
    import climcube as cc
    from climcube.recipes.layout import Layout

    pattern = sorted(map(str, Path(files).glob("*.nc")))
    recipe = cc.Recipe(tuple(pattern), store=Layout(times=4, tile=4, chunk=4))
    return cc.ingest(recipe, target, progress=False, workers=1, **options)


def digests(target: Path) -> dict[str, str] | None:
    """Digest of each object as readers see it; of nothing, nothing."""
    import zarr
    from zarr.core.sync import sync

    from climcube.recipes.places import target_of as find

    found = find(target, None, None)
    if not found.workplace.exists():
        return None
    if not found.versioned:
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

    if kind == "plain":
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
    kind: str, files: str, folder: Path, number: int, expected: Any, before: Callable[[Path], None]
) -> tuple[str | None, bool]:
    """Kill one ingest; return what was wrong, and whether it was killed at all."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    target = target_of(kind, folder)
    before(target)

    def run() -> None:
        kill_at(number, kind)
        ingest(files, target)

    code, said = in_child(run, folder)
    if code not in (0, KILLED):
        return f"write {number}: the ingest failed: {said}", False
    _, seen = in_child(lambda: digests(target), folder)
    if seen is not None and seen != expected:
        return f"write {number}: a reader saw another store", code == KILLED
    again, said = in_child(lambda: str(ingest(files, target).unchanged), folder)
    if again:
        return f"write {number}: it could not go on: {said}", code == KILLED
    _, after = in_child(lambda: digests(target), folder)
    left = [p.name for p in folder.iterdir() if "partial" in p.name or ".old" in p.name]
    if after != expected or left:
        wrong = sorted(k for k in {*after, *expected} if after.get(k) != expected.get(k))
        return f"write {number}: another result: {wrong[:5]}, left {left}", code == KILLED
    _, twice = in_child(lambda: ingest(files, target).unchanged, folder)
    return (None if twice is True else f"write {number}: not idempotent: {twice}"), code == KILLED


def main(kind: str, files: str, work: str, every: int = 1, first: int = 1) -> None:
    import h5netcdf  # noqa: F401 - imported once, before children are made
    import netCDF4  # noqa: F401
    import xarray  # noqa: F401
    import zarr  # noqa: F401

    import climcube.recipes.ingest  # noqa: F401

    folder = Path(work)
    whole = folder / "whole"
    whole.mkdir(parents=True)
    target = target_of(kind, whole)

    def count() -> int:
        counted = kill_at(0, kind)
        ingest(files, target)
        return counted()

    code, writes = in_child(count, folder)
    if code:
        raise SystemExit(f"the ingest fails when it is not killed: {writes}")
    _, expected = in_child(lambda: digests(target), folder)
    wrong, killed, tried = [], 0, 0
    for number in range(first, writes + 1, every):
        problem, was_killed = attempt(
            kind, files, folder / "tried", number, expected, lambda _: None
        )
        tried, killed = tried + 1, killed + was_killed
        wrong += [problem] if problem else []
    result = {"writes": writes, "tried": tried, "killed": killed, "wrong": wrong}
    print(json.dumps(result | {"objects": len(expected)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], *map(int, sys.argv[4:]))
