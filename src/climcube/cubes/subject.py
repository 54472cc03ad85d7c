"""What every analysis does first and last: look at the cube handed in, dress the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from climcube import provenance
from climcube.cubes.calendar import TimeAxis
from climcube.cubes.coordinates import cell_dims, find_spatial, is_dated, select_variable
from climcube.cubes.units import Units, requantify, unquantify
from climcube.errors import AxisError, ChunkError, CubeError, ParameterError

__all__ = [
    "Subject",
    "examine",
    "finish",
    "finish_array",
    "one_map_a_day",
    "own_units",
    "plain_cube",
    "require_cells",
]

_CONDITION = (
    "make it 1 and 0, and NaN where nothing is known: "
    "(sst > 28).astype('float64').where(sst.notnull())"
)


@dataclass(frozen=True)
class Subject:
    """A cube that was looked at: plain values, its time axis, its units."""

    cube: xr.DataArray
    axis: TimeAxis
    units: Units
    quantified: Any  # the pint registry of the cube, False for a plain one

    @property
    def cells(self) -> tuple[str, ...]:
        """Every dimension but time."""
        return cell_dims(self.cube, self.axis.name)

    def absolute(self) -> dict[str, str]:
        """Unit attributes of a value of the cube's nature: a mean of differences is one."""
        return own_units(self.cube, self.units)


def plain_cube(cube: Any, purpose: str) -> tuple[xr.DataArray, Any]:
    """Return a numeric DataArray with units as attribute, and its pint registry, if any."""
    if isinstance(cube, xr.Dataset):
        cube = select_variable(cube, None, f"dataset given to {purpose}", option=None)
    if not isinstance(cube, xr.DataArray):
        raise ParameterError(
            f"{purpose} needs a cube",
            expected="an xarray DataArray",
            found=type(cube).__name__,
            remedy="open one with cc.open(...)",
        )
    plain, quantified = unquantify(cube)
    if not np.issubdtype(plain.dtype, np.number) or np.issubdtype(plain.dtype, np.complexfloating):
        raise CubeError(
            f"{purpose} needs numbers",
            where=f"variable {cube.name!r}",
            expected="an integer or float type",
            found=str(plain.dtype),
            remedy=_CONDITION if plain.dtype == np.bool_ else "convert it: cube.astype('float64')",
        )
    if {"scale_factor", "add_offset"} & set(plain.attrs):
        raise CubeError(
            f"{purpose} needs decoded values",
            where=f"variable {cube.name!r}",
            expected="physical values",
            found="packed ones, with scale_factor or add_offset as attributes",
            remedy="decode them: xr.decode_cf(dataset), or open the file with cc.open(...)",
        )
    require_cells(plain, purpose)
    _require_known_sizes(plain, purpose)
    return _native(plain), quantified


def _native(cube: xr.DataArray) -> xr.DataArray:
    """Return the cube in this machine's byte order (classic netCDF is big-endian)."""
    if cube.dtype.isnative:
        return cube
    native = cube.astype(cube.dtype.newbyteorder("="))
    native.encoding = dict(cube.encoding)  # the packing, if it has one
    return native


def require_cells(cube: xr.DataArray, purpose: str) -> None:
    """Refuse an empty selection; an empty time axis is `TimeAxis`'s to refuse."""
    coords = cube.coords
    empty = [
        d for d, n in cube.sizes.items() if not n and not (d in coords and is_dated(coords[d]))
    ]
    if empty:
        raise CubeError(
            f"{purpose} needs at least one cell",
            where=f"variable {cube.name!r}",
            found=", ".join(f"no {d}" for d in empty),
            remedy="check the selection: a slice follows the order of its coordinate, "
            "rising or falling",
        )


def _require_known_sizes(cube: xr.DataArray, purpose: str) -> None:
    """Refuse Dask arrays that a mask of unknown content has cut: nobody knows their cells."""
    chunks = cube.variable.chunksizes.items()
    unknown = [d for d, sizes in chunks if any(np.isnan(n) for n in sizes)]
    if unknown:
        raise ChunkError(
            f"{purpose} needs chunks of known size",
            where=f"variable {cube.name!r}",
            found=f"unknown sizes along {', '.join(map(repr, unknown))}",
            remedy="find them: cube.copy(data=cube.data.compute_chunk_sizes())",
        )


def examine(cube: Any, purpose: str, *, daily: bool = False) -> Subject:
    """Look at the cube given to an analysis, raising the errors that need no values.

    Parameters
    ----------
    cube
        DataArray, or a Dataset with one gridded variable; plain or pint-quantified.
    purpose
        The public function, for messages.
    daily
        Whether the statistic needs daily values.
    """
    plain, quantified = plain_cube(cube, purpose)
    axis = TimeAxis.of(plain)
    if daily:
        axis.require_daily(purpose)
    return Subject(plain, axis, Units.of(plain), quantified)


def one_map_a_day(subject: Subject, purpose: str) -> xr.DataArray:
    """Return the cube without dimensions of length 1 beyond time and space (OISST's level).

    Raises
    ------
    CubeError
        Such a dimension is longer: somebody has to choose.
    """
    cube = subject.cube
    try:
        space = set(find_spatial(cube).dims)
    except AxisError:  # a series, or cells without coordinates
        space = set(subject.cells[-2:])
    others = [d for d in subject.cells if d not in space]
    long = [d for d in others if cube.sizes[d] > 1]
    if long:
        raise CubeError(
            f"{purpose} shows one map a day",
            where=f"variable {cube.name!r}",
            expected="dimensions of time and space",
            found=", ".join(f"{d}: {cube.sizes[d]}" for d in long) + " too",
            remedy=f"select one, for instance cube.isel({long[0]}=0)",
        )
    single = cube.isel(dict.fromkeys(others, 0))
    single.encoding = dict(cube.encoding)
    return single


def own_units(cube: xr.DataArray, units: Units) -> dict[str, str]:
    """Return unit attributes of a value of the same nature as the cube's."""
    attrs = units.absolute()
    if attrs and "units_metadata" in cube.attrs:
        attrs["units_metadata"] = str(cube.attrs["units_metadata"])
    return attrs


def finish_array(
    result: xr.DataArray,
    function: str,
    parameters: Mapping[str, Any],
    inputs: list[Any],
    quantified: Any = False,
) -> xr.DataArray:
    """Do the same as `finish` for a result that is one array; its name is kept."""
    provenance.record(result, function, parameters, inputs)
    carrier = "result" if result.name is None else result.name
    wrapped = requantify(result.to_dataset(name=carrier), quantified)
    return wrapped[carrier].rename(result.name)


def finish(
    result: xr.Dataset,
    function: str,
    parameters: Mapping[str, Any],
    inputs: list[Any],
    quantified: Any = False,
) -> xr.Dataset:
    """Write provenance and give pint quantities back if the input came with them."""
    result.attrs.setdefault("Conventions", "CF-1.11")
    provenance.record(result, function, parameters, inputs)
    return requantify(result, quantified)
