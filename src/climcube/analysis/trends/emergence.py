"""When a changing climate leaves its own noise behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.trends.common import (
    float_type,
    is_number,
    is_whole,
    label_of,
    require_min_valid,
)
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.chunks import is_lazy
from climcube.cubes.subject import Subject, examine, finish, plain_cube
from climcube.errors import CalendarError, CubeError, ParameterError
from climcube.lift.series import Output, lift_series

__all__ = ["emergence"]

_DEGREES = (1, 2, 3, 4)
_SHAPES = {1: "line", 2: "parabola", 3: "cubic", 4: "quartic"}


def emergence(
    cube: xr.DataArray,
    *,
    base_period: BasePeriod,
    threshold: float = 2.0,
    degree: int = 1,
    driver: xr.DataArray | None = None,
    min_valid: int = 10,
) -> xr.Dataset:
    """Return signal, noise, their ratio, and the year from which the ratio stays large.

    After Hawkins & Sutton (2012, doi:10.1029/2011GL050087): the *signal* is the smooth part of
    each cell's series, relative to its mean over the base period; the *noise* is the standard
    deviation of what is left, ::

        x = a + b_1 t + ... + b_degree t^degree + e         signal = fit - mean of fit in base
        x = a + b driver + e                                noise = sqrt(sum(e^2) / (n - p))

    with p the number of coefficients; the *year of emergence* is the first from which the size of
    signal / noise stays above the threshold to the end of the record, on the same side.

    Parameters
    ----------
    cube : DataArray
        Annual values, or one season's (at most one value a calendar year), with any other
        dimensions; if Dask, with time in one chunk. Take ``cc.annual_mean`` first.
    base_period : pair of years
        First and last year, both included, of what the signal is relative to.
    threshold : float
        Of signal to noise; 1 and 2 are usual ("unusual", "unfamiliar").
    degree : {1, 2, 3, 4}
        Of the polynomial in time that is the signal; 4 is that of Hawkins & Sutton (2009).
    driver : DataArray, optional
        One series, such as the smoothed global mean temperature, on which each cell is regressed
        in place of a polynomial (Hawkins et al. 2020, doi:10.1029/2019GL086259). It must have a
        value for every year of the cube.
    min_valid : int
        Fewer valid values than this give NaN, and the count; at least three more than there are
        coefficients to be found.

    Returns
    -------
    Dataset
        ``signal`` (by time; units of the cube, temperatures as differences) and
        ``signal_to_noise`` (by time), ``noise`` (likewise a difference), ``year`` (calendar
        year, NaN where nothing has emerged by the end) and ``n``, over the cube's other
        dimensions. Lazy where the cube is. What goes by time is float32 where the cube is.

    Raises
    ------
    AxisError, UnitsError
        As for `climcube.trend`.
    CalendarError
        Several values a year, or the record does not cover the base period.
    ParameterError
        An argument has a value that it does not take.
    CubeError
        The driver has further dimensions or misses a year, or the cube does not hold numbers. At
        compute: the cube holds an infinite value, or the driver misses one or never changes.
    ChunkError
        Chunks cut time.

    Notes
    -----
    Missing values are skipped. A fit says nothing beyond its data: the signal of a cell is given
    from its first valid year to its last, it needs values in half of the base period, and a cell
    whose values end before the record has no year. A year of emergence close to the end of the
    record is not to be trusted: the ratio has had no time to return.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1901-01-01", periods=120, freq="YS")
    >>> noise = np.random.default_rng(1).normal(0, 0.3, 120)
    >>> sst = xr.DataArray(15 + 0.02 * np.arange(120) + noise, dims="time",
    ...                    coords={"time": time}, attrs={"units": "degC"})
    >>> found = cc.emergence(sst, base_period=(1901, 1930))
    >>> float(found.year), round(float(found.noise), 2)
    (1942.0, 0.26)
    """
    _check(threshold, degree)
    subject = examine(cube, "emergence")
    axis = subject.axis
    _require_annual(axis)
    coefficients = degree + 1 if driver is None else 2
    require_min_valid(min_valid, coefficients + 3)
    first, last = axis.period(base_period)
    cubes, kernel, tables = [(subject.cube, axis.name)], "emergence", [axis.year.astype("float64")]
    if driver is None:
        tables.append(_polynomial(axis, degree))
    else:
        cubes.append(_own_years(driver, axis))
        kernel += "_driven"
    result = lift_series(
        f"climcube.kernels.emerging:{kernel}",
        cubes,
        _outputs(subject, float(threshold)),
        tables=(*tables, slice(first, last + 1), float(threshold), min_valid),
        purpose="emergence",
    )
    of = f"{_SHAPES[degree]} in time" if driver is None else f"regression on {label_of(driver)}"
    result.attrs |= {
        "title": f"emergence of {label_of(subject.cube)}",
        "method": f"signal: {of}, relative to {axis.label(first)[:4]}-{axis.label(last)[:4]}; "
        "noise: standard deviation of the residuals",
        "time_coverage_start": axis.label(0),
        "time_coverage_end": axis.label(len(axis) - 1),
    }
    parameters: dict[str, Any] = {
        "base_period": base_period, "threshold": threshold, "degree": degree, "driver": driver,
        "min_valid": min_valid,
    }  # fmt: skip
    inputs = [cube] if driver is None else [cube, driver]
    return finish(result, "emergence", parameters, inputs, subject.quantified)


def _check(threshold: Any, degree: Any) -> None:
    if not is_number(threshold) or not 0 < threshold < np.inf:
        raise ParameterError(
            "threshold out of range", where=f"threshold={threshold!r}", expected="a number above 0"
        )
    if not is_whole(degree) or degree not in _DEGREES:
        raise ParameterError(
            "degree out of range", where=f"degree={degree!r}", expected="1, 2, 3 or 4"
        )


def _require_annual(axis: TimeAxis) -> None:
    twice = np.diff(axis.year) == 0
    if twice.any():
        raise CalendarError(
            "emergence needs one value a year",
            where=axis.name,
            found=f"several in {axis.year[int(np.argmax(twice))]}",
            remedy="pass cc.annual_mean(cube), or a season: cc.seasonal_mean(cube, 'DJF')",
        )


def _polynomial(axis: TimeAxis, degree: int) -> npt.NDArray[np.float64]:
    """Return polynomials of time that are nearly independent of each other (Legendre's)."""
    times = axis.decimal_year - axis.decimal_year[0]
    scaled = 2 * times / max(float(times[-1]), 1e-9) - 1
    return np.asarray(np.polynomial.legendre.legvander(scaled, degree), "float64")


def _own_years(driver: Any, axis: TimeAxis) -> tuple[xr.DataArray, str]:
    """Return the driver's values in the cube's years, and the name of its time axis."""
    plain, _ = plain_cube(driver, "emergence")
    own = TimeAxis.of(plain)
    where = f"driver {plain.name!r}"
    if plain.ndim != 1:
        raise CubeError(
            "the driver must be one series", where=where, expected="the time dimension only",
            found=", ".join(map(str, plain.dims)), remedy="take cc.area_mean(driver)",
        )  # fmt: skip
    _require_annual(own)
    absent = np.setdiff1d(axis.year, own.year)
    if absent.size:
        raise CubeError(
            "the driver does not cover the cube", where=where,
            expected=f"a value for each year of {axis.year[0]}..{axis.year[-1]}",
            found=f"none for {absent[0]}",
        )  # fmt: skip
    inside = plain.isel({own.name: np.searchsorted(own.year, axis.year)})
    return inside.chunk({own.name: -1}) if is_lazy(inside) else inside, own.name


def _outputs(subject: Subject, threshold: float) -> list[Output]:
    name, time = label_of(subject.cube), subject.axis.name
    one, difference = {"units": "1"}, subject.units.difference()
    known: list[tuple[str, str | None, str, dict[str, str]]] = [
        ("signal", time, f"signal in {name}", difference),
        ("signal_to_noise", time, f"signal to noise of {name}", one),
        ("noise", None, f"standard deviation of {name} about its signal", difference),
        ("year", None, f"year from which signal to noise of {name} exceeds {threshold:g}", one),
        ("n", None, f"number of valid values of {name}", one),
    ]
    long = float_type(subject.cube)
    types = {"n": "int64", "signal": long, "signal_to_noise": long}
    return [
        Output(key, dim, types.get(key, "float64"), {"long_name": text, **units})
        for key, dim, text, units in known
    ]
