"""A hand-made heatwave result, small enough that every expected number is plain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import xarray as xr

from climcube.analysis.events.heatwaves import Heatwaves, heatwaves
from climcube.cubes.calendar import TimeAxis, year_start_coordinate
from climcube.plots.style import LAND, palette

pytest.importorskip("matplotlib")


@dataclass
class FakeHeatwaves:
    """Has what figures need of `climcube.analysis.heatwaves.Heatwaves`, and nothing else."""

    cube: xr.DataArray
    climatology: xr.Dataset
    daily: xr.Dataset
    annual: xr.Dataset
    parameters: dict[str, Any] = field(default_factory=lambda: {"cold": False, "percentile": 90})


def make_heatwaves(
    *,
    cold: bool = False,
    calendar: str = "standard",
    lon: Any = (150.0, 170.0, 190.0),
    lazy: bool = False,
) -> FakeHeatwaves:
    """Two years, 2 x 3 cells, seas 20, thresh 21; cell (0, 0) is land.

    Cell (1, 1) has an event of 8 days from 1 March 2001 that reaches 4.5 times the distance
    (Extreme) on its third day; cell (0, 1) one of 5 days, severity 1.5, from 3 March 2001.
    """
    time = xr.date_range(
        "2000-01-01", "2001-12-30", freq="D", calendar=calendar, use_cftime=calendar != "standard"
    )
    sign = -1.0 if cold else 1.0
    shape = (len(time), 2, len(lon))
    severity = np.zeros(shape)
    severity[:, 0, 0] = np.nan
    event = np.zeros(shape, "int32")
    start = int(np.flatnonzero([(t.year, t.month, t.day) == (2001, 3, 1) for t in time])[0])
    severity[start : start + 8, 1, 1] = [1.2, 2.5, 4.5, 3.5, 2.2, 1.8, 1.4, 1.1]
    severity[start + 2 : start + 7, 0, 1] = 1.5
    event[start : start + 8, 1, 1] = 1
    event[start + 2 : start + 7, 0, 1] = 1
    coords = {"time": time, "lat": [-30.0, 30.0], "lon": list(lon)}
    dims = ("time", "lat", "lon")
    degrees = {"units": "degC", "long_name": "sea surface temperature"}
    cube = xr.DataArray(20 + sign * severity, coords, dims, name="sst", attrs=degrees)
    cube.lat.attrs["units"], cube.lon.attrs["units"] = "degrees_north", "degrees_east"
    category = np.where(event > 0, np.clip(np.floor(np.nan_to_num(severity)), 0, 4), 0).astype(
        "int8"
    )
    daily = xr.Dataset(
        {
            "anomaly": (dims, sign * severity, {"units": "degC"}),
            "severity": (dims, severity),
            "category": (dims, category),
            "event": (dims, event),
        },
        cube.coords,
    )
    land = np.isnan(severity).all(axis=0)
    days = TimeAxis.of(cube).days_of_year
    seas = np.where(land, np.nan, np.full((days, *shape[1:]), 20.0))
    tables = {
        "seas": (("dayofyear", *dims[1:]), seas),
        "thresh": (("dayofyear", *dims[1:]), seas + sign),
    }
    climatology = xr.Dataset(tables, {n: cube[n] for n in dims[1:]})
    result = FakeHeatwaves(cube, climatology, daily, _annual(cube, daily, calendar))
    result.parameters["cold"] = cold
    if lazy:
        for name in ("cube", "climatology", "daily", "annual"):
            setattr(result, name, getattr(result, name).chunk(lat=1))
    return result


def plant_heatwaves(
    *, cold: bool = False, calendar: str = "standard", lazy: bool = False, **options: Any
) -> Heatwaves:
    """Real heatwaves of the same cube, and more of them in cell (1, 1), with known answers.

    Five events there: 6 days, Moderate (1.5), from 10 July 2000; 5 days over New Year, Strong
    (2.5), from 30 December 2000; the 8 days, Extreme (4.5), from 1 March 2001; 12 days,
    Severe (3.5), from 1 June 2001; 5 days, Moderate (1.2), from 1 October 2001. And three days
    in May 2000 beyond the threshold that are no event.
    """
    made = make_heatwaves(cold=cold, calendar=calendar)
    cube, sign = made.cube.copy(), -1.0 if cold else 1.0
    for start, days, severity in (
        ((2000, 5, 1), 3, 2.0),
        ((2000, 7, 10), 6, 1.5),
        ((2000, 12, 30), 5, 2.5),
        ((2001, 6, 1), 12, 3.5),
        ((2001, 10, 1), 5, 1.2),
    ):
        first = sample(cube, *start)
        cube[first : first + days, 1, 1] = 20 + sign * severity
    if lazy:
        cube = cube.chunk(lat=1, lon=1)
    return heatwaves(cube, cold=cold, climatology=made.climatology, **options)


def sample(cube: xr.DataArray, year: int, month: int, day: int) -> int:
    """Return the place of a day in the record."""
    axis = TimeAxis.of(cube)
    return int(np.flatnonzero((axis.year == year) & (axis.month == month) & (axis.day == day))[0])


def _annual(cube: xr.DataArray, daily: xr.Dataset, calendar: str) -> xr.Dataset:
    axis = TimeAxis.of(cube)
    years = year_start_coordinate(axis.years, calendar)
    masks = [axis.year == y for y in axis.years]
    parts: dict[str, Any] = {}
    category = daily["category"].values
    for code, name in enumerate(("moderate", "strong", "severe", "extreme"), start=1):
        parts[f"days_{name}"] = np.stack([(category[m] == code).sum(axis=0) for m in masks])
    parts["days"] = np.stack([(daily["event"].values[m] > 0).sum(axis=0) for m in masks])
    parts["days_missing"] = np.stack([np.isnan(cube.values[m]).sum(axis=0) for m in masks])
    inside = daily["anomaly"].where(daily["event"] > 0).values
    with np.errstate(all="ignore"):
        size = np.stack(
            [
                np.nanmax(
                    np.abs(np.where(np.isnan(inside[m]), -np.inf, inside[m]))
                    * np.where(np.isnan(inside[m]), np.nan, 1),
                    axis=0,
                    initial=-1,
                )
                for m in masks
            ]
        )
    sign = 1.0 if float(np.nansum(inside)) >= 0 else -1.0
    parts["intensity_max_max"] = np.where(size < 0, np.nan, sign * size)
    return xr.Dataset(
        {n: (("time", "lat", "lon"), v) for n, v in parts.items()},
        {"time": years, "lat": cube.lat, "lon": cube.lon},
    )


@pytest.fixture
def mhw() -> FakeHeatwaves:
    """Warm events, eager."""
    return make_heatwaves()


@pytest.fixture(scope="session")
def make() -> Any:
    """The maker of results, for other calendars, longitudes and cold spells."""
    return make_heatwaves


@pytest.fixture(scope="session")
def plant() -> Any:
    """The maker of real heatwaves with known events."""
    return plant_heatwaves


def words_of(ax: Any) -> str:
    """Return all words of a figure but those along its axes."""
    legend = ax.get_legend()
    return " | ".join(
        [ax.get_title(loc="left"), *(t.get_text().replace("\n", " ") for t in ax.texts)]
        + ([t.get_text() for t in legend.get_texts()] if legend else [])
    )


@pytest.fixture(scope="session")
def all_texts() -> Any:
    """Return the words of a figure."""
    return words_of


@pytest.fixture(scope="session")
def tidy() -> Any:
    """Assert that no words of a figure overlap, or leave it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    def check(ax: Any) -> None:
        figure = ax.figure
        FigureCanvasAgg(figure).draw()
        boxes = [(t.get_text(), t.get_window_extent()) for t in shown_texts(figure)]
        assert len(boxes) > 5
        page = figure.bbox
        for text, box in boxes:
            inside = (
                box.x0 > page.x0 - 1 and box.x1 < page.x1 + 1
                and box.y0 > page.y0 - 1 and box.y1 < page.y1 + 1
            )  # fmt: skip
            assert inside, f"{text!r} leaves the figure: {box}"
        for n, (text, box) in enumerate(boxes):
            for other, second in boxes[n + 1 :]:
                apart = (
                    box.x1 <= second.x0 + 1 or second.x1 <= box.x0 + 1
                    or box.y1 <= second.y0 + 1 or second.y1 <= box.y0 + 1
                )  # fmt: skip
                assert apart, f"{text!r} overlaps {other!r}"

    return check


def shown_texts(figure: Any) -> list[Any]:
    """Return the words that a reader sees: ticks outside the frame are made, but not drawn."""
    from matplotlib.axis import Tick
    from matplotlib.text import Text

    hidden = set()
    for axes in (*figure.axes, *(c for a in figure.axes for c in a.child_axes)):
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    hidden |= {id(t) for t in tick.findobj(Text)}
    for tick in figure.findobj(Tick):
        hidden |= {id(t) for t in (tick.label1, tick.label2) if not t.get_visible()}
    return [
        t for t in figure.findobj(Text)
        if t.get_visible() and t.get_text().strip() and id(t) not in hidden
    ]  # fmt: skip


@pytest.fixture(scope="session")
def colours_of() -> Any:
    """Render a figure and return which of the house colours are in more than a few pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgb

    def colours(ax: Any, dpi: int = 150) -> set[str]:
        ax.figure.set_dpi(dpi)
        canvas = FigureCanvasAgg(ax.figure)
        canvas.draw()
        image = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
        assert image.std() > 5, "the picture is blank"
        return {
            colour
            for colour in (*palette(cold=False), *palette(cold=True), LAND)
            if (np.abs(image - np.round(np.array(to_rgb(colour)) * 255)).max(axis=-1) <= 2).sum()
            > 20
        }

    return colours
