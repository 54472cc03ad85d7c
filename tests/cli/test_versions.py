"""Versions of a store, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import zarr

import climcube as cc
from climcube.stores.versioned.work import VersionedWorkplace
from tests.cli.conftest import Run
from tests.cli.test_app import assert_one_error_line


@pytest.fixture
def store(tmp_path: Path) -> str:
    address = str(tmp_path / "sst.icechunk")
    for value in (1.0, 2.0):
        with VersionedWorkplace(address).work(f"{value}" * 10, new=True) as work:
            group = zarr.create_group(work.store)
            array = group.create_array("x", shape=(2,), dtype="f8", dimension_names=["t"])
            array[:] = value
            work.publish(f"version {value:g}")
    return address


def test_a_session(run: Run, store: str) -> None:
    listed = run("versions", "ls", store)
    assert listed.exit_code == 0, listed.output
    assert "version 1" in listed.stdout and "version 2" in listed.stdout
    second, first = cc.versions(store).index
    csv = run("versions", "ls", store, "--csv").stdout.splitlines()
    assert csv[0].startswith("id,when,message") and csv[1].startswith(second)

    assert run("versions", "tag", store, "v1", "--version", first).stdout.strip() == first
    assert run("versions", "branch", store, "trial").stdout.strip() == second
    new = run("versions", "rollback", store, "v1", "-m", "the second was wrong").stdout.strip()
    assert cc.open(store).x.values.tolist() == [1.0, 1.0]
    assert cc.versions(store).message[new] == "the second was wrong"
    assert run("versions", "remove", store, "trial").exit_code == 0
    would = run("versions", "expire", store, "--older-than", "2020-01-01", "--dry-run")
    assert would.exit_code == 0 and "0 versions" in would.stderr and "would go" in would.stderr


def test_mistakes_are_one_line(run: Run, store: str, tmp_path: Path) -> None:
    assert_one_error_line(run("versions", "ls", tmp_path / "none"), "no versioned store")
    assert_one_error_line(run("versions", "tag", store, "2026"), "name not allowed")
    assert_one_error_line(run("versions", "rollback", store, "v9"), "no such version")
    assert_one_error_line(run("versions", "remove", store, "main"), "'main' stays")
    assert_one_error_line(
        run("versions", "expire", store, "--older-than", "soon"), "older_than not understood"
    )


def test_a_virtual_cube(run: Run, tmp_path: Path) -> None:
    ocean = cc.testing.synthetic_ocean(years=1, shape=(3, 4)).isel(time=slice(3))
    cc.testing.write_daily_files(ocean, tmp_path)
    store = tmp_path / "sst.icechunk"
    made = run("ingest", tmp_path / "*.nc", store, "--virtual")
    assert made.exit_code == 0, made.output
    plain = cc.open(str(tmp_path / "*.nc"), variable="sst")
    assert cc.open(store, variable="sst", sources=True).equals(plain)
    assert run("ingest", tmp_path / "*.nc", store, "--mixed").exit_code == 2
    assert_one_error_line(
        run("ingest", tmp_path / "*.nc", tmp_path / "a.zarr", "--virtual"), ".ice"
    )
