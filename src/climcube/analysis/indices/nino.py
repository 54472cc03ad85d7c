"""El Nino and La Nina: the Nino boxes, and the Oceanic Nino Index."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.analysis.indices.regional import (
    examine_months,
    monthly_anomaly,
    monthly_series,
    require_years,
)
from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.cubes.subject import finish, finish_array
from climcube.errors import CalendarError, ParameterError
from climcube.lift.series import Output, lift_series

__all__ = ["nino34", "oni"]

_SEASONS = ("DJF", "JFM", "FMA", "MAM", "AMJ", "MJJ", "JJA", "JAS", "ASO", "SON", "OND", "NDJ")
_LAST_BASE = (1991, 2020)
_FIRST_BLOCK = 1951
_SHARE = 0.9  # of a base's values of a calendar month


def nino34(
    cube: xr.DataArray, *, region: Any = "nino34", base_period: BasePeriod | None = None
) -> xr.DataArray:
    """Return the monthly sea surface temperature anomaly of the Nino 3.4 box, or another's.

    Mean over 5S-5N, 170-120W of the anomalies of its cells, by area; an anomaly is the monthly
    mean minus the mean of that calendar month over the base period (Trenberth 1997,
    doi:10.1175/1520-0477(1997)078<2771:TDOENO>2.0.CO;2).

    Parameters
    ----------
    cube
        Sea surface temperature in degC or K (plain or pint-quantified), daily or monthly, of
        any calendar, with latitude and longitude (1-D or 2-D), NumPy or Dask in any chunks;
        only the chunks of the region are read. Without units degC or K are assumed. A cube
        that has time only is taken as the series of the region.
    region
        ``"nino34"``, ``"nino12"``, ``"nino3"``, ``"nino4"``, or as for `climcube.area_mean`.
    base_period
        First and last year, both included; default the whole record.

    Returns
    -------
    DataArray
        float64 by month (its first day), every month from first to last; a temperature
        difference in the cube's units.

    Notes
    -----
    Daily values are averaged by month; a month of less than 0.9 of its days is NaN. Cells
    without a value carry no weight.

    Raises
    ------
    UnitsError
        The cube is no temperature.
    CalendarError
        Neither daily nor monthly, or the record lacks the base period, or is one year.
    ParameterError
        A region that is not understood, or without any cell; a base period of one year.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(18, 36)).sst
    >>> cc.nino34(sst, base_period=("2000", "2003")).sizes
    Frozen({'time': 48})
    """
    subject = examine_months(cube, "nino34")
    result = monthly_anomaly(cube, subject, region, base_period, "nino34")
    name = region.lower() if isinstance(region, str) else "nino"
    result = result.drop_vars("region", errors="ignore").rename(name)
    if isinstance(region, str):
        result = result.assign_coords(region=name)
    text = f"sea surface temperature anomaly of region {name}"
    result.attrs = subject.units.difference() | {"long_name": text}
    parameters = {"region": region, "base_period": base_period}
    return finish_array(result, "nino34", parameters, [cube], subject.quantified)


def oni(
    cube: xr.DataArray,
    *,
    base_period: BasePeriod | None = None,
    decimals: int | None = None,
) -> xr.Dataset:
    """Return the Oceanic Nino Index, with El Nino and La Nina episodes.

    As NOAA's Climate Prediction Center makes it: the mean of Nino 3.4 by month; its anomaly
    from the 30 years around each block of five (1951-55 has 1936-65, 1956-60 has 1941-70 ...;
    1950 joins the first block; no base ends after 2020: from 2006 on it is 1991-2020); *then*
    the centred mean of three months. An episode is a run of at least five overlapping seasons
    of 0.5 degrees or more, of one sign.

    Parameters
    ----------
    cube
        As for `climcube.nino34`. The mean over the box is taken before the anomaly.
    base_period
        One base for all months (first and last year, both included) in place of the moving
        ones: for records that are too short for them.
    decimals
        Round 3-month means before they are compared with 0.5, 1, 1.5 and 2; NOAA's published
        table is compared with one decimal. Default: no rounding.

    Returns
    -------
    Dataset
        By month: ``oni`` and ``anomaly`` (temperature differences in the cube's units),
        ``episode`` (1 El Nino, -1 La Nina, 0 neither) and ``strength`` of the episode, from
        its largest ``|oni|``: 1 weak (0.5), 2 moderate (1.0), 3 strong (1.5), 4 very strong
        (2.0 and more). Coordinates: time (first day of the middle month), ``season``
        (``"DJF"`` stands at January), ``base_start`` (first year of the base; 0 for none).
        Lazy where the cube is.

    Notes
    -----
    A season that lacks a month is NaN and ends a run; so do the first and the last month of the
    record, and a run at its end may still grow. A base's calendar month needs 0.9 of its
    values. Records that start late lack the bases of their first years: those are NaN, and a
    warning names them. Years before 1950 and after 2020 continue the rule.

    Raises
    ------
    UnitsError, ParameterError
        As for `climcube.nino34`.
    CalendarError
        Neither daily nor monthly; or the record covers no moving base at all, or not the base
        period given.

    Warns
    -----
    UserWarning
        Some years of the record have no moving base.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import climcube as cc
    >>> time = xr.date_range("1991-01-01", "2020-12-01", freq="MS")
    >>> warm = 27 + 1.2 * ((time.year == 1997) & (time.month > 3))
    >>> sst = xr.DataArray(warm, coords={"time": time}, dims="time", attrs={"units": "degC"})
    >>> found = cc.oni(sst, base_period=("1991", "2020"))
    >>> found.season[found.episode == 1].values.tolist()
    ['MAM', 'AMJ', 'MJJ', 'JJA', 'JAS', 'ASO', 'SON', 'OND', 'NDJ']
    """
    _require_decimals(decimals)
    subject = examine_months(cube, "oni")
    series = monthly_series(cube, subject, "nino34").drop_vars("region", errors="ignore")
    axis = TimeAxis.of(series)
    bases = _bases(axis, base_period)
    number, periods = _numbered(axis, bases)
    difference = subject.units.difference()
    whole = series.rename("nino34").chunk({axis.name: -1}) if series.chunks else series
    result = lift_series(
        "climcube.kernels.oceanic_nino:oceanic_nino",
        [(whole, axis.name)],
        _outputs(axis.name, difference),
        tables=(axis.month - 1, number, periods, _SHARE, -1 if decimals is None else decimals),
        purpose="oni",
    )
    result = result.assign_coords(
        season=(axis.name, np.array(_SEASONS)[axis.month - 1], {"long_name": "season"}),
        base_start=(axis.name, bases[:, 0], {"long_name": "first year of the base period"}),
    )
    result.attrs["title"] = "Oceanic Nino Index"
    parameters = {"base_period": base_period, "decimals": decimals}
    return finish(result, "oni", parameters, [cube], subject.quantified)


def _outputs(time: str, difference: dict[str, str]) -> list[Output]:
    episode = {
        "long_name": "El Nino (1) or La Nina (-1)",
        "flag_values": np.array([-1, 0, 1], np.int8),
        "flag_meanings": "la_nina neutral el_nino",
    }
    strength = {
        "long_name": "strength of the episode, by its largest value",
        "flag_values": np.arange(5, dtype=np.int8),
        "flag_meanings": "none weak moderate strong very_strong",
    }
    return [
        Output("anomaly", time, attrs={"long_name": "anomaly of Nino 3.4", **difference}),
        Output("oni", time, attrs={"long_name": "Oceanic Nino Index", **difference}),
        Output("episode", time, "int8", episode),
        Output("strength", time, "int8", strength),
    ]


def _bases(axis: TimeAxis, base_period: BasePeriod | None) -> npt.NDArray[np.int64]:
    """Return first and last year of each month's base, 0 where the record lacks it."""
    if base_period is not None:
        require_years(axis, base_period, "oni")
        first, last = axis.period(base_period)
        fixed = np.array([axis.year[first], axis.year[last]])
        return np.broadcast_to(fixed, (len(axis), 2)).copy()
    block = _FIRST_BLOCK + (axis.year - _FIRST_BLOCK) // 5 * 5
    block = np.where(axis.year == _FIRST_BLOCK - 1, _FIRST_BLOCK, block)
    wanted = np.stack([block - 15, block + 14], axis=1)
    wanted = np.where(wanted[:, 1:] > _LAST_BASE[1], np.array(_LAST_BASE), wanted)
    have = int(axis.year[0]), int(axis.year[-1])
    covered = (wanted[:, 0] >= have[0]) & (wanted[:, 1] <= have[1])
    if not covered.any():
        raise CalendarError(
            "the record is too short for the moving base periods of the ONI",
            where=axis.name,
            expected="30 years that are a base, as 1991..2020",
            found=f"{have[0]}..{have[1]}",
            remedy=f"pass base_period=({have[0]}, {have[1]})",
        )
    if not covered.all():
        without = axis.year[~covered]
        warnings.warn(
            f"the ONI of {int((~covered).sum())} months within {without[0]}..{without[-1]} is "
            f"missing: the record ({have[0]}..{have[1]}) lacks their base periods; pass "
            "base_period= for one base",
            UserWarning,
            stacklevel=3,
        )
    return np.where(covered[:, None], wanted, 0)


def _numbered(
    axis: TimeAxis, bases: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the number of each month's base (-1 for none), and the months of each base."""
    known = np.unique(bases[bases[:, 0] != 0], axis=0)
    number = np.full(len(bases), -1)
    for row, base in enumerate(known):
        number[(bases == base).all(axis=1)] = row
    columns = np.stack(
        [np.searchsorted(axis.year, known[:, 0]), np.searchsorted(axis.year, known[:, 1], "right")],
        axis=1,
    )
    return number, columns


def _require_decimals(decimals: Any) -> None:
    if decimals is None:
        return
    if isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= 9:
        raise ParameterError(
            "decimals out of range", where=f"decimals={decimals!r}",
            expected="a whole number from 0 to 9, or None",
        )  # fmt: skip
