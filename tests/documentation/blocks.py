"""The code in the documentation, taken out of its pages so that it can be run.

A page says what its blocks need in comments that readers do not see::

    <!-- given: sst = ocean().sst -->              Python, run before the next block
    <!-- for: s3://bucket/ take: memory://bucket/ -->   in all blocks of this page
    <!-- not run: needs a gateway -->              the next block, and why

and readers see ``# not run: why`` in a block, which says it of the whole block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_LANGUAGES = ("python", "console")
_PART = re.compile(
    r"^<!-- (?P<word>given|for|not run):(?P<text>.*?)-->$"
    r"|^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One block of code: where it is, what it says, and what must be there before."""

    page: str
    line: int
    language: str
    code: str
    given: str = ""
    not_run: str | None = None

    @property
    def where(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> Iterator[str]:
        """Yield the commands of a console, without prompts, remarks and answers."""
        for line in self.code.splitlines():
            if line.startswith("$ "):
                yield re.split(r"\s#\s", line[2:])[0].strip()


@dataclass
class Page:
    """A page and its blocks, in order."""

    name: str
    blocks: list[Block] = field(default_factory=list)


def pages() -> list[Path]:
    """Return the pages that people read: the README and all of docs/ but what is generated."""
    made = {"_build", "generated"}
    written = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md"] + [
        path for path in written if not made & set(path.relative_to(ROOT).parts)
    ]


def blocks_of(path: Path) -> Page:
    """Take the blocks out of a page."""
    text = path.read_text(encoding="utf-8")
    page = Page(path.relative_to(ROOT).as_posix())
    given: list[str] = []
    instead: list[tuple[str, str]] = []
    not_run: str | None = None
    for part in _PART.finditer(text):
        if part["word"] == "given":
            given.append(part["text"].strip())
        elif part["word"] == "for":
            old, _, new = part["text"].partition(" take: ")
            instead.append((old.strip(), new.strip()))
        elif part["word"] == "not run":
            not_run = part["text"].strip()
        elif part["language"] in _LANGUAGES:
            code = _outdented(part["code"], len(part["indent"]))
            said = re.search(r"# not run: (.+)", code)
            for old, new in instead:
                code = code.replace(old, new)
            line = text.count("\n", 0, part.start()) + 1
            why = said[1] if said else not_run
            block = Block(page.name, line, part["language"], code, "\n".join(given), why)
            page.blocks.append(block)
            given, not_run = [], None
    return page


def _outdented(code: str, width: int) -> str:
    return "\n".join(line[width:] for line in code.splitlines()) + "\n"
