"""The Indian Ocean Dipole."""

from __future__ import annotations

import xarray as xr

from climcube.analysis.indices.regional import examine_months, monthly_anomaly
from climcube.cubes.calendar import BasePeriod
from climcube.cubes.subject import finish

__all__ = ["iod"]

_POLES = {"west": ("iod_west", "50-70E, 10S-10N"), "east": ("iod_east", "90-110E, 10S-0")}


def iod(cube: xr.DataArray, *, base_period: BasePeriod | None = None) -> xr.Dataset:
    """Return the Dipole Mode Index of the Indian Ocean, and its two poles.

    Sea surface temperature anomaly of 50-70E, 10S-10N minus that of 90-110E, 10S-0 (Saji et
    al. 1999, doi:10.1038/43854). No filter, no detrending.

    Parameters
    ----------
    cube, base_period
        As for `climcube.nino34`; the cube covers both poles.

    Returns
    -------
    Dataset
        ``dmi``, ``west`` and ``east`` by month: temperature differences in the cube's units,
        float64. Lazy where the cube is.

    Raises
    ------
    UnitsError, CalendarError
        As for `climcube.nino34`.
    ParameterError
        A pole has no cell.

    Examples
    --------
    >>> import climcube as cc
    >>> found = cc.iod(cc.testing.synthetic_ocean(years=4, shape=(18, 36)).sst)
    >>> sorted(found)
    ['dmi', 'east', 'west']
    """
    subject = examine_months(cube, "iod")
    poles = {
        name: monthly_anomaly(cube, subject, region, base_period, "iod").drop_vars(
            "region", errors="ignore"
        )
        for name, (region, _) in _POLES.items()
    }
    result = xr.Dataset({"dmi": poles["west"] - poles["east"], **poles}, attrs={})
    texts = {"dmi": "Dipole Mode Index (west minus east)"}
    texts |= {n: f"anomaly of the {n}ern pole, {where}" for n, (_, where) in _POLES.items()}
    for name, text in texts.items():
        result[name].attrs = subject.units.difference() | {"long_name": text}
    result.attrs = {"title": "Indian Ocean Dipole"}
    return finish(result, "iod", {"base_period": base_period}, [cube], subject.quantified)
