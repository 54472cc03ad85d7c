"""Kill tests: readers see the last commit or nothing; going on gives the very same objects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import s3fs

import climcube as cc
from tests.servers import KEY, SECRET

SCRIPT = Path(__file__).with_name("killing.py")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Ten files of two blocks and a half."""
    return _files(tmp_path_factory.mktemp("ten"), 10, (4, 6))


@pytest.fixture(scope="module")
def many_files(tmp_path_factory):
    return _files(tmp_path_factory.mktemp("many"), 60, (8, 12))


def _files(folder, days, shape):
    ocean = cc.testing.synthetic_ocean(years=1, shape=shape).isel(time=slice(days))
    cc.testing.write_daily_files(ocean, folder)
    return folder


def killing(*arguments, limit=250, **environment):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"} | environment
    command = [sys.executable, "-W", "ignore", str(SCRIPT), *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=limit, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


# Of some 150 writes on a local disk and 50 of Icechunk: here every so many, each night all.
@pytest.mark.parametrize(
    ("kind", "every", "first"),
    [
        ("plain", 23, 5),
        ("icechunk", 9, 4),
        pytest.param("plain", 1, 1, marks=pytest.mark.slow),
        pytest.param("icechunk", 1, 1, marks=pytest.mark.slow),
    ],
)
def test_killed_before_a_write(files, tmp_path, kind, every, first):
    result = killing(kind, files, tmp_path / "work", every, first, limit=1200)
    assert result["wrong"] == []
    assert result["tried"] == result["killed"] > 4 and result["objects"] > 10


@pytest.mark.parametrize("kind", ["plain", "icechunk"])
def test_killed_at_random_moments(many_files, tmp_path, kind):
    result = killing(kind, many_files, tmp_path / "work", "random", 2, 1)
    assert result["wrong"] == [] and result["tried"] == 2


@pytest.mark.s3
@pytest.mark.parametrize("times", [3, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_random_moments_on_s3(files, tmp_path, endpoint, times):
    known = {"key": KEY, "secret": SECRET, "client_kwargs": {"endpoint_url": endpoint}}
    s3fs.S3FileSystem(**known).mkdir("killed")
    environment = {
        "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
    }  # fmt: skip
    result = killing("s3", files, tmp_path / "work", "random", times, 3, limit=3000, **environment)
    assert result["wrong"] == [] and result["tried"] == times


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "icechunk"])
def test_killed_at_250_random_moments(many_files, tmp_path, kind, capsys):
    """Its table is in docs/explanation/kill-tests.md."""
    result = killing(kind, many_files, tmp_path / "work", "random", 250, 7, limit=3000)
    with capsys.disabled():
        print(f"\n| {kind} | killed at | times |\n| --- | --- | ---: |")
        for moment, count in sorted(result["moments"].items()):
            print(f"| {kind} | {moment} | {count} |")
        print(f"| {kind} | **wrong afterwards** | **{len(result['wrong'])}** |")
    assert result["wrong"] == []
