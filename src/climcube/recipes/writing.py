"""Write the values of many files into a store, block by block, so that a kill costs one block."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import batched
from typing import Any

import xarray as xr

from climcube.clusters.attendance import Attendance
from climcube.clusters.current import current_client
from climcube.progress import Advance
from climcube.recipes.layout import Block
from climcube.recipes.reading import Band, Stretch, bands_of
from climcube.stores.integrity.manifest import Recorder, Records, write_records
from climcube.stores.integrity.rereading import require_written
from climcube.stores.work import Work

__all__ = ["RECORDS", "Task", "Writing", "default_workers", "require_kept", "write_blocks"]

Task = tuple[Block, list[Stretch]]

RECORDS = "records"  # of a finished step: what it wrote
_LOOK = 1.0  # seconds between two looks at who is there


@dataclass(frozen=True)
class Writing:
    """How blocks are written.

    Attributes
    ----------
    options
        Storage options of the files.
    block_bytes
        Most bytes of a variable in memory at once.
    workers
        Threads that read.
    kept
        The store before a change, lazy and as stored, of which blocks keep values.
    """

    options: Mapping[str, Any]
    block_bytes: int
    workers: int
    kept: xr.Dataset | None = None


def default_workers() -> int:
    """Return the number of threads that read, unless the caller says otherwise."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def write_blocks(work: Work, tasks: Iterable[Task], how: Writing, advance: Advance) -> None:
    """Write blocks that are not finished yet, and note each one in the ledger.

    Threads read the files of one block while the block before is compressed and written: memory
    holds two blocks, whatever the number of workers. Where a Dask client exists, its workers
    write a block each.

    Parameters
    ----------
    work
        Where to; the arrays exist already.
    tasks
        Blocks in the order of time, and what goes into them.
    how
        Options.
    advance
        Told of each block that is done, for the progress bar.
    """
    unfinished = _unfinished(work, tasks, advance)
    client = current_client()
    if client is not None:
        _on_cluster(work, unfinished, how, client, advance)
        return
    with _pool(how.workers) as pool:
        ahead: tuple[Block, _Readings] | None = None
        for task in (*unfinished, None):
            following = None if task is None else (task[0], _begin(work.store, task, how, pool))
            if ahead is not None:
                block, readings = ahead
                recorder = Recorder(work.store)
                _write(recorder, readings)
                _finish(work, block, recorder.take(), how)
                advance(block.stop - block.start)
            ahead = following


def _finish(work: Work, block: Block, records: Records, how: Writing) -> None:
    """Check what was written of a block, and note that it is finished."""
    require_written(work.store, records)
    write_records(work.store, records)
    # An attempt that goes on compares a new store as a whole, of a changed one what is noted.
    work.finish(block.name, None if how.kept is None else {RECORDS: records.facts()})


def require_kept(work: Work) -> None:
    """Compare what an earlier attempt noted with what is there: it may be lost, with the power.

    Raises
    ------
    IntegrityError
        An object is lost, or holds other bytes.
    """
    for facts in work.done.values():
        if RECORDS in facts:
            require_written(work.store, Records.from_facts(facts[RECORDS]))


def _unfinished(work: Work, tasks: Iterable[Task], advance: Advance) -> Iterator[Task]:
    for block, stretches in tasks:
        if block.name in work.done:
            advance(block.stop - block.start)
        else:
            yield block, stretches


@dataclass
class _Readings:
    """The bands of one block, of which one at a time is read ahead."""

    bands: list[tuple[Stretch, Band]]
    how: Writing
    pool: Executor
    started: tuple[Any, list[Future[None]]] | None = None

    def start(self, number: int) -> None:
        if number < len(self.bands):
            stretch, band = self.bands[number]
            kept = None if self.how.kept is None else self.how.kept[stretch.name].variable
            self.started = stretch.begin(kept, band, self.how.options, self.pool)

    def __iter__(self) -> Iterator[tuple[Stretch, Band, Any]]:
        for number, (stretch, band) in enumerate(self.bands):
            assert self.started is not None
            values, futures = self.started
            for future in futures:
                future.result()
            self.start(number + 1)
            yield stretch, band, values


def _begin(store: Any, task: Task, how: Writing, pool: Executor) -> _Readings:
    """Start to read the first band of a block."""
    group = _arrays(store)
    bands = [
        (stretch, band)
        for stretch in task[1]
        for band in bands_of(stretch, group[stretch.name].shards, how.block_bytes)
    ]
    readings = _Readings(bands, how, pool)
    readings.start(0)
    return readings


def _write(store: Any, readings: _Readings) -> None:
    group = _arrays(store)
    for stretch, band, values in readings:
        # Every shard is written, empty or not: one that is absent later was lost. Said to the
        # array: zarr's configuration is shared by threads that come and go in any order.
        array = group[stretch.name].with_config({"write_empty_chunks": True})
        array[stretch.region(band)] = values


def _arrays(store: Any) -> Any:
    import zarr

    return zarr.open_group(store, mode="r+", use_consolidated=False)


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    """Threads; where one of them fails, the files in waiting are not read any more."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="climcube-ingest")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _on_cluster(
    work: Work, tasks: Iterator[Task], how: Writing, client: Any, advance: Advance
) -> None:
    """Let each worker write one block, in rounds: what is finished is noted after each round."""
    width = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    attendance = Attendance(client)
    for round_ in batched(tasks, width):
        futures = [
            client.submit(_write_apart, work.fork(), task, how, pure=False) for task in round_
        ]
        try:
            _wait_for(futures, attendance, ", ".join(block.name for block, _ in round_))
            results = client.gather(futures)
        finally:
            client.cancel(futures)
        work.merge(fork for fork, _ in results)
        for (block, _), (_, records) in zip(round_, results, strict=True):
            _finish(work, block, records, how)
            advance(block.stop - block.start)


def _wait_for(futures: Sequence[Any], attendance: Attendance, names: str) -> None:
    """Wait until all are done, as long as there is anybody to do it."""
    from distributed import wait

    while not all(future.done() for future in futures):
        with suppress(TimeoutError):
            wait(futures, timeout=_LOOK)
        attendance.require(lambda: names)


def _write_apart(fork: Any, task: Task, how: Writing) -> tuple[Any, Any]:
    """Write one block in another process; return its store and what was written."""
    recorder = Recorder(fork)
    with _pool(how.workers) as pool:
        _write(recorder, _begin(fork, task, how, pool))
    return fork, recorder.take()
