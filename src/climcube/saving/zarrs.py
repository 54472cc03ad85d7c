"""Write data sets as one Zarr store of format 3."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import xarray as xr

from climcube.progress import dask_progress
from climcube.planning.prepare import Parts, even_chunks, file_chunks
from climcube.saving.settle import compute_writes
from climcube.stores.filesystems import zarr_target
from climcube.stores.integrity.inventory import add_unnoted
from climcube.stores.integrity.manifest import Recorder, seal_manifest, write_records
from climcube.stores.places import Staging
from climcube.stores.zarrs import zarr_store

__all__ = ["write_zarr"]


def write_zarr(
    datasets: Parts,
    staging: Staging,
    encoding: Mapping[str, Mapping[str, Any]],
    progress: bool | None,
) -> None:
    """Write data sets, each into its group, computing all of them in one go.

    One go: parts that come from the same tiles (climatology and annual blocks) read them once.
    """
    import zarr

    target = zarr_target(staging.address, staging.options)
    store = Recorder(zarr_store(target, read_only=False))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*[Cc]onsolidated metadata.*")
        warnings.simplefilter("ignore", xr.SerializationWarning)
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        pending: list[Any] = []
        for group, dataset in datasets.items():
            even = even_chunks(dataset)
            pending.append(
                even.to_zarr(
                    store,
                    group=group or None,
                    mode="a" if pending else "w-",
                    zarr_format=3,
                    consolidated=False,
                    compute=False,
                    encoding=_encoding(even, encoding),
                )
            )
        with dask_progress("saving", progress):
            compute_writes(pending)
        # What other processes wrote is read again: their recorders are not ours.
        write_records(store, add_unnoted(store, store.take()))
        seal_manifest(store)
        # Last, since only a store with consolidated metadata can be listed over https.
        zarr.consolidate_metadata(store, zarr_format=3)


def _encoding(dataset: xr.Dataset, given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    from zarr.codecs import ZstdCodec

    encoding = {}
    for name, variable in dataset.variables.items():
        own: dict[str, Any] = {"compressors": (ZstdCodec(level=3, checksum=True),)}
        if variable.ndim:
            own["chunks"] = file_chunks(variable)
        encoding[str(name)] = own | dict(given.get(str(name), {}))
    return encoding
