"""Read one stretch of a variable from its files, side by side in threads."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.cubes.archive import Archive
from climcube.cubes.headers import Header
from climcube.cubes.packing import Decoding
from climcube.errors import IngestError, StoreError
from climcube.provenance import redact
from climcube.stores.addresses import is_remote
from climcube.stores.files.rawchunks import read_piece

__all__ = [
    "Band",
    "Limits",
    "Piece",
    "Stretch",
    "bands_of",
    "file_state",
    "missing_cells",
    "stretches_of",
]

Band = tuple[slice, ...]


@dataclass(frozen=True)
class Limits:
    """Between what a variable's values lie, in its own units; both ends included."""

    low: float
    high: float

    def check(
        self, values: npt.NDArray[Any], name: str, header_attrs: Mapping[str, Any], address: str
    ) -> None:
        """Raise `IngestError` where a value lies outside; missing values may be anything."""
        known = values[~missing_cells(values, header_attrs)]
        if not known.size:
            return
        decoding = Decoding.of(header_attrs, values.dtype) if values.dtype.kind in "iu" else None
        ends = np.array([known.min(), known.max()])
        low, high = (float(v) for v in (ends if decoding is None else decoding.apply(ends)))
        # A bound that is a packed number must not fail for the last bit of its decoding.
        slack = 1e-6 * max(abs(self.low), abs(self.high))
        if low < self.low - slack or high > self.high + slack:
            raise IngestError(
                "values out of range", where=f"{redact(address)}, variable {name!r}",
                expected=f"{self.low:g} to {self.high:g}",
                found=f"{low:g}" if low < self.low - slack else f"{high:g}",
                remedy="correct or leave out the file, or widen valid_range",
            )  # fmt: skip


def missing_cells(values: npt.NDArray[Any], attrs: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Say which values, as they are stored, are missing."""
    fills = [
        f for k in ("_FillValue", "missing_value") for f in np.asarray(attrs.get(k, ())).reshape(-1)
    ]
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    for fill in fills:
        missing |= values == np.asarray(fill, values.dtype)
    return missing


@dataclass(frozen=True)
class Piece:
    """Times ``first`` to ``stop`` of one file, and their places in a block."""

    address: str
    state: tuple[int, int] | None
    first: int
    stop: int
    places: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """A block of one variable, and where its values come from; travels to other processes.

    Attributes
    ----------
    name, axis, shape, dtype
        The variable, the axis of time, the shape of the block, its type as stored.
    start
        First time of the block in the store.
    pieces
        Of files.
    fill
        Of times that no file has; ``None`` where there are none.
    kept
        Whether what the store holds is kept where no file says otherwise.
    attrs
        Of the variable as stored, for its packing.
    limits
        What values must keep to.
    """

    name: str
    axis: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int
    pieces: tuple[Piece, ...]
    fill: Any
    kept: int
    attrs: Mapping[str, Any]
    limits: Limits | None

    def region(self, band: Band, count: int | None = None) -> tuple[slice, ...]:
        """Return the place of a band of the block in the whole array."""
        stop = self.start + (self.shape[self.axis] if count is None else count)
        return (*band[: self.axis], slice(self.start, stop), *band[self.axis + 1 :])

    def begin(
        self, kept: xr.Variable | None, band: Band, options: Mapping[str, Any], pool: Executor
    ) -> tuple[npt.NDArray[Any], list[Future[None]]]:
        """Start to read a band; the values are there when all of the futures are done."""
        shape = [
            n if i == self.axis else b.stop - b.start
            for i, (n, b) in enumerate(zip(self.shape, band, strict=True))
        ]
        values: npt.NDArray[Any] = np.empty(shape, self.dtype)
        if self.fill is not None:
            values[...] = self.fill
        if self.kept and kept is not None:
            place = [slice(None)] * values.ndim
            place[self.axis] = slice(0, self.kept)
            values[tuple(place)] = kept[self.region(band, self.kept)].values
        return values, [
            pool.submit(self._read, piece, band, options, values) for piece in self.pieces
        ]

    def _read(
        self, piece: Piece, band: Band, options: Mapping[str, Any], values: npt.NDArray[Any]
    ) -> None:
        local = piece.state is not None and not is_remote(piece.address)
        if local and file_state(piece.address) != piece.state:
            raise IngestError(
                "the file changed while it was ingested", where=piece.address,
                remedy="ingest again when nobody writes to it",
            )  # fmt: skip
        key = (*band[: self.axis], slice(piece.first, piece.stop), *band[self.axis + 1 :])
        try:
            found = read_piece(piece.address, options, self.name, key)
        except StoreError as error:
            if is_remote(piece.address):
                raise
            # A local file will not be better the next time: it is the data that are wrong.
            raise IngestError(
                error.what, where=error.where, expected=error.expected, found=error.found,
                remedy=error.remedy,
            ) from error  # fmt: skip
        if self.limits is not None:
            self.limits.check(found, self.name, self.attrs, piece.address)
        place: list[Any] = [slice(None)] * values.ndim
        first, last = int(piece.places[0]), int(piece.places[-1])
        # A slice where the times follow each other: many times quicker than a list of places.
        follow = last - first + 1 == len(piece.places)
        place[self.axis] = slice(first, last + 1) if follow else piece.places
        values[tuple(place)] = found


def stretches_of(
    archive: Archive,
    states: Mapping[str, tuple[int, int] | None],
    targets: npt.NDArray[np.int64],
    start: int,
    stop: int,
    *,
    kept: int = 0,
    limits: Mapping[str, Limits] | None = None,
) -> list[Stretch]:
    """Say for each variable where the values of a block come from.

    Parameters
    ----------
    archive, states
        The files, and what tells whether one of them changed.
    targets
        Place in the store of each time of the files.
    start, stop
        Times of the block.
    kept
        How many of them the store holds already.
    limits
        Of variables.
    """
    time = archive.roles.time
    pieces, filled = [], np.zeros(stop - start, bool)
    filled[:kept] = True
    ends = np.cumsum([h.steps(time) for h in archive.headers])
    for header, end in zip(archive.headers, ends, strict=True):
        own = targets[end - header.steps(time) : end]
        first, last = (int(i) for i in np.searchsorted(own, (start, stop)))
        if first < last:
            places = own[first:last] - start
            filled[places] = True
            pieces.append(Piece(header.address, states.get(header.address), first, last, places))
    return [
        _stretch(archive, name, tuple(pieces), start, stop, kept, bool(filled.all()), limits or {})
        for name in archive.roles.gridded
    ]


def _stretch(
    archive: Archive, name: str, pieces: tuple[Piece, ...], start: int, stop: int,
    kept: int, complete: bool, limits: Mapping[str, Limits],
) -> Stretch:  # fmt: skip
    header, axis = archive.headers[0], archive.template[name].dims.index(archive.roles.time)
    dtype = header.dtypes[name].newbyteorder("=")
    shape = list(header.shapes[name])
    shape[axis] = stop - start
    fill = None if complete else fill_of(header, name)
    return Stretch(
        name,
        axis,
        tuple(shape),
        dtype,
        start,
        pieces,
        fill,
        kept,
        header.attrs[name],
        limits.get(name),
    )


def fill_of(header: Header, name: str) -> Any:
    """Return the number that says "missing" in a variable as it is stored.

    Raises
    ------
    IngestError
        There is none: integers without a fill value cannot be missing.
    """
    dtype, attrs = header.dtypes[name], header.attrs[name]
    for key in ("_FillValue", "missing_value"):
        if key in attrs:
            return np.asarray(attrs[key]).reshape(-1)[0].astype(dtype)
    if dtype.kind == "f":
        return dtype.type(np.nan)
    raise IngestError(
        "missing days cannot be filled", where=f"{redact(header.address)}, variable {name!r}",
        expected="a _FillValue", found="none", remedy="leave them out: missing: leave",
    )  # fmt: skip


def bands_of(stretch: Stretch, shards: Sequence[int], most: int) -> Iterator[Band]:
    """Cut the map of a block into bands of whole shards, each of at most ``most`` bytes."""
    each = stretch.shape[stretch.axis] * stretch.dtype.itemsize
    yield from _cut(stretch, shards, max(1, most // each), 0)


def _cut(stretch: Stretch, shards: Sequence[int], cells: int, dim: int) -> Iterator[Band]:
    """Cut the first dimensions until the rest fits."""
    lengths = [1 if i == stretch.axis else n for i, n in enumerate(stretch.shape)]
    if dim == len(lengths):
        yield ()
        return
    rest = math.prod(lengths[dim + 1 :])
    count = max(1, cells // rest // shards[dim]) * shards[dim]
    length = lengths[dim]
    step = length if dim == stretch.axis or length * rest <= cells else min(count, length)
    for first in range(0, length, step):
        stop = min(first + step, length)
        for others in _cut(stretch, shards, max(1, cells // (stop - first)), dim + 1):
            yield (slice(first, stop), *others)


def file_state(address: str) -> tuple[int, int] | None:
    """Return size and time of change of a local file; ``None`` of a remote one."""
    if is_remote(address):
        return None
    found = os.stat(address)
    return found.st_size, found.st_mtime_ns
