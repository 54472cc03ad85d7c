"""What the explorer says, in words: dates, facts, the share of a map, errors in one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from climcube import provenance
from climcube.cubes.calendar import TimeAxis
from climcube.errors import ClimcubeError
from climcube.explorer.codes import LAND, MISSING, PENDING
from climcube.explorer.place import Event, Place
from climcube.plots.style import CATEGORIES, date_words, number, unit_words
from climcube.plots.words import (
    base_period_words,
    basis_words,
    kind_words,
    ordinal,
    period_words,
    value_words,
)
from climcube.stores.integrity.verification import spoken_size

__all__ = [
    "day_words",
    "departure",
    "error_line",
    "event_words",
    "facts",
    "legend_entries",
    "maps_warning",
    "place_summary",
    "sentence",
    "title_of",
]

_LONG_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def error_line(error: BaseException) -> str:
    """Return one line about any error, without secrets.

    >>> error_line(OSError("gone:\\n sst.zarr"))
    'OSError: gone: sst.zarr'
    """
    text = " ".join(str(error).split())
    if not isinstance(error, ClimcubeError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return provenance.redact(text)


def sentence(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def day_words(axis: TimeAxis, index: int) -> str:
    """Return a day as one says it: 28 February 2011."""
    year, month, day = (int(part) for part in axis.label(index).split("-"))
    return f"{day} {_LONG_MONTHS[month - 1]} {year}"


def title_of(mhw: Any) -> str:
    """Return what is explored."""
    name = value_words(mhw, "")
    return f"{name}: marine {kind_words(mhw)}s"


def facts(mhw: Any, axis: TimeAxis, step: int) -> str:
    """Return period, basis and grid in a line."""
    cube = mhw.cube
    cells = " × ".join(f"{n:,} {d}" for d, n in cube.sizes.items() if d != axis.name)
    shown = "" if step == 1 else f"; the map shows every {ordinal(step)} cell"
    return f"{period_words(axis)}, {len(axis):,} days; {cells}; {basis_words(mhw, axis)}{shown}"


def maps_warning(read: float) -> str:
    """Return what to know of a cube that is stored as maps; a cell reads so many bytes.

    >>> maps_warning(3e9)
    'This cube is stored as maps: each click on a cell reads 3 GB of it. Copy it ...'
    """
    return (
        f"This cube is stored as maps: each click on a cell reads {spoken_size(read)} of it. "
        "Copy it into series, once: climcube relayout CUBE series.zarr"
    )


def departure(mhw: Any, axis: TimeAxis, units: str) -> str:
    """Return what anomalies are, and their units."""
    text = f"Departure from the climatology of {base_period_words(mhw, axis)}"
    return f"{text} ({units})" if units else text


def legend_entries(
    codes: npt.NDArray[np.uint8], weights: npt.NDArray[np.float64]
) -> list[tuple[str, float | None]]:
    """Return names and shares of what a map of categories shows; weights are of its pixels.

    Shares are of the cells that have a value on the day; there are none while tiles are missing.
    """
    sea = (codes & (LAND | PENDING)) == 0
    area = np.broadcast_to(weights, codes.shape)
    known = sea & ((codes & MISSING) == 0)
    total = float(area[known].sum())
    waiting = bool((codes == PENDING).any())

    def share(category: int) -> float | None:
        if waiting or not total:
            return None
        return float(area[known & ((codes & 7) == category)].sum()) / total

    entries = [(name, share(k)) for k, name in enumerate(("None", *CATEGORIES))]
    if (sea & ~known).any():
        entries.append(("No value", None))
    if waiting:
        entries.append(("Not computed yet", None))
    if (codes == LAND).any():
        entries.append(("Land", None))
    return entries


def place_summary(place: Place, mhw: Any) -> str:
    """Return in a sentence what happened in a cell."""
    axis, kind = place.series.axis, kind_words(mhw)
    count, days = len(place.events), int(place.days.sum())
    if not count:
        return f"No marine {kind} in {period_words(axis)}."
    strongest = place.strongest
    text = f"{count:,} marine {kind}{'s' if count > 1 else ''}, {days:,} days in a category"
    if strongest is not None:
        text += f"; the strongest, {event_words(place, strongest)}"
    return f"{text}."


def event_words(place: Place, event: Event) -> str:
    """Return an event in words: dates, length, intensity, category."""
    axis, units = place.series.axis, unit_words(place.series.units)
    first, last = (date_words(axis.label(i)) for i in (event.first, event.last))
    peak = f"{number(event.intensity_max, sign=True)} {units}".strip()
    return f"{first} to {last} ({event.duration} days), {peak}, {event.category}"
