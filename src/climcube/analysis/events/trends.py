"""Are there more marine heatwaves? Trends of the annual metrics, over years that were seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from climcube.analysis.trends.trend import trend
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.units import unquantify
from climcube.errors import ParameterError, suggest

__all__ = ["annual_trend", "annual_trends"]

_COUNTED = ("days_missing", "days_undefined")


def annual_trend(
    annual: xr.Dataset, axis: TimeAxis, metric: str, min_coverage: float, options: dict[str, Any]
) -> xr.Dataset:
    """Return the trend of one annual metric; years seen too little are blank."""
    if metric not in annual.data_vars:
        raise ParameterError(
            "no such annual metric",
            where=f"metric={metric!r}",
            remedy=suggest(metric, map(str, annual.data_vars)),
        )
    if (
        isinstance(min_coverage, bool)
        or not isinstance(min_coverage, int | float)
        or not 0 <= min_coverage <= 1
    ):
        raise ParameterError(
            "min_coverage out of range",
            where=f"min_coverage={min_coverage!r}",
            expected="a share between 0 and 1",
        )
    time = axis.name
    lost = sum(unquantify(annual[name])[0].astype("float64") for name in _COUNTED)
    within = xr.DataArray(axis.expected_days, dims=time)
    whole = xr.DataArray(axis.days_of_years, dims=time)
    seen = (within - lost) >= min_coverage * whole
    values = annual[metric]
    own = seen.transpose(*values.dims).drop_vars(list(seen.coords))  # it may have lost units
    blanked = values.where(own)
    blanked.attrs = dict(values.attrs)
    return trend(blanked, **options)


def annual_trends(
    annual: xr.Dataset,
    axis: TimeAxis,
    metrics: Sequence[str] | None,
    min_coverage: float,
    options: dict[str, Any],
) -> xr.DataTree:
    """Return one node for each metric; all but the counts of lost days by default."""
    names = metrics or [str(name) for name in annual.data_vars if name not in _COUNTED]
    fits = {name: annual_trend(annual, axis, name, min_coverage, options) for name in names}
    return xr.DataTree.from_dict(fits)
