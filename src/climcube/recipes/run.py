"""The steps of an ingest: metadata, blocks, manifest, verification, publication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import xarray as xr

from climcube import provenance
from climcube.progress import progress_bar
from climcube.recipes.facts import remember
from climcube.recipes.layout import blocks_of, steps_of
from climcube.recipes.metadata import write_metadata
from climcube.recipes.places import Target, keeping
from climcube.recipes.reading import stretches_of
from climcube.recipes.scan import Scan
from climcube.recipes.writing import Task, Writing, write_blocks
from climcube.stores.integrity.manifest import Recorder, consolidate, seal_manifest, write_records
from climcube.stores.verify import verify_store
from climcube.stores.work import Work

__all__ = ["Whole", "attributes_of", "finish_store", "how_of", "make_store"]

Whole = tuple[int, tuple[str, str]]  # times and period of a store

LAYOUT, SEALED = "layout", "sealed"


def make_store(
    scan: Scan, target: Target, identity: str, workers: int, progress: bool | None
) -> str | None:
    """Write a whole store, or what an earlier attempt left to do; return its version."""
    layout = scan.recipe.store
    with target.workplace.work(identity, new=True) as work, keeping(work):
        resumed = bool(work.done)
        if LAYOUT not in work.done:
            recorder = Recorder(work.store)
            write_metadata(
                recorder, scan.archive, scan.columns, attributes_of(scan), layout,
                grows=target.versioned,
            )  # fmt: skip
            remember(recorder, identity, scan.preliminary, new=True)
            write_records(work.store, recorder.take())
            work.finish(LAYOUT)
        steps = steps_of(scan.archive, len(scan.axis), layout, grows=target.versioned)
        with progress_bar("ingesting", len(scan.axis), progress) as advance:
            write_blocks(work, _tasks(scan, steps), how_of(scan, workers), advance)
        return finish_store(work, f"ingest {scan.found.label}", scan, resumed=resumed)


def finish_store(
    work: Work, message: str, scan: Scan, *, resumed: bool = False, whole: Whole | None = None
) -> str | None:
    """Seal the manifest and publish; ``whole``: times and period of the store, if not the scan's.

    Each block was compared with its records when it was written. What an attempt before this
    one wrote may have been lost since, with the power: a new store is compared again
    (``resumed``), of a changed one what the change wrote, before it goes on.
    """
    if SEALED not in work.done:
        seal_manifest(work.store)
        consolidate(work.store)
        work.finish(SEALED)
    if resumed:
        verify_store(work.store, getattr(work, "place", "the store")).raise_if_damaged()
    times, period = whole or (len(scan.axis), scan.period)
    facts = {"files": len(scan.archive.headers), "times": times, "period": list(period)}
    return work.publish(message, facts)


def how_of(scan: Scan, workers: int, kept: xr.Dataset | None = None) -> Writing:
    """Return how the blocks of a scan are written; ``kept``: the store before the change."""
    return Writing(scan.found.options, scan.recipe.store.block_bytes, workers, kept)


def _tasks(scan: Scan, steps: int) -> Iterator[Task]:
    for block in blocks_of(0, len(scan.axis), steps):
        yield (
            block,
            stretches_of(
                scan.archive, scan.states, scan.targets, block.start, block.stop,
                limits=scan.limits,
            ),
        )  # fmt: skip


def attributes_of(scan: Scan) -> dict[str, Any]:
    """Return the global attributes of a new store, which say how it was made."""
    recipe = scan.recipe
    known = {"title": recipe.title, "license": recipe.licence, "references": recipe.citation}
    facts = {k: v for k, v in known.items() if v is not None} | dict(recipe.attributes)
    return facts | _provenance(scan)


def _provenance(scan: Scan) -> dict[str, str]:
    """Say where the cube came from: pattern, and a digest of all files' names and times."""
    carrier = scan.archive.template[[]].copy()
    carrier.attrs = {}
    facts = {"files": str(len(scan.archive.headers)), "digest": f"sha256:{scan.digest()}"}
    provenance.set_source(carrier, scan.found.label, **facts)
    provenance.record(carrier, "ingest", {"files": scan.found.label}, [carrier.copy()])
    known = scan.archive.template.attrs.get("history")
    if known and "history" in carrier.attrs:
        carrier.attrs["history"] = f"{carrier.attrs['history']}\n{known}"
    return {str(k): str(v) for k, v in carrier.attrs.items()}
