"""Copy a cube into another layout, in bounded memory."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr
from dask.array.core import normalize_chunks

from climcube.clusters.sizes import bytes_of
from climcube.cubes.chunks import LAYOUTS, is_lazy, require_cube
from climcube.cubes.coordinates import find_time
from climcube.cubes.units import unquantify
from climcube.cubes.written import origin_of_cube, written
from climcube.errors import ClimcubeWarning, PlanError, require_choice
from climcube.planning.machine import machine_of
from climcube.saving.save import save
from climcube.saving.slabs import Grid, Slabs, choose_slabs
from climcube.stores.integrity.verification import spoken_size

__all__ = ["Relaid", "relaid", "relayout", "save_relaid"]

_SHARE = 0.5  # of the free memory, where nothing else is said
_OFTEN = 1.5  # times that the source is read, which is told


@dataclass(frozen=True)
class Relaid:
    """A cube as it is copied: lazy, in slabs, and as it is stored.

    Attributes
    ----------
    dataset
        Each slab one Dask chunk; packed integers as they are, with their packing as attributes.
    encoding
        Shards and chunks, for `climcube.save`.
    slabs
        What was chosen.
    workers
        Slabs that are copied at the same time.
    """

    dataset: xr.Dataset
    encoding: dict[str, dict[str, Any]]
    slabs: Slabs
    workers: int

    def __str__(self) -> str:
        """Say what is read and written, and what that takes."""
        slabs = self.slabs
        whole = f"{_sizes(slabs.sizes)}, {spoken_size(slabs.nbytes)} each"
        return "\n".join((
            f"slabs    {slabs.count:,} of {whole}",
            f"memory   {spoken_size(self.workers * slabs.memory)} for {self.workers} at a time",
            f"reads    each stored chunk {slabs.repeats:.3g} times",
            f"writes   objects of {_sizes(slabs.shards)}, chunks of {_sizes(slabs.chunks)}",
        ))  # fmt: skip


def relayout(
    cube: xr.DataArray | xr.Dataset,
    target: str | os.PathLike[str],
    *,
    layout: str = "series",
    memory: float | str | None = None,
    overwrite: bool = False,
    resume: bool | None = None,
    storage_options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> str:
    """Copy a cube into another layout, once and for good, in bounded memory.

    Parameters
    ----------
    cube
        Lazy, with a time axis; best straight from `climcube.open`, or a part of it: then
        it is read anew in slabs, of packed values the integers, which the copy holds unchanged.
    target
        A path or address of a Zarr store (``.zarr``) or one with versions (``.icechunk``).
    layout
        ``"series"``: objects of a year and a small tile, for statistics of whole series.
        ``"maps"``: objects of whole maps.
    memory
        Bytes that all workers may take together (``"4 GB"``), beside what the process takes
        anyway. Default half of what is free.
    overwrite, resume, storage_options, progress
        As `climcube.save` takes them: with ``resume=True`` a copy that was killed goes on.

    Returns
    -------
    str
        The target, without credentials.

    Raises
    ------
    PlanError
        Not even the smallest slab fits the memory.
    AxisError
        The cube has no time axis.
    StoreExistsError, StoreError
        As `climcube.save` raises them.

    Warns
    -----
    ClimcubeWarning
        The memory does not hold slabs in which stored chunks are read once: how often they are.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> from climcube.saving.relayout import relayout
    >>> folder = tempfile.mkdtemp()
    >>> ocean = cc.testing.synthetic_ocean(years=2, shape=(4, 6)).sst.chunk(time=1)
    >>> maps = cc.save(ocean, folder + "/maps.zarr")
    >>> series = relayout(cc.open(maps, chunks={}), folder + "/series.zarr")
    >>> cc.open(series, variable="sst").encoding["shards"]
    (366, 4, 6)
    """
    copy = relaid(cube, layout=layout, memory=memory)
    return save_relaid(
        copy, target, overwrite=overwrite, resume=resume, storage_options=storage_options,
        progress=progress,
    )  # fmt: skip


def save_relaid(copy: Relaid, target: str | os.PathLike[str], **options: Any) -> str:
    """Save what `relaid` returned; the options are those of `climcube.save`."""
    if copy.slabs.repeats > _OFTEN:
        warnings.warn(
            ClimcubeWarning(
                f"the memory holds slabs of {_sizes(copy.slabs.sizes)} only: each stored chunk is "
                f"read {copy.slabs.repeats:.1f} times (more memory, or fewer workers, read less)"
            ),
            stacklevel=3,
        )
    return save(copy.dataset, target, encoding=copy.encoding, **options)


def relaid(
    cube: xr.DataArray | xr.Dataset, *, layout: str = "series", memory: float | str | None = None
) -> Relaid:
    """Return a cube as `relayout` copies it; nothing is read."""
    require_choice("layout", layout, LAYOUTS)
    require_cube(cube, "relayout")
    dataset = cube.to_dataset(name=cube.name or "values") if _single(cube) else cube
    time = find_time(dataset)
    lazy = dataset.map(_lazily)
    main = max(lazy.data_vars.values(), key=lambda v: (time in v.dims, v.size))
    machine = machine_of(None, None if memory is None else bytes_of(memory))
    slabs = _chosen(lazy, main, time, layout, machine.memory, memory is None, machine.workers)
    variables = {name: _cut(variable, slabs) for name, variable in lazy.data_vars.items()}
    encoding = {str(n): _encoding(v, slabs) for n, v in variables.items() if v.ndim}
    return Relaid(lazy.assign(variables), encoding, slabs, machine.workers)


def _chosen(
    dataset: xr.Dataset, main: xr.DataArray, time: str, layout: str,
    memory: int | None, share: bool, workers: int,
) -> Slabs:  # fmt: skip
    fitting, least = choose_slabs(_grid(main, time, dataset), layout, _room(memory, share, workers))
    if fitting is None:
        raise PlanError(
            "a copy of the smallest slabs takes more memory than there is",
            where=f"variable {main.name!r}",
            expected=f"{spoken_size(workers * least.memory)} for {workers} workers at least",
            found=spoken_size(memory or 0),
            remedy="give more memory (memory=), take fewer workers "
            "(dask.config.set(num_workers=1)), or copy a part of the cube at a time",
        )
    return fitting


def _room(memory: int | None, share: bool, workers: int) -> int:
    if memory is None:
        return 2**30
    return int(memory * (_SHARE if share else 1)) // max(1, workers)


def _grid(main: xr.DataArray, time: str, dataset: xr.Dataset) -> Grid:
    """Return what slabs are chosen by: the largest variable, the widest values."""
    sizes = {str(d): max(1, int(n)) for d, n in main.sizes.items()}
    itemsize = max(_stored_size(v) for v in dataset.data_vars.values())
    origin = origin_of_cube(main)
    if origin is None:
        units = {str(d): max(c, default=1) for d, c in main.chunksizes.items()}
    else:
        units = dict(zip(sizes, origin.unit(main.encoding), strict=True))
    axes = {d: i for i, d in enumerate(sizes)}

    def repeats(dim: str, size: int) -> float:
        if origin is not None:
            return origin.repeats(axes[dim], units[dim], size)
        return math.ceil(sizes[dim] / size) / math.ceil(sizes[dim] / max(size, units[dim]))

    return Grid(sizes, time, itemsize, {d: min(units[d], n) for d, n in sizes.items()}, repeats)


def _stored_size(variable: xr.DataArray) -> int:
    """Bytes of a value as it is copied."""
    return int(written(variable, variable.chunks or ()).dtype.itemsize)


def _lazily(variable: xr.DataArray) -> xr.DataArray:
    plain = unquantify(variable)[0]
    return plain if is_lazy(plain) else plain.chunk()


def _cut(variable: xr.DataArray, slabs: Slabs) -> xr.DataArray:
    sizes = [slabs.sizes.get(str(d), n) or 1 for d, n in variable.sizes.items()]
    return written(variable, normalize_chunks(sizes, variable.shape))


def _encoding(variable: xr.DataArray, slabs: Slabs) -> dict[str, Any]:
    found: dict[str, Any] = {
        "chunks": tuple(slabs.chunks.get(str(d), max(1, n)) for d, n in variable.sizes.items()),
        "shards": tuple(slabs.shards.get(str(d), max(1, n)) for d, n in variable.sizes.items()),
    }
    fill = variable.attrs.get("_FillValue")
    # Chunks of nothing but fill values are then not stored.
    return found if fill is None else found | {"fill_value": fill}


def _single(cube: Any) -> bool:
    return isinstance(cube, xr.DataArray)


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{dim} {size}" for dim, size in sizes.items())
