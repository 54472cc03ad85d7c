"""Object storage: the same code path as for AWS, against a server on loopback."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest
import xarray as xr

import climcube as cc
from climcube.errors import CatalogError, StoreError, StoreExistsError, StoreNotFoundError

pytestmark = pytest.mark.s3

SECRET = "CANARYSECRET"


@pytest.fixture(scope="module")
def ocean():
    return cc.testing.synthetic_ocean(years=3, shape=(4, 6))


@pytest.fixture(scope="module")
def files(ocean, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return cc.testing.write_daily_files(ocean.isel(time=slice(40)), folder)


def test_ingest_open_analyse_save(files, ocean, options, client):
    report = cc.ingest(files, "s3://bucket/cube.zarr", target_options=options)
    assert report.times == 40
    sst = cc.open("s3://bucket/cube.zarr", variable="sst", storage_options=options)
    assert sst.chunks is not None
    np.testing.assert_array_equal(sst, ocean.sst[:40])
    mean = cc.area_mean(sst)
    cc.save(mean, "s3://bucket/mean.zarr", storage_options=options)
    again = cc.open("s3://bucket/mean.zarr", variable="sst", storage_options=options)
    np.testing.assert_array_equal(again, mean)


def test_netcdf_objects_and_patterns(files, ocean, options):
    import s3fs

    system = s3fs.S3FileSystem(**options)
    for path in files[:3]:
        system.put_file(str(path), f"bucket/raw/{path.name}")
    one = cc.open(f"s3://bucket/raw/{files[0].name}", variable="sst", storage_options=options)
    np.testing.assert_array_equal(one, ocean.sst[:1])
    many = cc.open("s3://bucket/raw/*.nc", variable="sst", storage_options=options)
    np.testing.assert_array_equal(many, ocean.sst[:3])
    report = cc.ingest(
        "s3://bucket/raw/*.nc",
        "s3://bucket/c.zarr",
        storage_options=options,
        target_options=options,
    )
    assert report.files == 3


def test_existing_targets_stay_until_the_new_one_is_complete(files, options, client):
    cc.ingest(files, "s3://bucket/cube.zarr", target_options=options)
    with pytest.raises(StoreExistsError, match="overwrite=True"):
        cc.ingest(files[:5], "s3://bucket/cube.zarr", target_options=options)
    cc.ingest(files[:5], "s3://bucket/cube.zarr", target_options=options, overwrite=True)
    assert cc.open("s3://bucket/cube.zarr", storage_options=options).sizes["time"] == 5
    import s3fs

    system = s3fs.S3FileSystem(**options)
    assert system.ls("bucket", refresh=True) == ["bucket/cube.zarr"]


def test_a_lost_object_is_an_error_not_nan(files, options, client):
    import s3fs

    cc.ingest(files, "s3://bucket/cube.zarr", target_options=options)
    sst = cc.open("s3://bucket/cube.zarr", variable="sst", storage_options=options)
    s3fs.S3FileSystem(**options).rm("bucket/cube.zarr/sst/c/0/0/0")
    with pytest.raises(StoreError, match=r"a chunk is missing.*bucket/cube\.zarr.*c/0/0/0"):
        sst.compute()


def test_what_is_not_there_is_one_line_in_bounded_time(endpoint, options, tmp_path, client):
    closed = options | {"client_kwargs": {"endpoint_url": "http://127.0.0.1:1"}}
    without = {"client_kwargs": {"endpoint_url": endpoint}}
    cases = [
        ("s3://bucket/nothing.zarr", options, StoreNotFoundError, "no Zarr store"),
        ("s3://no-such-bucket/cube.zarr", options, StoreNotFoundError, "no-such-bucket"),
        ("s3://bucket/cube.zarr", closed, StoreError, "connect.*check address"),
        ("s3://bucket/*.nc", options, StoreNotFoundError, "no file matches"),
    ]
    for address, given, kind, text in cases:
        began = time.monotonic()
        with pytest.raises(kind, match=text) as caught:
            cc.open(address, storage_options=given)
        assert time.monotonic() - began < 120  # of a busy machine
        assert "\n" not in str(caught.value) and SECRET not in str(caught.value)
    # Anonymous access is never guessed: without credentials the error says so.
    with pytest.raises(StoreError, match="credentials"):
        cc.open("s3://bucket/cube.zarr", storage_options=without)


def test_credentials_from_the_usual_places_and_nowhere_in_what_is_shown(
    files, options, endpoint, monkeypatch, client
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    cc.ingest(files, "s3://bucket/cube.zarr")
    sst = cc.open("s3://bucket/cube.zarr", variable="sst")
    mean = cc.annual_mean(sst, min_coverage=0.01)
    shown = "".join(
        [
            repr(sst),
            sst._repr_html_(),
            str(sst.attrs),
            repr(mean),
            str(mean.attrs),
            str(mean.data.dask),
        ]
    )
    assert SECRET not in shown and "CANARYKEY" not in shown
    # With credentials from the environment, what travels to workers holds none either.
    assert SECRET.encode() not in pickle.dumps(sst)
    assert isinstance(sst.compute(), xr.DataArray)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_credentials_that_are_set_after_a_failure_are_used(
    place, files, options, endpoint, monkeypatch, tmp_path, client
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(StoreError, match="no credentials"):
        cc.ingest(files, "s3://bucket/cube.zarr")
    if place == "environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["key"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    else:
        lines = (
            f"[default]\naws_access_key_id = {options['key']}\naws_secret_access_key = {SECRET}\n"
        )
        (tmp_path / "none").write_text(lines)
    assert cc.ingest(files, "s3://bucket/cube.zarr").times == 40


def test_credentials_passed_in_the_call_are_shown_nowhere(files, options, client):
    report = cc.ingest(files, "s3://bucket/cube.zarr", target_options=options)
    cube = cc.open("s3://bucket/cube.zarr", storage_options=options)
    sst = cube["sst"]
    path = cc.save(cc.area_mean(sst), "s3://bucket/mean.zarr", storage_options=options)
    saved = cc.open(path, storage_options=options)
    shown = [repr(report), path]
    for thing in (cube, sst, cc.annual_mean(sst, min_coverage=0.01), saved, saved["sst"]):
        shown += [repr(thing), thing._repr_html_(), str(thing.attrs), str(thing.encoding)]
    shown += [str(key) for key in sst.__dask_graph__()]
    assert not [text for text in shown if SECRET in text or "CANARYKEY" in text]


def test_other_processes_read_the_same(files, options, ocean, client, monkeypatch):
    cc.ingest(files, "s3://bucket/cube.zarr", target_options=options)
    sst = cc.open("s3://bucket/cube.zarr", variable="sst", storage_options=options)
    # What was passed by value stays here: other processes look in the usual places.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options["secret"])
    np.testing.assert_array_equal(sst.compute(scheduler="processes"), ocean.sst[:40])


def test_a_catalog_in_a_bucket(options):
    import s3fs

    shipped = cc.catalog()["noaa-oisst"].catalog
    s3fs.S3FileSystem(**options).put_file(shipped, "bucket/catalogs/noaa.yaml")
    found = cc.catalog("s3://bucket/catalogs/noaa.yaml", storage_options=options)
    assert "noaa-oisst" in found
    with pytest.raises(CatalogError, match=r"cannot be read .*no-such-bucket") as caught:
        cc.catalog("s3://no-such-bucket/noaa.yaml", storage_options=options)
    assert "\n" not in str(caught.value)
