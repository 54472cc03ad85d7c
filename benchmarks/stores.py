"""Packed, compressed Zarr stores in the layout that climcube.ingest writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr
from zarr.codecs import ZstdCodec

FILL = np.int16(-32768)
SCALE = 0.01


def encoding(sizes: tuple[int, int, int]) -> dict[str, object]:
    """Shards of a year x 90 x 90, inner chunks of 30 x 30, zstd with a checksum."""
    inner = tuple(min(n, most) for n, most in zip(sizes, (366, 30, 30), strict=True))
    whole = [-(-n // size) for n, size in zip(sizes, inner, strict=True)]
    shards = (inner[0], inner[1] * min(3, whole[1]), inner[2] * min(3, whole[2]))
    codec = (ZstdCodec(level=3, checksum=True),)
    return {"chunks": inner, "shards": shards, "compressors": codec}


def write_packed(sst: xr.DataArray, path: Path) -> None:
    """Store a cube (time, lat, lon) as hundredths in int16."""
    packing = {"dtype": "int16", "scale_factor": SCALE, "add_offset": 0.0, "_FillValue": FILL}
    plain = sst.drop_encoding().to_dataset(name="sst")
    every = {"sst": packing | encoding(sst.shape)}
    plain.to_zarr(path, zarr_format=3, consolidated=False, encoding=every)


def write_ocean(
    path: Path, shape: tuple[int, int], years: int = 40, seed: int = 0, scale: float = SCALE
) -> None:
    """Write a cube far larger than memory needs to be: years of one patch, repeated with noise.

    A season, red noise and the noise of each cell; three tenths of the cells are land. It is
    decoded to float32 if that holds the scale exactly, as ``float(np.float32(0.01))``.
    """
    import zarr

    time = xr.date_range("1982-01-01", periods=round(years * 365.25), freq="D")
    rng = np.random.default_rng(seed)
    patch = _patch(len(time), rng)
    land = rng.random(shape) < 0.3
    lat, lon = (np.arange(n) * 0.25 for n in shape)
    template = xr.Dataset(coords={"time": time, "lat": lat - 30.0, "lon": lon})
    template.lat.attrs["units"], template.lon.attrs["units"] = "degrees_north", "degrees_east"
    template.to_zarr(path, zarr_format=3, consolidated=False)
    array = zarr.open_group(path).create_array(
        "sst", shape=(len(time), *shape), dtype="int16", fill_value=FILL,
        dimension_names=("time", "lat", "lon"), **encoding((len(time), *shape)),
    )  # fmt: skip
    array.attrs.update(
        units="degC", standard_name="sea_surface_temperature", scale_factor=scale, add_offset=0.0,
        _FillValue=int(FILL),
    )  # fmt: skip
    repeat = [-(-n // 30) for n in shape]
    for first in range(0, len(time), 366):
        part = np.tile(patch[first : first + 366], (1, *repeat))[:, : shape[0], : shape[1]]
        part = part + rng.integers(-25, 26, part.shape, dtype=np.int16)
        part[:, land] = FILL
        array[first : first + len(part)] = part


def _patch(days: int, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    from scipy.signal import lfilter

    noise = lfilter([1.0], [1.0, -0.9], rng.normal(0, 40, (days, 900)), axis=0)
    season = 500 * np.cos(2 * np.pi * np.arange(days) / 365.25)
    return np.rint(1800 + season[:, None] + noise).astype(np.int16).reshape(days, 30, 30)
