"""Words as HTML; whatever comes from data is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from climcube.explorer.look import LIGHT
from climcube.plots.style import CATEGORIES, palette

__all__ = [
    "alert", "empty", "heading", "legend", "lines", "note", "place", "status", "title", "warning",
]  # fmt: skip

_NEUTRAL = {
    "None": "none", "No value": "missing", "Not computed yet": "pending", "Land": "land",
    "Land, or no value": "land", "Land, or not yet known": "land",
}  # fmt: skip


def title(text: str, facts: str) -> str:
    """Return the head of the page."""
    return f'<h1>{escape(text)}</h1><p class="muted">{escape(facts)}</p>'


def heading(text: str) -> str:
    """Return the head of a part."""
    return f"<h2>{escape(text)}</h2>"


def note(text: str) -> str:
    """Return a quiet remark."""
    return f'<p class="muted">{escape(text)}</p>'


def empty(text: str) -> str:
    """Return what stands where nothing is yet."""
    return f'<div class="empty">{escape(text)}</div>'


def warning(line: str) -> str:
    """Return what a reader had better know."""
    return f'<div class="warn" role="note">{escape(line)}</div>'


def alert(line: str) -> str:
    """Return an error."""
    return f'<div class="bad" role="alert">{escape(line)}</div>'


def status(doing: list[str]) -> str:
    """Return what is going on, or nothing."""
    if not doing:
        return '<p class="muted" role="status">ready</p>'
    text = "; ".join(doing)
    return f'<p class="muted busy" role="status">{escape(text)} …</p>'


def place(where: str, summary: str) -> str:
    """Return the head of a cell's part."""
    return f"<h2>{escape(where)}</h2><p>{escape(summary)}</p>"


def legend(entries: Sequence[tuple[str, float | None]], cold: bool, text: str = "") -> str:
    """Return names, colours and shares of a map, after what is to be said of it."""
    colours = dict(zip(CATEGORIES, palette(cold), strict=True))
    items = [f'<span class="said">{escape(text)}</span>'] if text else []
    for name, share in entries:
        neutral = _NEUTRAL.get(name)
        colour = colours.get(name, "") if neutral is None else f"var(--{neutral}, {LIGHT[neutral]})"
        shown = "" if share is None else f" {_percent(share)}"
        items.append(f'<span><i style="background:{colour}"></i>{escape(name)}{shown}</span>')
    return f'<div class="legend">{"".join(items)}</div>'


def lines(threshold: str, cold: bool) -> str:
    """Return names and colours of what is drawn of a cell."""
    named = (("Daily value", "ink"), ("Climatology", "seas"), (threshold, "thresh"))
    items = [
        f'<span><i class="line" style="background:var(--{colour}, {LIGHT[colour]})"></i>'
        f"{escape(name)}</span>"
        for name, colour in (*named, ("Day of the map", "now"))
    ]
    items += [
        f'<span><i style="background:{colour}"></i>{name}</span>'
        for name, colour in zip(CATEGORIES, palette(cold), strict=True)
    ]
    return f'<div class="legend">{"".join(items)}</div>'


def _percent(share: float) -> str:
    if 0 < share < 0.001:
        return "&lt;0.1 %"
    return f"{share * 100:.1f} %" if share < 0.0995 else f"{share * 100:.0f} %"
