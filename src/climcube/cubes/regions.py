"""Regions on the sphere: named boxes, boxes of one's own, across the dateline too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.errors import ParameterError, suggest

__all__ = ["REGIONS", "Region", "find_region", "selected"]

# Coordinates stored as float32 miss whole degrees by this much.
_TOLERANCE = 1e-4
_FULL_CIRCLE = 360.0


@dataclass(frozen=True)
class Region:
    """A box of longitudes and latitudes in degrees; a cell belongs if its centre lies inside.

    Parameters
    ----------
    west, east
        Longitudes of the edges, going east from ``west``; any convention, so ``(170, -120)``,
        ``(170, 240)`` and ``(-190, -120)`` are the same. Edges belong to the region.
    south, north
        Latitudes of the edges.
    name
        What to call it.

    Examples
    --------
    >>> Region(-170, -120, -5, 5).contains_longitude(np.array([190.0, 191.5, 241.0]))
    array([ True,  True, False])
    """

    west: float
    east: float
    south: float
    north: float
    name: str = "box"

    def __post_init__(self) -> None:
        edges = (self.west, self.east, self.south, self.north)
        where = f"region={self.as_tuple()}"
        if not all(isinstance(e, int | float | np.number) and np.isfinite(e) for e in edges):
            raise _not_understood(edges)
        if self.south >= self.north or abs(self.south) > 90 or abs(self.north) > 90:
            raise ParameterError(
                "latitudes of the region are out of order or range", where=where,
                expected="-90 <= south < north <= 90",
                found=f"south {self.south}, north {self.north}",
                remedy="the order is (west, east, south, north)",
            )  # fmt: skip
        if self.west == self.east or abs(self.east - self.west) > _FULL_CIRCLE:
            raise ParameterError(
                "the region has no width, or more than a full circle", where=where,
                expected="two different longitudes, at most 360 degrees apart",
                found=f"west {self.west}, east {self.east}",
            )  # fmt: skip

    @property
    def width(self) -> float:
        """Degrees of longitude from west to east."""
        return (self.east - self.west) % _FULL_CIRCLE or _FULL_CIRCLE

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return (west, east, south, north)."""
        return self.west, self.east, self.south, self.north

    def contains_latitude(self, latitude: Any) -> Any:
        """Whether latitudes lie inside; NaN does not."""
        return (latitude >= self.south - _TOLERANCE) & (latitude <= self.north + _TOLERANCE)

    def contains_longitude(self, longitude: Any) -> Any:
        """Whether longitudes of any convention lie inside; NaN does not."""
        return (longitude - self.west + _TOLERANCE) % _FULL_CIRCLE <= self.width + 2 * _TOLERANCE

    def contains(self, latitude: Any, longitude: Any) -> Any:
        """Whether points lie inside."""
        return self.contains_latitude(latitude) & self.contains_longitude(longitude)


def _named(*boxes: tuple[str, float, float, float, float]) -> Mapping[str, Region]:
    return MappingProxyType({n: Region(w, e, s, north, n) for n, w, e, s, north in boxes})


#: Named regions: Niño boxes (NOAA), Indian Ocean Dipole (Saji et al. 1999), others of the field.
REGIONS = _named(
    ("nino12", -90, -80, -10, 0),
    ("nino3", -150, -90, -5, 5),
    ("nino34", -170, -120, -5, 5),
    ("nino4", 160, -150, -5, 5),
    ("iod_west", 50, 70, -10, 10),
    ("iod_east", 90, 110, -10, 0),
    ("atl3", -20, 0, -3, 3),
    ("tropical_north_atlantic", -57.5, -15, 5.5, 23.5),
    ("tropical_south_atlantic", -30, 10, -20, 0),
    ("north_atlantic", -80, 0, 0, 60),
    ("north_pacific", 110, -100, 20, 70),
    ("tropics", -180, 180, -23.5, 23.5),
    ("northern_hemisphere", -180, 180, 0, 90),
    ("southern_hemisphere", -180, 180, -90, 0),
    ("global", -180, 180, -90, 90),
)


def find_region(region: Any) -> Region:
    """Return a region from its name, a `Region`, a mapping or ``(west, east, south, north)``.

    A mapping has the keys ``lon`` and ``lat``, each a pair; or the four names of the edges.

    >>> find_region("nino34").as_tuple()
    (-170, -120, -5, 5)
    >>> find_region({"lon": (160, 210), "lat": (-5, 5)}).width
    50.0
    """
    if isinstance(region, Region):
        return region
    if isinstance(region, str):
        if region.lower() not in REGIONS:
            raise ParameterError(
                "unknown region",
                where=f"region={region!r}",
                remedy=suggest(region.lower(), REGIONS),
            )
        return REGIONS[region.lower()]
    edges = _edges_of_mapping(region) if isinstance(region, Mapping) else region
    is_sequence = isinstance(edges, Sequence | np.ndarray)
    if not is_sequence or isinstance(edges, str) or len(edges) != 4:
        raise _not_understood(region)
    try:
        west, east, south, north = (float(e) for e in edges)
    except (TypeError, ValueError):
        raise _not_understood(region) from None
    return Region(west, east, south, north)


def _edges_of_mapping(region: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        if {"lon", "lat"} <= set(region):
            return (*region["lon"], *region["lat"])
        return tuple(region[name] for name in ("west", "east", "south", "north"))
    except (KeyError, TypeError):
        raise _not_understood(dict(region)) from None


def _not_understood(found: object) -> ParameterError:
    return ParameterError(
        "region not understood",
        where="region",
        expected="a name, (west, east, south, north), or "
        "{'lon': (west, east), 'lat': (south, north)}",
        found=repr(found),
    )


def selected(mask: npt.NDArray[np.bool_]) -> slice | npt.NDArray[np.int64]:
    """Return the selected positions: a slice where they are neighbours, so chunks stay whole."""
    places = np.flatnonzero(mask)
    if len(places) and places[-1] - places[0] + 1 == len(places):
        return slice(int(places[0]), int(places[-1]) + 1)
    return places
