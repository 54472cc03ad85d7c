"""Heatwaves as the explorer needs them: lazy, of one map a day, of some cells only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from climcube.analysis.events.heatwaves import Heatwaves, heatwaves
from climcube.analysis.masks import mask
from climcube.cubes.chunks import is_lazy, rechunk
from climcube.cubes.regions import selected
from climcube.cubes.subject import examine, one_map_a_day
from climcube.errors import ParameterError
from climcube.plots.geography import require_map
from climcube.plots.selection import plain, require_heatwaves

__all__ = ["heatwaves_of", "of_cells", "within_region"]


def heatwaves_of(given: Any, options: Mapping[str, Any]) -> Heatwaves:
    """Return lazy heatwaves of a cube, or of heatwaves that are given.

    Raises
    ------
    CubeError
        There is no map: no latitude and longitude, or other dimensions beside them.
    ParameterError
        Options for heatwaves that are given, or heatwaves of several definitions.
    """
    if isinstance(given, xr.DataArray | xr.Dataset):
        subject = examine(given, "explore", daily=True)
        cube = one_map_a_day(subject, "explore")
        require_map(cube.isel({subject.axis.name: 0}), "explore")
        return heatwaves(cube if is_lazy(cube) else rechunk(cube), **options)
    if not isinstance(given, Heatwaves):
        raise ParameterError(
            "explore needs a cube, or heatwaves", found=type(given).__name__,
            expected="an xarray DataArray, or what cc.heatwaves(...) returns",
        )  # fmt: skip
    require_heatwaves(given)
    if options:
        raise ParameterError(
            "heatwaves that are given have their own definition",
            where=", ".join(sorted(options)),
            remedy="give it to cc.heatwaves(...)",
        )
    require_map(plain(given.cube).isel({given.subject.axis.name: 0}), "explore")
    if is_lazy(given.cube):
        return given
    return heatwaves(rechunk(given.inputs[0]), **given.parameters)


def of_cells(mhw: Heatwaves, where: Mapping[str, Any]) -> Heatwaves:
    """Return the same heatwaves of some cells only, chosen by index, still lazy.

    Each cell's answer depends on its own series alone, so leaving cells out changes nothing.
    """
    parameters: dict[str, Any] = {
        name: value.isel(where, missing_dims="ignore")
        if isinstance(value, xr.DataArray | xr.Dataset)
        else value
        for name, value in mhw.parameters.items()
    }
    # The cube as it was given: a shifting baseline needs the years that results leave out.
    return heatwaves(mhw.inputs[0].isel(where), **parameters)


def within_region(
    mhw: Heatwaves, region: Any
) -> tuple[Heatwaves, dict[str, Any], xr.DataArray | None]:
    """Return the heatwaves of the rows and columns that a region touches.

    And where these lie, by index; and which of their cells belong, ``None`` if all do.
    """
    if region is None:
        return mhw, {}, None
    inside = mask(mhw.cube, region)
    places = {
        str(d): selected(inside.any([o for o in inside.dims if o != d]).values) for d in inside.dims
    }
    cut = inside.isel(places).drop_vars(list(inside.coords))
    return of_cells(mhw, places), places, None if cut.values.all() else cut
