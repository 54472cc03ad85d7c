"""Parameters as words, for methods paragraphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Method", "Parameters", "counted", "given", "period", "region", "series_of"]

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Method:
    """What one step did.

    Attributes
    ----------
    text
        Sentences in the past tense. Works are cited as ``[@key]`` or ``[@key; @other]``, by
        their keys in `climcube.reports.references`.
    cautions
        What a reader should bear in mind with these parameters.
    """

    text: str
    cautions: tuple[str, ...] = ()


def period(value: Any, default: str = "the whole record") -> str:
    """Return a pair of years as words.

    >>> period(["1991", 2020]), period(None)
    ('1991–2020', 'the whole record')
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return default
    first, last = (str(v)[:4] for v in value)
    return first if first == last else f"{first}–{last}"


def counted(number: Any, unit: str) -> str:
    """Return a number with its unit.

    >>> counted(1, "day"), counted(5.0, "day")
    ('1 day', '5 days')
    """
    shown = f"{number:g}" if isinstance(number, int | float) else str(number)
    return f"{shown} {unit}" + ("" if shown == "1" else "s")


def series_of(items: Sequence[str], last: str = "and") -> str:
    """Return a list as words.

    >>> series_of(["a", "b", "c"])
    'a, b and c'
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def region(value: Any) -> str:
    """Return a region as words, to stand after a noun; nothing for the whole cube."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f" of the region {value}"
    if isinstance(value, Sequence) and len(value) == 4:
        west, east, south, north = value
        return f" within {west:g}° to {east:g}° longitude and {south:g}° to {north:g}° latitude"
    return " of a region that was given as a mask or an outline"


def given(value: Any) -> bool:
    """Whether a parameter is a cube that was passed, of which its name and sources are kept."""
    return isinstance(value, Mapping) and "sources" in value
