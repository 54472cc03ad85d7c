"""The arrays and rows of a heatwave state as Zarr groups: one part of a generation each.

Every chunk of a part is written, and each part has a manifest.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dask
import numpy as np
import xarray as xr

from climcube.lift.rows import RowPart
from climcube.stores.filesystems import zarr_target
from climcube.stores.generations import Generations
from climcube.stores.integrity.inventory import add_unnoted
from climcube.stores.integrity.manifest import Recorder, seal_manifest, write_records
from climcube.stores.integrity.sole import Sole
from climcube.stores.zarrs import open_zarr, zarr_store

__all__ = [
    "NewPart",
    "StoredRows",
    "joined",
    "open_part",
    "open_stored",
    "write_part",
    "write_rows",
]

_EVENT, _COLUMN = "state_event", "state_column"
_ROWS = 2**16  # in a stored chunk


@dataclass(frozen=True)
class StoredRows:
    """Rows of events in a store: how many, and of which cells."""

    address: str
    options: Mapping[str, Any] = field(repr=False)
    part: str
    count: int
    lowest: int
    highest: int

    def load(self) -> RowPart:
        """Read them."""
        found = open_stored(self.address, self.options)
        return RowPart(found["cells"].values, found["rows"].values)

    def facts(self) -> dict[str, Any]:
        """Return what a generation says of them."""
        return {n: getattr(self, n) for n in ("part", "count", "lowest", "highest")}


def joined(parts: list[RowPart]) -> RowPart:
    """Return the rows of several parts, ordered by cell."""
    cells = np.concatenate([part.cells for part in parts])
    order = np.argsort(cells, kind="stable")
    return RowPart(cells[order], np.concatenate([part.rows for part in parts])[order])


def write_rows(generations: Generations, part: str, rows: RowPart) -> dict[str, Any]:
    """Write rows of events; return what is to be said of them (`StoredRows.facts`)."""
    if len(rows.cells):
        arrays = {"cells": (_EVENT, rows.cells), "rows": ((_EVENT, _COLUMN), rows.rows)}
        new = write_part(generations, part, xr.Dataset(arrays), {_EVENT: _ROWS})
        dask.compute(new.pending, scheduler="synchronous")
        new.seal()
    return {
        "part": part,
        "count": len(rows.cells),
        "lowest": int(rows.cells.min(initial=np.iinfo("int64").max)),
        "highest": int(rows.cells.max(initial=0)),
    }


@dataclass(frozen=True)
class NewPart:
    """A part whose lazy arrays are still to be computed."""

    pending: Any
    store: Recorder = field(repr=False)

    def seal(self) -> None:
        """Write the manifest, when everything is computed."""
        # What other processes wrote is read again: their recorders are not ours.
        write_records(self.store, add_unnoted(self.store, self.store.take()))
        seal_manifest(self.store)


def write_part(
    generations: Generations, part: str, dataset: xr.Dataset, chunks: Mapping[Any, int]
) -> NewPart:
    """Write a group, every chunk of it and with checksums; what is lazy is left to be computed."""
    from zarr.codecs import ZstdCodec

    target = zarr_target(generations.part(part), generations.options)
    store = Recorder(Sole(zarr_store(target, read_only=False)))
    encoding: dict[Any, dict[str, Any]] = {}
    plain = dataset.copy()
    for name, variable in plain.variables.items():
        variable.attrs, variable.encoding = _plain_attributes(variable.attrs), {}
        own: dict[str, Any] = {"compressors": (ZstdCodec(level=1, checksum=True),)}
        if variable.ndim:
            sizes = zip(variable.dims, variable.shape, strict=True)
            own["chunks"] = tuple(max(1, min(chunks.get(d, n), n)) for d, n in sizes)
        if variable.dtype.kind == "f":
            own["_FillValue"] = None
        encoding[name] = own
    plain.attrs = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        warnings.simplefilter("ignore", xr.SerializationWarning)
        pending = plain.to_zarr(
            store, mode="w-", zarr_format=3, consolidated=False, compute=False,
            write_empty_chunks=True, encoding=encoding,
        )  # fmt: skip
    return NewPart(pending, store)


def open_stored(address: str, options: Mapping[str, Any]) -> xr.Dataset:
    """Open a group as it is stored."""
    # Of parts that were made before there were manifests nothing may be missing either.
    return open_zarr(address, options, complete=True)


def open_part(
    generations: Generations, part: str, coords: list[str], chunks: Mapping[Any, int]
) -> xr.Dataset:
    """Open a group: Dask arrays of the stored chunks, coordinates in memory."""
    opened = open_stored(generations.part(part), generations.options)
    for variable in opened.variables.values():
        variable.attrs.pop("coordinates", None)
    held = [n for n in coords if n in opened.variables]
    loaded = {n: opened[n].variable.load() for n in held}
    bare = opened.drop_vars(held)
    wanted = {d: chunks.get(d, -1) for d in bare.dims}
    lazy = bare.chunk(wanted, name_prefix="state-", token=generations.part(part))
    lazy.attrs = {}
    for variable in lazy.variables.values():
        variable.encoding = {}
    return lazy.assign_coords(loaded)


def _plain_attributes(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    kinds = (str, int, float, np.number, np.ndarray, list, tuple)
    return {
        str(name): value if isinstance(value, kinds) else str(value)
        for name, value in attrs.items()
        if value is not None
    }
