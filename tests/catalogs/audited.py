"""Load catalogs under an audit hook and report what the interpreter was asked to do.

Run as a program: ``python -m tests.catalogs.audited FOLDER``; prints JSON by file name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import climcube as cc
from climcube.errors import ClimcubeError

WATCHED = (
    "compile", "ctypes", "exec", "glob.", "import", "mmap", "open", "os.", "pickle", "pty",
    "shutil", "socket", "subprocess", "tempfile", "urllib", "webbrowser",
)  # fmt: skip


class Watched(dict[str, str]):
    """An environment that tells who asks."""

    asked: list[str]

    def __getitem__(self, key: str) -> str:
        self.asked.append(f"environ {key}")
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.append(f"environ {key}")
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.asked.append(f"environ {key}")
        return super().__contains__(key)


def attempt(path: Path) -> str:
    """Load one catalog and touch its entries; return the complaint, or ''."""
    try:
        for name in (found := cc.catalog(str(path))):
            found[name].address()
    except ClimcubeError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def audit(
    files: Sequence[Path],
    attempt: Callable[[Path], str],
    watched: tuple[str, ...],
    spelled: Callable[[tuple[Any, ...]], object],
    between: Callable[[], object] = lambda: None,
) -> None:
    """Attempt every file twice, the second time under watch, and print what happened."""
    events: list[str] = []
    for file in files:  # imports, and whatever libraries read of their own, come first
        attempt(file)
    between()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(watched):
            events.append(f"{event} {spelled(arguments)}")

    environment = Watched(os.environ)
    environment.asked = events
    vars(os)["environ"] = environment
    sys.addaudithook(hook)
    report = {}
    for file in files:
        events.clear()
        complaint = attempt(file)
        report[file.stem] = {"complaint": complaint, "events": list(events)}
    print(json.dumps(report))


def main(folder: Path) -> None:
    """Load every catalog of the folder and print what happened."""
    audit(sorted(folder.glob("*.yaml")), attempt, WATCHED, lambda arguments: arguments[:1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
