"""Sphinx configuration: `make docs` builds docs/_build/html, warnings are errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from sphinx.application import Sphinx
from typer.testing import CliRunner

import climcube
from climcube.cli import app

project = "climcube"
author = "The climcube developers"
copyright = "The climcube developers, Apache-2.0"  # noqa: A001 - Sphinx's name
version = release = climcube.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build", "reference/generated/commands.md", "explanation/tables"]
templates_path: list[str] = []
html_theme = "pydata_sphinx_theme"
html_title = f"climcube {version}"
html_show_sourcelink = False
html_theme_options = {"show_prev_next": False}

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

default_role = "code"
autodoc_typehints = "none"
autosummary_generate = True
# `climcube.open` and its like are looked up lazily, so the tables name them one by one.
autosummary_imported_members = True
numpydoc_show_class_members = False
suppress_warnings = ["myst.header"]


def setup(sphinx: Sphinx) -> None:
    """Write the help of every command where reference/cli.md includes it."""
    target = Path(sphinx.srcdir) / "reference" / "generated" / "commands.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    sections = [f"## {name}\n\n```text\n{text}\n```\n" for name, text in helps()]
    target.write_text("\n".join(sections), encoding="utf-8")


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
