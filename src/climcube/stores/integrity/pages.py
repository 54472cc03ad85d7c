"""The entries of one array in a manifest: in its header where they are few, else in pages.

Pages are the chunks of a Zarr array over the grid of objects. A reader fetches the pages it
needs. A second array holds a digest of each page, and the header a digest of these: a page that
is lost, stale or another's is found like any other object.
"""

from __future__ import annotations

import base64
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from climcube.stores.integrity.digests import ALGORITHMS, digest, digest_words
from climcube.stores.integrity.grids import Grid, Index
from climcube.stores.integrity.records import Entry

__all__ = [
    "load_inline",
    "page_digest",
    "page_places",
    "page_shape",
    "seals_digest",
    "write_entries",
]

_INLINE = 64  # rows of entries that are kept in the header
_PAGE = 4096  # rows in a page: 128 KiB
_ALONG_TIME = 16  # objects of a page along the first dimension, if others can fill it

Numbers = npt.NDArray[np.uint64]


def page_shape(counts: Index, rows: int) -> Index:
    """Return how many objects a page spans along each dimension.

    The first dimension is the one that grows with new days: a page spans some steps of it even
    where there are few so far.
    """
    if not counts:
        return ()
    room = max(1, _PAGE // rows)
    shape = [min(_ALONG_TIME, room), *[1] * (len(counts) - 1)]
    grown = True
    while grown:
        grown = False
        for i in reversed(range(1, len(counts))):
            wider = min(counts[i], 2 * shape[i])
            if wider > shape[i] and math.prod(shape) // shape[i] * wider <= room:
                shape[i], grown = wider, True
    shape[0] = max(shape[0], room // math.prod(shape[1:]))
    return tuple(shape)


def write_entries(
    group: zarr.Group,
    path: str,
    grid: Grid,
    entries: Mapping[Index, Entry],
    before: Mapping[str, Any] | None,
    algorithm: str,
) -> dict[str, Any]:
    """Write entries of an array over those that are there; return what the header says of them.

    Parameters
    ----------
    group
        Of the manifest.
    path, grid
        The array and its cuts.
    entries
        By index of their object.
    before
        What the header said of the array before; ``None`` where nothing was.
    algorithm
        Of the digests.
    """
    size = (1 + grid.pieces, 2 + ALGORITHMS[algorithm])
    facts = {"grid": grid.facts()}
    earlier = None if before is None else Grid.from_facts(before["grid"])
    if earlier is None or not grid.continues(earlier):
        before = earlier = None
    inside = {i: e for i, e in entries.items() if all(map(int.__lt__, i, grid.counts))}
    shrunk = earlier is not None and any(map(int.__lt__, grid.counts, earlier.counts))
    paged = before is not None and "root" in before
    if math.prod(grid.counts) * size[0] <= _INLINE or (before is not None and not paged) or shrunk:
        whole = np.zeros((*grid.counts, *size), np.uint64)
        if before is not None and earlier is not None:
            old = _read_all(group, path) if paged else load_inline(before, earlier, algorithm)
            common = tuple(map(slice, map(min, grid.counts, earlier.counts)))
            whole[common] = old[common]
        for index, entry in inside.items():
            whole[index] = entry
        if math.prod(grid.counts) * size[0] <= _INLINE:
            return facts | {"records": base64.b64encode(whole.tobytes()).decode()}
        inside = {i: whole[i] for i in grid.indices()}
        before = None
    root = _write_pages(group, path, grid, inside, size, algorithm, fresh=before is None)
    return facts | {"root": root}


def _read_all(group: zarr.Group, path: str) -> Numbers:
    array: Any = group[f"{path}/records"]
    return np.asarray(array[...])


def load_inline(facts: Mapping[str, Any], grid: Grid, algorithm: str) -> Numbers:
    """Return the entries that a header holds, over the grid of objects."""
    raw = np.frombuffer(base64.b64decode(facts["records"], validate=True), "<u8")
    return raw.reshape(*grid.counts, 1 + grid.pieces, 2 + ALGORITHMS[algorithm])


def _write_pages(
    group: zarr.Group,
    path: str,
    grid: Grid,
    entries: Mapping[Index, Entry],
    size: tuple[int, int],
    algorithm: str,
    *,
    fresh: bool,
) -> str:
    records, seals = _arrays(group, path, grid, size, algorithm, fresh)
    page = records.chunks[: len(grid.counts)]
    sealed = np.array(seals[...])
    for stretch in _stretches(entries, page):
        # One stretch along the first dimension at a time: it is in memory as a whole.
        index = np.array(list(stretch))
        low = [int(n) // p * p for n, p in zip(index.min(0), page, strict=True)]
        high = [
            min(c, (int(n) // p + 1) * p)
            for n, p, c in zip(index.max(0), page, grid.counts, strict=True)
        ]
        hull = tuple(map(slice, low, high))
        block = np.array(records[hull])
        for place, entry in stretch.items():
            block[tuple(i - a for i, a in zip(place, low, strict=True))] = entry
        records[hull] = block
        for number, part in page_places(low, high, page):
            sealed[number] = np.frombuffer(page_digest(block[part], page, size, algorithm), "<u8")
    seals[...] = sealed
    return seals_digest(sealed, algorithm)


def _stretches(entries: Mapping[Index, Entry], page: Index) -> Iterator[dict[Index, Entry]]:
    stretches: dict[int, dict[Index, Entry]] = {}
    for index, entry in entries.items():
        stretches.setdefault(index[0] // page[0], {})[index] = entry
    yield from stretches.values()


def page_places(
    low: Index | list[int], high: Index | list[int], page: Index
) -> Iterator[tuple[Index, tuple[slice, ...]]]:
    """Yield the numbers of the pages of a part of the grid, and where they are in it."""
    numbers = [range(a // p, -(-b // p)) for a, b, p in zip(low, high, page, strict=True)]
    for number in itertools.product(*numbers):
        yield (
            number,
            tuple(
                slice(n * p - a, min((n + 1) * p, b) - a)
                for n, p, a, b in zip(number, page, low, high, strict=True)
            ),
        )


def page_digest(content: Numbers, page: Index, size: tuple[int, ...], algorithm: str) -> bytes:
    """Return the digest of a page; where the array ends within it, as if zeros followed."""
    whole = np.zeros((*page, *size), "<u8")
    whole[tuple(map(slice, content.shape[: len(page)]))] = content
    return digest(algorithm, whole.reshape(-1).view(np.uint8).data)


def seals_digest(seals: Numbers, algorithm: str) -> str:
    """Return the digest of the digests of all pages."""
    words = np.array([*seals.shape, *seals.reshape(-1).tolist()], "<u8")
    return digest_words(algorithm, words.view(np.uint8).data).tobytes().hex()


def _arrays(
    group: zarr.Group, path: str, grid: Grid, size: tuple[int, int], algorithm: str, fresh: bool
) -> tuple[Any, Any]:
    """Return the arrays of entries and of digests of pages, of the size that the grid asks for."""
    words = ALGORITHMS[algorithm]
    if fresh:
        page = page_shape(grid.counts, size[0])
        shapes = ((*grid.counts, *size), (*_pages(grid.counts, page), words))
        chunks = ((*page, *size), (*page_shape(shapes[1][:-1], 1), words))
        for name, shape, chunk in zip(("records", "seals"), shapes, chunks, strict=True):
            _create(group, f"{path}/{name}", shape, chunk)
    records, seals = group[f"{path}/records"], group[f"{path}/seals"]
    assert isinstance(records, zarr.Array) and isinstance(seals, zarr.Array)
    if records.shape[: len(grid.counts)] != grid.counts:
        page = records.chunks[: len(grid.counts)]
        records.resize((*grid.counts, *size))
        seals.resize((*_pages(grid.counts, page), words))
    return records, seals


def _create(group: zarr.Group, name: str, shape: Index, chunks: Index) -> None:
    from zarr.codecs import ZstdCodec

    group.create_array(
        name, shape=shape, chunks=chunks, dtype="uint64", fill_value=0, overwrite=True,
        compressors=(ZstdCodec(level=1, checksum=True),),
    )  # fmt: skip


def _pages(counts: Index, page: Index) -> Index:
    return tuple(-(-n // p) for n, p in zip(counts, page, strict=True))
