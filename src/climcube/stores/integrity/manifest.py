"""The manifest of a store: lengths and digests of all its objects, kept in it with the data.

::

    STORE/
      zarr.json                       says that there is a manifest
      climcube_manifest/zarr.json     digests of metadata documents, entries of small arrays
      climcube_manifest/sst/records   entries of a large array, in pages
      climcube_manifest/sst/seals     digests of the pages

Written through a `Recorder`, block by block (`write_records`), and sealed at the end
(`seal_manifest`). Read through `verifying`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from climcube.errors import ParameterError
from climcube.stores.integrity.digests import document_digest
from climcube.stores.integrity.documents import read_documents
from climcube.stores.integrity.grids import Grid
from climcube.stores.integrity.header import FORMAT, GROUP, IDENTITY, MARK, seal_digest
from climcube.stores.integrity.pages import write_entries
from climcube.stores.integrity.records import Recorder, Records
from climcube.stores.integrity.verifying import verifying

__all__ = [
    "GROUP",
    "MARK",
    "Recorder",
    "Records",
    "consolidate",
    "seal_manifest",
    "verifying",
    "write_records",
]


def write_records(store: Any, records: Records) -> None:
    """Merge what was written into the manifest of a store.

    Parameters
    ----------
    store
        Zarr store, writable; through it (or a `Recorder` around it) the manifest is written.
    records
        What `Recorder.take` returned, of one or more recorders.

    Raises
    ------
    ParameterError
        The manifest that is there has digests of another algorithm.
    """
    with _quiet():
        group = _group(store)
        head = dict(group.attrs)
        arrays = dict(head.get("arrays", {}))
        if arrays and head["digest"] != records.algorithm:
            raise ParameterError(
                "the manifest has digests of another kind", where=f"digest={records.algorithm!r}",
                expected=head["digest"],
            )  # fmt: skip
        for prefix in records.removed:
            gone = [p for p in arrays if not prefix or p == prefix or p.startswith(f"{prefix}/")]
            for path in gone:
                del arrays[path]
        documents = read_documents(store, records.entries)
        for path, entries in records.entries.items():
            grid = Grid.of(documents[path]) if path in documents else None
            if grid is not None:
                arrays[path] = write_entries(
                    group, path, grid, entries, arrays.get(path), records.algorithm
                )
        head = {k: v for k, v in head.items() if k != "seal"}
        # Sorted: threads write in any order, and equal stores have equal manifests.
        arrays = dict(sorted(arrays.items()))
        group.attrs.put({**head, **FORMAT, "digest": records.algorithm, "arrays": arrays})


def seal_manifest(store: Any, identity: str | None = None) -> None:
    """Add the digests of all metadata documents; the last thing before a store is published.

    Consolidated metadata are written after it: they are copies of what is sealed here.

    Parameters
    ----------
    store
        Zarr store, writable.
    identity
        Of the work that the store is the result of, where that is to be known again.
    """
    import zarr

    with _quiet():
        root = zarr.open_group(store, mode="a", use_consolidated=False)
        if root.attrs.get(GROUP) != MARK[GROUP]:
            root.attrs.update(MARK)
        group = _group(store)
        head = {k: v for k, v in dict(group.attrs).items() if k not in ("seal", "documents")}
        if identity is not None:
            head[IDENTITY] = identity
        head = {"digest": Records().algorithm, "arrays": {}} | FORMAT | head
        nodes = ["", *(path for path, _ in root.members(max_depth=None))]
        documents = read_documents(store, [n for n in nodes if n != GROUP])
        algorithm = head["digest"]
        for path, facts in list(head["arrays"].items()):
            grid = Grid.of(documents[path]) if path in documents else None
            if grid is None:
                del head["arrays"][path]
            elif grid.facts() != facts["grid"]:
                head["arrays"][path] = write_entries(group, path, grid, {}, facts, algorithm)
        _drop_orphans(group, head["arrays"])
        documents = {p: d for p, d in documents.items() if not p.startswith(f"{GROUP}/")}
        own = [f"{GROUP}/{path}" for path, _ in group.members(max_depth=None)]
        documents |= read_documents(store, own)
        # Sorted: folders are listed in any order, and equal stores have equal manifests.
        known = sorted(documents.items())
        head["documents"] = {path: document_digest(algorithm, found) for path, found in known}
        group.attrs.put(head)
        group.attrs.update({"seal": seal_digest(read_documents(store, [GROUP])[GROUP])})


def _group(store: Any) -> Any:
    import zarr

    return zarr.open_group(store, path=GROUP, mode="a", zarr_format=3, use_consolidated=False)


def _drop_orphans(group: Any, arrays: Mapping[str, Mapping[str, Any]]) -> None:
    """Remove pages of arrays that are gone, or whose few entries are in the header again."""
    import zarr

    used = {f"{p}/{n}" for p, f in arrays.items() if "root" in f for n in ("records", "seals")}
    for path, node in list(group.members(max_depth=None)):
        if isinstance(node, zarr.Array) and path not in used:
            del group[path]


def consolidate(store: Any) -> None:
    """Copy all metadata into one document, where the store takes one.

    Only a store with consolidated metadata can be listed over https.
    """
    import zarr

    if store.supports_consolidated_metadata:
        with _quiet():
            zarr.consolidate_metadata(store, zarr_format=3)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        yield
