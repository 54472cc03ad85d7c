"""Parts of states: each has a manifest, and those that have none are read as strictly."""

from __future__ import annotations

import json
import shutil

import pytest

import climcube as cc
from climcube.errors import StoreError
from tests.analysis.following.comparing import assert_equals_whole, record

START = 900


@pytest.fixture(scope="module")
def cube():
    return record(seed=31, packed=True)


@pytest.fixture
def store(cube, tmp_path):
    state = cc.heatwave_state(cube[:START], climatology=cc.heatwaves(cube).climatology)
    state.save(tmp_path / "state")
    return tmp_path / "state"


def test_parts_of_earlier_versions_are_read_as_strictly(store, cube):
    """They had no manifest, but a mark."""
    for root in (store / "parts").glob("*/*/zarr.json"):
        document = json.loads(root.read_text())
        assert document["attributes"].pop("climcube_manifest")
        document["attributes"]["climcube_complete"] = "every chunk was written"
        root.write_text(json.dumps(document))
        shutil.rmtree(root.parent / "climcube_manifest")
    state = cc.open_heatwave_state(store)
    assert_equals_whole(state, cube[:START])
    state.update(cube[START : START + 3])
    assert_equals_whole(cc.open_heatwave_state(store), cube[: START + 3])
    for chunk in (store / "parts").glob("*/current/state_checkpoint/c/0/0/0"):
        chunk.unlink()
    for generation in (1, 2):  # of which the second has a manifest
        with pytest.raises(StoreError, match=r"a chunk is missing.*state_checkpoint"):
            cc.open_heatwave_state(store, generation=generation).annual.compute()


def test_a_chunk_of_another_part_is_found(store, cube):
    """It decodes without a complaint."""
    cc.open_heatwave_state(store).update(cube[START : START + 1])
    old, new = sorted((store / "parts").glob("*/current/state_window/c/0/0/0"))
    new.write_bytes(old.read_bytes())
    with pytest.raises(StoreError, match=r"state_window"):
        cc.open_heatwave_state(store).update(cube[START + 1 : START + 2])
