"""The report page: self-contained, escaped, complete, and honest where there is little to say."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from climcube import provenance
from climcube.analysis.events.heatwaves import heatwaves
from climcube.errors import CubeError, DependencyError, ParameterError, StoreExistsError
from climcube.plots.style import palette
from climcube.reports import numbers as numbers_module
from climcube.reports.numbers import gather
from climcube.reports.report import report
from climcube.testing.ocean import synthetic_ocean

pytest.importorskip("matplotlib")
pytest.importorskip("jinja2")


class Page(HTMLParser):
    """Collects what a browser would load, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.stack: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag not in ("meta", "img", "link", "br"):
            self.stack.append(tag)
        if tag == "img":
            self.images.append(found)
        self.loaded += [
            v or "" for k, v in attrs if k in ("src", "href", "srcset", "data", "action")
        ]

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words += data


@pytest.fixture(scope="session")
def ocean() -> xr.DataArray:
    return synthetic_ocean(years=12, shape=(6, 12)).sst


@pytest.fixture(scope="session")
def page(ocean: xr.DataArray, tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, str, Path]:
    folder = tmp_path_factory.mktemp("report")
    cube = provenance.set_source(ocean.copy(), "s3://key:secret@bucket/sst.zarr?token=abc",
                                 entry="synthetic", licence="CC0")  # fmt: skip
    path = report(cube, folder / "new" / "page.html", figures=folder / "figures", progress=False)
    text = path.read_text(encoding="utf-8")
    return Page(text), text, folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures of nothing, for tests of words: drawing takes most of the time of a page."""
    from matplotlib.figure import Figure
    from PIL import Image

    def save(_: Figure, buffer: Any, **__: Any) -> None:
        Image.new("RGB", (80, 60)).save(buffer, "png")

    monkeypatch.setattr(Figure, "savefig", save)


def test_the_page_is_light(page: tuple[Page, str, Path]) -> None:
    _, text, folder = page
    assert len(text) < 450_000
    for figure in (folder / "figures").glob("*.png"):
        assert figure.stat().st_size < 110_000, figure.name


def test_few_colours_leave_the_categories_as_they_are(page: tuple[Page, str, Path]) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    image = imread(page[2] / "figures" / "category_map.png")[..., :3]
    for colour in palette(cold=False)[:2]:
        same = np.abs(image - np.array(to_rgb(colour))).max(axis=-1) < 1e-6
        assert same.sum() > 100, colour


def test_nothing_is_loaded_from_outside(page: tuple[Page, str, Path]) -> None:
    parsed, text, _ = page
    assert parsed.loaded
    assert all(address.startswith("data:image/png;base64,") for address in parsed.loaded)
    assert not {"script", "link", "iframe", "object"} & set(parsed.tags)
    style = text[: text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert not re.findall(r"https?://", text)
    assert parsed.stack == []


def test_figures_are_pictures_with_words(page: tuple[Page, str, Path]) -> None:
    parsed, _, folder = page
    names = {p.stem for p in (folder / "figures").glob("*.png")}
    assert names == {
        "area_mean", "trend_map", "category_share", "share_calendar", "category_map",
        "event_line", "lolliplot",
    }  # fmt: skip
    assert len(parsed.images) == 7
    assert parsed.tags.count("figcaption") == 7
    for image in parsed.images:
        assert len(image["alt"] or "") > 20
        png = base64.b64decode((image["src"] or "").partition(",")[2])
        assert png.startswith(b"\x89PNG")
        assert len(png) > 5000
        width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
        assert int(image["width"] or 0) / int(image["height"] or 1) == pytest.approx(
            width / height, rel=0.02
        )


def test_the_page_says_what_was_found(page: tuple[Page, str, Path], ocean: xr.DataArray) -> None:
    words = re.sub(r"\s+", " ", page[0].words)
    for expected in ("°C per decade", "95 % confidence interval", "2000–2005", "2006–2011",
                     "Hobday", "Santer", "1 Jan 2000 to 31 Dec 2011", "standard (Gregorian)", "CC0",
                     "synthetic"):  # fmt: skip
        assert expected in words, expected
    table = heatwaves(ocean).events()
    best = table.loc[table["intensity_max"].idxmax()]
    assert f"+{best['intensity_max']:.2f} °C relative to climatology" in words
    assert f"it lasted {best['duration']} days" in words
    years = pd.DatetimeIndex(table["date_start"]).year.nunique()
    assert page[0].tags.count("tr") == 1 + min(10, years)


def test_no_secret_reaches_the_page(page: tuple[Page, str, Path]) -> None:
    assert "secret" not in page[1]
    assert "token=abc" not in page[1]


def test_light_dark_and_print(page: tuple[Page, str, Path]) -> None:
    assert "prefers-color-scheme: dark" in page[1]
    assert "@media print" in page[1]


def test_hostile_words_stay_words(ocean: xr.DataArray, tmp_path: Path) -> None:
    cube = ocean.isel(lat=[2], lon=[7]).assign_attrs(
        long_name="<script>alert(1)</script>", history="<img src=x onerror=alert(2)>", title='"><b>'
    )
    text = report(cube, tmp_path / "r.html", title="</title><script>alert(3)</script>").read_text()
    assert "<script" not in text
    assert "onerror=alert(2)>" not in text
    assert "&lt;script&gt;alert(3)" in text
    assert Page(text).stack == []


def test_top_events_equal_the_event_table(ocean: xr.DataArray) -> None:
    for cold in (False, True):
        mhw = heatwaves(ocean, cold=cold)
        table = mhw.events()
        table["year"] = pd.DatetimeIndex(table["date_start"]).year
        strongest = table.loc[table["intensity_max"].abs().groupby(table["year"]).idxmax()]
        expected = strongest.assign(size=strongest["intensity_max"].abs()).sort_values(
            ["size", "year"], ascending=[False, True]
        )[:10]
        found = gather(mhw, None).events
        for name in (
            "date_start",
            "lat",
            "lon",
            "duration",
            "intensity_max",
            "intensity_cumulative",
            "category",
        ):
            assert list(found[name]) == list(expected[name]), name


def test_numbers_do_not_depend_on_chunks(ocean: xr.DataArray) -> None:
    whole = gather(heatwaves(ocean.chunk(time=-1, lat=6, lon=12)), None)
    cut = gather(heatwaves(ocean.chunk(time=-1, lat=2, lon=5)), None)
    pd.testing.assert_frame_equal(whole.events, cut.events)
    np.testing.assert_allclose(whole.severity, cut.severity, rtol=1e-12)
    xr.testing.assert_allclose(whole.shares, cut.shares, rtol=1e-12)


def test_the_whole_event_table_and_daily_results_are_never_asked_for(
    ocean: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = 0
    real = dask.compute

    def watched(*args: Any, **kwargs: Any) -> Any:
        nonlocal largest
        result = real(*args, **kwargs)
        largest = max([largest, *(getattr(r, "nbytes", 0) for r in result)])
        return result

    monkeypatch.setattr(numbers_module.dask, "compute", watched)
    report(ocean, tmp_path / "r.html")
    assert 0 < largest < ocean.nbytes / 10


@pytest.mark.usefixtures("undrawn")
def test_an_existing_file_is_kept(ocean: xr.DataArray, tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    target.write_text("mine")
    with pytest.raises(StoreExistsError, match="overwrite=True"):
        report(ocean, target)
    assert target.read_text() == "mine"
    report(ocean.isel(lat=[2], lon=[7]), target, overwrite=True)
    assert "Key findings" in target.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_equal_input_gives_equal_bytes(ocean: xr.DataArray, tmp_path: Path) -> None:
    cube = ocean.isel(lat=slice(1, 3), lon=slice(6, 8))
    first, second = (report(cube, tmp_path / f"{n}.html").read_bytes() for n in "ab")
    assert first == second


@pytest.mark.parametrize("calendar", ["noleap", "360_day"])
def test_other_calendars(ocean: xr.DataArray, tmp_path: Path, calendar: str) -> None:
    days = 365 if calendar == "noleap" else 360
    time = xr.date_range("2000-01-01", periods=4 * days, calendar=calendar, use_cftime=True)
    cube = ocean.isel(time=slice(0, 4 * days), lat=slice(0, 2)).assign_coords(time=time)
    assert f"{days} days" in Page(report(cube, tmp_path / "r.html").read_text()).words


def test_a_single_series_has_no_maps(ocean: xr.DataArray, tmp_path: Path) -> None:
    text = report(ocean.isel(lat=2, lon=7), tmp_path / "r.html").read_text()
    parsed = Page(text)
    shown = " ".join(image["alt"] or "" for image in parsed.images)
    assert len(parsed.images) == 5
    assert "Map" not in shown
    assert "Share of the ocean" not in shown
    assert "category of each day" in parsed.words
    assert "Annual mean" in text


@pytest.mark.usefixtures("undrawn")
def test_other_definitions_say_so(ocean: xr.DataArray, tmp_path: Path) -> None:
    cube = ocean.isel(lat=slice(1, 3), lon=slice(6, 8))
    ice = xr.zeros_like(cube).assign_attrs(units="1")
    for name, options, expected in (
        ("shifting", {"baseline": "shifting", "baseline_years": 5},
         ["over the 5 years before each year", "2005–2011"]),
        ("detrended", {"baseline": "detrended", "ice": ice, "min_temperature": -1.8,
                       "second_threshold": 4.0},
         ["linear trend of each series was removed", "sea ice on 15%", "below -1.8",
          "second threshold"]),
    ):  # fmt: skip
        mhw = heatwaves(cube, **options)
        path = report(cube, tmp_path / f"{name}.html", heatwaves=mhw)
        words = re.sub(r"\s+", " ", Page(path.read_text()).words)
        for text in expected:
            assert text in words, text


def test_several_definitions_are_refused(ocean: xr.DataArray, tmp_path: Path) -> None:
    both = heatwaves(ocean, percentile=[90, 95])
    with pytest.raises(ParameterError, match=r"one definition.*mhw\['percentile=90'\]"):
        report(ocean, tmp_path / "r.html", heatwaves=both)
    assert not (tmp_path / "r.html").exists()


def test_a_constant_cube_has_no_heatwaves(ocean: xr.DataArray, tmp_path: Path) -> None:
    cube = (ocean * 0 + 20).assign_attrs(ocean.attrs)
    words = Page(report(cube, tmp_path / "r.html").read_text()).words
    assert "No marine heatwave was found in the record." in words
    assert "0.00 °C" in words


def test_land_only_is_one_clear_error(ocean: xr.DataArray, tmp_path: Path) -> None:
    with pytest.raises(CubeError, match="nothing to report") as caught:
        report(ocean * np.nan, tmp_path / "r.html")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "r.html").exists()


def test_mistaken_arguments(
    ocean: xr.DataArray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ParameterError, match="local file"):
        report(ocean, "s3://bucket/report.html")
    with pytest.raises(StoreExistsError, match="folder"):
        report(ocean, tmp_path)
    with pytest.raises(ParameterError, match="both given"):
        report(ocean, tmp_path / "r.html", base_period=(2000, 2005), heatwaves=heatwaves(ocean))
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(DependencyError, match=r"climcube\[plots\]"):
        report(ocean, tmp_path / "r.html")


@pytest.mark.usefixtures("undrawn")
def test_real_data(reference_data: Path, tmp_path: Path) -> None:
    files = sorted((reference_data / "oisst_tasman").glob("*.nc"))
    parts = [xr.open_dataset(f).sst.load() for f in files]
    cube = xr.concat(parts, "time").assign_attrs(parts[0].attrs)
    words = Page(report(cube, tmp_path / "r.html", base_period=(1983, 2012)).read_text()).words
    known = pd.read_csv(
        reference_data / "reference" / "mhw_tasman_west" / "events_clim1983_2012.csv.gz"
    )
    best = known.loc[known["intensity_max"].idxmax()]
    assert f"+{best['intensity_max']:.2f} °C" in words
    assert "climatology 1983–2012" in words


@pytest.mark.usefixtures("undrawn")
def test_a_level_of_length_one_is_dropped_and_more_are_refused(
    ocean: xr.DataArray, tmp_path: Path
) -> None:
    one = ocean.isel(lat=slice(0, 3), lon=slice(0, 4)).expand_dims(zlev=[0.0], axis=1)
    assert report(one, tmp_path / "one.html", progress=False).exists()
    two = xr.concat([one, one.assign_coords(zlev=[10.0])], "zlev")
    with pytest.raises(CubeError, match=r"one map a day.*zlev: 2.*isel\(zlev=0\)"):
        report(two, tmp_path / "two.html", progress=False)
    assert not (tmp_path / "two.html").exists()
