"""How large a habitat is and where it lies: areas, centroids, distances from the equator."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from climcube.cubes.area import cell_areas
from climcube.cubes.coordinates import find_spatial
from climcube.cubes.outlines import row_edges
from climcube.cubes.sphere import EARTH_RADIUS, places, unit_vectors
from climcube.cubes.units import unquantify
from climcube.errors import AxisError, UnitsError
from climcube.kernels.latitudes import HEMISPHERES, places_of_bands
from climcube.lift.fold import Bands, lift_weighted

__all__ = ["PARTS", "Surface"]

PARTS = ("centre", "trailing_edge", "leading_edge")
_SQUARE_KILOMETRES = {
    "m2": 1e-6, "m^2": 1e-6, "m**2": 1e-6, "meter ** 2": 1e-6,
    "km2": 1.0, "km^2": 1.0, "km**2": 1.0, "kilometer ** 2": 1.0,
}  # fmt: skip
_BANDS_PER_DEGREE = 10  # that the cells of a curved grid are gathered in
_SIGNED, _KNOWN = "climcube.kernels.areas:signed_sums", "climcube.kernels.areas:known_weights"
_BANDED = "climcube.kernels.weighted:banded_sums"
_KM_PER_DEGREE = float(np.deg2rad(1) * EARTH_RADIUS / 1000)


class Surface:
    """The cells of a cube on the sphere: what a map adds up to.

    Parameters
    ----------
    given
        What the user passed: areas and bounds may travel with it.
    cube
        The plain cube.
    areas
        The user's own.
    min_coverage
        Share of the area that ever has a value that must have one.
    """

    def __init__(
        self, given: Any, cube: xr.DataArray, areas: xr.DataArray | None, min_coverage: float
    ) -> None:
        axes = find_spatial(cube)
        self.given, self.cube, self.min_coverage = given, cube, min_coverage
        self.latitude, self.longitude = (
            unquantify(cube[name])[0].drop_vars(list(cube[name].coords)).astype("float64")
            for name in (axes.latitude, axes.longitude)
        )
        self.name = axes.latitude
        self.dims = [d for d in axes.dims if d in cube.dims]
        self.areas = self._square_kilometres(areas)

    def area(self, suitability: xr.DataArray, time: str) -> xr.DataArray:
        """Return the sum of area times suitability, in km2."""
        return self._sum(suitability, self.areas).where(self._complete(suitability, time))

    def centroid(self, suitability: xr.DataArray, time: str) -> xr.Dataset:
        """Return latitude and longitude (-180 to 180) of the centroid on the sphere."""
        vectors = xr.apply_ufunc(
            unit_vectors, *xr.broadcast(self.latitude, self.longitude),
            output_core_dims=[["axis"]], dask="parallelized", output_dtypes=["float64"],
            dask_gufunc_kwargs={"output_sizes": {"axis": 3}},
        )  # fmt: skip
        weights = (vectors * self.areas).fillna(0.0)
        sums = [self._sum(suitability, weights.isel(axis=i)) for i in range(3)]
        latitude, longitude = xr.apply_ufunc(
            _place, *sums, self._sum(suitability, self.areas), output_core_dims=[[], []],
            dask="parallelized", output_dtypes=["float64"] * 2,
        )  # fmt: skip
        complete = self._complete(suitability, time)
        return xr.Dataset({"lat": latitude.where(complete), "lon": longitude.where(complete)})

    def latitudes(
        self, suitability: xr.DataArray, time: str, shares: tuple[float, float]
    ) -> xr.DataArray:
        """Return `PARTS` in degrees from the equator, by hemisphere."""
        profile, edges = self._profile(suitability)
        found = xr.apply_ufunc(
            places_of_bands, profile, kwargs={"edges": edges, "shares": np.asarray(shares)},
            input_core_dims=[["band"]], output_core_dims=[["hemisphere", "part"]],
            dask="parallelized", output_dtypes=["float64"],
            dask_gufunc_kwargs={
                "allow_rechunk": True,
                "output_sizes": {"hemisphere": len(HEMISPHERES), "part": len(PARTS)},
            },
        )  # fmt: skip
        named = found.assign_coords(hemisphere=list(HEMISPHERES), part=list(PARTS))
        kept: xr.DataArray = named.where(self._complete(suitability, time))
        return kept

    @staticmethod
    def kilometres(degrees: xr.DataArray) -> xr.DataArray:
        """Return degrees of latitude as distances on the sphere."""
        return degrees * _KM_PER_DEGREE

    def total(self, mask: xr.DataArray) -> xr.DataArray:
        """Return the area in km2 of the cells of a mask."""
        return self._sum(mask.astype("float64"), self.areas)

    def comparable(self, a: xr.DataArray, b: xr.DataArray) -> xr.DataArray:
        """Whether enough of the area that has a value in either map has one in both."""
        either, other, both = (self._known(values) for values in (a, b, a + b))
        least = self.min_coverage * (1 - 1e-12) * np.maximum(either, other)
        return (both >= least) & (both > 0)

    def _profile(self, suitability: xr.DataArray) -> tuple[xr.DataArray, Any]:
        """Return area by band of latitude, and the edges of the bands."""
        if self.latitude.ndim == 0:
            raise AxisError(
                "a habitat at a single latitude cannot move", where=f"coordinate {self.name!r}",
                expected="several latitudes",
            )  # fmt: skip
        if self.latitude.ndim == 1 and self.latitude.dims != self.longitude.dims:
            rows = str(self.latitude.dims[0])
            others = [d for d in self.dims if d != rows]
            profile = self._sum(suitability, self.areas, others).drop_vars(rows, errors="ignore")
            return profile.rename({rows: "band"}), row_edges(self.given, self.cube, self.name)
        bands = np.arange(180 * _BANDS_PER_DEGREE)
        label = ((self.latitude + 90) * _BANDS_PER_DEGREE // 1).clip(0, bands[-1]).fillna(-1)
        gathered = Bands(label.astype("int32"), xr.DataArray(bands, dims="band"))
        profile = lift_weighted(
            _BANDED, suitability, self.areas, tuple(self.dims), total=True, bands=gathered
        ).fillna(0.0)
        lower = bands / _BANDS_PER_DEGREE - 90
        return profile, np.stack([lower, lower + 1 / _BANDS_PER_DEGREE], axis=1)

    def _sum(
        self, values: xr.DataArray, weights: xr.DataArray, dims: list[Any] | None = None
    ) -> xr.DataArray:
        """Return the sum of weight times value over the cells that have one."""
        folded = tuple(self.dims if dims is None else dims)
        return lift_weighted(_SIGNED, values, weights, folded, total=True)

    def _complete(self, suitability: xr.DataArray, time: str) -> xr.DataArray:
        """Whether enough of the area that ever has a value has one."""
        known = self._known(suitability)
        ever = known.max(time) if time in known.dims else known
        return (known >= self.min_coverage * (1 - 1e-12) * ever) & (known > 0)

    def _known(self, values: xr.DataArray) -> xr.DataArray:
        """Return the area of the cells that have a value."""
        return lift_weighted(_KNOWN, values, self.areas, tuple(self.dims), total=True)

    def _square_kilometres(self, areas: xr.DataArray | None) -> xr.DataArray:
        area, _ = cell_areas(self.given, self.cube, areas, argument="areas")
        units = str(area.attrs.get("units", "")).strip()
        if units not in _SQUARE_KILOMETRES:
            raise UnitsError(
                "cell areas are no areas", where="areas" if areas is not None else "cell_measures",
                expected="m2 or km2", found=f"units {units!r}",
                remedy="set areas.attrs['units'] = 'm2'",
            )  # fmt: skip
        template = self.latitude * 0 + self.longitude * 0
        plain = unquantify(area)[0].drop_attrs().drop_vars(list(area.coords))
        whole = plain.astype("float64").broadcast_like(template)
        return whole.fillna(0.0) * _SQUARE_KILOMETRES[units]


def _place(x: Any, y: Any, z: Any, weight: Any) -> Any:
    return places(np.stack([x, y, z], axis=-1), weight)
