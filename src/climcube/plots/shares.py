"""How much of the ocean is in each category, year by year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from climcube.cubes.calendar import TimeAxis
from climcube.errors import CubeError
from climcube.plots.selection import (
    area_weights,
    base_period_words,
    is_cold,
    kind_words,
    period_words,
    yearly_shares,
)
from climcube.plots.style import CATEGORIES, canvas, headline, palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["category_share", "draw_shares"]


def category_share(mhw: Any, *, ax: Axes | None = None) -> Axes:
    """Draw the share of ocean area and days in each category, by year, as stacked bars.

    Parameters
    ----------
    mhw : Heatwaves
        Result of `climcube.heatwaves`, of any spatial dimensions or none.
    ax
        Where to draw; default a new figure.

    Returns
    -------
    matplotlib Axes
        100 % would be every cell in a heatwave on every day of the year. Cells count by
        area; days without data are left out of the fraction.

    Raises
    ------
    CubeError
        The cube has no value at all.

    Examples
    --------
    >>> import climcube as cc
    >>> mhw = cc.heatwaves(cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst)
    >>> cc.plot.category_share(mhw).get_xlabel()
    'Year'
    """
    return draw_shares(mhw, yearly_shares(mhw).compute(), ax=ax)


def draw_shares(mhw: Any, shares: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw computed `yearly_shares`."""
    annual, measure = TimeAxis.of(shares), area_weights(mhw)[1]
    record = TimeAxis.of(mhw.cube)
    heights = {n: 100 * np.asarray(shares[n].values, "float64") for n in CATEGORIES}
    if not np.isfinite(heights[CATEGORIES[0]]).any():
        raise CubeError(
            "there is nothing to draw",
            where=f"variable {mhw.cube.name!r}",
            expected="at least one value",
            found="missing values only",
            remedy="select a region with ocean",
        )
    with canvas(ax, (7.2, 3.5)) as axes:
        base = np.zeros(len(annual))
        for name, colour in zip(CATEGORIES, palette(is_cold(mhw)), strict=True):
            axes.bar(
                annual.year, np.nan_to_num(heights[name]), 0.82, bottom=base, color=colour,
                label=name, linewidth=0,
            )  # fmt: skip
            base = base + np.nan_to_num(heights[name])
        _dress(axes, annual, base, measure)
        _legend(axes)
        headline(
            axes,
            f"Share of the {'ocean' if measure else 'days'} in a marine {kind_words(mhw)}, "
            f"{period_words(record)}",
            f"{measure + ' × ' if measure else ''}days of each year, by category; "
            f"climatology {base_period_words(mhw, record)}",
        )
    return axes


def _dress(ax: Axes, annual: TimeAxis, total: Any, measure: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # optional extra

    ax.set_xlim(annual.year[0] - 0.6, annual.year[-1] + 0.6)
    ax.set_ylim(0, max(1.0, min(100.0, 1.08 * float(np.max(total)))))
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    ax.set_ylabel(f"Ocean {measure} × days" if measure else "Days")
    ax.set_xlabel("Year")
    ax.yaxis.grid(visible=True, color="#e3e7ea", linewidth=0.6)
    ax.set_axisbelow(True)


def _legend(ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(
        handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4,
        handlelength=1.2, handleheight=1.0, borderaxespad=0,
    )  # fmt: skip
