"""The figures of a report, as images inside the page."""

from __future__ import annotations

import base64
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.errors import AxisError
from climcube.plots.calendars import category_calendar, draw_share_calendar
from climcube.plots.cells import narrow
from climcube.plots.event_lines import event_line
from climcube.plots.lines import time_series
from climcube.plots.lollipops import lolliplot
from climcube.plots.maps import category_map
from climcube.plots.selection import pick_worst_day
from climcube.plots.shares import draw_shares
from climcube.plots.style import date_words
from climcube.plots.trend_maps import trend_map
from climcube.plots.words import kind_words, period_words
from climcube.reports.numbers import Numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["NAMES", "Picture", "draw"]

NAMES = (
    "area_mean",
    "trend_map",
    "category_share",
    "share_calendar",
    "category_map",
    "event_line",
    "lolliplot",
    "category_calendar",
)

_DPI = 160
_SMOOTH = ("trend_map", "share_calendar")  # colour scales, which 256 colours would cut into bands
_TALLEST = 620  # pixels on the page: a tall map and its caption fit on one screen


@dataclass(frozen=True)
class Picture:
    """One figure: PNG bytes, its width on the page, and words for those who cannot see it."""

    name: str
    png: bytes
    width: int
    height: int
    alt: str
    caption: str

    @property
    def uri(self) -> str:
        """The image as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def draw(mhw: Any, numbers: Numbers) -> list[Picture]:
    """Draw the figures that the cube allows, in the order of the page."""
    axis = TimeAxis.of(mhw.cube)
    years, kind = period_words(axis), kind_words(mhw)
    mapped = _is_map(mhw.cube)
    pictures = [_mean(numbers, years)]
    if mapped:
        pictures.append(_trends(numbers, years))
    if numbers.events.empty:
        return pictures
    pictures.append(_share_by_year(mhw, numbers, kind, years))
    if numbers.share is not None:
        pictures.append(_share_by_day(mhw, numbers.share, kind, years))
    if mapped:
        day = axis.label(pick_worst_day(mhw, numbers.severity))
        pictures.append(
            _picture(
                "category_map",
                category_map(mhw, day),
                f"Map of {kind} categories on {date_words(day)}, the worst day of the record.",
                f"The worst day of the record, {date_words(day)}: the day with the largest area "
                "weighted by category.",
            )
        )
    # One cell, read once for all its figures.
    cell = narrow(mhw, numbers.places[0])
    pictures += [_event(cell, numbers, kind), _all_events(cell, kind, years)]
    if numbers.share is None:
        pictures.append(_categories_by_day(cell, kind, years))
    return pictures


def _mean(numbers: Numbers, years: str) -> Picture:
    return _picture(
        "area_mean",
        time_series(numbers.mean, trend=numbers.mean_trend, title=numbers.mean_words),
        f"Line: {numbers.mean_words.lower()}, {years}, and its linear trend.",
        f"{numbers.mean_words}, with its trend and 95 % confidence limits.",
    )


def _trends(numbers: Numbers, years: str) -> Picture:
    return _picture(
        "trend_map",
        trend_map(numbers.trend, period=None if numbers.trend_given else years),
        f"Map of the trend in each cell, {years}; dots mark significant cells.",
        f"{'Trend' if numbers.trend_given else 'Trend of annual means'} in each cell; "
        "red is an increase.",
    )


def _share_by_year(mhw: Any, numbers: Numbers, kind: str, years: str) -> Picture:
    of = "days" if numbers.share is None else "ocean area and days"
    whole = "every day" if numbers.share is None else "every cell on every day"
    return _picture(
        "category_share",
        draw_shares(mhw, numbers.shares),
        f"Stacked bars: share of {of} in each {kind} category by year, {years}.",
        f"Share of {of} in each {kind} category, by year. 100 % would be {whole}.",
    )


def _share_by_day(mhw: Any, share: xr.DataArray, kind: str, years: str) -> Picture:
    return _picture(
        "share_calendar",
        draw_share_calendar(mhw, share),
        f"Heat map: share of the ocean in a {kind} on each day, {years}; years upwards, days of "
        "the year across.",
        f"Share of the ocean in a {kind} on each day: when in the year they come, and in which "
        "years.",
    )


def _event(cell: Any, numbers: Numbers, kind: str) -> Picture:
    return _picture(
        "event_line",
        event_line(cell, event=str(numbers.events["date_peak"].iloc[0])[:10]),
        f"Line: the strongest {kind} of the record with climatology and threshold, "
        "filled by category.",
        f"The strongest {kind} of the record: daily values, climatology, threshold, and the "
        "category of each day.",
    )


def _all_events(cell: Any, kind: str, years: str) -> Picture:
    return _picture(
        "lolliplot",
        lolliplot(cell),
        f"Stems: the maximum intensity of every {kind} at the place of the strongest one, {years}, "
        "coloured by category.",
        f"Every {kind} at the place of the strongest one, by maximum intensity and category.",
    )


def _categories_by_day(cell: Any, kind: str, years: str) -> Picture:
    return _picture(
        "category_calendar",
        category_calendar(cell),
        f"Heat map: {kind} category of each day, {years}; years upwards, days of the year across.",
        f"The {kind} category of each day.",
    )


def _is_map(cube: xr.DataArray) -> bool:
    try:
        axes = find_spatial(cube)
    except AxisError:
        return False
    others = [d for d in cube.dims if d not in axes.dims]
    return bool(axes.dims) and len(others) == 1


def _picture(name: str, axes: Axes, alt: str, caption: str) -> Picture:
    figure = axes.get_figure(root=True)
    if figure is None:  # pragma: no cover - the figure was drawn just now
        raise RuntimeError(name)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight", pad_inches=0.08)
    # A notebook's pyplot knows the figure, and would show it below the cell as well.
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(figure)
    png = buffer.getvalue() if name in _SMOOTH else _with_few_colours(buffer)
    # Width and height stand in the PNG header; the page reserves the room before it decodes.
    width, height = (int.from_bytes(png[i : i + 4], "big") for i in (16, 20))
    scale = min(96 / _DPI * 1.25, _TALLEST / height)
    return Picture(name, png, round(width * scale), round(height * scale), alt, caption)


def _with_few_colours(image: io.BytesIO) -> bytes:
    """Return a PNG of at most 256 colours: a third of the bytes, and no difference to the eye."""
    from PIL import Image  # matplotlib brings it

    small = io.BytesIO()
    palette = Image.open(image).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    palette.save(small, "png", optimize=True)
    return small.getvalue()
