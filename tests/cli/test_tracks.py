"""The command track: tables, polygons, labels; mistakes are one line."""

from __future__ import annotations

import numpy as np
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


def test_cells_are_as_large_as_their_bounds_say(run, store, tmp_path):
    """Half as high as the distances between their centres, half of them."""
    ocean = cc.open(store, variable="sst").to_dataset()
    lat = ocean.lat.values
    step = np.diff(lat).mean() / 4
    ocean["lat_bnds"] = (("lat", "bnds"), np.stack([lat - step, lat + step], 1))
    ocean.lat.attrs["bounds"] = "lat_bnds"
    ocean.to_netcdf(tmp_path / "bounded.nc")
    largest = []
    for source in (store, tmp_path / "bounded.nc"):
        path = tmp_path / f"{source.stem}.csv"
        result = run("track", source, "--objects", path)
        assert result.exit_code == 0, result.output
        largest.append(pd.read_csv(path).area.max())
    assert largest[1] == pytest.approx(largest[0] / 2, rel=0.05)
