"""The explorer as a reader sees it: in Chromium, with every other host out of reach."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.explorer.browsing import Reader, chromium, free_port

pytestmark = pytest.mark.browser

SCREENSHOT = os.environ.get("CLIMCUBE_SCREENSHOT")  # docs/images/explorer.png is made so


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def ocean() -> xr.Dataset:
    """A small ocean; of a picture one sees more."""
    shape = (30, 60) if SCREENSHOT else (12, 18)
    return cc.testing.synthetic_ocean(years=11, shape=shape)


@pytest.fixture(scope="module")
def store(ocean: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ocean in tiles on disk."""
    folder = tmp_path_factory.mktemp("explorer") / "sst.zarr"
    rows, columns = ocean.sizes["lat"] // 2, ocean.sizes["lon"] // 3
    cc.save(ocean.chunk(time=-1, lat=rows, lon=columns), str(folder))
    return folder


@pytest.fixture(scope="module")
def served(store: Path, browser: Any) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command, serving; ended with Ctrl-C by the last test, or here."""
    command = [sys.executable, "-m", "climcube.cli", "explore", str(store), "--no-open"]
    process = subprocess.Popen(
        [*command, "--base-period", "2000-2009", "--port", str(free_port())],
        stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("explorer of 'sst': http://127.0.0.1:"), line
    yield line.split()[3], process
    process.kill()
    process.wait()


@pytest.fixture
def reader(served: tuple[str, Any], browser: Any) -> Iterator[Reader]:
    context = browser.new_context(viewport={"width": 1100, "height": 1000})
    yield Reader(context.new_page(), served[0])
    context.close()


@dataclass(frozen=True)
class Planted:
    """An event that the ocean is known to have."""

    latitude: float
    longitude: float
    start: pd.Timestamp
    day: pd.Timestamp


@pytest.fixture(scope="module")
def event(ocean: xr.Dataset) -> Planted:
    """The strongest one planted away from the edges of the map."""
    table = cc.testing.planted_events(ocean)
    table = table[table.lat.abs() < 50]
    row = table.loc[table.amplitude.idxmax()]
    middle = row.date_start + pd.Timedelta(days=int(row.duration) // 2)
    return Planted(float(row.lat), float(row.lon), row.date_start, middle)


def test_load_move_click_and_see_the_event(reader: Reader, event: Planted) -> None:
    page = reader.page
    page.get_by_role("heading", name="Daily sea surface temperature: marine heatwaves").wait_for()
    page.get_by_text("Click a cell of the map").wait_for()
    reader.ready()
    reader.wait_until(reader.map_shows(2))  # the sea without a heatwave
    # The slider, as with the arrow keys, and a day by its date.
    page.get_by_role("heading", name="31 December 2010").wait_for()
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("heading", name="30 December 2010").wait_for()
    page.get_by_role("button", name="▶").click()
    page.get_by_role("heading", name="31 December 2010").wait_for()
    page.get_by_placeholder("Go to").fill(f"{event.day:%Y-%m-%d}")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=f"{event.day:%-d %B %Y}").wait_for()
    reader.wait_until(reader.map_shows(6))  # somewhere it is Extreme
    # A cell, and its event.
    reader.click_at(event.latitude, event.longitude)
    words = f"{event.start:%-d %b %Y}"
    page.get_by_text("marine heatwaves, ").filter(has_text="days in a category").wait_for()
    page.locator(".slick-cell", has_text=words).first.wait_for()
    reader.wait_until(
        "() => Bokeh.documents[0].get_model_by_name('value').data_source.data.x.length > 4000"
    )
    assert reader.drawn("thresh") == reader.drawn("Moderate") == reader.drawn("value")
    # Anomalies, in colours that are symmetric about zero.
    page.get_by_role("button", name="Anomalies").click()
    page.get_by_text("Departure from the climatology of 2000–2009 (°C)").wait_for()
    reader.wait_until(
        "() => { const colours = Bokeh.documents[0].get_model_by_name('values').glyph.color_mapper;"
        " return colours.low === -colours.high && colours.palette[0] === '#053061'; }"
    )
    page.get_by_role("button", name="Categories").click()
    reader.wait_until("() => !Bokeh.documents[0].get_model_by_name('values').visible")
    reader.ready()
    if SCREENSHOT:
        page.mouse.move(5, 5)
        page.screenshot(path=SCREENSHOT, full_page=True)
    # All of it came from this machine.
    assert {u.split("/")[2].split(":")[0] for u in reader.asked if "//" in u} == {"127.0.0.1"}
    assert reader.troubles == []


def test_land_says_so_and_a_row_of_the_table_leads_to_its_day(
    reader: Reader, event: Planted, ocean: xr.Dataset
) -> None:
    page = reader.page
    reader.ready()
    page.get_by_role("button", name="Worst day").click()
    reader.click_at(event.latitude, event.longitude)
    page.locator(".slick-cell", has_text=f"{event.start:%-d %b %Y}").first.click()
    page.get_by_role("heading", name=f"{event.start:%Y}").wait_for()
    dry = ocean.sst[0].isnull().values.nonzero()
    reader.click_at(float(ocean.lat[dry[0][0]]), float(ocean.lon[dry[1][0]]))
    page.get_by_text("click a cell of the sea").wait_for()
    page.get_by_role("button", name="Whole map").click()
    page.get_by_role("button", name="Daily values").click()
    reader.wait_until("() => Bokeh.documents[0].get_model_by_name('values').visible")
    page.get_by_placeholder("Go to").fill("2031-02-28")
    page.keyboard.press("Enter")
    page.get_by_role("alert").filter(has_text="The date is not in the record").wait_for()
    assert reader.troubles == []


def test_dark_and_narrow(served: tuple[str, Any], browser: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    reader = Reader(context.new_page(), served[0])
    reader.ready()
    assert reader.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 24, 28)"
    )
    # Nothing is wider than the screen.
    assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert reader.troubles == []
    context.close()


def test_a_store_that_disappears_and_ctrl_c(
    served: tuple[str, Any], browser: Any, store: Path
) -> None:
    url, process = served
    context = browser.new_context()
    reader = Reader(context.new_page(), url)
    reader.ready()
    shutil.rmtree(store)
    reader.page.get_by_role("button", name="Daily values").click()
    reader.page.get_by_role("button", name="◀").click()
    alert = reader.page.get_by_role("alert").filter(has_text="The store has disappeared (")
    alert.wait_for()
    assert "\n" not in alert.text_content().strip()
    assert "the map still shows categories of 31 December 2010" in alert.text_content()
    context.close()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stdout is not None
    assert process.stdout.read() == "explorer ended\n"
