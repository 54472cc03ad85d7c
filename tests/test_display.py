"""What notebooks show: every text escaped, no colour of its own, nothing computed."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import xarray as xr

import climcube as cc
from climcube.clusters.session import Session
from climcube.display import fact_table, heading, link, list_table, panel
from climcube.testing.laziness import no_compute

HOSTILE = "<script>alert(1)</script>\"'&"


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst


def _verified(sst: xr.DataArray, folder: Path) -> Any:
    cc.save(cc.annual_mean(sst), folder / "a.zarr")
    return cc.verify(folder / "a.zarr")


def _lazy(sst: xr.DataArray) -> xr.DataArray:
    return sst.chunk(time=-1, lat=2, lon=3)


def _changes(sst: xr.DataArray, _: Path) -> Any:
    return cc.heatwave_state(sst[:-2]).update(sst[-2:])


def _files(folder: Path) -> str:
    sst = cc.testing.synthetic_ocean(years=1, shape=(4, 6)).sst
    for day in range(3):
        sst[day : day + 1].to_dataset(name="sst").to_netcdf(folder / f"{day}.nc")
    return str(folder / "*.nc")


def _session(dashboard: str | None) -> Any:
    client = SimpleNamespace(
        status="running", nthreads=lambda: {"a": 2, "b": 2},
        scheduler_info=lambda n_workers: {"workers": {"a": {"memory_limit": 2**30}}},
    )  # fmt: skip
    return Session(client, "local", dashboard)  # type: ignore[arg-type]


SHOWN: dict[str, tuple[Callable[[xr.DataArray, Path], Any], tuple[str, ...]]] = {
    "catalog": (lambda *_: cc.catalog(), ("entries", "title")),
    "entry": (lambda *_: cc.catalog()["demo"], ("licence", "citation")),
    "heatwaves": (
        lambda c, _: cc.heatwaves(_lazy(c), base_period=(2000, 2002), max_pad=2),
        ("2000-01-01 to 2003-12-31", "percentile 90", "2000 to 2002", "lazy: 4 chunks", "max_pad",
         ".events()"),
    ),
    "cold spells": (
        lambda c, _: cc.heatwaves(c, cold=True, smooth=None),
        ("cold spells", "percentile 10,", "not smoothed", "in memory"),
    ),
    "several": (
        lambda c, _: cc.heatwaves(c, percentile=[90, 95], baseline="detrended"),
        ("percentile 90, 95", "linear trend removed", "mhw[&#x27;percentile=95&#x27;]"),
    ),
    "shifting": (
        lambda c, _: cc.heatwaves(c, baseline="shifting", baseline_years=3),
        ("the 3 years before each year",),
    ),
    "habitat": (
        lambda c, _: cc.habitat(_lazy(c), thermal_range=(5, 10, 20, 25), units="degC"),
        ("temperature", "5, 10, 20, 25", "above 0.5", ".poleward_shift()"),
    ),
    "tracks": (
        lambda c, _: cc.track(cc.heatwaves(_lazy(c)), min_area=5e5),
        ("min_area", ".footprints()", "lazy"),
    ),
    "state": (
        lambda c, _: cc.heatwave_state(c), ("generation", "1 in memory", ".update(new_days)"),
    ),
    "changes": (_changes, ("2 days, 2003-12-30 to 2003-12-31", "none", ".counts")),
    "verification": (_verified, ("Verification", "intact", "problems", "none")),
    "plan": (
        lambda c, _: cc.plan(cc.heatwaves(_lazy(c)), calibrate=False),
        ("Plan", "fits", "tiles", "memory"),
    ),
    "ingest plan": (
        lambda _, folder: cc.plan_ingest(_files(folder), folder / "sst.zarr"),
        ("Ingest plan", "3 files", "blocks"),
    ),
    "ingest report": (
        lambda _, folder: cc.ingest(_files(folder), folder / "sst.zarr"),
        ("Ingest report", "3 with 3 times", "2000-01-01 to 2000-01-03"),
    ),
    "catalog check": (
        lambda *_: cc.catalog().search("synthetic").check(deadline=30),
        ("Catalog check", "good", "demo"),
    ),
    "cluster": (lambda *_: _session("http://127.0.0.1:8787/status"), (
        "<b>Cluster</b>: local", "workers", 'href="http://127.0.0.1:8787/status"',
    )),
    "cluster without a dashboard": (lambda *_: _session(None), ("workers",)),
}  # fmt: skip


class _Page(HTMLParser):
    """Counts what is open, and keeps what is set."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.styles += [value for name, value in attrs if name == "style"]
        assert tag not in ("script", "link", "img")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _page(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    assert page.open == []
    return page


@pytest.mark.parametrize("name", SHOWN)
def test_each_repr_is_whole_and_has_no_colours_of_its_own(
    sst: xr.DataArray, tmp_path: Path, name: str
) -> None:
    make, words = SHOWN[name]
    thing = make(sst, tmp_path)
    with no_compute():
        html = thing._repr_html_()
    for style in _page(html).styles:
        for colour in re.findall(r"(?<![-\w])(?:color|background)\s*:\s*([^;]+)", style):
            assert colour in ("inherit", "transparent"), style
    assert [word for word in words if word not in html] == []
    assert len(html) < 200_000


def test_every_class_with_a_repr_is_shown_here(sst: xr.DataArray, tmp_path: Path) -> None:
    root = Path(cc.__file__).parent
    sources = (path.read_text() for path in root.rglob("*.py"))
    found = sum(text.count("def _repr_html_(") for text in sources)
    made = {name: make(sst, _fresh(tmp_path / name)) for name, (make, _) in SHOWN.items()}
    owners = {
        next(k.__qualname__ for k in type(thing).__mro__ if "_repr_html_" in vars(k))
        for thing in made.values()
    }
    assert len(owners) == found, owners


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_links_lead_to_pages_only() -> None:
    assert "href" not in link("dashboard", "javascript:alert(1)")
    html = link(HOSTILE, f"https://example.org/{HOSTILE}")
    _page(html)
    assert "<script" not in html and 'href="https://example.org/&lt;script' in html


def test_every_text_is_escaped(sst: xr.DataArray) -> None:
    html = panel(
        heading(HOSTILE, HOSTILE), fact_table([(HOSTILE, HOSTILE)]),
        list_table([HOSTILE], [[HOSTILE]]), height="3em",
    )  # fmt: skip
    _page(html)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 6
    named = sst.rename(HOSTILE)
    shown = cc.heatwaves(named)._repr_html_()
    assert "<script" not in shown
    _page(shown)


def test_a_repr_of_an_eager_cube_does_not_compute_results(sst: xr.DataArray) -> None:
    mhw = cc.heatwaves(sst)
    mhw._repr_html_()
    assert not {"daily", "annual", "_whole", "tables"} & set(vars(mhw))
