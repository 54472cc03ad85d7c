"""Serve the explorer on this machine, until it is told to end."""

from __future__ import annotations

import os
import socket
import sys
import webbrowser
from collections.abc import Callable
from typing import Any

from climcube.errors import ParameterError
from climcube.explorer.errands import Survey
from climcube.explorer.look import PAGE
from climcube.explorer.scene import Scene
from climcube.explorer.words import title_of

__all__ = ["PORT", "has_screen", "serve"]

PORT = 5006
_META = {"viewport": "width=device-width, initial-scale=1"}  # phones, too, show it as it is


def serve(
    scene: Scene,
    *,
    port: int | None = None,
    address: str = "127.0.0.1",
    show: bool = False,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve pages of a scene; returns when interrupted.

    Parameters
    ----------
    port
        Default `PORT`, or any free one where that is taken.
    address
        What to listen on; others than this machine reach it only where it says so.
    show
        Open the page in the default browser.
    ready
        Called with the address of the page, once it is served.

    Raises
    ------
    ParameterError
        The port is taken.
    """
    import panel as pn

    from climcube.explorer.page import Page

    survey = Survey(scene)

    def page() -> Any:
        view = Page(scene, survey)
        view.begin()
        pn.state.on_session_destroyed(lambda _: view.close())
        pn.state.curdoc.template_variables["meta"] = _META
        pn.state.curdoc.js_on_event("document_ready", view.paint.callback())
        return view.layout

    chosen = _free_port(address, port)
    pn.config.raw_css = [PAGE]
    origins = [f"{name}:{chosen}" for name in {address, "localhost", "127.0.0.1"}]
    server: Any = pn.serve(
        {"/": page}, port=chosen, address=address, websocket_origin=origins, show=False,
        start=False, verbose=False, title=title_of(scene.mhw), admin=False,
    )  # fmt: skip
    url = f"http://{address}:{chosen}/"
    server.start()
    if ready is not None:
        ready(url)
    if show:
        webbrowser.open(url)
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        survey.stop()


def has_screen() -> bool:
    """Whether a browser would have a screen; a terminal's own browser would take the terminal."""
    named = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in named)


def _free_port(address: str, wanted: int | None) -> int:
    """Return the port wanted, or any free one where nothing in particular is."""
    for port in (PORT if wanted is None else wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((address, port))
            except OSError as error:
                if wanted is None and port:
                    continue
                raise ParameterError(
                    "the explorer cannot listen there", where=f"{address}:{port}",
                    found=error.strerror, remedy="pass another port",
                ) from error  # fmt: skip
            return int(trial.getsockname()[1])
    raise AssertionError  # pragma: no cover - the loop returns or raises
