"""Read pieces of variables of local HDF5 files side by side in threads.

The HDF5 library does one thing at a time in a process, decompression included. Where the chunks
of a variable lie in the file is asked of the library, which is quick; reading and decompressing
them needs no library, so that threads do it at the same time.
"""

from __future__ import annotations

import itertools
import os
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from climcube.errors import StoreError
from climcube.stores.addresses import is_remote
from climcube.stores.files.rawfile import raw_file, unreadable

__all__ = ["read_piece"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_DEFLATE, _SHUFFLE = 1, 2  # numbers of HDF5's filters
_KNOWN_FILTERS: tuple[list[int], ...] = ([], [_DEFLATE], [_SHUFFLE, _DEFLATE])


def read_piece(
    address: str, options: Mapping[str, Any], name: str, key: tuple[slice, ...]
) -> npt.NDArray[Any]:
    """Read a piece of a variable as it is stored.

    Parameters
    ----------
    address, options
        A netCDF file of any format, and the options of its file system.
    name
        The variable.
    key
        A slice with a start and a stop for each dimension.

    Raises
    ------
    StoreError
        The file is missing, damaged or not netCDF.
    """
    try:
        chunks = None if is_remote(address) else _locate(address, name, key)
        if chunks is not None:
            return _joined(address, chunks, key)
    except (OSError, ValueError, KeyError, RuntimeError, zlib.error) as error:
        raise unreadable(address, error) from error
    with raw_file(address, options) as opened:
        return opened.read(name, key)


@dataclass(frozen=True)
class _Chunks:
    """Where the chunks of one variable lie: (origin, first byte, bytes) of each one needed."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    filters: list[int]
    places: list[tuple[tuple[int, ...], int, int]]


def _locate(address: str, name: str, key: tuple[slice, ...]) -> _Chunks | None:
    """Find the chunks of a piece; ``None`` where the library must read it."""
    import h5py  # type: ignore[import-untyped]

    with open(address, "rb") as stream:
        if stream.read(len(_HDF5)) != _HDF5:
            return None
    # h5py's lower half: opening a file through the upper one takes longer than all the rest.
    file = h5py.h5f.open(os.fsencode(address), h5py.h5f.ACC_RDONLY)
    try:
        variable = h5py.h5d.open(file, name.encode())
        plan = variable.get_create_plist()
        dtype = variable.dtype
        if dtype.kind not in "iuf" or plan.get_layout() != h5py.h5d.CHUNKED:
            return None
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        if filters not in _KNOWN_FILTERS:
            return None
        shape = plan.get_chunk()
        places = []
        for origin in _origins(key, shape):
            info = variable.get_chunk_info_by_coord(origin)
            # A chunk that was never written, or on which a filter was not used.
            if info.byte_offset is None or info.filter_mask:
                return None
            places.append((origin, int(info.byte_offset), int(info.size)))
        return _Chunks(dtype, shape, filters, places)
    finally:
        file.close()


def _origins(key: tuple[slice, ...], shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    firsts = [range(k.start // n * n, k.stop, n) for k, n in zip(key, shape, strict=True)]
    return itertools.product(*firsts)


def _joined(address: str, chunks: _Chunks, key: tuple[slice, ...]) -> npt.NDArray[Any]:
    piece = np.empty([k.stop - k.start for k in key], chunks.dtype)
    handle = os.open(address, os.O_RDONLY)
    try:
        for origin, first, size in chunks.places:
            values = _decoded(os.pread(handle, size, first), size, chunks)
            there, here = [], []
            for k, start, length in zip(key, origin, chunks.shape, strict=True):
                low, high = max(k.start, start), min(k.stop, start + length)
                there.append(slice(low - k.start, high - k.start))
                here.append(slice(low - start, high - start))
            piece[tuple(there)] = values[tuple(here)]
    finally:
        os.close(handle)
    return piece


def _decoded(stored: bytes, size: int, chunks: _Chunks) -> npt.NDArray[Any]:
    """Undo the filters of one chunk; never more bytes than a chunk has."""
    width = chunks.dtype.itemsize
    expected = int(np.prod(chunks.shape)) * width
    if len(stored) != size:
        raise StoreError("the file is cut short", expected=size, found=len(stored))
    if _DEFLATE in chunks.filters:
        inflate = zlib.decompressobj()
        stored = inflate.decompress(stored, expected + 1)
        if not inflate.eof:
            raise ValueError("a chunk is damaged: it does not end where it should")
    if len(stored) != expected:
        raise ValueError(f"a chunk is damaged: {len(stored)} bytes instead of {expected}")
    values = np.frombuffer(stored, chunks.dtype)
    if _SHUFFLE in chunks.filters and width > 1:
        planes = np.frombuffer(stored, "u1").reshape(width, -1)
        values = np.empty(planes.shape[1], chunks.dtype)
        mixed = values.view("u1").reshape(-1, width)
        for number, plane in enumerate(planes):
            mixed[:, number] = plane
    return values.reshape(chunks.shape)
