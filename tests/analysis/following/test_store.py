"""A state in a store: saved, resumed, gone back to; killed, raced, damaged."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from climcube.analysis.following import follower
from climcube.analysis.following import store as state_store
from climcube.errors import (
    ClimcubeError,
    ParameterError,
    StoreError,
    StoreExistsError,
    StoreNotFoundError,
)
from tests.analysis.following.comparing import assert_equals_whole, in_pieces, record

SIZE = record().sizes["time"]
START = 900


@pytest.fixture(scope="module")
def cube():
    return record(seed=31, cells=(4, 5), packed=True)


@pytest.fixture(scope="module")
def begun(cube, tmp_path_factory):
    """A store with one generation; to be copied, not changed."""
    path = tmp_path_factory.mktemp("begun") / "state"
    state = cc.heatwave_state(cube[:START], climatology=cc.heatwaves(cube).climatology)
    state.save(path)
    return path


@pytest.fixture
def store(begun, tmp_path):
    return Path(shutil.copytree(begun, tmp_path / "state"))


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_saved_and_resumed_after_every_update(store, cube):
    for n in range(START, SIZE, 35):
        state = cc.open_heatwave_state(store)
        state.update(cube[n - 3 : min(n + 35, SIZE)])
    assert state.last_day == "2002-12-30"
    assert_equals_whole(state, cube)
    assert_equals_whole(cc.open_heatwave_state(store), cube)


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day"])
def test_everything_comes_back(tmp_path, calendar):
    options = {"max_pad": 2, "cold": True, "min_duration": 4, "percentile": 85.0}
    given = record(seed=32, calendar=calendar, hole=0.1)
    given = given.assign_coords(
        area=(("lat", "lon"), np.ones((2, 3))), level=5.0, name=("lon", ["a", "b", "c"]),
        month=given.time.dt.month,
    )  # fmt: skip
    given = given.transpose("lat", "time", "lon")
    saved = cc.heatwave_state(given.isel(time=slice(800)), revisable=12, **options)
    assert saved.save(tmp_path / "s") == str(tmp_path / "s")
    state = cc.open_heatwave_state(tmp_path / "s")
    assert state.revisable == 12 and state.last_day == saved.last_day
    assert state.category().dims == ("lat", "lon")
    assert {"area", "level", "name"} <= set(state.daily.coords)
    xr.testing.assert_identical(state.daily.compute(), saved.daily)
    xr.testing.assert_identical(state.climatology.compute(), saved.climatology)
    state.update(given.isel(time=slice(800, None)))
    assert_equals_whole(state, given.drop_vars("month"), **options)
    frame = state.events()
    assert list(frame.columns[:2]) == ["lat", "lon"]


def test_cftime_dates_of_the_standard_calendar(tmp_path):
    given = record(seed=33).convert_calendar("standard", use_cftime=True)
    cc.heatwave_state(given[:-5]).save(tmp_path / "s")
    state = cc.open_heatwave_state(tmp_path / "s")
    state.update(given[-5:])
    assert state._snapshot.times.dtype == object
    assert_equals_whole(state, given)


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_the_resolution_of_dates_is_kept(tmp_path, unit):
    given = record(seed=34, hour=12)
    given = given.assign_coords(time=given.time.values.astype(f"datetime64[{unit}]"))
    cc.heatwave_state(given[:-5]).save(tmp_path / "s")
    state = cc.open_heatwave_state(tmp_path / "s")
    state.update(given[-5:].assign_coords(time=given.time.values[-5:].astype("datetime64[ns]")))
    assert_equals_whole(state, given)


def test_an_update_writes_the_new_and_names_the_rest(store, cube):
    before = contents(store)
    cc.open_heatwave_state(store).update(cube[START : START + 1])
    after = contents(store)
    assert {name: after[name] for name in before} == before  # nothing is written over
    new = {name for name in after if name not in before}
    size = sum(len(after[name]) for name in new)
    assert not any("climatology" in str(name) for name in new)
    assert size < sum(map(len, before.values())) / 5


def test_going_back_and_on(store, cube):
    state = cc.open_heatwave_state(store)
    state.update(cube[START : START + 10] + np.float32(2))  # wrong data
    state.update(cube[START + 10 : START + 20])
    assert state.generations == [1, 2, 3]
    back = cc.open_heatwave_state(store, generation=1)
    assert back.generation == 1 and back.last_day == cube.time[START - 1].dt.strftime("%F")
    assert_equals_whole(back, cube[:START])
    back.update(cube[START : START + 5])
    assert back.generation == 4
    newest = cc.open_heatwave_state(store)
    assert newest.generation == 4
    assert_equals_whole(newest, cube[: START + 5])
    with pytest.raises(StoreNotFoundError, match="found 1, 2, 3, 4; pass one of these"):
        cc.open_heatwave_state(store, generation=9)


def test_the_last_generations_are_kept_and_nothing_else(store, cube):
    state = cc.open_heatwave_state(store)
    for n in range(START, START + 8):
        state.update(cube[n : n + 1])
    assert state.generations == [5, 6, 7, 8, 9]
    for number in state.generations:
        old = cc.open_heatwave_state(store, generation=number)
        assert_equals_whole(old, cube[: START + number - 1])
    folders = sorted(p.name[:6] for p in (store / "parts").iterdir())
    assert len(folders) < 8 and folders[0] == "000001"  # the climatology is still there
    assert not (store / "parts" / "000002").exists()


def test_a_state_in_memory_is_saved_again_and_again(tmp_path, cube):
    state = cc.heatwave_state(cube[:START], climatology=cc.heatwaves(cube).climatology)
    path = tmp_path / "s"
    state.save(path, keep=2)
    for n in range(START, START + 6, 2):
        state.update(cube[n : n + 2])
        state.save(path)
        state.save(path)  # nothing more to do
    assert [int(p.stem) for p in sorted((path / "generations").iterdir())] == [1, 2, 3, 4]
    again = cc.open_heatwave_state(path)
    assert again.generation == state.generation == 4
    assert again.save(path) == str(path)  # it lives there
    again.save(tmp_path / "copy")
    assert_equals_whole(cc.open_heatwave_state(tmp_path / "copy"), cube[: START + 6])
    parts = {str(p) for p in (path / "parts").glob("*/climatology")}
    assert len(parts) == 1


def test_loading_brings_it_into_memory(store, cube):
    state = cc.open_heatwave_state(store).load()
    before = contents(store)
    state.save(store)  # it is there
    assert contents(store) == before
    state.update(cube[START : START + 1])
    state.save(store)
    assert cc.open_heatwave_state(store).generation == 2
    shutil.rmtree(store)
    state.update(cube[START + 1 :])
    assert not state._snapshot.lazy
    assert_equals_whole(state, cube)


def test_creation_tile_by_tile_straight_into_a_store(tmp_path, cube):
    lazy = cube[:START].chunk(time=-1, lat=2, lon=3)
    lazy.encoding = dict(cube.encoding)
    state = cc.heatwave_state(lazy, target=tmp_path / "s", revisable=5)
    assert state._snapshot.lazy and "in " + str(tmp_path) in repr(state)
    in_pieces(state, cube, [START, START + 1, SIZE])
    assert_equals_whole(state, cube)
    with pytest.raises(StoreExistsError, match="another state"):
        cc.heatwave_state(lazy, target=tmp_path / "s")


def test_what_is_there_is_not_replaced_unasked(store, cube, tmp_path):
    other = cc.heatwave_state(cube[:START], climatology=cc.heatwaves(cube).climatology)
    before = contents(store)
    with pytest.raises(StoreExistsError, match=r"another state.*overwrite=True"):
        other.save(store)
    assert contents(store) == before
    other.save(store, overwrite=True)
    assert cc.open_heatwave_state(store).generation == 2
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "dear.txt").write_text("dear")
    with pytest.raises(StoreExistsError, match="something else"):
        other.save(folder, overwrite=True)
    with pytest.raises(ParameterError, match="keep=1"):
        other.save(tmp_path / "new", keep=1)


@pytest.mark.parametrize("late", [False, True])
def test_of_two_processes_the_slower_is_told(store, cube, late, monkeypatch):
    one, two = cc.open_heatwave_state(store), cc.open_heatwave_state(store)
    if late:  # the other one publishes while this one is at work
        generations = two._store.generations
        monkeypatch.setattr(type(generations), "require_newest", lambda *_: None)
    one.update(cube[START : START + 2])
    snapshot = two._snapshot
    with pytest.raises(StoreError, match=r"moved on.*another process; open it again"):
        two.update(cube[START : START + 3])
    assert two._snapshot is snapshot and two.generation == 1
    assert_equals_whole(cc.open_heatwave_state(store), cube[: START + 2])
    folders = {p.name[:6] for p in (store / "parts").iterdir()}
    assert folders == {"000001", "000002"} and len(list((store / "parts").iterdir())) == 2


def test_wrong_days_leave_the_store_untouched(store, cube):
    before = contents(store)
    state = cc.open_heatwave_state(store)
    off = cube[START : START + 2].copy()
    off[0, 0, 1] += np.float32(0.01)
    for days in (cube[: START - 40], cube[START:].rename("x"), off):
        with pytest.raises(ClimcubeError):
            state.update(days)
    assert contents(store) == before and state.generation == 1


def test_a_disk_that_is_full_leaves_the_state_as_it_was(store, cube, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    state = cc.open_heatwave_state(store)
    before = contents(store)
    with monkeypatch.context() as patched:
        patched.setattr(state_store, "write_rows", full)
        patched.setattr(state_store, "write_part", full)
        with pytest.raises(StoreError, match=r"saving failed.*No space left"):
            state.update(cube[START : START + 40])
    assert contents(store) == before
    state.update(cube[START : START + 40])
    assert_equals_whole(state, cube[: START + 40])


def test_unknown_formats_and_nothing_there(store, tmp_path):
    with pytest.raises(StoreNotFoundError, match="no climcube heatwave state there"):
        cc.open_heatwave_state(tmp_path / "nothing")
    path = store / "generations" / "000001.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"format_version": 99}))
    with pytest.raises(StoreError, match="found climcube heatwave state 99"):
        cc.open_heatwave_state(store)


def test_lost_and_damaged_chunks_are_named(store, cube):
    chunk = next((store / "parts").glob("*/current/state_checkpoint/c/0/0/0"))
    whole = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(StoreError, match="a chunk is missing.*state_checkpoint"):
        cc.open_heatwave_state(store).annual.compute()
    damaged = bytearray(whole)
    damaged[len(damaged) // 2] ^= 16
    chunk.write_bytes(bytes(damaged))
    with pytest.raises(StoreError, match="not what was written.*state_checkpoint"):
        cc.open_heatwave_state(store).update(cube[START : START + 1])


# Each names a function that the process dies in, and how often it is called before that.
KILLS = [
    ("climcube.analysis.following.store.write_part", 0),
    ("climcube.analysis.following.store.write_part", 2),
    ("dask.compute", 1),
    ("climcube.stores.generations.Generations.publish", 0),
    ("os.link", 0),
    ("climcube.stores.generations.Generations.prune", 0),
]


def killed_update(name, calls, store, file):
    """In a process of its own: an update that dies in a function of that name."""
    owner, _, last = name.rpartition(".")
    try:
        holder = importlib.import_module(owner)
    except ModuleNotFoundError:
        module, _, attribute = owner.rpartition(".")
        holder = getattr(importlib.import_module(module), attribute)
    inner = getattr(holder, last)

    def die(*args, **kwargs):
        nonlocal calls
        if calls == 0:
            os._exit(9)
        calls -= 1
        return inner(*args, **kwargs)

    days = xr.open_dataarray(file).load()
    state = cc.open_heatwave_state(store)
    setattr(holder, last, die)
    state.update(days)


@pytest.mark.parametrize(("name", "calls"), KILLS)
def test_killed_at_any_step_the_last_generation_stands(
    store, cube, tmp_path, processes, name, calls
):
    days = cube[START - 5 : START + 20]
    days.drop_encoding().to_netcdf(tmp_path / "days.nc")
    killed = processes.Process(
        target=killed_update, args=(name, calls, str(store), str(tmp_path / "days.nc"))
    )
    killed.start()
    killed.join(120)
    assert killed.exitcode == 9
    state = cc.open_heatwave_state(store)
    done = "prune" in name  # published by then
    assert state.generation == (2 if done else 1)
    assert_equals_whole(state, cube[: START + 20] if done else cube[:START])
    state.update(days)  # again
    assert_equals_whole(cc.open_heatwave_state(store), cube[: START + 20])
    assert_nothing_is_left_over(store)


def assert_nothing_is_left_over(store):
    named = set()
    for path in (store / "generations").glob("*.json"):
        document = json.loads(path.read_text())
        named |= {document[n].split("/")[0] for n in ("climatology", "current", "record")}
        named |= {part.split("/")[0] for part, _ in document["years"].values()}
        named |= {facts["part"].split("/")[0] for facts in document["events"]}
    assert {p.name for p in (store / "parts").iterdir()} == named


@pytest.mark.slow
def test_killed_at_random_moments(store, cube, tmp_path):
    """kill -9 while a process updates day after day; whatever stands is some day's state."""
    script = """
        import sys, xarray as xr, climcube as cc
        days = xr.open_dataarray(sys.argv[2]).load()
        state = cc.open_heatwave_state(sys.argv[1])
        print("ready", flush=True)
        for n in range(state._snapshot.times.size, days.sizes["time"]):
            state.update(days[n : n + 1])
    """
    cube.drop_encoding().to_netcdf(tmp_path / "days.nc")
    rng = np.random.default_rng(0)
    arguments = [sys.executable, "-c", textwrap.dedent(script), store, tmp_path / "days.nc"]
    for _ in range(12):
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.0, 2.0))
        process.kill()
        process.wait()
        state = cc.open_heatwave_state(store)
        size = state._snapshot.times.size
        assert size == START + state.generation - 1
        assert_equals_whole(state, cube[:size])
    assert size > START + 12
    state.update(cube[size : size + 1])
    assert_nothing_is_left_over(store)


def test_parts_of_events_stay_few(store, cube):
    state = cc.open_heatwave_state(store)
    for n in range(START, START + 60, 4):
        state.update(cube[n : n + 4])
    assert len(state._snapshot.events) <= 5
    frame = state.events()
    pd.testing.assert_frame_equal(
        frame, cc.heatwaves(cube[: START + 60], climatology=state.climatology).events()
    )


def test_the_climatology_of_a_stored_state_serves_another(store, cube, tmp_path):
    given = cc.open_heatwave_state(store).climatology
    assert given["seas"].chunks
    state = cc.heatwave_state(cube[:START], climatology=given, target=tmp_path / "other")
    state.update(cube[START:])
    assert_equals_whole(state, cube)


def test_identity_is_kept_by_copies(store, cube):
    assert (
        follower.HeatwaveState.stored(str(store), None, None)._identity
        == (json.loads((store / "generations" / "000001.json").read_text())["state"])
    )
