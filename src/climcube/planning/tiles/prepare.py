"""Make a result ready to be stored: plain units, plain attributes, an encoding, even chunks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.cubes.units import unquantify, without_quantities
from climcube.errors import CubeError, ParameterError, require_choice, suggest

__all__ = ["Parts", "check_packing", "file_chunks", "parts_of", "plain_dataset"]

# One name for each group of the target; the name "" is its top.
Parts = dict[str, xr.Dataset]

_CHUNK_BYTES = 8 * 2**20


def parts_of(result: Any, parts: tuple[str, ...] | None) -> Parts:
    """Return the data sets of a result by the name of their group.

    Raises
    ------
    ParameterError
        The result is nothing that can be saved, or has no such part.
    """
    if isinstance(result, xr.DataArray):
        whole = result.to_dataset(name="values" if result.name is None else result.name)
        return {"": provenance.inherit(whole, result)}
    if isinstance(result, xr.Dataset):
        return {"": result}
    if isinstance(result, xr.DataTree):
        groups = {node.path.strip("/"): node.to_dataset() for node in result.subtree}
        return {name: dataset for name, dataset in groups.items() if dataset.data_vars}
    if isinstance(result, Mapping) and all(isinstance(v, xr.Dataset) for v in result.values()):
        return {str(name): dataset for name, dataset in result.items()}
    if hasattr(result, "datasets"):  # a Habitat knows its own parts
        own: Parts = result.datasets(parts)
        return own
    if not hasattr(result, "to_datasets"):
        raise ParameterError(
            "this cannot be saved",
            expected="a DataArray, a Dataset or a result of climcube",
            found=type(result).__name__,
        )
    wanted = ("climatology", "annual") if parts is None else tuple(parts)
    for name in wanted:
        require_choice("part", name, ("climatology", "annual", "daily"))
    return {name: getattr(result, name) for name in wanted}


def plain_dataset(dataset: xr.Dataset) -> xr.Dataset:
    """Return a data set without pint quantities, foreign encodings and odd attributes.

    Values are stored as they are: the packing of the source is dropped, since results need
    not lie on its grid. Integers keep their fill value.
    """
    plain = without_quantities(dataset.copy())
    for name in plain.data_vars:
        array, quantified = unquantify(plain[name])
        if quantified:
            plain[name] = array
    _refuse_multiindex(plain)
    for name, variable in plain.variables.items():
        variable.attrs = _plain_attributes(variable.attrs)
        variable.encoding = _own_encoding(str(name), variable, plain)
    plain.attrs = _plain_attributes(plain.attrs)
    plain.encoding = {}
    return plain


def file_chunks(variable: xr.Variable) -> tuple[int, ...]:
    """Return chunks for a file, each within one Dask chunk, of at most about 8 MiB."""
    sizes = [max(1, n) for n in variable.shape]
    cut = [False] * len(sizes)
    if variable.chunks is not None:
        cut = [len(c) > 1 for c in variable.chunks]
        sizes = [max(1, *c) for c in variable.chunks]
    limit = max(1, _CHUNK_BYTES // max(1, variable.dtype.itemsize))
    while math.prod(sizes) > limit:
        halved = [_half(n, exact) for n, exact in zip(sizes, cut, strict=True)]
        gains = [n / h for n, h in zip(sizes, halved, strict=True)]
        able = [i for i, gain in enumerate(gains) if gain > 1]
        if not able:
            break
        longest = max(able, key=lambda i: sizes[i])
        sizes[longest] = halved[longest]
    return tuple(sizes)


def even_chunks(dataset: xr.Dataset) -> xr.Dataset:
    """Return the data set with Dask chunks of one size along each dimension (Zarr's grid)."""
    uneven = {}
    for dim, chunks in dataset.unify_chunks().chunksizes.items():
        if len(set(chunks[:-1])) > 1 or (len(chunks) > 1 and chunks[-1] > chunks[0]):
            uneven[dim] = max(chunks)
    return dataset.chunk(uneven) if uneven else dataset.unify_chunks()


def check_packing(dataset: xr.Dataset, encoding: Mapping[str, Mapping[str, Any]]) -> xr.Dataset:
    """Make the data set raise when a value does not fit the packing that the caller asked for.

    Raises
    ------
    ParameterError
        The encoding names a variable that is not there.
    """
    checked = {}
    for name, wanted in encoding.items():
        if name not in dataset.variables:
            raise ParameterError(
                "encoding for a variable that is not there", where=f"encoding[{name!r}]",
                remedy=suggest(name, map(str, dataset.variables)),
            )  # fmt: skip
        dtype = np.dtype(wanted.get("dtype") or dataset[name].dtype)
        if dtype.kind not in "iu" or dataset[name].dtype.kind != "f":
            continue
        require = partial(
            _require_fit,
            variable=name,
            limits=(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)),
            scale=float(wanted.get("scale_factor", 1.0)),
            offset=float(wanted.get("add_offset", 0.0)),
            fill=wanted.get("_FillValue"),
        )
        array = dataset[name]
        data = (
            array.data.map_blocks(require, dtype=array.dtype)
            if array.chunks
            else require(array.values)
        )
        checked[name] = array.copy(data=data)
    return dataset.assign(checked)


def _require_fit(
    block: npt.NDArray[Any],
    *,
    variable: str,
    limits: tuple[int, int],
    scale: float,
    offset: float,
    fill: Any,
) -> npt.NDArray[Any]:
    integers = np.rint((block.astype("float64") - offset) / scale)
    present = ~np.isnan(integers)
    bad = present & ((integers < limits[0]) | (integers > limits[1]))
    if fill is not None:
        bad |= integers == int(fill)
    elif not present.all():
        bad |= ~present
    if bad.any():
        raise CubeError(
            "a value does not fit the packing asked for", where=f"variable {variable!r}",
            expected=f"{limits[0] * scale + offset:g} to {limits[1] * scale + offset:g}"
            + ("" if fill is None else f", and not the fill value {int(fill) * scale + offset:g}"),
            found=f"{block[bad][0]:g}",
            remedy="use a wider type, another scale, or a _FillValue for missing values",
        )  # fmt: skip
    return block


def _own_encoding(name: str, variable: xr.Variable, dataset: xr.Dataset) -> dict[str, Any]:
    if variable.dtype.kind == "f":
        # Coordinates have no missing values; CF forbids a fill value there.
        return {"_FillValue": None if name in dataset.coords else variable.dtype.type(np.nan)}
    if variable.dtype.kind in "iu" and name not in dataset.coords:
        fill = variable.encoding.get("_FillValue")
        return {} if fill is None else {"_FillValue": fill}
    return {}


def _plain_attributes(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name, value in attrs.items():
        if value is None:
            continue
        if isinstance(value, bool | np.bool_):
            value = np.int8(value)
        elif isinstance(value, Mapping):
            value = json.dumps(value, sort_keys=True, default=str)
        elif not isinstance(value, str | int | float | np.number | np.ndarray | list | tuple):
            value = str(value)
        plain[str(name)] = value
    return plain


def _refuse_multiindex(dataset: xr.Dataset) -> None:
    for name, index in dataset.indexes.items():
        if index.nlevels > 1:
            raise CubeError(
                "a MultiIndex cannot be stored", where=f"coordinate {name!r}",
                remedy=f"unstack it first: result.unstack({name!r})",
            )  # fmt: skip


def _half(size: int, exact: bool) -> int:
    """Return about half a chunk; where chunks are cut, a divisor, so that files match them."""
    if not exact:
        return max(1, -(-size // 2))
    return next((size // k for k in range(2, size + 1) if size % k == 0), size)
