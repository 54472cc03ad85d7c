"""Sphinx configuration: `make docs` builds docs/_build/html, warnings are errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from typer.testing import CliRunner

import climcube
from climcube.cli import app

sys.path.insert(0, str(Path(__file__).parent))
import make_errors
import make_notebooks

project = "climcube"
author = "The climcube developers"
copyright = "The climcube developers, Apache-2.0"  # noqa: A001 - Sphinx's name
version = release = climcube.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_design",
]
exclude_patterns = [
    "_build",
    "reference/generated/commands.md",
    "reference/generated/messages.md",
    "explanation/tables",
]
templates_path: list[str] = []
html_theme = "pydata_sphinx_theme"
html_title = f"climcube {version}"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False, "show_nav_level": 1}
html_static_path = ["static"]
html_css_files = ["climcube.css"]
html_math_renderer = "mathml"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Notebooks come with their outputs: tests, or make_notebooks, ran them.
nb_execution_mode = "off"

default_role = "code"
autodoc_typehints = "none"
autosummary_generate = True
# `climcube.open` and its like are looked up lazily, so the tables name them one by one.
autosummary_imported_members = True
numpydoc_show_class_members = False
suppress_warnings = ["myst.header"]


def setup(sphinx: Sphinx) -> None:
    """Write what is made of the code: commands, error messages, notebooks with outputs."""
    made = Path(sphinx.srcdir) / "reference" / "generated"
    made.mkdir(parents=True, exist_ok=True)
    sections = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in helps()]
    (made / "commands.md").write_text("\n".join(sections), encoding="utf-8")
    (made / "messages.md").write_text(make_errors.page(), encoding="utf-8")
    make_notebooks.run_what_is_missing()
    # MathML is drawn by the browser itself: no script, and nothing from elsewhere.
    sphinx.add_html_math_renderer(
        "mathml", inline_renderers=(inline_equation, None), block_renderers=(equation, None)
    )


def inline_equation(translator: Any, node: nodes.math) -> None:
    """Write an equation within a line."""
    translator.body.append(mathml(node, node.astext(), as_block=False))
    raise nodes.SkipNode


def equation(translator: Any, node: nodes.math_block) -> None:
    """Write an equation on lines of its own; those side by side wrap on narrow screens."""
    parts = [mathml(node, part, as_block=True) for part in node.astext().split(r"\qquad")]
    translator.body.append(f'<div class="equations">{"".join(parts)}</div>\n')
    raise nodes.SkipNode


def mathml(node: nodes.Element, tex: str, as_block: bool) -> str:
    """Turn TeX into MathML; what docutils does not know is a warning, hence an error."""
    try:
        return str(tex2mathml(tex, as_block=as_block))
    except Exception as error:  # noqa: BLE001 - of several kinds
        logging.getLogger(__name__).warning("equation: %s", error, location=node)
        return ""


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command and its help, as a terminal of 88 columns shows it."""
    pending: list[list[str]] = [[]]
    while pending:
        words = pending.pop(0)
        command = typer.main.get_command(app)
        for word in words:
            command = command.commands[word]  # type: ignore[attr-defined]
        shown = CliRunner().invoke(app, [*words, "--help"], terminal_width=88)
        if shown.exit_code:
            raise RuntimeError(f"no help of {words}: {shown.output}") from shown.exception
        yield " ".join(["climcube", *words]), shown.output.strip()
        pending[:0] = [[*words, name] for name in getattr(command, "commands", {})]
