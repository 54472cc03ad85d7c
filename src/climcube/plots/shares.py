"""How much of the ocean is in each category, year by year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.plots.dates import year_axis
from climcube.plots.geography import require_values
from climcube.plots.selection import area_weights, require_heatwaves, within, yearly_shares
from climcube.plots.style import (
    CATEGORIES,
    MISSING,
    canvas,
    drawing,
    headline,
    legend_below,
    page,
    palette,
    swatch,
)
from climcube.plots.words import basis_words, is_cold, kind_words, period_words, region_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["category_share", "draw_shares"]


@drawing
def category_share(mhw: Any, *, region: Any = None, ax: Axes | None = None) -> Axes:
    """Draw the share of ocean area and days in each category, by year, as stacked bars.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves`, of any spatial dimensions or none.
    region
        A name (``"nino34"``), ``(west, east, south, north)`` in degrees, or a boolean
        DataArray, as for `climcube.area_mean`; default all of the cube. Only tiles that the
        region touches are computed.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        100 % would be every cell in a heatwave on every day of the year. Cells count by
        area; days without data are left out of the fraction, and years without any are grey.

    Raises
    ------
    CubeError
        The cube has no value at all.
    ParameterError
        ``region`` is not understood, or has no cell.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> cc.plot.category_share(mhw).get_xlabel()
    'Year'
    """
    require_heatwaves(mhw)
    part = within(mhw, region)
    return draw_shares(part, yearly_shares(part).compute(), ax=ax)


def draw_shares(mhw: Any, shares: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw computed `yearly_shares`."""
    annual, measure = TimeAxis.of(shares), area_weights(mhw)[1]
    record = TimeAxis.of(mhw.cube)
    heights = {n: 100 * np.asarray(shares[n].values, "float64") for n in CATEGORIES}
    require_values(np.isfinite(heights[CATEGORIES[0]]), f"variable {mhw.cube.name!r}")
    where = region_words(mhw.cube)
    with canvas(ax, page(7.2, 3.5)) as axes:
        base = np.zeros(len(annual))
        for name, colour in zip(CATEGORIES, palette(is_cold(mhw)), strict=True):
            axes.bar(
                annual.year, np.nan_to_num(heights[name]), 0.82, bottom=base, color=colour,
                label=name, linewidth=0,
            )  # fmt: skip
            base = base + np.nan_to_num(heights[name])
        blank = annual.year[~np.isfinite(heights[CATEGORIES[0]])]
        _dress(axes, annual, base, measure, blank)
        headline(
            axes,
            f"Share of the {'ocean' if measure else 'days'} in a marine {kind_words(mhw)}, "
            f"{period_words(record)}",
            (f"{where}; " if where else "")
            + f"{measure + ' × ' if measure else ''}days of each year, by category; "
            f"{basis_words(mhw, record)}",
        )
    return axes


def _dress(ax: Axes, annual: TimeAxis, total: Any, measure: str, blank: Any) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # optional extra

    few = 0.6 + max(0, 5 - len(annual.years)) / 2  # a single bar does not fill the frame
    ax.set_xlim(annual.year[0] - few, annual.year[-1] + few)
    ax.set_ylim(0, max(1.0, min(100.0, 1.08 * float(np.max(total)))))
    year_axis(ax, annual.years)
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    ax.set_ylabel(f"Share of ocean {measure} × days" if measure else "Share of days")
    ax.set_xlabel("Year")
    ax.yaxis.grid(visible=True, color="#e3e7ea", linewidth=0.6)
    ax.set_axisbelow(True)
    handles = list(ax.get_legend_handles_labels()[0])
    for year in blank:
        ax.axvspan(year - 0.5, year + 0.5, color=MISSING, linewidth=0, zorder=0)
    if len(blank):
        handles.append(swatch(MISSING, "No data"))
    legend_below(ax, handles, len(handles), room=36)
