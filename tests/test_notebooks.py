"""Notebooks open with a question, use the public interface, and are kept without output.

That they run from top to bottom and show their figures is tried, in CI, by building the
documentation, which shows them; here by `make notebook`, and every night.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

from docs.make_notebooks import NOTEBOOKS, run


def cells_of(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def source_of(path: Path) -> str:
    return "\n".join("".join(c["source"]) for c in cells_of(path) if c["cell_type"] == "code")


def test_they_are_numbered() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{k:02}" for k in range(len(NOTEBOOKS))]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_outputs_are_stripped(path: Path) -> None:
    code = [cell for cell in cells_of(path) if cell["cell_type"] == "code"]
    assert code
    assert all(not c["outputs"] and c["execution_count"] is None for c in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_only_the_public_interface_is_used(path: Path) -> None:
    source = source_of(path)
    assert "import climcube as cc" in source
    assert "from climcube" not in source and "import climcube." not in source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_opens_with_a_question_and_its_answer(path: Path) -> None:
    first = cells_of(path)[0]
    title, question, answer, *_ = "".join(first["source"]).split("\n\n")
    assert title.startswith("# ")
    assert question.startswith("**") and "?" in question
    assert "`" in answer, "the answer is one line of code"


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_runs_and_shows_its_figures(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(path, tmp_path).cells
