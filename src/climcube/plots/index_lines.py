"""Climate indices in time, filled where they are warm and where they are cold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.errors import ParameterError, VariableError
from climcube.plots.dates import date_axis, positions
from climcube.plots.lines import computed, require_series
from climcube.plots.style import (
    EDGE,
    INK,
    RED,
    SEAS,
    canvas,
    clauses,
    drawing,
    headline,
    legend_below,
    page,
    swatch,
    unit_words,
)
from climcube.plots.words import axis_words, name_words, period_words, source_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["index_line"]

Floats = npt.NDArray[np.float64]
_VARIABLES = ("oni", "dmi", "index")  # of cc.oni, cc.iod, cc.pdo
_THRESHOLDS = {"oni": 0.5}  # degrees, of the definition that the function itself uses
_WARM, _COLD = (RED, "#eebfb8"), (SEAS, "#bfd6e6")  # full, pale


@drawing
def index_line(
    index: xr.DataArray | xr.Dataset, *, threshold: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a climate index: red where it is above zero, blue where it is below.

    Parameters
    ----------
    index : DataArray or Dataset
        One value a time: result of `climcube.oni`, `climcube.nino34`, `climcube.iod` or
        `climcube.pdo`, or any series about zero.
    threshold
        Values beyond it, either way, have full colours, others pale ones. Default: of
        `climcube.oni` its episodes (five seasons or more of 0.5 degrees); of others none.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    AxisError
        No time axis.
    CubeError
        Further dimensions than time, or no value at all.
    ParameterError
        ``threshold`` is not positive.
    VariableError
        A Dataset without ``oni``, ``dmi`` or ``index``.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(18, 36)).sst
    >>> cc.plot.index_line(cc.oni(sst, base_period=(2000, 2003))).get_ylabel()
    'Oceanic Nino Index (°C)'
    """
    if threshold is not None and not (
        isinstance(threshold, int | float | np.number) and not isinstance(threshold, bool)
        and np.isfinite(threshold) and threshold > 0
    ):  # fmt: skip
        raise ParameterError("threshold not understood", where=f"threshold={threshold!r}",
                             expected="a number above 0")  # fmt: skip
    series, episode = _taken(index, threshold)
    values, episode = computed(require_series(series, "index_line"), episode)
    axis = TimeAxis.of(values)
    y = np.asarray(values.values, "float64")
    limit = threshold if threshold is not None else _THRESHOLDS.get(str(series.name))
    strong = None if episode is None else np.asarray(episode.values, "float64")
    x = positions(axis, np.asarray(values[axis.name].values))
    units = unit_words(values.attrs.get("units"))
    with canvas(ax, page(7.2, 3.3)) as axes:
        _fill(axes, x, y, strong, limit)
        axes.plot(x, y, color=INK, linewidth=0.6)
        axes.axhline(0, color=INK, linewidth=0.5)
        for side in () if limit is None else (-limit, limit):
            axes.axhline(side, color=EDGE, linewidth=0.6, linestyle="--")
        axes.set_xlim(x[0], x[-1])
        date_axis(axes, axis, slice(0, len(axis)), x)
        axes.set_ylabel(axis_words(values))
        handles, rule = _words(episode is not None, limit, units)
        if handles:
            legend_below(axes, handles, 4)
        headline(
            axes, f"{name_words(values)}, {period_words(axis)}",
            clauses(source_words(values), rule),
        )  # fmt: skip
    return axes


def _taken(index: Any, threshold: float | None) -> tuple[xr.DataArray, xr.DataArray | None]:
    """Return the index of what was given, and its episodes, if it has any that count."""
    if isinstance(index, xr.DataArray):
        return index, None
    names = [n for n in _VARIABLES if isinstance(index, xr.Dataset) and n in index]
    if not names:
        raise VariableError(
            "no index to draw", expected="a series, or what cc.oni, cc.iod or cc.pdo returns",
            found=", ".join(map(str, index.data_vars)) or "an empty Dataset"
            if isinstance(index, xr.Dataset) else type(index).__name__,
        )  # fmt: skip
    episodes = index["episode"] if threshold is None and "episode" in index else None
    return index[names[0]], episodes


def _fill(
    ax: Axes, x: npt.NDArray[Any], y: Floats, episode: Floats | None, limit: float | None
) -> None:
    for sign, (full, pale) in ((1, _WARM), (-1, _COLD)):
        strong: dict[str, Any] = {"color": full, "linewidth": 0, "gid": "full"}
        ax.fill_between(
            x, 0, y, where=sign * y > 0, interpolate=True, linewidth=0,
            color=full if limit is None else pale, gid="full" if limit is None else "pale",
        )  # fmt: skip
        if episode is not None:
            ax.fill_between(x, 0, np.where(episode == sign, y, np.nan), **strong)
        elif limit is not None:
            beyond = sign * y > limit
            ax.fill_between(x, sign * limit, y, where=beyond, interpolate=True, **strong)


def _words(episodes: bool, limit: float | None, units: str) -> tuple[list[Any], str]:
    """Return the legend, and the rule under the title."""
    if episodes:
        rule = f"episodes: five or more overlapping seasons beyond ±{limit:g} {units}".strip()
        full, rest = (
            ("El Niño episode", "La Niña episode"),
            ("warm, no episode", "cold, no episode"),
        )
    elif limit is not None:
        rule = f"full colours: beyond ±{limit:g} {units}".strip()
        full = (f"above {limit:g}", f"below −{limit:g}")
        rest = ("warm", "cold")
    else:
        return [], ""
    colours = (_WARM[0], _COLD[0], _WARM[1], _COLD[1])
    return [swatch(c, t) for c, t in zip(colours, (*full, *rest), strict=True)], rule
