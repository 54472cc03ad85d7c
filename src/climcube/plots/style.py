"""How every climcube figure looks: colours, words for units, typography."""

from __future__ import annotations

import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from climcube.errors import require_module
from climcube.options import get_option

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

__all__ = [
    "CATEGORIES",
    "EDGE",
    "INK",
    "LAND",
    "MISSING",
    "MONTHS",
    "MUTED",
    "OCEAN",
    "RED",
    "SEAS",
    "THRESH",
    "canvas",
    "clauses",
    "date_words",
    "decimals",
    "drawing",
    "headline",
    "in_sentence",
    "legend_below",
    "number",
    "page",
    "palette",
    "round_up",
    "scale_of_page",
    "swatch",
    "unit_words",
    "width_of",
]

CATEGORIES = ("Moderate", "Strong", "Severe", "Extreme")
# Hobday et al. (2018) and its cold counterpart: luminance falls from category to category,
# so that they stay apart in print and for colour-blind readers.
_WARM = ("#ffc866", "#ff6900", "#9e0000", "#2d0000")
_COLD = ("#C7ECF2", "#85B7CC", "#4A6A94", "#111433")

INK = "#1c2126"
MUTED = "#5b6570"
EDGE = "#8a939c"
RED = "#c0392b"
LAND = "#b4b8bc"
MISSING = "#dfe3e6"
OCEAN = "#f7f9fa"
SEAS = "#2f6f9f"
THRESH = "#2b8a5a"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_FULL_PAGE = 183.0  # millimetres: both columns of a journal's page
_LETTERS = 9.0  # points, on a full page

_RC: dict[str, Any] = {
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": EDGE,
    "axes.linewidth": 0.6,
    "axes.labelcolor": MUTED,
    "axes.labelsize": "small",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.color": EDGE,
    "ytick.color": EDGE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": "small",
    "ytick.labelsize": "small",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "savefig.facecolor": "auto",
}

_UNIT_WORDS = {
    "degC": "°C",
    "degree_Celsius": "°C",
    "degrees_Celsius": "°C",
    "degree_C": "°C",
    "celsius": "°C",
    "Celsius": "°C",
    "delta_degC": "°C",
    "delta_degree_Celsius": "°C",
    "degF": "°F",
    "kelvin": "K",
    "degK": "K",
    "day": "days",
    "d": "days",
    "week": "weeks",
    "1": "",
}
_PER_WORDS = {"d": "day", "yr": "year", "a": "year"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def palette(cold: bool) -> tuple[str, ...]:
    """Return the four category colours of heatwaves, or of cold spells."""
    return _COLD if cold else _WARM


def unit_words(units: str | None) -> str:
    """Write CF units as they are read aloud on a figure.

    >>> unit_words("degC decade-1"), unit_words("degC day"), unit_words("kg m-2")
    ('°C per decade', '°C days', 'kg m⁻²')
    """
    words, per = [], []
    for part in (units or "").replace("**", "").replace("^", "").split():
        raised = re.fullmatch(r"([A-Za-z_]+)(-?\d+)", part)
        if raised and raised[2] == "-1":
            per.append(_PER_WORDS.get(raised[1], raised[1]))
        elif raised:
            words.append(_UNIT_WORDS.get(raised[1], raised[1]) + raised[2].translate(_RAISED))
        else:
            words.append(_UNIT_WORDS.get(part, part))
    text = " ".join(w for w in words if w)
    return " per ".join([text, *per]).strip()


def date_words(iso: str) -> str:
    """Write an ISO date for readers.

    >>> date_words("2011-02-28")
    '28 Feb 2011'
    """
    year, month, day = iso.split("-")
    return f"{int(day)} {MONTHS[int(month) - 1]} {int(year)}"


def in_sentence(name: str) -> str:
    """Write a name as it stands within a sentence; acronyms, and names In Capitals, keep theirs.

    >>> in_sentence("Daily sea surface temperature"), in_sentence("Sea Ice"), in_sentence("SST")
    ('daily sea surface temperature', 'Sea Ice', 'SST')
    """
    head, anomaly, rest = name.partition("anomaly of ")
    if anomaly:
        return head + anomaly + in_sentence(rest)
    capitals = not name[1:2].islower() or re.search(r"[\s-][A-Z][a-z]", name)
    return name if capitals else name[:1].lower() + name[1:]


def clauses(*parts: str) -> str:
    """Join what is said under a title; nothing is said of what is empty.

    >>> clauses("record 1982–2016", "", "climatology 1983–2012")
    'record 1982–2016; climatology 1983–2012'
    """
    return "; ".join(part for part in parts if part)


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """Write a number for readers, with a true minus.

    >>> number(-0.314), number(0.2, sign=True)
    ('−0.31', '+0.20')
    """
    rounded = round(value, digits) + 0.0  # no minus zero
    return f"{rounded:{'+' if sign and rounded else ''}.{digits}f}".replace("-", "−")


def decimals(value: float) -> int:
    """Decimals that leave two significant figures, at least two."""
    if not math.isfinite(value) or value == 0:
        return 2
    return max(2, 1 - math.floor(math.log10(abs(value))))


def round_up(value: float) -> float:
    """Return the next number with one or two leading digits, for a readable colour bar."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if value <= step * unit * (1 + 1e-12):
            return float(step * unit)
    return float(10 * unit)  # pragma: no cover - the last step always holds


def drawing[**P](figure: Callable[P, Axes]) -> Callable[P, Axes]:
    """Mark a public figure: that matplotlib is missing is said before anything is computed."""

    @wraps(figure)
    def checked(*args: P.args, **options: P.kwargs) -> Axes:
        require_module("matplotlib", "plots")
        return figure(*args, **options)

    return checked


def scale_of_page() -> float:
    """Return how wide new figures are, of both columns of a page."""
    return float(get_option("figure_width")) / _FULL_PAGE


def page(width: float, height: float) -> tuple[float, float]:
    """Return the size of a new figure from that on a full page: narrow ones are less flat."""
    scale = scale_of_page()
    return width * scale, height * (0.35 + 0.65 * scale)


@contextmanager
def canvas(
    ax: Axes | None, size: tuple[float, float], *, compressed: bool = False, projection: Any = None
) -> Iterator[Axes]:
    """Yield the axes to draw on: the caller's untouched style, or a new figure in ours."""
    matplotlib = require_module("matplotlib", "plots")
    if ax is None and _in_notebook():
        _load_backend()
    if ax is not None:
        yield ax
        return
    # From 9 points on a full page to 7 in one column, as journals have it.
    letters = _LETTERS - 3.9 * (1 - scale_of_page())
    with matplotlib.rc_context(_RC | {"font.size": letters}):
        figure = _new_figure(size, "compressed" if compressed else "constrained")
        try:
            yield figure.add_subplot(projection=projection)
        except BaseException:
            if pyplot := sys.modules.get("matplotlib.pyplot"):
                pyplot.close(figure)  # a notebook would show what was half drawn
            raise


def _new_figure(size: tuple[float, float], layout: str) -> Figure:
    if _in_notebook():
        # Notebooks show, and then close, the figures that pyplot knows; elsewhere nobody would
        # close them, so pyplot stays out of it.
        pyplot = require_module("matplotlib.pyplot", "plots")
        shown: Figure = pyplot.figure(figsize=size, layout=layout)
        return shown
    figure: Figure = require_module("matplotlib.figure", "plots").Figure(
        figsize=size, layout=layout
    )
    return figure


@cache
def _load_backend() -> None:
    """Have pyplot load the notebook's backend now, by a figure that is never shown.

    Loading it turns interactive mode on; within ``rc_context`` that would be undone, and no
    figure but the first would be shown.
    """
    pyplot = require_module("matplotlib.pyplot", "plots")
    pyplot.close(pyplot.figure())


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def headline(ax: Axes, title: str, detail: str) -> None:
    """Write a bold title and, below it, lines of detail above the axes, wrapped to the figure."""
    from matplotlib import rcParams  # optional extra

    figure = ax.get_figure(root=True)
    width = 72 * (figure.get_size_inches()[0] if figure is not None else 6.0)
    spec = ax.get_subplotspec()
    points = width / (spec.get_gridspec().ncols if spec is not None else 1) - 50
    scale = float(rcParams["font.size"]) / _LETTERS  # the caller's letters may be larger
    lines = textwrap.wrap(detail, max(24, int(points / (4.25 * scale))))
    ax.annotate(
        "\n".join(lines),
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 6),
        textcoords="offset points",
        va="bottom",
        ha="left",
        color=MUTED,
        fontsize="small",
        linespacing=1.25,
        annotation_clip=False,
    )
    ax.set_title(
        textwrap.fill(title, max(20, int(points / (7.2 * scale)))),
        loc="left",
        fontweight="bold",
        fontsize="large",
        pad=10 + 9.5 * scale * len(lines) if lines else 7,
    )


def swatch(colour: str, label: str) -> Patch:
    """Return a coloured box for a legend, with an edge that keeps pale ones visible."""
    from matplotlib.patches import Patch  # optional extra

    return Patch(facecolor=colour, edgecolor=EDGE, linewidth=0.4, label=label)


def width_of(ax: Axes) -> float:
    """Return about how many inches wide axes are: a panel among others holds fewer words."""
    figure = ax.get_figure(root=True)
    inches = 7.2 if figure is None else float(figure.get_size_inches()[0])
    return inches * float(ax.get_position(original=True).width)


def legend_below(ax: Axes, handles: list[Any], columns: int, room: float = 26) -> None:
    """Put a legend below the axes, where it cannot hide data.

    ``room`` points are left to the labels of the axis in our size; the caller's may be larger.
    """
    from matplotlib import rcParams  # optional extra
    from matplotlib.font_manager import FontProperties
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    if figure is None:  # pragma: no cover - an Axes that was removed from its figure
        return
    size = FontProperties(size=rcParams["xtick.labelsize"]).get_size_in_points()
    down = ScaledTranslation(0, -room * max(1.0, size / 7.5) / 72, figure.dpi_scale_trans)
    ax.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.0),
        bbox_transform=ax.transAxes + down, ncols=max(1, min(columns, int(width_of(ax) / 1.3))),
        borderaxespad=0, handlelength=1.4,
        handleheight=0.9,
    )  # fmt: skip
