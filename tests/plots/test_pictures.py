"""Every figure looks as it did when somebody last looked at it.

Letters differ between machines, so words are compared as text, and pictures without them: each
figure is drawn small, with its axes in a fixed place, and blurred before it is compared. To
renew the references after a change that was meant, and looked at::

    CLIMCUBE_UPDATE_PICTURES=1 pytest tests/plots/test_pictures.py -n 0
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

import climcube as cc
from tests.plots.conftest import shown_texts
from tests.plots.gallery import FIGURES, MAPS, ocean

HERE = Path(__file__).parent / "pictures"
UPDATE = os.environ.get("CLIMCUBE_UPDATE_PICTURES") == "1"
SIZE = (240, 150)  # pixels
TOLERANCE = 5.0  # root mean square, of 255; other colours or places are several times that


def _drawn(name: str) -> Any:
    options = {"projection": "plate_carree"} if name in MAPS else {}
    return FIGURES[name](ocean(), **options)


def _words(ax: Any) -> list[str]:
    """Return all words but those at ticks, whose places are matplotlib's choice."""
    figure = ax.figure
    figure.draw_without_rendering()
    ticks = {
        id(label)
        for axes in (*figure.axes, *(c for a in figure.axes for c in a.child_axes))
        for axis in (axes.xaxis, axes.yaxis)
        for label in (*axis.get_ticklabels(which="both"), axis.get_offset_text())
    }
    shown = [t.get_text() for t in shown_texts(figure) if id(t) not in ticks]
    return [re.sub(r"\s+", " ", text) for text in shown]


def _picture(ax: Any) -> Image.Image:
    """Draw the axes alone, in the middle of a small picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    figure = ax.figure
    figure.draw_without_rendering()  # gridlines of globes place their labels now
    figure.set_layout_engine("none")
    figure.set_size_inches(SIZE[0] / 50, SIZE[1] / 50)
    figure.set_dpi(50)
    ax.set_position((0.05, 0.05, 0.78, 0.9))
    if ax.get_legend() is not None:
        ax.get_legend().remove()
    for lines in [c for c in ax.get_children() if type(c).__name__ == "Gridliner"]:
        lines.remove()  # it makes its labels anew at each drawing
    for text in figure.findobj(Text):
        text.set_visible(False)
    for axes in (ax, *ax.child_axes):
        axes.tick_params(which="both", length=0)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _distance(one: Image.Image, other: Image.Image) -> float:
    blur = ImageFilter.GaussianBlur(1.5)
    first, second = (np.asarray(p.filter(blur), "float64") for p in (one, other))
    assert first.shape == second.shape
    return float(np.sqrt(np.mean((first - second) ** 2)))


def _reference(name: str, picture: Image.Image) -> Image.Image:
    path = HERE / f"{name}.png"
    if UPDATE:
        HERE.mkdir(exist_ok=True)
        few = picture.quantize(128, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
    return Image.open(path).convert("RGB")


def _reference_words(name: str, words: list[str]) -> list[str]:
    path = HERE / "words.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if UPDATE:
        known |= {name: words}
        text = json.dumps(known, indent=1, ensure_ascii=False, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")
    return list(known[name])


@pytest.mark.parametrize("name", FIGURES)
def test_words_and_picture_are_those_of_the_reference(name: str) -> None:
    ax = _drawn(name)
    words = _words(ax)
    picture = _picture(ax)
    assert _distance(picture, _reference(name, picture)) < TOLERANCE
    assert words == _reference_words(name, words)


def test_the_globe_is_that_of_the_reference() -> None:
    pytest.importorskip("cartopy")
    picture = _picture(cc.plot.map(ocean(), projection="equal_earth"))
    assert _distance(picture, _reference("map_equal_earth", picture)) < TOLERANCE


def _other_colours(ax: Any) -> None:
    ax.collections[0].set_cmap("magma")


def _upside_down(ax: Any) -> None:
    ax.invert_yaxis()


def _moved(ax: Any) -> None:
    left, right = ax.get_xlim()
    ax.set_xlim(left + 0.1 * (right - left), right + 0.1 * (right - left))


@pytest.mark.parametrize(
    ("name", "fault"),
    [("map", _other_colours), ("trend_map", _upside_down), ("hovmoller", _moved)],
)
def test_a_fault_is_far_from_the_reference(name: str, fault: Callable[[Any], None]) -> None:
    ax = _drawn(name)
    fault(ax)
    picture = _picture(ax)
    assert _distance(picture, Image.open(HERE / f"{name}.png").convert("RGB")) > 2 * TOLERANCE


def test_references_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in HERE.iterdir()}
    assert sum(sizes.values()) < 300_000, sizes
    assert {p.removesuffix(".png") for p in sizes} == {*FIGURES, "map_equal_earth", "words.json"}
