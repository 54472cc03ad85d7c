"""What the pages of the documentation take for granted: a cube, a store of it, an archive."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

import xarray as xr

import climcube as cc


@functools.cache
def ocean() -> xr.Dataset:
    """Forty-one years of days on a coarse grid of the globe."""
    return cc.testing.synthetic_ocean(years=41, start=1982, shape=(9, 18))


def record() -> xr.DataArray:
    """Return the daily temperature of that ocean, in one chunk of time."""
    return ocean()["sst"].chunk(time=-1, lat=5, lon=9)


@functools.cache
def _stored() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="climcube-docs-"))
    cc.save(record().to_dataset(), folder / "sst.zarr")
    return folder / "sst.zarr"


def store(name: str = "sst.zarr") -> None:
    """Put the record where a page expects a store."""
    shutil.copytree(_stored(), name)


def archive(folder: str = "raw", first: str = "2020-01-01", last: str = "2020-02-15") -> None:
    """Put daily files where a page expects an archive; of few days, for they are only copied."""
    cc.testing.write_daily_files(ocean().sel(time=slice(first, last)), folder)


def remove() -> None:
    """Remove what was kept for several pages."""
    if _stored.cache_info().currsize:
        shutil.rmtree(_stored().parent)
        _stored.cache_clear()
