"""Bad days of an object store: the right values, or one typed line, before one deadline."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import numpy as np
import pytest

import climcube as cc
from climcube.errors import StoreError
from climcube.stores.s3 import requests
from tests.stores.faults import bad_weather

pytestmark = [pytest.mark.s3, pytest.mark.own_server]

DEADLINE = 60  # for what is to succeed, on a busy machine too
SHORT = 1.0  # for what fails in any case
SLACK = 45  # of a busy machine; without a deadline a stall takes minutes


@pytest.fixture(scope="module")
def ocean():
    return cc.testing.synthetic_ocean(years=1, shape=(3, 4)).isel(time=slice(20))


@pytest.fixture(scope="module")
def content(ocean, tmp_path_factory):
    """A store and a file, as the objects of a bucket."""
    folder = tmp_path_factory.mktemp("objects")
    files = cc.testing.write_daily_files(ocean, folder / "raw")
    cc.ingest(files, folder / "cube.zarr")
    ocean.to_netcdf(folder / "ocean.nc", engine="h5netcdf")
    objects = [p for p in Path(folder).rglob("*") if p.is_file() and "raw" not in p.parts]
    return {f"/bucket/{p.relative_to(folder)}": p.read_bytes() for p in objects}


@pytest.fixture
def storm(content):
    with bad_weather(content) as (endpoint, weather):
        options = {
            "key": "CANARYKEY",
            "secret": "CANARYSECRET",
            "endpoint_url": endpoint,
            "deadline": DEADLINE,
        }
        yield weather, options


@pytest.fixture
def hurry(monkeypatch):
    """Shorten the deadline of all requests from now on, as if it had been passed so."""
    patient = requests._repeated

    def start():
        def hurried(where, deadline, *rest):
            return patient(where, min(deadline, SHORT), *rest)

        monkeypatch.setattr(requests, "_repeated", hurried)

    return start


TARGETS = ["s3://bucket/cube.zarr", "s3://bucket/ocean.nc"]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "truncated"])
def test_faults_that_pass_are_not_noticed(storm, ocean, target, fault):
    weather, options = storm
    weather.fault, weather.times = fault, 2
    sst = cc.open(target, variable="sst", storage_options=options)
    weather.times = 2
    np.testing.assert_array_equal(sst.compute(), ocean.sst)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "stall", "403"])
def test_faults_that_stay_are_one_line_before_the_deadline(storm, hurry, target, fault):
    weather, options = storm
    weather.fault = fault
    if fault != "403":  # which is answered at once
        hurry()
    began = time.monotonic()
    with pytest.raises(StoreError, match="s3://bucket/") as caught:
        cc.open(target, variable="sst", storage_options=options)
    assert time.monotonic() - began < SLACK
    _is_one_clean_line(caught.value)
    if fault == "403":
        assert "refuses access" in str(caught.value) and "anon" in str(caught.value)
        assert len(set(weather.requests)) == len(weather.requests)  # never asked twice


@pytest.mark.parametrize("fault", ["500", "reset", "stall", "truncated", "403", "404"])
def test_faults_that_come_when_values_are_read(storm, hurry, fault, client):
    weather, options = storm
    sst = cc.open(TARGETS[0], variable="sst", storage_options=options)
    weather.fault, weather.only = fault, "/sst/c/"
    weather.requests.clear()
    if fault not in ("403", "404"):
        hurry()
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"bucket/cube\.zarr.*sst") as caught:
        sst.compute()
    assert time.monotonic() - began < SLACK
    _is_one_clean_line(caught.value)
    assert len(weather.requests) < 40


def test_faults_while_a_pattern_is_listed_and_while_saving(storm, hurry, ocean):
    weather, options = storm
    weather.fault = "503"
    hurry()
    for act in (
        lambda: cc.open("s3://bucket/*.nc", storage_options=options),
        lambda: cc.save(ocean.sst, "s3://bucket/new.zarr", storage_options=options),
        lambda: cc.save(ocean.sst, "s3://bucket/new.nc", storage_options=options),
        lambda: cc.ingest("s3://bucket/*.nc", "s3://b/c.zarr", storage_options=options),
    ):
        began = time.monotonic()
        with pytest.raises(StoreError, match="s3://b") as caught:
            act()
        assert time.monotonic() - began < SLACK
        _is_one_clean_line(caught.value)


def test_the_deadline_travels_to_workers(storm, ocean, client):
    weather, options = storm
    options["deadline"] = 4
    sst = pickle.loads(pickle.dumps(cc.open(TARGETS[0], variable="sst", storage_options=options)))
    np.testing.assert_array_equal(sst.compute(), ocean.sst)
    weather.fault, weather.only = "stall", "/sst/c/"
    began = time.monotonic()
    with pytest.raises(StoreError, match="within 4 s"):
        sst.compute()
    assert time.monotonic() - began < SLACK


def _is_one_clean_line(error: StoreError) -> None:
    assert "\n" not in str(error)
    assert "CANARY" not in str(error) + repr(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
