"""Virtual cubes: the values stay in the files, and the store says where they lie.

The files are looked at and compared exactly as for a copy. Then, instead of values, the store
gets one reference for each chunk; coordinates and times are copied. Chunks of an array must be
encoded alike: files where they are not are refused by name, or their values copied.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

import numpy as np

from climcube.cubes.headers import Header
from climcube.errors import IngestError, ParameterError, StoreError
from climcube.progress import progress_bar
from climcube.provenance import redact
from climcube.recipes.decisions import Decision
from climcube.recipes.facts import remember
from climcube.recipes.metadata import write_metadata
from climcube.recipes.places import Target, keeping
from climcube.recipes.reading import file_state, fill_of
from climcube.recipes.run import LAYOUT, attributes_of, finish_store
from climcube.recipes.scan import Scan
from climcube.stores.addresses import is_remote
from climcube.stores.files.filechunks import FileChunks, chunks_of, indices, require_packages
from climcube.stores.files.rawchunks import read_piece
from climcube.stores.integrity.manifest import Recorder, write_records
from climcube.stores.versioned.filestates import write_states
from climcube.stores.versioned.references import homes_of, location_of
from climcube.stores.versioned.work import VersionedWork, VersionedWorkplace

__all__ = ["MIXED", "make_virtual"]

MIXED = "mixed"  # files that differ are copied
STATES = "states"
_FILES = 200  # of one step
_LONGEST_WAIT = 2.0


def make_virtual(
    scan: Scan, target: Target, identity: str, workers: int, progress: bool | None, *, mixed: bool
) -> tuple[str | None, tuple[Decision, ...]]:
    """Write a store of references; return its version, and what was decided about files.

    Raises
    ------
    ParameterError
        The target keeps no versions.
    IngestError
        A file's chunks are encoded otherwise than the first's, and it is not to be copied.
    """
    require_packages()
    if not target.versioned:
        raise ParameterError(
            "references are kept in versioned stores", where=target.label,
            remedy="give the store a name that ends in .icechunk",
        )  # fmt: skip
    homes = homes_of(h.address for h in scan.archive.headers)
    sources = {home: _options_of(home, scan.found.options) for home in homes}
    place = VersionedWorkplace(target.address, target.options, sources=sources)
    with place.work(identity, new=True) as work, keeping(work):
        writing = _Writing.of(scan, work, mixed)
        if LAYOUT not in work.done:
            writing.make_arrays(target, identity)
            work.finish(LAYOUT)
        with (
            ThreadPoolExecutor(workers) as pool,
            progress_bar("referring", len(scan.archive.headers), progress) as advance,
        ):
            for number, files in enumerate(batched(writing.files(), _FILES)):
                step = f"files-{number:05d}"
                if step not in work.done:
                    copied = writing.refer(files, pool)
                    work.finish(step, {"copied": copied})
                advance(len(files))
        copied = [d for facts in work.done.values() for d in facts.get("copied", ())]
        if STATES not in work.done:
            writing.note_states({str(item[0]) for item in copied})
            work.finish(STATES)
        decisions = tuple(Decision(*item) for item in copied)
        return finish_store(work, f"refer to {scan.found.label}", scan), decisions


def _options_of(home: str, options: Any) -> dict[str, Any]:
    return dict(options) if home.startswith("s3://") else {}


@dataclass(frozen=True)
class _File:
    """One file, and where its times go."""

    header: Header
    first: int
    steps: int


@dataclass
class _Writing:
    """The writing of references of one scan."""

    scan: Scan
    work: VersionedWork
    mixed: bool
    model: dict[str, FileChunks]

    @classmethod
    def of(cls, scan: Scan, work: VersionedWork, mixed: bool) -> _Writing:
        """Take the encoding of the first file as that of the store."""
        writing = cls(scan, work, mixed, {})
        try:
            writing.model = writing._chunks(scan.archive.headers[0])[0]
        except IngestError as error:
            # What nothing can be referred to in has no chunks that the others could be like.
            raise IngestError(
                error.what, where=error.where, expected=error.expected, found=error.found,
                remedy="ingest without virtual",
            ) from error  # fmt: skip
        return writing

    @property
    def time(self) -> str:
        return self.scan.archive.roles.time

    def files(self) -> Iterator[_File]:
        """Yield the files with the places of their times, which are next to each other."""
        ends = np.cumsum([h.steps(self.time) for h in self.scan.archive.headers])
        for header, end in zip(self.scan.archive.headers, ends, strict=True):
            steps = header.steps(self.time)
            places = self.scan.targets[end - steps : end]
            if steps and int(places[-1]) - int(places[0]) != steps - 1:
                raise IngestError(
                    "the times of a file are not next to each other in the cube",
                    where=redact(header.address), remedy="ingest without virtual",
                )  # fmt: skip
            if steps:
                yield _File(header, int(places[0]), steps)

    def make_arrays(self, target: Target, identity: str) -> None:
        """Write coordinates and attributes, and gridded arrays as the first file encodes them."""
        import zarr
        from zarr.core.buffer import default_buffer_prototype
        from zarr.core.sync import sync

        scan, archive = self.scan, self.scan.archive
        recorder = Recorder(self.work.store)
        write_metadata(
            recorder, archive, scan.columns, attributes_of(scan), scan.recipe.store, grows=True
        )
        remember(recorder, identity, scan.preliminary, new=True)
        group = zarr.open_group(recorder, mode="r+", use_consolidated=False)
        documents = {}
        for name, model in self.model.items():
            self._require_fill(name, model)
            made: Any = group[name]
            documents[name] = replace(
                model.metadata,
                shape=made.shape,
                chunk_grid=_grid(model.chunks),
                attributes=made.metadata.attributes,
                dimension_names=made.metadata.dimension_names,
            )
            del group[name]
        write_records(self.work.store, recorder.take())
        # Not through the recorder: what the files hold is known by their tags, not by digests.
        prototype = default_buffer_prototype()
        for name, document in documents.items():
            data = document.to_buffer_dict(prototype)["zarr.json"]
            sync(self.work.store.set(f"{name}/zarr.json", data))

    def _require_fill(self, name: str, model: FileChunks) -> None:
        """Days that are filled are read as the array's fill value: it must mean missing."""
        if len(self.scan.axis) == len(self.scan.archive.columns[self.time]):
            return
        wanted = fill_of(self.scan.archive.headers[0], name)
        if not np.array_equal(np.asarray(model.metadata.fill_value), wanted, equal_nan=True):
            raise IngestError(
                "missing days cannot be filled in a virtual cube", where=f"variable {name!r}",
                expected=f"files whose fill value is {wanted}", found=model.metadata.fill_value,
                remedy="leave them out: missing: leave",
            )  # fmt: skip

    def refer(self, files: tuple[_File, ...], pool: ThreadPoolExecutor) -> list[tuple[str, ...]]:
        """Write the references of some files; return those that were copied, and why."""
        copied: list[tuple[str, ...]] = []
        found = pool.map(lambda file: self._looked_at(file.header), files)
        for file, (chunks, state, why) in zip(files, found, strict=True):
            self._check_values(file)
            why = why or self._misfit(file, chunks)
            if why is not None:
                if not self.mixed:
                    raise why
                self._copy(file)
                copied.append((redact(file.header.address), str(why.found), "copied"))
                continue
            for name, own in chunks.items():
                self._write(file, name, own, state)
        return copied

    def _looked_at(self, header: Header) -> tuple[dict[str, FileChunks], Any, IngestError | None]:
        try:
            return *self._chunks(header), None
        except IngestError as error:
            return {}, None, error

    def _chunks(self, header: Header) -> tuple[dict[str, FileChunks], Any]:
        archive = self.scan.archive
        names = archive.roles.gridded
        axes = {n: header.dims[n].index(self.time) for n in names}
        _let_the_second_pass(header.address)
        found = chunks_of(header.address, self.scan.found.options, names, axes)
        before = self.scan.states.get(header.address)
        if not is_remote(header.address) and before != file_state(header.address):
            raise StoreError(
                "the file was changed during the ingest", where=redact(header.address),
                remedy="ingest again when the files are complete",
            )  # fmt: skip
        return found

    def note_states(self, copied: set[str]) -> None:
        """Keep what the local files are, that are referred to."""
        rows = []
        for file in self.files():
            state, address = self.scan.states.get(file.header.address), file.header.address
            if not is_remote(address) and redact(address) not in copied and state is not None:
                rows.append((file.first, file.steps, location_of(address), tuple(state)))
        if not rows:
            return
        header = self.scan.archive.headers[0]
        axes = {n: header.dims[n].index(self.time) for n in self.model}
        recorder = Recorder(self.work.store)
        arrays = {n: (axes[n], model.chunks[axes[n]]) for n, model in self.model.items()}
        write_states(recorder, rows, arrays)
        write_records(self.work.store, recorder.take())

    def _misfit(self, file: _File, chunks: dict[str, FileChunks]) -> IngestError | None:
        """Return why a file's chunks cannot be part of the arrays."""
        for name, own in chunks.items():
            model = self.model[name]
            axis = file.header.dims[name].index(self.time)
            length = model.chunks[axis]
            where = f"{redact(file.header.address)}, variable {name!r}"
            remedy = "leave it out, copy it (virtual='mixed'), or ingest without virtual"
            if own.encoding != model.encoding:
                return IngestError(
                    "the file encodes its values otherwise than the first", where=where,
                    expected=model.encoding, found=own.encoding, remedy=remedy,
                )  # fmt: skip
            last = file.first + file.steps == len(self.scan.axis)
            if file.first % length or (file.steps % length and not last):
                return IngestError(
                    "the file's chunks do not meet those of the cube", where=where,
                    expected=f"a whole number of chunks of {length} times in each file",
                    found=f"{file.steps} times", remedy=remedy,
                )  # fmt: skip
        return None

    def _write(self, file: _File, name: str, own: FileChunks, state: Any) -> None:
        axis = file.header.dims[name].index(self.time)
        at = [0] * len(own.grid)
        at[axis] = file.first // own.chunks[axis]
        location = location_of(file.header.address)
        everywhere = list(indices(own.grid))
        if all(index in own.places for index in everywhere):
            places = [(location, *own.places[index]) for index in everywhere]
            self.work.refer(name, at, own.grid, places, state)
            return
        for index, (first, size) in own.places.items():  # chunks never written are left out
            place = [a + i for a, i in zip(at, index, strict=True)]
            self.work.refer(name, place, [1] * len(at), [(location, first, size)], state)

    def _copy(self, file: _File) -> None:
        import zarr

        group = zarr.open_group(self.work.store, mode="r+", use_consolidated=False)
        for name in self.scan.archive.roles.gridded:
            for key, values in self._pieces(file, name):
                axis = file.header.dims[name].index(self.time)
                place = list(key)
                place[axis] = slice(file.first + key[axis].start, file.first + key[axis].stop)
                array: Any = group[name]
                array[tuple(place)] = values

    def _pieces(self, file: _File, name: str) -> Iterator[tuple[tuple[slice, ...], Any]]:
        """Read a file's values, some times at once."""
        shape, axis = file.header.shapes[name], file.header.dims[name].index(self.time)
        each = math.prod(shape) // max(1, shape[axis]) * file.header.dtypes[name].itemsize
        length = self.model[name].chunks[axis]
        most = max(1, self.scan.recipe.store.block_bytes // max(1, each) // length) * length
        for first in range(0, shape[axis], most):
            key = [slice(0, n) for n in shape]
            key[axis] = slice(first, min(first + most, shape[axis]))
            options = self.scan.found.options
            yield tuple(key), read_piece(file.header.address, options, name, tuple(key))

    def _check_values(self, file: _File) -> None:
        """Read values for one reason only: the recipe says between what they must lie."""
        for name, limits in self.scan.limits.items():
            for _, values in self._pieces(file, name):
                limits.check(values, name, file.header.attrs[name], file.header.address)


def _grid(chunks: tuple[int, ...]) -> Any:
    from zarr.core.metadata.v3 import RegularChunkGridMetadata

    return RegularChunkGridMetadata(chunk_shape=chunks)


def _let_the_second_pass(address: str) -> None:
    """Wait until the second is over in which a file was changed: see `filechunks`."""
    if is_remote(address):
        return
    left = math.floor(os.stat(address).st_mtime) + 1 - time.time()
    if 0 < left < _LONGEST_WAIT:
        time.sleep(left + 0.01)
