"""What is drawn of one cell with Bokeh: its line, its years; and the table of its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import (
    ColumnDataSource,
    DataTable,
    DatetimeTickFormatter,
    HoverTool,
    NumberFormatter,
    Span,
    TableColumn,
)
from bokeh.plotting import figure

from climcube.cubes.calendar import TimeAxis
from climcube.explorer.canvases import dress
from climcube.explorer.look import Paint
from climcube.explorer.place import Event, Place
from climcube.plots.style import CATEGORIES, date_words, palette, unit_words

__all__ = ["EventTable", "LineCanvas", "YearCanvas"]

_DAY = 86_400_000.0
_BESIDE = 62  # pixels for the labels of the y axis: the frame stays where it is
_ROW, _ROWS = 26, 9  # height of a row, and how many are seen at once
_AROUND = 183  # days shown on either side of what is looked at


def _positions(axis: TimeAxis, time: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Milliseconds where browsers know the calendar, decimal years elsewhere."""
    if np.issubdtype(time.dtype, np.datetime64):
        return time.astype("datetime64[ms]").astype("int64").astype("float64")
    return axis.decimal_year


def _set_range(span: Any, low: float, high: float) -> None:
    """Set a range, and what resetting the figure returns to."""
    span.update(start=low, end=high, reset_start=low, reset_end=high)


class LineCanvas:
    """The series of a cell, its climatology and threshold, events filled by category."""

    def __init__(
        self, time: npt.NDArray[Any], axis: TimeAxis, cold: bool, label: str,
        paint: Paint,
    ) -> None:  # fmt: skip
        self._dated = np.issubdtype(time.dtype, np.datetime64)
        self.x = _positions(axis, time)
        self._axis = axis
        self.figure = figure(
            height=300, sizing_mode="stretch_width", tools="xpan,xwheel_zoom,xbox_zoom,reset,save",
            active_drag="xpan", active_scroll=None, y_axis_label=label, name="line",
            min_border_left=_BESIDE,
            x_axis_type="datetime" if self._dated else "linear",
            x_range=(float(self.x[0]), float(self.x[-1])), y_range=(0.0, 1.0),
        )  # fmt: skip
        self._source = ColumnDataSource(self._nothing())
        self._draw(cold, paint)

    def show(self, place: Place) -> None:
        """Draw a cell."""
        series = place.series
        fills = place.fills()
        columns: dict[str, Any] = {
            "x": self.x, "value": series.value.astype("float32"),
            "seas": series.seas.astype("float32"), "thresh": series.thresh.astype("float32"),
        }  # fmt: skip
        edge, top = fills[-1]
        columns["outline"] = np.where(top != edge, top, np.nan).astype("float32")
        for level, (edge, top) in enumerate(fills):
            columns[f"edge{level}"] = edge.astype("float32")
            columns[f"top{level}"] = top.astype("float32")
        if not self._dated:
            columns["date"] = [self._axis.label(i) for i in range(len(self._axis))]
        drawn = np.stack([series.value, series.seas, series.thresh])
        low, high = float(np.nanmin(drawn)), float(np.nanmax(drawn))
        room = 0.05 * (high - low) or 1.0
        _set_range(self.figure.y_range, low - room, high + room)
        self._source.data = columns

    def look_at(self, first: int, last: int) -> None:
        """Show some samples and half a year on either side."""
        size = len(self.x)
        begin, end = max(0, first - _AROUND), min(size - 1, last + _AROUND)
        self.figure.x_range.update(start=float(self.x[begin]), end=float(self.x[end]))

    def look_at_all(self) -> None:
        """Show the whole record."""
        self.figure.x_range.update(start=float(self.x[0]), end=float(self.x[-1]))

    def shows(self, index: int) -> bool:
        """Whether a sample is in sight."""
        span = self.figure.x_range
        return bool(span.start <= self.x[index] <= span.end)

    def mark(self, index: int) -> None:
        """Mark the day that the map shows."""
        self._now.location = float(self.x[index])

    def _nothing(self) -> dict[str, Any]:
        names = ["x", "value", "seas", "thresh", "outline", *([] if self._dated else ["date"])]
        fills = [f"{part}{level}" for level in range(len(CATEGORIES)) for part in ("edge", "top")]
        return {name: [] for name in (*names, *fills)}

    def _draw(self, cold: bool, paint: Paint) -> None:
        plot = self.figure
        drawn = {}
        for column, colour, width in (
            ("value", "ink", 1.1), ("seas", "seas", 1.4), ("thresh", "thresh", 1.4),
        ):  # fmt: skip
            drawn[column] = line = plot.line(
                "x", column, source=self._source, line_width=width, name=column
            )
            paint.add(line.glyph, line_color=colour)
            line.nonselection_glyph = line.selection_glyph = None
        # Above the lines: of a long record they would hide the events.
        for level, (name, colour) in enumerate(zip(CATEGORIES, palette(cold), strict=True)):
            plot.varea(
                "x", f"edge{level}", f"top{level}", source=self._source, fill_color=colour,
                name=name,
            )  # fmt: skip
        # The darkest category would be lost on a dark page.
        outline = plot.line("x", "outline", source=self._source, line_width=1, name="outline")
        paint.add(outline.glyph, line_color="outline")
        outline.nonselection_glyph = outline.selection_glyph = None
        self._now = paint.add(
            Span(dimension="height", line_dash="dashed", line_width=1.2), line_color="now"
        )
        plot.add_layout(self._now)
        dress(plot, paint)
        self._hover([drawn["value"]])

    def _hover(self, renderers: list[Any]) -> None:
        day = "@x{%-d %b %Y}" if self._dated else "@date"
        self.figure.add_tools(
            HoverTool(
                renderers=renderers, mode="vline", visible=False, formatters={"@x": "datetime"},
                tooltips=[
                    ("day", day), ("value", "@value{0.00}"), ("climatology", "@seas{0.00}"),
                    ("threshold", "@thresh{0.00}"),
                ],
            )
        )  # fmt: skip
        if self._dated:
            self.figure.xaxis.formatter = DatetimeTickFormatter(
                days="%-d %b %Y", months="%b %Y", years="%Y"
            )


class YearCanvas:
    """Bars of the years, by category."""

    def __init__(self, years: npt.NDArray[np.int64], cold: bool, paint: Paint) -> None:
        self.figure = figure(
            height=260, sizing_mode="stretch_width", tools="xpan,xwheel_zoom,reset,save",
            active_drag=None, active_scroll=None, y_axis_label="Days", name="years",
            min_border_left=_BESIDE,
            x_range=(float(years[0]) - 0.7, float(years[-1]) + 0.7), y_range=(0.0, 1.0),
        )  # fmt: skip
        self._source = ColumnDataSource(_bars(np.empty(0), np.empty((0, len(CATEGORIES)))))
        for name, colour in zip(CATEGORIES, palette(cold), strict=True):
            bars = self.figure.vbar(
                x="year", bottom=f"{name}_from", top=f"{name}_to", width=0.82,
                source=self._source, fill_color=colour, line_width=0.5,
            )  # fmt: skip
            paint.add(bars.glyph, line_color="muted")
        whole = self.figure.vbar(
            x="year", top="total", width=0.82, source=self._source, fill_alpha=0, line_alpha=0
        )
        self._hover = HoverTool(renderers=[whole], mode="vline", visible=False)
        self.figure.add_tools(self._hover)
        dress(self.figure, paint)
        self.figure.xgrid.visible = False
        self.figure.xaxis.ticker.num_minor_ticks = 0

    def show(
        self, years: npt.NDArray[np.int64], heights: npt.NDArray[Any], label: str, unit: str
    ) -> None:
        """Draw heights ``(year, category)``."""
        bars = _bars(years, np.asarray(heights, "float64"))
        self.figure.yaxis.axis_label = label
        self._source.data = bars
        _set_range(self.figure.y_range, 0.0, 1.05 * float(bars["total"].max()) or 1.0)
        digits = "0.0" if unit == "%" else "0"
        self._hover.tooltips = [
            ("year", "@year"), *((n, f"@{n}{{{digits}}} {unit}") for n in CATEGORIES),
            ("all", f"@total{{{digits}}} {unit}"),
        ]  # fmt: skip


def _bars(years: npt.NDArray[Any], heights: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return the columns of stacked bars; a part of no height is not drawn, not even its edge."""
    known = np.nan_to_num(heights)
    tops = np.cumsum(known, axis=1)
    columns: dict[str, Any] = {"year": years, "total": known.sum(axis=1)}
    for level, name in enumerate(CATEGORIES):
        drawn = known[:, level] > 0
        columns[name] = known[:, level]
        columns[f"{name}_from"] = np.where(drawn, tops[:, level] - known[:, level], np.nan)
        columns[f"{name}_to"] = np.where(drawn, tops[:, level], np.nan)
    return columns


class EventTable:
    """The events of a cell; choosing a row calls back."""

    def __init__(self, units: str | None, style: str, chosen: Callable[[Event], None]) -> None:
        degrees = unit_words(units)
        shown = f" ({degrees})" if degrees else ""
        summed = f" ({degrees} days)" if degrees else ""
        self._events: tuple[Event, ...] = ()
        self._chosen = chosen
        self._source = ColumnDataSource({n: [] for n in _COLUMNS})
        number = NumberFormatter(format="0.00")
        titles = {
            "number": ("No.", 40, None), "start": ("Start", 92, None), "end": ("End", 92, None),
            "duration": ("Days", 48, None), "peak": (f"Peak{shown}", 76, number),
            "cumulative": (f"Sum{summed}", 96, number), "category": ("Category", 82, None),
        }  # fmt: skip
        columns = [
            TableColumn(field=n, title=t, width=w, sortable=n not in ("start", "end"),
                        **({} if f is None else {"formatter": f}))
            for n, (t, w, f) in titles.items()
        ]  # fmt: skip
        self.table = DataTable(
            source=self._source, columns=columns, height=_ROW * (_ROWS + 1),
            sizing_mode="stretch_width",
            index_position=None, stylesheets=[style], row_height=_ROW, name="events",
            autosize_mode="force_fit", margin=(5, 10, 5, 10),
        )  # fmt: skip
        self._source.selected.on_change("indices", self._select)

    def show(self, place: Place) -> None:
        """List the events of a cell."""
        axis = place.series.axis
        self._events = place.events
        self.table.height = _ROW * (min(_ROWS, len(place.events)) + 1)
        self._source.selected.indices = []
        self._source.data = {
            "number": [e.number for e in place.events],
            "start": [date_words(axis.label(e.first)) for e in place.events],
            "end": [date_words(axis.label(e.last)) for e in place.events],
            "duration": [e.duration for e in place.events],
            "peak": [e.intensity_max for e in place.events],
            "cumulative": [e.intensity_cumulative for e in place.events],
            "category": [e.category for e in place.events],
        }

    def _select(self, attribute: str, before: list[int], now: list[int]) -> None:
        if now and now[0] < len(self._events):
            self._chosen(self._events[now[0]])


_COLUMNS = ("number", "start", "end", "duration", "peak", "cumulative", "category")
