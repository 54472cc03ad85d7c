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
from climcube.plots.selection import area_weights, plain
from climcube.plots.style import unit_words
from climcube.plots.words import is_cold, kind_words, percentile_words, value_words

__all__ = ["Page"]

_CATEGORIES, _VALUES = "Categories", "Daily values"
_CELL, _MAP = "This cell", "Whole map"
_NEAR, _ALL = "Around the event", "Whole record"
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
        self.paint = Paint()
        self.map = MapCanvas(scene.raster, cold, units, self.paint, self.click)
        self.line = LineCanvas(
            cube[axis.name].values, axis, cold, value_words(mhw, units), self.paint
        )
        self.years = YearCanvas(axis.years, cold, self.paint)
        self.table = EventTable(cube.attrs.get("units"), TABLE, self.choose_event)
        lines = markup.lines(f"Threshold ({percentile_words(mhw)})", cold)
        self.parts = Parts.of(len(axis), (_CATEGORIES, _VALUES), (_CELL, _MAP), (_NEAR, _ALL))
        self.place: Place | None = None
        self._near = (len(axis) - 1, len(axis) - 1)  # samples that the line is about
        self._drawn = -1  # version of the survey that the map shows
        # Notebooks hear of what Bokeh draws from the clock only, but of ranges from events only.
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
        parts.layer.param.watch(lambda _: self._layer_chosen(), "value")
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
            size = words.bytes_words(4.0 * scene.mhw.cube.size)
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
        self.parts.layer.value = _CATEGORIES
        self._ask_map()

    def _moved(self) -> None:
        """Draw another day; what has failed is tried again."""
        if self.survey.error is not None and self.scene.automatic:
            self.survey.start()
        self._quiet()
        self._ask_map()

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
        ready = self.scene.has_values(self.index) if self._values_shown else self._at_hand
        if ready:  # else when the slider is let go
            self._ask_map()

    @property
    def _values_shown(self) -> bool:
        return bool(self.parts.layer.value == _VALUES)

    @property
    def _at_hand(self) -> bool:
        return not self.scene.surveyed and not self.scene.pending()

    def _ask_map(self) -> None:
        index, scene = self.index, self.scene
        if self._values_shown:
            self.errands.ask("map", lambda: scene.values(index), self._draw_values, self._complain)
        else:
            self.errands.ask(
                "map", lambda: scene.categories(index), self._draw_categories, self._complain
            )
            if scene.automatic and not self.survey.running and self.survey.error is None:
                self.survey.start()  # what gave way to other tiles is computed again
        self._wake()

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
        if np.isfinite(values).any():
            cube = plain(self.scene.mhw.cube)
            name = value_words(self.scene.mhw, unit_words(cube.attrs.get("units")))
            entries = [("Land, or no value", None)]
            self.parts.legend.object = markup.note(name) + markup.legend(entries, False)
        else:
            self.parts.legend.object = markup.note("No cell has a value on this day.")

    def _layer_chosen(self) -> None:
        self._draw("layer", lambda: self.map.choose(not self._values_shown))
        self._moved()

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
        self.parts.found(bool(place.events), kind_words(self.scene.mhw))
        if first:
            self.parts.scope.value = _CELL
        self._show_years()

    def _look(self) -> None:
        """Show the line near what was chosen, or all of it."""
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
        measure = area_weights(self.scene.mhw)[1]
        if parts.scope.value == _CELL and self.place is not None and not self.place.days.any():
            parts.years_note("No day of this cell was in a category.")
        elif parts.scope.value == _CELL and self.place is not None:
            self.years.show(self.place.years, self.place.days, "Days in a category", "days")
            parts.years_note("")
        elif parts.scope.value == _MAP and self._years_of_map is not None:
            label = f"Share of ocean {measure} × days (%)"
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
