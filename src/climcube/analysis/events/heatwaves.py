"""Marine heatwaves and cold spells as Hobday et al. (2016, 2018) define them."""

from __future__ import annotations

from typing import Any

import xarray as xr

from climcube.analysis.events.baselines import (
    FixedClimatology,
    given_climatology,
    shifting_climatology,
)
from climcube.analysis.events.criteria import second_criterion, without_ice
from climcube.analysis.events.definition import HeatwaveDefinition, definitions_of
from climcube.analysis.events.names import apart_from_results
from climcube.analysis.events.results import Heatwaves
from climcube.analysis.events.several import HeatwaveSet
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.subject import Subject, examine
from climcube.errors import ParameterError

__all__ = ["Heatwaves", "heatwaves"]

_PURPOSE = "heatwaves"


def heatwaves(
    cube: xr.DataArray,
    *,
    base_period: BasePeriod | list[BasePeriod] | None = None,
    percentile: float | list[float] = 90.0,
    window: int | list[int] = 11,
    smooth: int | list[int | None] | None = 31,
    min_duration: int | list[int] = 5,
    max_gap: int | list[int] = 2,
    max_pad: int | list[int] = 0,
    cold: bool = False,
    climatology: xr.Dataset | None = None,
    baseline: str = "fixed",
    baseline_years: int = 30,
    ice: xr.DataArray | None = None,
    max_ice: float = 0.15,
    min_temperature: float | None = None,
    second_threshold: float | xr.DataArray | None = None,
    min_duration2: int | None = None,
    max_gap2: int | None = None,
    compat: str | None = None,
) -> Heatwaves:
    """Find marine heatwaves (or cold spells) in every cell of a daily cube.

    A marine heatwave is a period of at least ``min_duration`` days strictly above the
    ``percentile`` of the day of year (Hobday et al. 2016). That threshold, and the seasonal
    climatology (the mean), pool the values of ``window`` days around each day of year over the
    base period and are smoothed by a circular running mean over ``smooth`` days; 29 February is
    the mean of its neighbours. Runs shorter than ``min_duration`` are dropped first, then runs
    at most ``max_gap`` days apart are joined. The category (Hobday et al. 2018) counts
    multiples of the distance from climatology to threshold: Moderate, Strong, Severe, Extreme.

    Parameters
    ----------
    cube
        Daily values with a time axis and any other dimensions, in any order; NumPy or Dask
        (then time in one chunk), plain or pint-quantified, in any calendar.
    base_period
        First and last year of the climatology, both included; default the whole record.
    percentile
        Percentile of the threshold, between 50 and 100. For cold spells it applies to the
        negated series: 90 means the coldest tenth.
    window
        Full width, odd, in days, of the window pooled around each day of year.
    smooth
        Width, odd, in days, of the running mean over days of year; ``None`` for none.
    min_duration, max_gap
        Shortest event, and longest gap between two runs that are joined, in days; ``max_gap=0``
        joins nothing.
    max_pad
        Longest gap of missing days to interpolate linearly; by default none is.
    cold
        Find cold spells; their intensities are negative.
    climatology
        Use this ``seas`` and ``thresh`` (the ``climatology`` of another result: another
        period, another data set) in place of the cube's own.
    baseline
        ``"fixed"``: one climatology for the whole record. ``"detrended"``: each series loses
        its linear trend first (fitted to the whole record, its mean kept), so events are
        departures from a warming ocean; absolute intensities are of the detrended series.
        ``"shifting"``: each year has the climatology of the ``baseline_years`` whole calendar
        years before it; results begin with the first year that has so many.
    baseline_years
        Length of a shifting baseline.
    ice, max_ice
        Sea-ice concentration (share or %) on the cube's grid, by day or fixed; samples with
        ``max_ice`` or more are missing, in the climatology and as exceedances. Or a boolean
        cube, true under ice. Missing concentrations (land) count as no ice.
    min_temperature
        Samples below this value (in the cube's units; sea water freezes near -1.8 degC) count
        as ice and are missing.
    second_threshold, min_duration2, max_gap2
        A second criterion for the days of an event: a number that values must exceed as well
        (29 degC, say), a DataArray of such thresholds (by day, by ``dayofyear``, by cell; any
        of these), or a boolean DataArray (another variable's exceedances). Days of an event
        that meet it form the final events, of at least ``min_duration2`` days and joined over
        gaps of ``max_gap2`` (default: as the first ones). Cold spells need values below it.
    compat
        ``"reference"`` rounds as the Python reference implementation does, whose last bit
        decides days that lie exactly on the threshold (4 of 34,313 events of a real data set
        end a day or two later). By default such a day is no exceedance, as the definition says.

    Returns
    -------
    Heatwaves
        Lazy results: ``climatology``, ``daily``, ``annual``, the table ``events()`` and
        ``trend()``. Lists in place of single values (``percentile=[90, 95]``,
        ``base_period=[(1983, 2012), (1991, 2020)]``) give all combinations, stacked along a
        dimension ``definition``; each tile of the cube is still read once.

    Notes
    -----
    Missing values are no exceedance and end a run, unless the gap is joined; inside a joined
    event they count as the climatology. Days absent from the time axis are like missing ones
    where they are more than ``max_gap`` and ``max_pad``; fewer (29 February, in records that
    drop it) end no run and are not counted. A year without any value (land) has NaN for count
    and days too, not 0, and so has a cell without a threshold (no values in the base period).
    Infinite values count as missing. Where the threshold equals the climatology (sea ice,
    constant series) nothing is an event: ``annual["days_undefined"]`` counts such days. Values
    known to be packed (from the cube's encoding, verified on the data) are compared as
    float64(integer) * scale + offset, all others as given, in float64.

    Raises
    ------
    AxisError
        No time axis, several, or times that are duplicated or out of order.
    CalendarError
        The data are not daily, or the base period is outside the record.
    ChunkError
        A Dask cube is cut along time.
    ParameterError
        An option out of range; a base period of fewer than three years.

    References
    ----------
    Hobday, A. J. et al. (2016), Progress in Oceanography 141, 227-238,
    doi:10.1016/j.pocean.2015.12.014. Hobday, A. J. et al. (2018), Oceanography 31(2), 162-173,
    doi:10.5670/oceanog.2018.205.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> mhw = cc.heatwaves(sst)
    >>> mhw.climatology.sizes["dayofyear"], mhw.annual.sizes["time"]
    (366, 4)
    >>> sorted(mhw.daily)
    ['anomaly', 'category', 'event', 'severity']
    >>> both = cc.heatwaves(sst, percentile=[90, 95])
    >>> both.annual.definition.values.tolist()
    ['percentile=90', 'percentile=95']
    """
    given = {
        "base_period": base_period, "percentile": percentile, "window": window, "smooth": smooth,
        "min_duration": min_duration, "max_gap": max_gap, "max_pad": max_pad, "cold": cold,
        "baseline": baseline, "baseline_years": baseline_years, "min_duration2": min_duration2,
        "max_gap2": max_gap2, "compat": compat,
    }  # fmt: skip
    definitions = list(definitions_of(given))
    varying = {name for own, _ in definitions for name in own}
    subject = apart_from_results(examine(cube, _PURPOSE, daily=True), definitions[0][1], varying)
    subject = without_ice(subject, ice, max_ice, min_temperature)
    extra = {
        "climatology": climatology, "ice": ice, "max_ice": max_ice,
        "min_temperature": min_temperature, "second_threshold": second_threshold,
    }  # fmt: skip
    used = {name: value for name, value in extra.items() if value is not None}
    if ice is None:
        del used["max_ice"]
    found = [(own, _one(cube, subject, definition, used)) for own, definition in definitions]
    if len(found) == 1 and not found[0][0]:
        return found[0][1]
    return HeatwaveSet.of(found, given | used)


def _one(
    cube: Any, subject: Subject, definition: HeatwaveDefinition, extra: dict[str, Any]
) -> Heatwaves:
    """Build the results of one definition."""
    climatology, second = extra.get("climatology"), extra.get("second_threshold")
    group = None
    source: FixedClimatology | xr.Dataset
    if definition.baseline == "shifting":
        if climatology is not None:
            raise ParameterError(
                "a shifting baseline makes its own climatology",
                where="climatology=",
                remedy="drop climatology, or baseline='shifting'",
            )
        source, subject, group = shifting_climatology(subject, definition)
    elif climatology is not None:
        if definition.base_period is not None:
            raise ParameterError(
                "a climatology that is given has no base period to be made from",
                where=f"base_period={definition.base_period!r}",
                remedy="drop base_period, or climatology",
            )
        source = given_climatology(climatology, subject)
    else:
        source = FixedClimatology.of(subject, definition)
    others = [e for e in extra.values() if isinstance(e, xr.DataArray | xr.Dataset)]
    return Heatwaves(
        subject, definition, source, definition.as_parameters() | extra, [cube, *others],
        group, second_criterion(subject, second, definition),
    )  # fmt: skip
