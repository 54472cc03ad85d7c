"""Classic files that are cut short, by the netCDF library's own files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import climcube as cc
from climcube.stores.files.classic import require_whole

FORMATS = ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"]
TYPES = ["i1", "S1", "i2", "i4", "f4", "f8"]
SHAPES = [(), ("x",), ("y", "x"), ("t",), ("t", "x"), ("t", "y", "x")]
variables = st.lists(st.tuples(st.sampled_from(TYPES), st.sampled_from(SHAPES)), max_size=4)


def write(path: Path, kind: str, contents: list[tuple[str, Any]], steps: int) -> bytes:
    """Write variables of the last byte 1, so that none of them ends like padding."""
    with netCDF4.Dataset(path, "w", format=kind) as file:
        for name, length in (("t", None), ("y", 3), ("x", 5)):
            file.createDimension(name, length)
        file.title = "abc"
        for number, (dtype, dims) in enumerate(contents):
            variable = file.createVariable(f"v{number}", dtype, dims)
            variable.weights = np.arange(3, dtype="i2")
            shape = [{"t": steps, "y": 3, "x": 5}[d] for d in dims]
            variable[...] = np.full(shape, b"a" if dtype == "S1" else 1, dtype)
    return path.read_bytes()


@given(kind=st.sampled_from(FORMATS), contents=variables, steps=st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_the_header_says_how_long_a_file_is(
    tmp_path_factory: pytest.TempPathFactory, kind: str, contents: Any, steps: int
) -> None:
    path = tmp_path_factory.mktemp("classic") / "a.nc"
    content = write(path, kind, contents, steps)
    with path.open("rb") as stream:
        require_whole(stream)
        assert stream.tell() == 0
    # What the library writes may end in three bytes of padding that say nothing.
    for cut in (4, 5, len(content) // 2):
        path.write_bytes(content[:-cut])
        with path.open("rb") as stream, pytest.raises(OSError, match="truncated"):
            require_whole(stream)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_end_of_a_file_is_missed_by_every_reader(tmp_path: Path, kind: str) -> None:
    """What is cut off a 64-bit data file was zeros, as long as it was less than the header."""
    days = xr.date_range("2000-01-01", periods=3)
    ocean = xr.Dataset(
        {"sst": (("time", "lat"), np.ones((3, 4), "f4"), {"units": "degC"})},
        {"time": days, "lat": np.arange(4.0)},
    )
    ocean.to_netcdf(tmp_path / "a.nc", format=kind, engine="netcdf4")
    whole = (tmp_path / "a.nc").read_bytes()
    assert (cc.open(tmp_path / "a.nc", variable="sst") == 1).all()
    for cut in range(4, len(whole), 41):
        (tmp_path / "a.nc").write_bytes(whole[:-cut])
        with pytest.raises(cc.errors.StoreError, match=r"a\.nc"):
            cc.open(tmp_path / "a.nc")
        with pytest.raises(cc.errors.StoreError, match=r"a\.nc"):
            cc.ingest(tmp_path / "a.nc", tmp_path / "out.zarr")


@pytest.mark.parametrize("kind", [*FORMATS, "NETCDF4"])
def test_groups_that_a_file_does_not_have(tmp_path: Path, kind: str) -> None:
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "a.nc", format=kind, engine="netcdf4")
    with pytest.raises(cc.errors.StoreNotFoundError, match="no such group"):
        cc.open(tmp_path / "a.nc", group="quality")
    assert cc.open(tmp_path / "a.nc", group="/")["a"].size == 1
