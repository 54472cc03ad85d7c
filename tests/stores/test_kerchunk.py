"""References in JSON, as kerchunk and VirtualiZarr write them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import ClimcubeError, ParameterError, StoreError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    ocean = cc.testing.synthetic_ocean(years=1, shape=(8, 10)).isel(time=slice(4))
    return cc.testing.write_daily_files(ocean, folder)


@pytest.fixture
def references(files, tmp_path):
    """What VirtualiZarr writes of daily files."""
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import LocalStore
    from virtualizarr import open_virtual_dataset
    from virtualizarr.parsers import HDFParser

    registry = ObjectStoreRegistry({"file:///": LocalStore()})
    parts = [
        open_virtual_dataset(
            f"file://{file}", registry=registry, parser=HDFParser(),
            loadable_variables=["time", "lat", "lon"],
        )
        for file in files
    ]  # fmt: skip
    whole = xr.concat(parts, dim="time", coords="minimal", compat="override", data_vars="minimal")
    path = tmp_path / "refs.json"
    whole.vz.to_kerchunk(str(path), format="json")
    return path


def test_references_give_what_the_files_give(references, files):
    plain = cc.open([str(f) for f in files], variable="sst")
    for sources in (True, str(files[0].parent), [f"file://{files[0].parent}/"]):
        found = cc.open(references, variable="sst", sources=sources)
        xr.testing.assert_equal(found, plain)
        assert found.dtype == plain.dtype


@pytest.mark.s3
def test_from_s3(files, references, options):
    import s3fs

    system = s3fs.S3FileSystem(**options, use_listings_cache=False)
    refs = json.loads(references.read_text())
    for key, value in refs["refs"].items():
        if isinstance(value, list):
            name = value[0].rpartition("/")[2]
            refs["refs"][key] = [f"s3://bucket/raw/{name}", *value[1:]]
    for file in files:
        system.put_file(str(file), f"bucket/raw/{file.name}")
    system.pipe_file("bucket/refs.json", json.dumps(refs).encode())
    plain = cc.open([str(f) for f in files], variable="sst")
    given = {"storage_options": options, "variable": "sst"}
    with pytest.raises(StoreError, match="may not be read unasked"):
        cc.open("s3://bucket/refs.json", **given)
    np.testing.assert_array_equal(cc.open("s3://bucket/refs.json", sources=True, **given), plain)


def test_nothing_is_read_that_is_not_allowed(references, tmp_path):
    with pytest.raises(StoreError, match="may not be read unasked"):
        cc.open(references)
    with pytest.raises(ParameterError, match="does not refer to files there"):
        cc.open(references, sources=str(tmp_path))


@pytest.mark.parametrize("place", ["{}/../secret", "{}/../secret/b", "/etc/hostname"])
def test_one_place_that_is_not_allowed_is_enough(references, files, tmp_path, place):
    refs = json.loads(references.read_text())
    key = next(k for k in refs["refs"] if k.startswith("sst/0"))
    refs["refs"][key] = [place.format(files[0].parent), 0, 8]
    references.write_text(json.dumps(refs))
    with pytest.raises(StoreError, match="may not be read unasked"):
        cc.open(references, sources=str(files[0].parent))


@pytest.mark.parametrize(
    "text",
    [
        "{", "{}", '{"refs": []}', '{"version": 1, "refs": {"x/.zarray": "no"}}',
        '{"version": 1, "refs": {"x/.zarray": "{}", "x/0": ["a", 1, 2]}}',
        '{"version": 1, "templates": {"u": "s3://x"}, "refs": {"x/0": ["{{u}}/a", 0, 1]}}',
        '{"version": 1, "gen": [{"key": "{{i}}"}], "refs": {}}', "{" * 100_000,
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path, text):
    path = tmp_path / "refs.json"
    path.write_text(text)
    with pytest.raises(ClimcubeError) as caught:
        cc.open(path, sources=True)
    assert "\n" not in str(caught.value) and "refs.json" in str(caught.value)


def test_a_file_that_is_gone(references, files, tmp_path):
    moved = tmp_path / "moved"
    moved.mkdir()
    copies = []
    text = references.read_text().replace("\\/", "/")
    for file in files:
        copies.append(moved / file.name)
        copies[-1].write_bytes(file.read_bytes())
    references.write_text(text.replace(str(files[0].parent), str(moved)))
    cube = cc.open(references, variable="sst", sources=True, chunks={"time": 1})
    copies[1].unlink()
    assert np.isfinite(cube[0].values).any()
    with pytest.raises(StoreError, match="cannot be read"):
        cube[1].load()
