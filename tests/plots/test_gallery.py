"""The page of figures is complete; its pictures are there and small. Its examples run elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "figures.md"


@pytest.fixture(scope="module")
def text() -> str:
    if not PAGE.exists():
        pytest.skip("no documentation beside these tests")
    return PAGE.read_text(encoding="utf-8")


def test_every_figure_is_named(text: str) -> None:
    from climcube import plots

    assert [name for name in plots.__all__ if f"`{name}`" not in text] == []


def test_pictures_are_there_and_small(text: str) -> None:
    pictures = re.findall(r"!\[(.*?)\]\((.*?)\)", text)
    assert len(pictures) == 14
    for words, address in pictures:
        assert len(words) > 20
        path = (PAGE.parent / address).resolve()
        assert path.exists(), address
        assert path.stat().st_size < 100_000, address
