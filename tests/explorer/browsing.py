"""What tests of pages share: Chromium, with every other host out of reach, and its reader."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PATIENCE = 30_000  # milliseconds; what is waited for comes in one or two seconds
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


def absent(reason: str) -> None:
    if os.environ.get("CLIMCUBE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{reason} (CLIMCUBE_REQUIRE_BROWSER=1 demands it)")
    pytest.skip(f"{reason}: make test-browser installs it")


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser; skip, or fail, where there is none."""
    program = shutil.which("chromium")
    if program is None:
        absent("no chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        absent("no playwright")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield found
        found.close()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Reader:
    """What a reader does with the page."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.asked, self.troubles = page, [], []
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", lambda request: self.troubles.append(request.url))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", self._note)
        page.goto(url)

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def wait_until(self, condition: str, argument: Any = None) -> None:
        self.page.wait_for_function(condition, arg=argument)

    def ready(self) -> None:
        self.page.get_by_role("status").filter(has_text="ready").wait_for()

    def click_at(self, latitude: float, longitude: float) -> None:
        """Click where the map has a point."""
        x, y = self.page.evaluate(
            """([latitude, longitude]) => {
              const find = (view) => view.model?.name === "map" ? view
                : (view.child_views ?? []).map(find).find((found) => found);
              const view = [...Bokeh.index.roots].map(find).find((found) => found);
              view.el.scrollIntoView({behavior: "instant", block: "center"});
              const box = view.el.getBoundingClientRect();
              return [box.left + view.frame.x_scale.compute(longitude),
                      box.top + view.frame.y_scale.compute(latitude)];
            }""",
            [latitude, longitude],
        )
        self.page.mouse.click(x, y)

    def drawn(self, name: str) -> int:
        """How many points of a line are on the page."""
        return self.page.evaluate(
            "name => Bokeh.documents[0].get_model_by_name(name).data_source.data.x.length", name
        )

    def map_shows(self, code: int) -> str:
        """A condition: the map has a cell of some place in the palette."""
        return (
            "() => Array.from(Bokeh.documents[0].get_model_by_name('categories')"
            f".data_source.data.image[0]).includes({code})"
        )
