"""The explorer in JupyterLab: a cell is run, the map is there, and hears of what is clicked."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

from tests.explorer.browsing import Reader, chromium, free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]  # half a minute, most of it JupyterLab's

CELL = """
import climcube as cc
sst = cc.testing.synthetic_ocean(years=11, shape=(12, 18)).sst
cc.explore(sst, base_period=(2000, 2009))
"""
START = 120  # seconds; it takes five to ten


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own, with settings of its own, on this machine alone."""
    pytest.importorskip("jupyterlab")
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL.strip())])
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python",
    }  # fmt: skip
    (folder / "work").mkdir()
    nbformat.write(notebook, folder / "work" / "explore.ipynb")
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    port, token = free_port(), secrets.token_hex()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={folder / 'work'}",
        ],
        env=os.environ | {name: str(folder / name) for name in places} | {"JUPYTER_TOKEN": token},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/api", process)
        yield f"http://127.0.0.1:{port}/lab/tree/explore.ipynb?token={token}"
    finally:
        process.terminate()  # and its kernel with it
        process.wait(START)


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(address):
                return
        except URLError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start (exit code {process.poll()})")


@pytest.fixture
def reader(lab: str) -> Iterator[Reader]:
    with chromium() as browser:
        page: Any = browser.new_page(viewport={"width": 1400, "height": 1000})
        found = Reader(page, lab)
        page.set_default_timeout(1000 * START)
        yield found


def test_a_cell_shows_the_map_which_hears_of_clicks(reader: Reader) -> None:
    page = reader.page
    page.locator(".jp-CodeCell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()  # before, it asks for a kernel
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.get_by_role("heading", name="Daily sea surface temperature: marine heatwaves").wait_for()
    reader.ready()
    page.get_by_role("button", name="Worst day").click()
    codes = f"Array.from({model('categories')}.data_source.data.image[0])"
    reader.wait_until(f"() => {codes}.includes(6)")  # somewhere it is Extreme
    page.get_by_role("button", name="Anomalies").click()
    page.get_by_text("Departure from the climatology").wait_for()
    reader.wait_until(f"() => {model('values')}.visible && !{model('categories')}.visible")
    reader.click_at(-5, 330)
    reader.wait_until(f"() => {model('value')}.data_source.data.x.length > 4000")
    page.get_by_role("button", name="Whole record").click()
    span = f"{model('line')}.x_range"
    reader.wait_until(f"() => {span}.end - {span}.start > 10 * 365 * 86400e3")
    if shot := os.environ.get("CLIMCUBE_LAB_SCREENSHOT"):
        page.screenshot(path=shot)


def model(name: str) -> str:
    """Return where scripts find what is drawn; a notebook has several documents."""
    return f"Bokeh.documents.map((d) => d.get_model_by_name('{name}')).find((m) => m)"
