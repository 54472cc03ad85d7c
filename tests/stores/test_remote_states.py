"""Heatwave states in object storage and in memory file systems."""

from __future__ import annotations

import uuid

import pytest

import climcube as cc
from climcube.errors import StoreError, StoreNotFoundError
from tests.analysis.following.comparing import assert_equals_whole, record


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.s3)])
def place(request):
    if request.param == "memory":
        return f"memory://{uuid.uuid4().hex}/state", None
    return "s3://bucket/deep/state", request.getfixturevalue("options")


@pytest.fixture(scope="module")
def cube():
    return record(seed=41)


def test_saved_resumed_and_raced(place, cube):
    address, options = place
    state = cc.heatwave_state(cube[:1000], revisable=10)
    assert state.save(address, storage_options=options) == address
    one = cc.open_heatwave_state(address, storage_options=options)
    two = cc.open_heatwave_state(address, storage_options=options)
    for n in range(1000, 1007):
        one.update(cube[n - 2 : n + 1])
    assert one.generations == [4, 5, 6, 7, 8]
    assert_equals_whole(one, cube[:1007])
    with pytest.raises(StoreError, match="moved on"):
        two.update(cube[1000:1001])
    back = cc.open_heatwave_state(address, generation=4, storage_options=options)
    assert_equals_whole(back, cube[:1003])


def test_created_there_from_dask(place, cube):
    address, options = place
    lazy = cube[:1000].chunk(time=-1, lat=1)
    state = cc.heatwave_state(lazy, target=address, storage_options=options)
    state.update(cube[1000:])
    assert_equals_whole(state, cube)


def test_nothing_there(place):
    address, options = place
    with pytest.raises(StoreNotFoundError, match="no climcube heatwave state there"):
        cc.open_heatwave_state(address, storage_options=options)
