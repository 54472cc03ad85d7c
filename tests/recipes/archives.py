"""Small archives for tests of ingests, and changes to single files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4

import climcube as cc


def ocean(days: int = 12, shape: tuple[int, int] = (4, 6)) -> Any:
    years = -(-days // 365)
    return cc.testing.synthetic_ocean(years=years, shape=shape).isel(time=slice(days))


def write(cube: Any, folder: Path) -> list[Path]:
    return list(cc.testing.write_daily_files(cube, folder))


def change(path: Path, action: Callable[[Any], object]) -> None:
    """Edit a netCDF file in place."""
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.set_auto_maskandscale(False)
        action(dataset)


def warmer(path: Path, target: Path, hundredths: int = 100) -> Path:
    """Copy a file whose sea is warmer, as a final file differs from a preliminary one."""
    shutil.copy(path, target)

    def warm(dataset: Any) -> None:
        values = dataset["sst"][:]
        values[values != dataset["sst"]._FillValue] += hundredths
        dataset["sst"][:] = values

    change(target, warm)
    return target
