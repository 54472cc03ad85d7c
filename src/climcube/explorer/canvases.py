"""What is drawn with Bokeh: the map, and what all figures have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.events import Tap
from bokeh.models import (
    AdaptiveTicker,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    CustomJSHover,
    CustomJSTickFormatter,
    HoverTool,
    LinearColorMapper,
)
from bokeh.palettes import RdBu11, Viridis256, interp_palette
from bokeh.plotting import figure

from climcube.explorer.codes import LAND, MISSING, PENDING
from climcube.explorer.look import FIGURE, Paint
from climcube.explorer.raster import Raster
from climcube.plots.colours import diverging, sequential
from climcube.plots.style import CATEGORIES, palette

__all__ = ["MapCanvas", "dress"]

_BESIDE = 80  # pixels right of the map, for the colour bar: the map does not move when it comes

_NAMES = ["not computed yet", "no value", "none", *CATEGORIES, "land or outside"]
_DEGREES = """
const turned = axis === "x" ? ((tick % 360) + 540) % 360 - 180 : tick;
const size = Math.abs(turned), text = (Math.round(size * 1e4) / 1e4) + "°";
if (size < 1e-9 || (axis === "x" && Math.abs(size - 180) < 1e-9)) { return text; }
return text + (axis === "x" ? (turned > 0 ? "E" : "W") : (turned > 0 ? "N" : "S"));
"""

_KNOCK = """
if (window.climcube_knocks === undefined) { window.climcube_knocks = new Set(); }
if (!window.climcube_knocks.has(knock.id)) {
  window.climcube_knocks.add(knock.id);
  const timer = setInterval(() => {
    if (knock.name === "heard" || knock.data.count[0] > 600) { clearInterval(timer); }
    else { knock.data = {count: [knock.data.count[0] + 1]}; }
  }, 300);
}
"""
_HERE, _PLACE = "@image{custom}", ("at", "$y{custom}, $x{custom}")
_DIVERGING = interp_palette(RdBu11, 255)
_POINT = "const tick = Math.round(value * 10) / 10;"
_VALUE = 'return isNaN(value) ? "none" : (value.toFixed(2) + " " + units).replace("-", "−");'


def dress(plot: Any, paint: Paint) -> None:
    """Give a figure the page's colours and quiet tools."""
    plot.toolbar.logo = None
    plot.stylesheets = [FIGURE]
    plot.toolbar.autohide = True
    plot.background_fill_color = None
    plot.border_fill_color = None
    plot.outline_line_color = None  # with it, Bokeh 3.10 draws ticks of an earlier view again
    for axis in plot.axis:
        paint.add(
            axis, axis_line_color="line", major_tick_line_color="line",
            major_label_text_color="muted", axis_label_text_color="muted",
        )  # fmt: skip
        axis.axis_label_text_font_style = "normal"
        axis.minor_tick_line_color = None
    for grid in plot.grid:
        paint.add(grid, grid_line_color="line")
        grid.grid_line_alpha = 0.6


class MapCanvas:
    """The map: categories, anomalies or values of a day, and the cell that was clicked."""

    def __init__(
        self, raster: Raster, cold: bool, units: str, paint: Paint,
        clicked: Callable[[float, float], None],
    ) -> None:  # fmt: skip
        width, height = raster.east - raster.west, raster.north - raster.south
        self._west = raster.west
        self.figure = figure(
            x_range=(raster.west, raster.east), y_range=(raster.south, raster.north),
            tools="pan,wheel_zoom,box_zoom,reset,save", active_scroll=None, active_drag=None,
            sizing_mode="scale_width", aspect_ratio=float(np.clip(width / height, 1.1, 2.6)),
            min_height=220, match_aspect=True, min_border_right=_BESIDE, name="map",
        )  # fmt: skip
        place = {"x": [raster.west], "y": [raster.south], "dw": [width], "dh": [height]}
        blank = np.full(raster.shape, 0, "uint8")
        self._codes = ColumnDataSource({"image": [blank], **place})
        self._values = ColumnDataSource(
            {"image": [np.full(raster.shape, np.nan, "float32")], **place}
        )
        self._cell = ColumnDataSource({"x": [], "y": []})
        self._draw(raster, cold, units, paint)
        self.figure.on_event(Tap, lambda event: clicked(event.y, event.x))
        self._limits: dict[bool, tuple[float, float]] = {}

    def show_categories(self, codes: npt.NDArray[np.uint8]) -> None:
        """Draw the codes of a day."""
        self._codes.patch({"image": [(0, _LOOK[codes])]})
        self._choose(categories=True)

    def show_values(self, values: npt.NDArray[np.float32], *, anomalies: bool = False) -> None:
        """Draw the values of a day, or its anomalies in colours that are symmetric about zero.

        The scale grows with what is shown, and never shrinks: days can be compared.
        """
        if np.isfinite(values).any():
            style, _ = (diverging if anomalies else sequential)(values)
            low, high = style["vmin"], style["vmax"]
            before = self._limits.get(anomalies, (low, high))
            self._limits[anomalies] = min(low, before[0]), max(high, before[1])
        if anomalies in self._limits:
            low, high = self._limits[anomalies]
            colours = _DIVERGING if anomalies else Viridis256
            self._mapper.update(palette=colours, low=low, high=high)
        self._value_hover.tooltips = [("anomaly" if anomalies else "value", _HERE), _PLACE]
        self._values.patch({"image": [(0, values)]})
        self._choose(categories=False)

    def _choose(self, *, categories: bool) -> None:
        self._category_image.visible = categories
        self._value_image.visible = self._bar.visible = not categories

    def mark(self, latitude: float, longitude: float) -> None:
        """Mark a cell, at the turn of the circle that the map shows."""
        west = self._west
        self._cell.data = {"x": [west + (longitude - west) % 360], "y": [latitude]}

    def call_when_seen(self, seen: Callable[[], None]) -> None:
        """Call back when a browser has laid out the map; it knocks until it is heard."""
        knock = ColumnDataSource({"count": [0]})

        def heard(attr: str, old: object, new: object) -> None:
            knock.name = "heard"
            seen()

        knock.on_change("data", heard)
        self.figure.js_on_change("inner_width", CustomJS(args={"knock": knock}, code=_KNOCK))

    def _draw(self, raster: Raster, cold: bool, units: str, paint: Paint) -> None:
        plot = self.figure
        where = {"image": "image", "x": "x", "y": "y", "dw": "dw", "dh": "dh"}
        colours = LinearColorMapper(low=-0.5, high=len(_NAMES) - 0.5)
        paint.add(colours, palette=["pending", "missing", "none", *palette(cold), "land"])
        self._mapper = LinearColorMapper(palette=Viridis256, nan_color="#00000000")
        self._category_image = plot.image(
            **where, source=self._codes, color_mapper=colours, name="categories"
        )
        self._value_image = plot.image(
            **where, source=self._values, color_mapper=self._mapper, visible=False, name="values"
        )
        plot.scatter(
            "x", "y", source=self._cell, size=13, marker="circle", fill_alpha=0, line_width=2.5,
            line_color="#00b3ff", name="cell",
        )  # fmt: skip
        self._bar = ColorBar(
            color_mapper=self._mapper, width=10, visible=False, margin=4,
            background_fill_color=None,
        )  # fmt: skip
        plot.add_layout(self._bar, "right")
        self._label(units, paint)
        paint.add(self._bar, major_label_text_color="muted")
        paint.add(plot, background_fill_color="land")

    def _label(self, units: str, paint: Paint) -> None:
        plot = self.figure
        dress(plot, paint)
        plot.grid.visible = False
        for name, axis in (("x", plot.xaxis), ("y", plot.yaxis)):
            axis.ticker = AdaptiveTicker(mantissas=[1, 1.5, 2, 3, 4.5, 6], desired_num_ticks=6)
            axis.formatter = CustomJSTickFormatter(args={"axis": name}, code=_DEGREES)
        spoken = CustomJSHover(args={"names": _NAMES}, code="return names[value];")
        read = CustomJSHover(args={"units": units}, code=_VALUE)
        there = {
            f"${name}": CustomJSHover(args={"axis": name}, code=_POINT + _DEGREES) for name in "xy"
        }
        hovers = [
            HoverTool(
                renderers=[image], tooltips=[(label, _HERE), _PLACE],
                formatters={"@image": words, **there}, visible=False,
            )
            for image, label, words in (
                (self._category_image, "category", spoken), (self._value_image, "value", read),
            )
        ]  # fmt: skip
        self._value_hover = hovers[1]
        plot.add_tools(*hovers)


def _look_up() -> npt.NDArray[np.uint8]:
    """Return the place in the palette of every code."""
    table = np.full(256, _NAMES.index("land or outside"), "uint8")
    table[PENDING], table[LAND], table[MISSING] = 0, len(_NAMES) - 1, 1
    for category in range(5):
        table[category] = 2 + category
        if category:  # a gap that an event bridges
            table[category | MISSING] = 2 + category
    return table


_LOOK = _look_up()
