"""Sphinx configuration: `make docs` builds docs/_build/html, warnings are errors."""

from __future__ import annotations

import climcube

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
exclude_patterns = ["_build"]
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
