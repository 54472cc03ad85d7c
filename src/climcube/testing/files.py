"""Write a cube as an archive would hold it: one packed netCDF file for each day."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube.progress import progress_bar

__all__ = ["write_daily_files"]

_STEM = "oisst-avhrr-v02r01"


def write_daily_files(
    ds: xr.Dataset, folder: str | os.PathLike[str], compress: bool = True
) -> list[Path]:
    """Write one netCDF-4 file for each time of a dataset, named and packed like OISST.

    Parameters
    ----------
    ds
        Variables with a ``time`` dimension; packed as their encoding says.
    folder
        Made if absent; files of the same names are replaced.
    compress
        Compress with zlib.

    Returns
    -------
    list of Path
        ``oisst-avhrr-v02r01.YYYYMMDD.nc``, in the order of time.

    Examples
    --------
    >>> import tempfile
    >>> import climcube as cc
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(4, 8)).isel(time=slice(3))
    >>> [path.name for path in cc.testing.write_daily_files(ocean, tempfile.mkdtemp())][-1]
    'oisst-avhrr-v02r01.20000103.nc'
    """
    import netCDF4

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    names = [str(name) for name in ds.data_vars if "time" in ds[name].dims]
    packed = {name: _packed(ds[name]) for name in names}
    # The first file is written with all its attributes; the others are copies of it whose
    # numbers are replaced, which takes half the time of defining each file anew.
    template = target / f".{_STEM}.template.nc"
    encoding = {name: _encoding(ds[name], compress) for name in names}
    ds.isel(time=slice(1)).to_netcdf(template, engine="netcdf4", encoding=encoding)
    with netCDF4.Dataset(template) as first:
        units, calendar = first["time"].units, first["time"].calendar
    numbers = xr.conventions.encode_cf_variable(
        xr.Variable("time", ds["time"].values, encoding={"units": units, "calendar": calendar})
    ).values
    paths: list[Path] = []
    with progress_bar("writing daily files", ds.sizes["time"]) as advance:
        for index, stamp in enumerate(ds["time"].dt.strftime("%Y%m%d").values):
            path = target / f"{_STEM}.{stamp}.nc"
            shutil.copyfile(template, path)
            with netCDF4.Dataset(path, "a") as file:
                file.set_auto_maskandscale(False)
                file["time"][:] = numbers[index : index + 1]
                for name, (axis, values) in packed.items():
                    file[name][:] = values.take([index], axis=axis)
            paths.append(path)
            advance()
    template.unlink()
    return paths


def _packed(variable: xr.DataArray) -> tuple[int, npt.NDArray[Any]]:
    """Return the axis of time and the numbers to store."""
    encoding, axis = variable.encoding, variable.get_axis_num("time")
    dtype = np.dtype(encoding.get("dtype", variable.dtype))
    if not np.issubdtype(dtype, np.integer):
        return int(axis), variable.values
    scale, offset = (float(encoding.get(k, d)) for k, d in (("scale_factor", 1), ("add_offset", 0)))
    values = (variable.values.astype("float64") - offset) / scale
    fill = encoding.get("_FillValue", 0)
    return int(axis), np.where(np.isnan(values), fill, np.rint(values)).astype(dtype)


def _encoding(variable: xr.DataArray, compress: bool) -> dict[str, Any]:
    known = ("dtype", "scale_factor", "add_offset", "_FillValue")
    kept = {k: variable.encoding[k] for k in known if k in variable.encoding}
    return kept | ({"zlib": True, "complevel": 4, "shuffle": True} if compress else {})
