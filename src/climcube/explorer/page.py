"""The page: what is asked of the scene when something is moved or clicked, and where it appears."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import panel as pn

from climcube.errors import ClimcubeError, CubeError
from climcube.explorer import markup, words
from climcube.explorer.canvases import MapCanvas
from climcube.explorer.errands import Errands, Survey
from climcube.explorer.layout import Parts, arrange
from climcube.explorer.look import TABLE, Paint
from climcube.explorer.place import Event, Place
from climcube.explorer.scene import Scene
from climcube.explorer.series_canvases import EventTable, LineCanvas, YearCanvas
from climcube.explorer.words import sentence
from climcube.plots.dates import day_index
from climcube.plots.selection import plain
from climcube.plots.style import unit_words
from climcube.plots.words import is_cold, percentile_words, value_words
from climcube.stores.integrity.verification import spoken_size

__all__ = ["Page"]

_CATEGORIES, _ANOMALIES, _VALUES = "Categories", "Anomalies", "Daily values"
_CELL, _MAP = "This cell", "Whole map"
_NEAR, _ALL = "Around the day", "Whole record"
_BEAT = 100  # milliseconds between looks at what has been answered, while something is asked


class Page:
    """One reader's view of a scene.

    Parameters
    ----------
    scene, survey
        Shared with other readers: what one computed, the others have.
    """

    def __init__(self, scene: Scene, survey: Survey) -> None:
        self.scene, self.survey, self.errands = scene, survey, Errands()
        mhw, axis = scene.mhw, scene.axis
        cube = plain(mhw.cube)
        units, cold = unit_words(cube.attrs.get("units")), is_cold(mhw)
        self._units = units
        self.paint = Paint()
        self.map = MapCanvas(scene.raster, cold, units, self.paint, self.click)
        self.line = LineCanvas(
            cube[axis.name].values, axis, cold, value_words(mhw, units), self.paint
        )
        self.years = YearCanvas(axis.years, cold, self.paint)
        self.table = EventTable(cube.attrs.get("units"), TABLE, self.choose_event)
        lines = markup.lines(f"Threshold ({percentile_words(mhw)})", cold)
        layers = (_CATEGORIES, *([_ANOMALIES] if scene.has_anomalies else []), _VALUES)
        self.parts = Parts.of(len(axis), layers, (_CELL, _MAP), (_NEAR, _ALL))
        self.place: Place | None = None
        self._near = (len(axis) - 1, len(axis) - 1)  # samples that the line is about
        self._on_map: tuple[str, int] | None = None
        self._drawn = -1  # version of the survey that the map shows
        # Drawn by the clock: what runs at an event may not hold the page's lock.
        self._to_draw: dict[str, Callable[[], None]] = {}
        self._wire()
        figures = {
            "map": self.map.figure, "line": self.line.figure, "years": self.years.figure,
            "events": self.table.table,
        }  # fmt: skip
        self.layout = arrange(self.parts, scene, figures, lines)
        self._clock = pn.state.add_periodic_callback(self.beat, _BEAT, start=False)
        self._begun = False

    def begin(self) -> None:
        """Show the first map; what is drawn before the reader's browser listens is lost."""
        if not self._begun:
            self._begun = True
            self._begin()

    def begin_when_seen(self) -> None:
        """Begin when a browser shows the map and is heard, as in notebooks some time later."""
        self.map.call_when_seen(self.begin)

    @property
    def index(self) -> int:
        """The day that the map shows."""
        return int(self.parts.day.value)

    def click(self, latitude: float | None, longitude: float | None) -> None:
        """Ask for the cell at a point of the map."""
        if latitude is None or longitude is None:
            return
        raster = self.scene.raster
        if not (
            raster.west <= longitude <= raster.east and raster.south <= latitude <= raster.north
        ):
            return
        self.errands.ask(
            "cell", lambda: self._place(latitude, longitude), self._show_place, self._complain
        )
        self._wake()

    def choose_event(self, event: Event) -> None:
        """Look at an event: in the line, and on the map on the day of its peak."""
        self.parts.span.value = _NEAR
        self._near = (event.first, event.last)
        self._look()
        self.go_to(event.peak)

    def go_to(self, index: int) -> None:
        """Show a day on the map."""
        self.parts.day.value = index
        self._moved()

    def beat(self) -> None:
        """Fetch answers, follow the survey; stop when nothing is going on."""
        self.errands.deliver()
        while self._to_draw:
            _, draw = self._to_draw.popitem()
            draw()
        if self.survey.version != self._drawn and not self.errands.busy("map"):
            self._drawn = self.survey.version
            self._ask_map()
            self._ask_shares()
        if self.survey.error is not None:
            self._complain(self.survey.error)
        self._tell()
        if not self.errands.busy() and not self.survey.running:
            self.parts.compute.visible = not self.scene.automatic and bool(self.scene.pending())
            self._clock.stop()
        pn.io.push_notebook(self.layout)  # what waits there for the next event may be lost by it

    def close(self) -> None:
        """End what was asked for this reader."""
        self.errands.close()

    def _wire(self) -> None:
        parts = self.parts
        parts.day.param.watch(lambda _: self._day_moved(), "value")
        parts.day.param.watch(lambda _: self._moved(), "value_throttled")
        parts.earlier.on_click(lambda _: self.go_to(max(0, self.index - 1)))
        parts.later.on_click(lambda _: self.go_to(min(len(self.scene.axis) - 1, self.index + 1)))
        parts.date.param.watch(lambda event: self._go_to_date(event.new), "value")
        parts.layer.param.watch(lambda _: self._moved(), "value")
        parts.worst.on_click(lambda _: self._go_to_worst())
        parts.compute.on_click(lambda _: self._survey())
        parts.scope.param.watch(lambda _: self._draw("years", self._show_years), "value")
        parts.span.param.watch(lambda _: self._look(), "value")

    def _begin(self) -> None:
        scene = self.scene
        self._years_of_map: Any = None
        if scene.surveyed or scene.automatic:
            self.parts.compute.visible = False
        else:
            self.parts.layer.value = _VALUES
            size = spoken_size(scene.survey_bytes)
            self.parts.compute.name = f"Compute the categories ({len(scene.tiles):,} tiles, {size})"
        self._day_moved()
        self._show_years()
        self._ask_shares()
        if scene.automatic and not scene.surveyed:
            self._survey()
        else:
            self._ask_map()

    def _survey(self) -> None:
        self.parts.compute.visible = False
        self.survey.start()
        self._quiet()
        if self._layer == _VALUES:
            self.parts.layer.value = _CATEGORIES
        self._ask_map()

    def _moved(self) -> None:
        """Draw another day; what has failed is tried again."""
        if self.survey.error is not None and self.scene.automatic:
            self.survey.start()
        self._quiet()
        self._ask_map()
        if not self.line.shows(self.index):
            self._near = (self.index, self.index)
            self._look()

    def _draw(self, what: str, draw: Callable[[], None]) -> None:
        self._to_draw[what] = draw
        self._wake()

    def _wake(self) -> None:
        self._tell()
        if not self._clock.running:
            self._clock.start()

    def _day_moved(self) -> None:
        """Say the day at once; draw it at once where that costs nothing."""
        self.parts.heading.object = markup.heading(words.day_words(self.scene.axis, self.index))
        self._draw("day", lambda: self.line.mark(self.index))
        if self._at_hand:  # else when the slider is let go
            self._ask_map()

    @property
    def _layer(self) -> str:
        return str(self.parts.layer.value)

    @property
    def _at_hand(self) -> bool:
        if self._layer != _CATEGORIES:
            return self.scene.has_values(self.index)
        return not self.scene.surveyed and not self.scene.pending()

    def _ask_map(self) -> None:
        index, layer, scene, survey = self.index, self._layer, self.scene, self.survey
        work, draw = {
            _CATEGORIES: (scene.categories, self._draw_categories),
            _ANOMALIES: (scene.anomalies, self._draw_anomalies),
            _VALUES: (scene.values, self._draw_values),
        }[layer]
        self.errands.ask(
            "map", lambda: work(index), lambda found: self._shown(layer, index, draw, found),
            self._complain_of_map,
        )  # fmt: skip
        idle = not survey.running and survey.error is None
        if layer == _CATEGORIES and scene.automatic and idle:
            survey.start()  # what gave way to other tiles is computed again
        self._wake()

    def _shown(self, layer: str, index: int, draw: Callable[[Any], None], found: Any) -> None:
        self._on_map = layer, index
        draw(found)

    def _complain_of_map(self, line: str) -> None:
        """Say what went wrong, and that the map is not what the page says."""
        if self._on_map is not None and self._on_map != (self._layer, self.index):
            layer, index = self._on_map
            day = words.day_words(self.scene.axis, index)
            line += f" – the map still shows {layer.lower()} of {day}"
        self._complain(line)

    def _draw_categories(self, codes: Any) -> None:
        self.map.show_categories(codes)
        raster = self.scene.raster
        edges = np.linspace(raster.south, raster.north, raster.shape[0] + 1)
        rows = np.cos(np.radians((edges[1:] + edges[:-1]) / 2))[:, None]
        entries = words.legend_entries(codes, rows)
        self.parts.legend.object = markup.legend(entries, is_cold(self.scene.mhw))
        self._offer_worst()

    def _offer_worst(self) -> None:
        worst = self.scene.sums.worst_day()
        self.parts.worst.visible = worst is not None
        if worst is not None:
            self.parts.worst.name = f"Worst day: {words.day_words(self.scene.axis, worst)}"

    def _draw_values(self, values: Any) -> None:
        self.map.show_values(values)
        self._explain(values, value_words(self.scene.mhw, self._units), "no value")

    def _draw_anomalies(self, values: Any) -> None:
        self.map.show_values(values, anomalies=True)
        text = words.departure(self.scene.mhw, self.scene.axis, self._units)
        self._explain(values, text, "no value" if self.scene.climatology_known else "not yet known")

    def _explain(self, values: Any, text: str, blank: str) -> None:
        """Say what the colours are, or why there are none."""
        if np.isfinite(values).any():
            self.parts.legend.object = markup.legend([(f"Land, or {blank}", None)], False, text)
        elif blank == "no value":
            self.parts.legend.object = markup.note("No cell has a value on this day.")
        else:
            self.parts.legend.object = markup.note(
                "Anomalies appear when the categories are computed: both need the climatology."
            )

    def _go_to_date(self, text: str) -> None:
        if not text.strip():
            return
        try:
            index = day_index(self.scene.axis, text.strip())
        except ClimcubeError as error:
            self._complain(words.error_line(error))
            return
        self.go_to(index)

    def _go_to_worst(self) -> None:
        worst = self.scene.sums.worst_day()
        if worst is not None:
            self.go_to(worst)

    def _place(self, latitude: float, longitude: float) -> Place | str:
        """Return a cell, or why there is none: it lies on land, most likely."""
        try:
            return self.scene.place(latitude, longitude)
        except CubeError as error:
            return f"{error.what} ({error.where})"

    def _show_place(self, place: Place | str) -> None:
        self._quiet()
        if isinstance(place, str):
            self._show_no_place(f"{sentence(place)}: click a cell of the sea.")
            return
        first = self.place is None
        self.place = place
        self.map.mark(place.latitude, place.longitude)
        self.parts.place.object = markup.place(
            place.series.place, words.place_summary(place, self.scene.mhw)
        )
        self.line.show(place)
        self.table.show(place)
        event = place.event_on(self.index)
        self._near = (event.first, event.last) if event else (self.index, self.index)
        self._look()
        self.parts.found(bool(place.events))
        if first:
            self.parts.scope.value = _CELL
        self._show_years()

    def _look(self) -> None:
        """Show the line near what was chosen, or all of it."""
        self._draw("span", self._set_span)

    def _set_span(self) -> None:
        if self.parts.span.value == _ALL:
            self.line.look_at_all()
        else:
            self.line.look_at(*self._near)

    def _show_no_place(self, line: str) -> None:
        """Say why a cell has nothing to show."""
        self.place = None
        self.parts.lost(line)
        self._show_years()

    def _ask_shares(self) -> None:
        self.errands.ask("shares", self.scene.shares, self._keep_shares, self._complain)
        self._wake()

    def _keep_shares(self, shares: Any) -> None:
        self._years_of_map = shares
        self._show_years()

    def _show_years(self) -> None:
        axis, parts = self.scene.axis, self.parts
        if parts.scope.value == _CELL and self.place is not None and not self.place.days.any():
            parts.years_note("No day of this cell was in a category.")
        elif parts.scope.value == _CELL and self.place is not None:
            self.years.show(self.place.years, self.place.days, "Days in a category", "days")
            parts.years_note("")
        elif parts.scope.value == _MAP and self._years_of_map is not None:
            label = f"Share of ocean {self.scene.measure} × days (%)"
            self.years.show(axis.years, 100 * self._years_of_map, label, "%")
            parts.years_note("")
        elif parts.scope.value == _CELL:
            parts.years_note("Click a cell of the map to see its years.")
        else:
            parts.years_note("The years of the whole map appear when all its tiles are computed.")

    def _tell(self) -> None:
        """Say what is being computed."""
        doing = []
        if self.errands.busy("cell"):
            doing.append("computing the cell")
        if self.errands.busy("map"):
            doing.append("reading the map")
        if self.survey.running:
            done, total = self.survey.progress
            doing.append(f"computing categories, tile {min(done + 1, total):,} of {total:,}")
        self.parts.status.object = markup.status(doing)

    def _complain(self, line: str) -> None:
        self.parts.alert.object = markup.alert(sentence(line))
        self.parts.alert.visible = True

    def _quiet(self) -> None:
        if self.survey.error is None:
            self.parts.alert.visible = False
