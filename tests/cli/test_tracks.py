"""The command track: tables, polygons, labels; mistakes are one line."""

from __future__ import annotations

import pandas as pd
import pytest

import climcube as cc


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("tracks") / "sst.zarr"
    cc.save(cc.testing.synthetic_ocean(years=4, shape=(8, 10)).sst, path)
    return path


def test_track_writes_what_was_asked_for(run, store, tmp_path):
    paths = {n: tmp_path / f"{n}.csv" for n in ("events", "objects", "ledger")}
    options = [str(part) for name, path in paths.items() for part in (f"--{name}", path)]
    footprints, labels = tmp_path / "areas.parquet", tmp_path / "labels.zarr"
    result = run("track", store, *options, "--footprints", footprints, "--labels", labels)
    assert result.exit_code == 0, result.output
    events = pd.read_csv(paths["events"])
    tracks = cc.heatwaves(cc.open(store, variable="sst", layout="series")).track()
    assert len(events) == len(tracks.events()) == int(cc.open(labels).to_array().max()) > 0
    assert set(pd.read_csv(paths["objects"]).event) == set(events.event)
    geopandas = pytest.importorskip("geopandas")
    assert len(geopandas.read_parquet(footprints)) == len(events)
    again = run("track", store, "--events", paths["events"])
    assert again.exit_code == 1 and "exists already" in again.stderr


def test_track_without_a_target_is_wrong_usage(run, store):
    result = run("track", store)
    assert result.exit_code == 2 and "nothing to write" in result.stderr
