"""The explorer as a value: a notebook shows it, a script opens it in the browser."""

from __future__ import annotations

from typing import Any

import panel as pn

from climcube.explorer.errands import Survey
from climcube.explorer.look import LIGHT
from climcube.explorer.page import Page
from climcube.explorer.scene import Scene
from climcube.explorer.server import serve
from climcube.explorer.words import title_of

__all__ = ["Explorer"]


class Explorer:
    """A page about a scene.

    Attributes
    ----------
    scene
        What it shows, and can be asked for without a page.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._page: Page | None = None

    def show(self, port: int | None = None) -> None:
        """Open the page in the default browser; returns when interrupted."""
        serve(self.scene, port=port, show=True)

    def __panel__(self) -> Any:
        if self._page is None:
            self._page = Page(self.scene, Survey(self.scene))
            self._page.begin_when_seen()
        # Notebooks may be dark, and do not tell: the page brings its own ground.
        return pn.Column(
            self._page.layout,
            styles={"background": LIGHT["page"], "border-radius": "6px"},
            sizing_mode="stretch_width",
        )

    def __repr__(self) -> str:
        return f"<climcube.Explorer: {title_of(self.scene.mhw)}; .show() opens it>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        pn.extension(inline=True)  # scripts go into the notebook: no network is needed
        return self.__panel__()._repr_mimebundle_(include, exclude)
