"""Write data sets as one Zarr store of format 3: what is known first, then tile by tile."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from climcube.clusters.visibility import require_reachable
from climcube.errors import (
    ClimcubeError,
    ClimcubeWarning,
    ClusterError,
    IntegrityError,
    StoreError,
    StoreExistsError,
)
from climcube.planning.tiles.cutting import cut
from climcube.planning.tiles.jobs import Job, Tile, job_of
from climcube.planning.tiles.layout import StoreLayout, layout_of, quiet
from climcube.planning.tiles.prepare import Parts
from climcube.progress import Advance, progress_bar
from climcube.provenance import redact
from climcube.saving.choice import crew_of
from climcube.saving.crews import Order
from climcube.saving.room import tiles_at_once
from climcube.saving.tasks import Target, Written, writing
from climcube.saving.tiles import compute_tiles
from climcube.stores.integrity.manifest import (
    Recorder,
    Records,
    consolidate,
    seal_manifest,
    write_records,
)
from climcube.stores.integrity.rereading import require_written
from climcube.stores.plainwork import PUBLISHING
from climcube.stores.versioned.repositories import is_write_error, repository_reporting
from climcube.stores.work import Work, Workplace, write_failure

__all__ = ["Saving", "already_there", "write_zarr"]

LAYOUT, SEALED = "layout", "sealed"  # steps, beside those of the tiles
OUTLINE = "outline"


@dataclass(frozen=True)
class Saving:
    """Where to, and what may be there already.

    Attributes
    ----------
    workplace
        The target.
    label
        Its address, without credentials.
    overwrite
        Whether what is there may be replaced.
    resume
        Whether to go on with an earlier attempt, and to leave what another one can go on with.
    volatile
        Whether what an earlier attempt wrote may be lost although it was finished: on a disk of
        this machine, with the power.
    """

    workplace: Workplace
    label: str
    overwrite: bool
    resume: bool
    volatile: bool = False


def write_zarr(
    datasets: Parts,
    saving: Saving,
    encoding: Mapping[str, Mapping[str, Any]],
    progress: bool | None,
) -> None:
    """Write data sets, each into its group, and publish them all at once.

    Parts that come from the same tiles (climatology and annual blocks) read them once.
    """
    layout = layout_of(cut(datasets, encoding), encoding)
    identity, outline = layout.identity(), layout.outline()
    workplace = saving.workplace
    if saving.resume and workplace.holds(identity):
        workplace.tidy(identity)  # an attempt that was killed when all was done
        return
    if not saving.resume:
        workplace.tidy(identity)
    with workplace.work(identity, new=True) as work, _keeping(work, resume=saving.resume):
        if not saving.overwrite and PUBLISHING not in work.done and workplace.exists():
            raise already_there(saving.label)
        if saving.resume and not work.done:
            _tell_of_others(workplace, outline, saving.label)
        if SEALED not in work.done:
            require_reachable(saving.label)
            lost = _lost(work, saving.label) if saving.volatile else frozenset()
            _write(work, layout, {OUTLINE: outline}, lost, progress)
            with quiet():
                seal_manifest(work.store, identity)
                consolidate(work.store)
            work.finish(SEALED)
        work.publish(f"save {saving.label}")
    _forget_others(workplace)


def _tell_of_others(workplace: Workplace, outline: str, label: str) -> None:
    """Warn where an attempt was to be found, and is not known again."""
    ledgers = workplace.attempts().values()
    if any(ledger.get(LAYOUT, {}).get(OUTLINE) == outline for ledger in ledgers):
        warnings.warn(
            f"an unfinished save to {label} has the form of this result, but other tasks: this "
            "one starts anew. Either inputs or parameters differ, or tasks get other names in "
            "each process, as random numbers and functions without a name do",
            ClimcubeWarning,
            stacklevel=5,
        )


def _forget_others(workplace: Workplace) -> None:
    """Remove unfinished saves of other results to a target that now holds this one."""
    with suppress(StoreError):  # this one is published
        for mark, ledger in workplace.attempts().items():
            if OUTLINE in ledger.get(LAYOUT, {}):
                workplace.drop(mark)


def already_there(address: str) -> StoreExistsError:
    """Return the error of a target that is there and must not be replaced."""
    return StoreExistsError(
        "the target exists", where=redact(address),
        remedy="pass overwrite=True to replace it, or another target",
    )  # fmt: skip


def _write(
    work: Work,
    layout: StoreLayout,
    facts: Mapping[str, Any],
    lost: frozenset[str],
    progress: bool | None,
) -> None:
    if LAYOUT not in work.done:
        recorder = Recorder(work.store)
        layout.write(recorder)
        work.finish(LAYOUT, {**facts, "records": recorder.take().facts()})
    job = job_of(layout.lazy)
    if job.tiles:
        _Writing(work, job, progress).run(lost)
    write_records(work.store, _records(work))


def _lost(work: Work, label: str) -> frozenset[str]:
    """Return those finished steps whose files are not what was written."""
    lost = set()
    for step, facts in work.done.items():
        if "records" in facts:
            try:
                with repository_reporting("what is kept cannot be read", label):
                    require_written(work.store, Records.from_facts(facts["records"]))
            except IntegrityError:
                if step == LAYOUT:
                    raise
                lost.add(step)
    return frozenset(lost)


def _records(work: Work) -> Records:
    facts = [step["records"] for step in work.done.values() if "records" in step]
    return reduce(add, map(Records.from_facts, facts), Records())


class _Writing:
    """The tiles of one store."""

    def __init__(self, work: Work, job: Job, progress: bool | None) -> None:
        self._work, self._job, self._progress = work, job, progress
        names = sorted(job.arrays)
        self._target = Target.of(work.store, names)
        self._mark = f"write-{uuid.uuid4().hex}"
        self._advance: Advance = lambda n=1, nbytes=0: None

    def run(self, lost: frozenset[str]) -> None:
        """Compute and write all tiles that are not finished, or were lost since."""
        job, done = self._job, self._work.done.keys() - lost
        unfinished = [tile for tile in job.tiles if _step(tile) not in done]
        with progress_bar("saving", len(job.tiles), self._progress) as self._advance:
            written = [self._work.done[_step(t)] for t in job.tiles if _step(t) in done]
            self._advance(len(written), nbytes=sum(facts.get("nbytes", 0) for facts in written))
            with crew_of(job, tiles_at_once(job)) as crew:
                compute_tiles(job, unfinished, crew, self._order_of, self._take)

    def _order_of(self, tile: Tile) -> Order:
        fork = self._work.fork()
        target = self._target.for_one(fork, tile.pieces, forked=fork is not self._work.store)
        return Order(tile, *writing(self._job.graph_of(tile), tile, target.write, self._mark))

    def _take(self, tile: Tile, results: Sequence[Written]) -> None:
        written = reduce(add, results)
        self._work.merge({id(fork): fork for fork in written.forks}.values())
        facts = {"tile": tile.name, "nbytes": written.nbytes}
        self._work.finish(_step(tile), facts | {"records": written.records.facts()})
        self._advance(1, nbytes=written.nbytes)


def _step(tile: Tile) -> str:
    return f"tile-{tile.number:05d}"


@contextmanager
def _keeping(work: Work, *, resume: bool) -> Iterator[None]:
    """After a failure keep what can be gone on with, and say so; else leave nothing."""
    try:
        yield
    except BaseException as error:
        if is_write_error(error):
            if not resume:
                work.discard()
            remedy = _kept(work) if resume and work.done else None
            raise write_failure(work, error, remedy) from error
        if SEALED in work.done and isinstance(error, StoreError):
            raise _complete(error, work) from error
        if isinstance(error, ClusterError):
            raise _with_remedy(error, _kept(work)) from error
        if not resume or isinstance(error, IntegrityError):
            work.discard()
        elif work.done and not isinstance(error, ClimcubeError):
            error.add_note(f"climcube: {_kept(work)}")
        raise


def _complete(error: StoreError, work: Work) -> StoreError:
    return StoreError(
        "the result is complete but could not be moved to its place",
        where=f"{getattr(work, 'place', 'the store')}/store",
        found=str(error),
        remedy="it is kept there: open it there, or save again with resume=True",
    )


def _with_remedy(error: ClusterError, remedy: str) -> ClusterError:
    return type(error)(
        error.what, where=error.where, expected=error.expected, found=error.found,
        remedy=f"{error.remedy}; {remedy}" if error.remedy else remedy,
    )  # fmt: skip


def _kept(work: Work) -> str:
    tiles = sum(step.startswith("tile-") for step in work.done)
    finished = {0: "what is finished is", 1: "1 finished tile is"}
    return (
        f"{finished.get(tiles, f'{tiles} finished tiles are')} kept in "
        f"{getattr(work, 'place', 'the store')}: save again with resume=True to go on"
    )
