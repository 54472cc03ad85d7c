"""Warming stripes: a year, a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.errors import CalendarError
from climcube.plots.colours import centre_of, colour_bar
from climcube.plots.dates import year_axis
from climcube.plots.geography import require_values
from climcube.plots.lines import computed, require_series
from climcube.plots.style import (
    MISSING,
    canvas,
    clauses,
    drawing,
    headline,
    number,
    page,
    unit_words,
)
from climcube.plots.words import name_words, period_words, source_words, span_words, with_units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import ListedColormap

__all__ = ["warming_stripes"]

Floats = npt.NDArray[np.float64]
_SPAN = 2.6  # standard deviations, as showyourstripes.info has it for places
_YEAR = 300  # days: shorter steps are no years


@drawing
def warming_stripes(
    series: xr.DataArray,
    *,
    base_period: BasePeriod | None = None,
    line: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw warming stripes (Hawkins): each year in the colour of its departure from the mean.

    Parameters
    ----------
    series : DataArray
        One value a year, such as ``cc.annual_mean(cc.area_mean(sst))``; anomalies, too.
    base_period
        First and last year of the mean and of the standard deviation that colours are measured
        by; default the whole record.
    line
        Whether to draw the values over the stripes, with an axis in place of the colour bar.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        Sixteen colours, from -2.6 to 2.6 standard deviations; stronger departures have the
        outermost ones. Years without a value are grey.

    Raises
    ------
    AxisError
        No time axis.
    CalendarError
        Values are not annual, or the record lacks the base period.
    CubeError
        Further dimensions than time, or no value at all, or none in the base period.

    References
    ----------
    Hawkins, E.: Show your stripes, https://showyourstripes.info.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=8, shape=(4, 6)).sst
    >>> ax = cc.plot.warming_stripes(cc.annual_mean(cc.area_mean(sst)))
    >>> ax.get_title(loc="left")[-9:]
    '2000–2007'
    """
    cube = require_series(series, "warming_stripes")
    axis = TimeAxis.of(cube)
    if len(axis) > 1 and float(np.median(np.diff(axis.ordinal))) < _YEAR:
        raise CalendarError(
            "warming stripes are of years", where=axis.name, expected="one value a year",
            found=f"a median step of {np.median(np.diff(axis.ordinal)):g} days",
            remedy="take cc.annual_mean(series)",
        )  # fmt: skip
    first, last = axis.period(base_period)
    y = np.asarray(computed(cube)[0].values, "float64")
    base = y[first : last + 1]
    years = span_words(f"{int(axis.year[first])}-{int(axis.year[last])}")
    require_values(np.isfinite(base), f"variable {cube.name!r}, {years}")
    whole = base_period is None and centre_of(cube) is not None
    middle = 0.0 if whole else float(np.nanmean(base))
    spread = float(np.nanstd(base))
    limit = _SPAN * spread or 1.0
    units = unit_words(cube.attrs.get("units"))
    with canvas(ax, page(7.2, 2.6)) as axes:
        mesh = _draw(axes, axis, y - middle, limit)
        label = with_units("Departure", units)
        if line:
            _draw_line(axes, axis, y - middle, limit, label)
        else:
            colour_bar(axes, mesh, (1.015, 0.0, 0.02, 1.0), label)
        reach = f"±{number(limit)} {units}".rstrip()
        headline(
            axes, f"{name_words(cube)}, {period_words(axis)}",
            clauses(
                source_words(cube),
                "departure from " + ("zero" if whole else f"the mean of {years}"),
                f"colours to {reach}"
                + (f" ({_SPAN:g} standard deviations of {years})" if spread else ""),
            ),
        )  # fmt: skip
    return axes


def _draw(ax: Axes, axis: TimeAxis, departure: Floats, limit: float) -> Any:
    years = axis.years
    row = np.full(len(years), np.nan)
    row[axis.year - years[0]] = departure
    edges = np.append(years - 0.5, years[-1] + 0.5)
    ax.set_facecolor(MISSING)
    # Stripes fill the height whatever a line on top of them needs.
    mesh = ax.pcolormesh(
        edges, [-1e3 * limit, 1e3 * limit], np.ma.masked_invalid(row)[None], cmap=_colours(),
        vmin=-limit, vmax=limit, rasterized=True,
    )  # fmt: skip
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-limit, limit)
    ax.set_yticks([])
    year_axis(ax, years)
    ax.set_xlabel("Year")
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return mesh


def _draw_line(ax: Axes, axis: TimeAxis, departure: Floats, limit: float, label: str) -> None:
    from matplotlib.ticker import MaxNLocator  # optional extra

    whole = np.full(len(axis.years), np.nan)
    whole[axis.year - axis.years[0]] = departure
    ax.plot(axis.years, whole, color="black", linewidth=1.6)
    reach = 1.1 * max(limit, float(np.nanmax(np.abs(departure))))
    ax.set_ylim(-reach, reach)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.set_ylabel(label)


def _colours() -> ListedColormap:
    """Return ColorBrewer's eight blues and eight reds, the lightest of nine left out."""
    from matplotlib import colormaps  # optional extra
    from matplotlib.colors import ListedColormap

    shades = np.linspace(0, 1, 9)[1:]
    return ListedColormap([*colormaps["Blues"](shades)[::-1], *colormaps["Reds"](shades)])
