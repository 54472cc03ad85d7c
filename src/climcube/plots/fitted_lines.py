"""The line of a trend on a series, how well it is known, and both in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.trends.common import PERIODS, TrendOptions
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.units import Units
from climcube.errors import CubeError, UnitsError, VariableError
from climcube.plots.selection import plain
from climcube.plots.significance import made_by, tested_words
from climcube.plots.style import RED, clauses, decimals, legend_below, number, unit_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_fit", "require_fit"]

Floats = npt.NDArray[np.float64]

_PER = {"d": "day", "yr": "year", "a": "year"} | {p: p for p in PERIODS}
_DASHES = ("-", "--", "-.", ":")
_REMEDY = "pass the trend of the very series that is drawn"


@dataclass(frozen=True)
class _Record:
    """The part of the series that a trend was fitted to.

    Attributes
    ----------
    part
        Its samples within the series drawn.
    t
        Years since its first time.
    valid
        Which samples have a value.
    per
        Years in the slope's unit of time.
    """

    part: slice
    t: Floats
    valid: npt.NDArray[np.bool_]
    per: float

    @classmethod
    def of(cls, fit: xr.Dataset, axis: TimeAxis, y: Floats) -> _Record:
        part = _part(fit, axis)
        valid = np.isfinite(y[part])
        if "n" in fit and int(fit["n"].values) != valid.sum():
            raise CubeError(
                "the trend is of another series", where="trend.n",
                expected=f"{valid.sum()} valid values, as the series has",
                found=str(int(fit["n"].values)),
                remedy=_REMEDY,
            )  # fmt: skip
        t = axis.decimal_year[part] - axis.decimal_year[part.start]
        return cls(part, t, valid, _years_per(fit, axis))


def draw_fit(
    ax: Axes, axis: TimeAxis, x: npt.NDArray[Any], series: xr.DataArray, fit: Any, band: bool
) -> str:
    """Draw the line of a computed fit, or those of several quantiles; return the words for them."""
    fit = xr.Dataset({name: plain(fit[name]) for name in fit.data_vars}, attrs=fit.attrs)
    record = _Record.of(fit, axis, np.asarray(series.values, "float64"))
    x = x[record.part]
    if "quantile" in fit["slope"].dims:
        return _draw_quantiles(ax, x, record, fit)
    numbers = {str(n): float(v.values) for n, v in fit.data_vars.items() if v.ndim == 0}
    if not np.isfinite(numbers["slope"]):
        return "no trend: too few values"
    line = numbers["intercept"] + numbers["slope"] / record.per * record.t
    shading = ""
    if band:
        limits = _band(record, numbers, line)
        if limits is not None:
            ax.fill_between(x, *limits, color=RED, alpha=0.2, linewidth=0, gid="band")
            shading = f"shading: {_shading_words(fit, numbers)}"
    ax.plot(x, line, color=RED, linewidth=1.5, label="Trend", gid="trend")
    return clauses(_words(fit, numbers), shading, tested_words(fit))


def _band(record: _Record, numbers: dict[str, float], line: Floats) -> tuple[Floats, Floats] | None:
    """Return the lower and the upper edge of what is known of the line.

    Of least squares the confidence band of a regression line; the effective sample size is
    within the standard error. A Theil-Sen line has no standard error: there the lines with the
    slopes at both limits, through the line's own point at the median time.
    """
    low, high = numbers.get("ci_low", np.nan), numbers.get("ci_high", np.nan)
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    t, known = record.t, record.t[record.valid]
    if "stderr" in numbers:
        middle = known.mean()
        spread = ((known - middle) ** 2).sum()
        half = (high - low) / 2 / record.per * np.sqrt((t - middle) ** 2 + spread / known.size)
        return line - half, line + half
    away = (t - float(np.median(known))) / record.per
    edges = [line + (limit - numbers["slope"]) * away for limit in (low, high)]
    return np.minimum(*edges), np.maximum(*edges)


def _draw_quantiles(ax: Axes, x: npt.NDArray[Any], record: _Record, fit: xr.Dataset) -> str:
    from matplotlib import colormaps  # optional extra

    quantiles = np.asarray(fit["quantile"].values, "float64")
    colours = colormaps["plasma"](np.linspace(0.0, 0.75, quantiles.size))
    handles = []
    for place in np.argsort(quantiles)[::-1]:
        own = fit.isel(quantile=place)
        slope, intercept = float(own["slope"]), float(own["intercept"])
        if not np.isfinite(slope):
            continue
        words = f"{quantiles[place]:g} quantile: {number(slope, decimals(slope), sign=True)}"
        p = float(own["pvalue"]) if "pvalue" in own else np.nan
        handles += ax.plot(
            x, intercept + slope / record.per * record.t, color=colours[place], linewidth=1.4,
            linestyle=_DASHES[int(place) % len(_DASHES)], gid="trend",
            label=words + (f", {_probability(p)}" if np.isfinite(p) else ""),
        )  # fmt: skip
    if not handles:
        return "no trend: too few values"
    legend_below(ax, handles, 3)
    return f"trends of quantiles{_in_units(fit, ' in ')}; {tested_words(fit)}"


def require_fit(fit: Any, series: xr.DataArray) -> None:
    """Refuse what is no trend, a map of them, or a trend in other units."""
    names = list(map(str, fit.data_vars)) if isinstance(fit, xr.Dataset) else None
    if names is None or not {"slope", "intercept"} <= set(names):
        raise VariableError(
            "no trend to draw", expected="a Dataset with 'slope' and 'intercept', as "
            "cc.trend(...) returns",
            found=type(fit).__name__ if names is None else ", ".join(names) or "an empty Dataset",
        )  # fmt: skip
    extra = [str(d) for d in fit["slope"].dims if d != "quantile"]
    if extra:
        raise CubeError(
            "time_series draws the trend of one series", where="variable 'slope'",
            found="dimensions " + ", ".join(extra), remedy=_REMEDY,
        )  # fmt: skip
    own, drawn = plain(fit["intercept"]).attrs.get("units"), series.attrs.get("units")
    if own is not None and drawn is not None and not Units(str(own), "trend").agree(drawn):
        raise UnitsError(
            "the trend has other units than the series", where="variable 'intercept'",
            expected=str(drawn), found=str(own), remedy=_REMEDY,
        )  # fmt: skip


def _part(fit: xr.Dataset, axis: TimeAxis) -> slice:
    """Return which samples the trend is of: as it says, else all of them."""
    first, last = (str(fit.attrs.get(f"time_coverage_{w}", "")) for w in ("start", "end"))
    if not (first and last):
        return slice(0, len(axis))
    labels = [axis.label(i) for i in range(len(axis))]
    if first not in labels or last not in labels:
        raise CubeError(
            "the trend is of another record", where="trend", expected="times of the series, "
            f"{labels[0]} to {labels[-1]}",
            found=f"{first} to {last}", remedy=_REMEDY,
        )  # fmt: skip
    return slice(labels.index(first), len(labels) - labels[::-1].index(last))


def _years_per(fit: xr.Dataset, axis: TimeAxis) -> float:
    """Return how many years the slope is per: by its units, else by what is recorded."""
    units = str(fit["slope"].attrs.get("units", ""))
    found = re.search(r"(\w+)(?:\*\*|\^)?-1$|/ ?(\w+)$", units)
    name = (found[1] or found[2]) if found else str(made_by(fit)[1].get("per", ""))
    if name not in _PER:
        raise UnitsError(
            "the slope's unit of time is not known", where="variable 'slope'",
            expected="units per " + ", ".join(PERIODS), found=repr(units),
            remedy="pass what cc.trend returns, with its attributes",
        )  # fmt: skip
    return TrendOptions("ols", "t", _PER[name], "none", None, None, 3, 0.95).years(axis)


def _words(fit: xr.Dataset, numbers: dict[str, float]) -> str:
    digits = decimals(numbers["slope"])
    shown = {
        n: number(numbers[n], digits, sign=True)
        for n in ("slope", "ci_low", "ci_high")
        if np.isfinite(numbers.get(n, np.nan))
    }
    text = f"trend {shown['slope']}{_in_units(fit, ' ')}"
    if "ci_low" in shown and "ci_high" in shown:
        text += f" ({_level(fit)}CI {shown['ci_low']} to {shown['ci_high']})"
    if np.isfinite(numbers.get("pvalue", np.nan)):
        text += f", {_probability(numbers['pvalue'])}"
    if np.isfinite(numbers.get("n_eff", np.nan)) and "n" in numbers:
        text += f", effective sample size {numbers['n_eff']:.3g} of {numbers['n']:.0f}"
    return text


def _shading_words(fit: xr.Dataset, numbers: dict[str, float]) -> str:
    if "stderr" in numbers:
        return f"{_level(fit)}confidence band of the line"
    return f"lines with the slopes at both {_level(fit)}limits, about the median time"


def _level(fit: xr.Dataset) -> str:
    """Return the level of the confidence limits, as their own name says it."""
    name = str(fit["ci_low"].attrs.get("long_name", "")) if "ci_low" in fit else ""
    found = re.search(r"([\d.]+) % confidence", name)
    if found:
        return f"{found[1]} % "
    level = made_by(fit)[1].get("confidence")
    return "" if level is None else f"{100 * float(level):g} % "


def _in_units(fit: xr.Dataset, before: str) -> str:
    words = unit_words(fit["slope"].attrs.get("units"))
    per = made_by(fit)[1].get("per")
    words = words or (f"per {per}" if per else "")
    return f"{before}{words}" if words else ""


def _probability(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p < 0.1 else f"p = {p:.2f}"
