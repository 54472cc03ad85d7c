"""Where things stand on the page: one column that narrow screens can follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import panel as pn

from climcube.explorer import markup, words
from climcube.explorer.look import PART
from climcube.explorer.scene import Scene

__all__ = ["Parts", "arrange"]

# On narrow screens the table is wider than the page, and moves under it.
_SCROLLED = {"overflow-x": "auto"}
# An error is about the last click, wherever on the page that was.
_ALWAYS_SEEN = {"position": "sticky", "top": "0", "z-index": "10"}
_PAGE = {
    "width": "100%", "max-width": "1100px", "margin": "0 auto", "padding": "12px",
    "box-sizing": "border-box",
}  # fmt: skip
_CLICK = "Click a cell of the map: its daily values, climatology, threshold and events appear here."


def _html(text: str = "", **options: Any) -> Any:
    return pn.pane.HTML(text, stylesheets=[PART], **{"sizing_mode": "stretch_width", **options})


def _line(*items: Any) -> Any:
    """Return items beside each other, as far as there is room."""
    return pn.FlexBox(*items, align_items="center", gap="4px 14px", sizing_mode="stretch_width")


@dataclass
class Parts:
    """The widgets and texts of a page."""

    heading: Any
    status: Any
    alert: Any
    legend: Any
    place: Any
    empty: Any
    note: Any
    day: Any
    earlier: Any
    later: Any
    date: Any
    layer: Any
    worst: Any
    compute: Any
    scope: Any
    span: Any
    cell: Any = None  # what is shown of a cell, once there is one
    events: Any = None
    bars: Any = None

    @classmethod
    def of(
        cls, days: int, layers: tuple[str, ...], scopes: tuple[str, ...], spans: tuple[str, ...]
    ) -> Parts:
        """Make them."""
        widgets = pn.widgets
        style = {"stylesheets": [PART]}
        return cls(
            heading=_html(sizing_mode=None, min_width=170), status=_html(sizing_mode=None),
            alert=_html(visible=False, styles=_ALWAYS_SEEN), legend=_html(), place=_html(),
            empty=_html(_EMPTY), note=_html(visible=False),
            day=widgets.IntSlider(
                name="", start=0, end=max(1, days - 1), value=days - 1, show_value=False,
                sizing_mode="stretch_width", min_width=200, **style,
            ),
            earlier=widgets.Button(name="◀", description="The day before", width=36, **style),
            later=widgets.Button(name="▶", description="The day after", width=36, **style),
            date=widgets.TextInput(placeholder="Go to: 2011-02-28", width=150, **style),
            layer=widgets.RadioButtonGroup(options=list(layers), value=layers[0], **style),
            worst=widgets.Button(name="Worst day", visible=False, **style),
            compute=widgets.Button(name="Compute the categories", **style),
            scope=widgets.RadioButtonGroup(options=list(scopes), value=scopes[1], **style),
            span=widgets.RadioButtonGroup(options=list(spans), value=spans[0], **style),
        )  # fmt: skip

    def found(self, events: bool) -> None:
        """Show what there is of a cell."""
        self.empty.visible = False
        self.cell.visible = self.place.visible = True
        self.events.visible = events

    def lost(self, line: str) -> None:
        """Say why there is nothing of a cell."""
        self.cell.visible = self.place.visible = self.events.visible = False
        self.empty.visible = True
        self.empty.object = markup.empty(line)

    def years_note(self, text: str) -> None:
        """Say why there are no bars; nothing where there are."""
        self.note.visible, self.bars.visible = bool(text), not text
        self.note.object = markup.empty(text)


_EMPTY = markup.empty(_CLICK)


def arrange(parts: Parts, scene: Scene, figures: Mapping[str, Any], lines: str) -> Any:
    """Return all of a page as one Panel layout."""
    wide = {"sizing_mode": "stretch_width"}
    line = pn.pane.Bokeh(figures["line"], **wide)
    parts.cell = pn.Column(parts.span, line, _html(lines), visible=False, **wide)
    table = pn.pane.Bokeh(figures["events"], **wide)
    parts.events = pn.Column(table, visible=False, styles=_SCROLLED, **wide)
    parts.bars = pn.Column(pn.pane.Bokeh(figures["years"], **wide), **wide)
    head = markup.title(words.title_of(scene.mhw), words.facts(scene.mhw, scene.axis, scene.step))
    slow = markup.warning(words.maps_warning(scene.cell_bytes)) if scene.stored_as_maps else ""
    return pn.Column(
        _html(head),
        _html(slow, visible=scene.stored_as_maps),
        parts.alert,
        _line(parts.heading, parts.status),
        _line(parts.layer, parts.date, parts.worst, parts.compute),
        pn.pane.Bokeh(figures["map"], **wide),
        parts.legend,
        pn.Row(parts.earlier, parts.day, parts.later, **wide),
        parts.place,
        parts.empty,
        parts.cell,
        parts.events,
        _line(_html(markup.heading("Year by year"), sizing_mode=None), parts.scope),
        parts.note,
        parts.bars,
        styles=_PAGE,
        **wide,
    )
