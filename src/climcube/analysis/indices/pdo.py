"""The Pacific Decadal Oscillation."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.anomaly import anomaly
from climcube.analysis.area_means import area_mean
from climcube.analysis.indices.leading_mode import leading_mode, require_xeofs
from climcube.analysis.indices.regional import examine_months, monthly_region, require_years
from climcube.analysis.masks import restrict
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.regions import REGIONS, Region
from climcube.cubes.shapes import cells_inside
from climcube.cubes.subject import Subject, finish, plain_cube
from climcube.errors import CubeError

__all__ = ["pdo"]

_BASIN = REGIONS["north_pacific"]
_COAST = Region(-145, -110, 23, 60, "coast of North America")
# A mean over less than this is no mean of the global ocean.
_LEAST_WIDTH, _LEAST_LATITUDE = 300.0, 40.0


def pdo(
    cube: xr.DataArray,
    *,
    base_period: BasePeriod | None = None,
    global_mean: xr.DataArray | None = None,
) -> xr.Dataset:
    """Return the index of the Pacific Decadal Oscillation, and its pattern.

    Leading mode (EOF, weighted by the root of the area, which is sqrt(cos(latitude)) on regular
    grids) of the monthly sea surface temperature anomalies of the Pacific, 20-70N, 110E-100W,
    from which the global mean anomaly of each month was subtracted (Mantua et al. 1997,
    doi:10.1175/1520-0477(1997)078<1069:APICOW>2.0.CO;2). Computed by xeofs, an extra:
    ``pip install 'climcube[eof]'``.

    Parameters
    ----------
    cube
        Global sea surface temperature in degC or K (plain or pint-quantified), daily or
        monthly, any calendar, NumPy or Dask in any chunks. Without units degC or K are assumed.
    base_period
        First and last year, both included, of the climatology, of the mode, and of mean and
        standard deviation of the index; other months are projected on it. Default: the whole
        record.
    global_mean
        Monthly global mean (or its anomaly), by the months of the result, for cubes that are
        not global.

    Returns
    -------
    Dataset
        ``index`` by month (standardized; positive: warm along North America's coast),
        ``pattern`` by cell (temperature difference that goes with one unit of the index),
        ``explained_variance`` (share of the basin's variance), ``cells`` (how many were used).
        Lazy where the cube is.

    Notes
    -----
    A cell that lacks any month (land, seasonal ice) is left out; a month without any value is
    left out and its index is NaN. The mode is found from products of months, added up tile by
    tile (xeofs takes that table apart). A cube cut along time has its monthly means of the whole
    globe in memory until their climatology is known (0.25 degree and 40 years: 4 GB); one in
    tiles (``cc.rechunk``) does not.

    Raises
    ------
    DependencyError
        xeofs is not installed.
    UnitsError, CalendarError, ParameterError
        As for `climcube.nino34`.
    CubeError
        The cube is not global and no global mean was given, or has dimensions beside time and
        place; at compute: too few months or cells without a missing value.

    Examples
    --------
    >>> import pytest, climcube as cc
    >>> _ = pytest.importorskip("xeofs")
    >>> found = cc.pdo(cc.testing.synthetic_ocean(years=4, shape=(18, 36)).sst)
    >>> found["index"].sizes["time"], float(found["index"].std(ddof=1).round(6))
    (48, 1.0)
    """
    require_xeofs()
    subject = examine_months(cube, "pdo")
    axes = find_spatial(subject.cube)
    _require_place_only(subject, axes.dims)
    require_years(subject.axis, base_period, "pdo")
    time = subject.axis.name
    if global_mean is None:
        _require_global(subject)
    # The globe is gone through once: the basin is cut from what its mean is made of.
    months, areas = monthly_region(cube, subject, None if global_mean is None else _BASIN)
    if areas is None:
        raise _not_global(subject, "time only")
    departures = anomaly(months, "month", base_period=base_period)
    if global_mean is None:
        mean = area_mean(departures, weights=areas)
        departures, areas, _ = restrict(departures, areas, _BASIN)
    else:
        mean = _given_anomaly(global_mean, base_period)
    field = (departures - mean.drop_vars([c for c in mean.coords if c != time])).transpose(
        time, *[d for d in departures.dims if d != time]
    )
    axis = TimeAxis.of(departures)
    first, last = axis.period(base_period)
    in_base = (np.arange(len(axis)) >= first) & (np.arange(len(axis)) <= last)
    coast = cells_inside(_COAST, field[axes.latitude], field[axes.longitude])
    coast, areas = (_on_cells(table, field, time) for table in (coast, areas))
    where = f"pdo of variable {subject.cube.name!r}"
    values = leading_mode(field, areas, in_base, coast, where)
    result = _dressed(values, field, subject)
    parameters = {"base_period": base_period, "global_mean": global_mean}
    return finish(result, "pdo", parameters, [cube], subject.quantified)


def _dressed(values: tuple[Any, ...], field: xr.DataArray, subject: Subject) -> xr.Dataset:
    time, cells = field.dims[0], field.dims[1:]
    index, pattern, share, count = values
    attrs = {"long_name": "temperature that goes with one unit of the index"}
    variables = {
        "index": (time, index, {"long_name": "Pacific Decadal Oscillation index", "units": "1"}),
        "pattern": (cells, pattern, attrs | subject.units.difference()),
        "explained_variance": ((), share, {"long_name": "share of the variance", "units": "1"}),
        "cells": ((), count, {"long_name": "cells that were used", "units": "1"}),
    }
    return xr.Dataset(variables, field.coords, {"title": "Pacific Decadal Oscillation"})


def _on_cells(table: xr.DataArray, field: xr.DataArray, time: Any) -> xr.DataArray:
    """Repeat a table along the dimensions of the cells that it lacks, without coordinates."""
    bare = table.drop_vars(list(table.coords))
    whole = bare.expand_dims({d: n for d, n in field.sizes.items() if d not in (*bare.dims, time)})
    return whole.transpose(*field.dims[1:])


def _given_anomaly(global_mean: Any, base_period: BasePeriod | None) -> xr.DataArray:
    series, _ = plain_cube(global_mean, "pdo")
    own = examine_months(series, "pdo")
    if own.cells:
        raise CubeError(
            "global_mean has more than one value a month", where="global_mean",
            expected="time only", found=", ".join(map(str, series.dims)),
            remedy="cc.area_mean(global_mean)",
        )  # fmt: skip
    months, _ = monthly_region(series, own, None)
    return anomaly(months, "month", base_period=base_period)


def _require_global(subject: Subject) -> None:
    axes = find_spatial(subject.cube)
    latitude, longitude = (
        np.asarray(subject.cube[name].values, "float64") for name in (axes.latitude, axes.longitude)
    )
    around = np.unique(np.round(longitude[np.isfinite(longitude)] % 360, 3))
    gap = np.diff([*around, around[0] + 360]).max() if len(around) else 360.0
    width = 360 - gap
    if width < _LEAST_WIDTH or not (
        np.nanmin(latitude) <= -_LEAST_LATITUDE and np.nanmax(latitude) >= _LEAST_LATITUDE
    ):
        raise _not_global(
            subject,
            f"{width:.0f} degrees of longitude, latitudes {np.nanmin(latitude):g} to "
            f"{np.nanmax(latitude):g}",
        )


def _not_global(subject: Subject, found: str) -> CubeError:
    return CubeError(
        "the PDO needs the global mean", where=f"variable {subject.cube.name!r}",
        expected="a global cube, or its global mean", found=found,
        remedy="pass the global cube, or global_mean= (a monthly series)",
    )  # fmt: skip


def _require_place_only(subject: Subject, dims: tuple[str, ...]) -> None:
    extra = [d for d in subject.cells if d not in dims]
    if extra:
        raise CubeError(
            "the PDO needs a cube by time and place only",
            where=f"variable {subject.cube.name!r}",
            found="dimensions " + ", ".join(map(str, subject.cube.dims)),
            remedy="select one: cube.isel(" + ", ".join(f"{d}=0" for d in extra) + ")",
        )
