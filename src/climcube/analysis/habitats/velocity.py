"""How fast, and whither, the lines of equal temperature move over the map."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import xarray as xr

from climcube.analysis.climatology import grid_of
from climcube.analysis.habitats.surroundings import spatial_gradient
from climcube.analysis.trends.common import label_of, warn_of_seasons
from climcube.analysis.trends.trend import trend
from climcube.cubes.subject import Subject, examine, finish
from climcube.cubes.units import Units
from climcube.errors import CubeError, ParameterError
from climcube.kernels.gradient import motion
from climcube.kernels.groups import Finish
from climcube.kernels.pools import group_samples
from climcube.lift.common import require_free_names
from climcube.lift.reduction import Output, lift_reduction

__all__ = ["climate_velocity"]

_FLOOR = 1e-4  # degC per km
_FAHRENHEIT = 1.8
_FROM_TREND = ("pvalue", "n")
_NAMES = ("velocity", "gradient", "direction", "velocity_x", "velocity_y")


def climate_velocity(
    cube: xr.DataArray,
    *,
    per: str = "decade",
    method: str = "ols",
    test: str | None = None,
    autocorrelation: str = "ar1",
    seasonal: str | None = None,
    min_valid: int = 3,
    gradient_floor: float | None = None,
) -> xr.Dataset:
    """Return how fast lines of equal temperature move: trend over spatial gradient.

    The local velocity of climate change (Loarie et al. 2009, doi:10.1038/nature08649; Burrows et
    al. 2011, doi:10.1126/science.1210288)::

        velocity = trend / max(|gradient|, floor)

    The trend is that of `climcube.trend`. The gradient is that of the mean over time, from each
    cell's 3x3 neighbourhood: the slopes between the six pairs of neighbours along each axis,
    where pairs that include the cell weigh 2 and those at the rim 1; a degree of latitude is
    111.325 km, one of longitude cos(latitude) of that, row by row. On grids with 2-D coordinates
    the same pairs are fitted by least squares in their true directions, with distances on the
    sphere.

    Parameters
    ----------
    cube : DataArray
        Values (not anomalies: those have no spatial gradient left) over a map of at least two
        rows and columns, 1-D in either direction or 2-D, with time and any other dimensions in
        any order and chunks; NumPy or Dask, plain or pint-quantified, in any calendar. Annual
        means are the field's choice: values within the year bring their cycle into the trend's
        errors.
    per : {"decade", "year", "century", "month", "day"}
        Unit of time.
    method, test, autocorrelation, seasonal, min_valid
        Of the trend: see `climcube.trend`.
    gradient_floor : float, optional
        Smallest gradient to divide by, in the cube's units per km; default 1e-4 degC per km.

    Returns
    -------
    Dataset
        Over the cube's other dimensions, lazy where the cube is: ``velocity`` (km per ``per``;
        positive where values rise), ``gradient`` (its magnitude, without the floor; units per
        km), ``direction`` (degrees clockwise from north, towards which the lines move: down the
        gradient where values rise, up the gradient where they fall), ``velocity_x`` and
        ``velocity_y`` (eastward and northward), ``trend``, its ``pvalue`` and ``n``.

    Raises
    ------
    AxisError
        No time axis; or no map of neighbouring cells in order.
    CubeError
        The cube holds anomalies or no numbers, or (at compute) an infinite value.
    ParameterError
        An argument has a value that it does not take.
    UnitsError, CalendarError, ChunkError
        As for `climcube.trend`.

    Warns
    -----
    UserWarning
        Several values a year and no ``seasonal``.

    Notes
    -----
    Land is missing: the gradient beside it rests on the pairs that are there, each component by
    itself, as in Burrows' own analysis; a component without a pair (a strait of one cell) is 0,
    and a cell without any is NaN. Columns join around the globe. The mean is that of the valid
    samples. Where there is no gradient at all the velocity is trend / floor and its direction
    and components are NaN; where the trend is 0 the direction is. Units change nothing but
    scales; yet float32 values in kelvin are themselves 1.5e-5 K off (0.16 km per decade at most,
    in flat water of ERSST): convert float32 cubes in float64.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1991-01-01", periods=30, freq="YS")
    >>> lat, lon = np.arange(40.5, 45), np.arange(0.5, 5)
    >>> warming = xr.DataArray(0.03 * np.arange(30), coords={"time": time}, dims="time")
    >>> sst = warming - 0.7 * xr.DataArray(lat, coords={"lat": lat}, dims="lat")
    >>> sst = sst.expand_dims(lon=lon).assign_attrs(units="degC")
    >>> found = cc.climate_velocity(sst)
    >>> round(float(found.velocity.sel(lat=42.5, lon=2.5)), 1), found.velocity.units
    (47.7, 'km decade-1')
    >>> float(found.direction.sel(lat=42.5, lon=2.5))  # northward, where it is colder
    0.0
    """
    subject = examine(cube, "climate_velocity")
    _refuse_anomalies(subject.cube)
    named = [Output(name, None) for name in (*_NAMES, "trend", *_FROM_TREND)]
    require_free_names(subject.cube, subject.axis.name, {}, "climate_velocity", named)
    floor = _floor(gradient_floor, subject.units)
    if seasonal is None:
        remedy = "pass annual means: cc.climate_velocity(cc.annual_mean(cube))"
        warn_of_seasons("climate velocity", subject.cube, subject.axis, remedy)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the trend of .* seasonal cycle", UserWarning)
        fit = trend(
            subject.cube, method=method, test=test, per=per, autocorrelation=autocorrelation,
            seasonal=seasonal, min_valid=min_valid,
        )  # fmt: skip
    east, north = spatial_gradient(_mean(subject))
    result = _moving(fit, east, north, floor).assign(
        {"trend": fit["slope"]} | {name: fit[name] for name in _FROM_TREND}
    )
    result = _described(result, subject, per)
    least = f"{floor:g} {subject.units.text or ''}".strip()
    result.attrs = fit.attrs | {
        "title": f"climate velocity of {label_of(subject.cube)}",
        "method": f"trend over spatial gradient (at least {least} per km); trend: "
        + fit.attrs["method"],
    }
    parameters = {
        "per": per, "method": method, "test": test, "autocorrelation": autocorrelation,
        "seasonal": seasonal, "min_valid": min_valid, "gradient_floor": floor,
    }  # fmt: skip
    return finish(result, "climate_velocity", parameters, [cube], subject.quantified)


def _mean(subject: Subject) -> xr.DataArray:
    """Return the mean of the valid samples of each cell, in one pass over any chunks."""
    axis = subject.axis
    pools = group_samples(np.zeros(len(axis), "int64"), 1, np.ones(len(axis)))
    mean = lift_reduction(
        "climcube.kernels.groups:MEAN",
        subject.cube,
        axis.name,
        [Output("mean", "whole_record")],
        tables=(pools, grid_of(subject.cube), Finish()),
        coordinates={"whole_record": xr.DataArray([0], dims="whole_record")},
        purpose="climate_velocity",
    )["mean"]
    return mean.isel(whole_record=0, drop=True).rename(subject.cube.name)


def _moving(fit: xr.Dataset, east: xr.DataArray, north: xr.DataArray, floor: float) -> xr.Dataset:
    parts = xr.apply_ufunc(
        motion, east, north, fit["slope"], kwargs={"floor": floor},
        output_core_dims=[()] * len(_NAMES), dask="parallelized",
        output_dtypes=["float64"] * len(_NAMES),
    )  # fmt: skip
    whole = fit.drop_vars(list(fit.data_vars))
    return whole.assign(dict(zip(_NAMES, parts, strict=True)))


def _described(result: xr.Dataset, subject: Subject, per: str) -> xr.Dataset:
    name, speed = label_of(subject.cube), f"km {per}-1"
    known: dict[str, dict[str, Any]] = {
        "velocity": {"units": speed, "long_name": f"climate velocity of {name}"},
        "gradient": subject.units.times("km-1")
        | {"long_name": f"magnitude of the spatial gradient of {name}"},
        "direction": {
            "units": "degree",
            "long_name": f"direction towards which lines of equal {name} move, "
            "clockwise from north",
        },
        "velocity_x": {"units": speed, "long_name": f"eastward climate velocity of {name}"},
        "velocity_y": {"units": speed, "long_name": f"northward climate velocity of {name}"},
    }
    for variable, attrs in known.items():
        result[variable].attrs = attrs
    return result


def _floor(given: Any, units: Units) -> float:
    """Return the smallest gradient, in the cube's units per km."""
    if given is None:
        return _FLOOR * (_FAHRENHEIT if units.agree("degF") else 1.0)
    number = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    if not number or not np.isfinite(given) or given <= 0:
        raise ParameterError(
            "the least gradient must be positive", where=f"gradient_floor={given!r}",
            expected="a number above 0, in the cube's units per km",
            remedy="leave it out for 1e-4 degC per km",
        )  # fmt: skip
    return float(given)


def _refuse_anomalies(cube: xr.DataArray) -> None:
    """Refuse what says of itself that each cell's own mean is gone, and with it the gradient."""
    words = [cube.name, cube.attrs.get("long_name"), cube.attrs.get("standard_name")]
    anomalous = any("anomal" in str(word).lower() for word in words)
    if anomalous or "difference" in str(cube.attrs.get("units_metadata")):
        raise CubeError(
            "anomalies have no spatial gradient", where=f"variable {cube.name!r}",
            expected="absolute values", found="a difference from each cell's own climatology",
            remedy="pass the cube itself, or its annual means: cc.annual_mean(cube)",
        )  # fmt: skip
