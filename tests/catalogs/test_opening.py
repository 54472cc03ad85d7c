"""Entries that a catalog may have, opened: their data run nothing and lead nowhere else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import climcube as cc
from climcube.errors import StoreError
from tests.catalogs.openings import BYTES, HTTP, S3, STORES, servers, write_corpus, zarr_v3

ROOT = Path(__file__).resolve().parents[2]
NAMES = [
    *STORES,
    *(f"http-{kind}{suffix}" for kind in HTTP for suffix in (".zarr", ".nc")),
    *(f"s3-{kind}" for kind in S3),
]
HARMLESS = ("attributes", "good")
# What botocore asks of the environment for any request, anonymous or not.
PLAIN_S3 = re.compile(
    r"environ (AWS_\w+|BOTO(CORE)?_\w+|_X_AMZN_TRACE_ID|\w*_(PROXY|proxy)|REQUEST_METHOD|"
    r"HOME|NETRC|SSL\w+)"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What happened when each of them was opened in a process of its own."""
    base = tmp_path_factory.mktemp("opening")
    (base / "catalogs").mkdir()
    zarr_v3(base / "elsewhere.zarr", [BYTES])
    with h5py.File(base / "other.h5", "w") as file:
        file["x"] = np.array([1.0, 2.0])
    environment = os.environ | {
        "CLIMCUBE_CANARY": "canary-of-the-environment",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with servers() as running:
        port = running.named.server_port
        written = write_corpus(base / "catalogs", base / "other.h5", port)
        done = subprocess.run(
            [sys.executable, "-m", "tests.catalogs.audited_opening", str(base / "catalogs")],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=240,
        )  # fmt: skip
        asked = list(running.asked)
    assert sorted(written) == sorted([*NAMES, "good"])
    found = json.loads(done.stdout.splitlines()[-1])
    return {"report": found, "asked": asked, "home": str(base / "catalogs"), "port": port}


@pytest.mark.parametrize("name", [*NAMES, "good"])
def test_ends_in_one_line_of_ours(name: str, report: dict[str, Any]) -> None:
    complaint = report["report"][name]["complaint"]
    if name in HARMLESS:
        assert complaint == ""
        return
    assert re.match(r"(Store|StoreNotFound|Integrity|Catalog)Error: ", complaint), complaint
    assert "\n" not in complaint
    assert "canary-of-the-environment" not in complaint


@pytest.mark.parametrize("name", [*NAMES, "good"])
def test_nothing_is_touched_but_the_entry(name: str, report: dict[str, Any]) -> None:
    allowed = f"'127.0.0.1', {report['port']}"
    for event in report["report"][name]["events"]:
        if event.startswith("open "):
            own = f"['{report['home']}/" in event
            library = name.startswith("s3") and re.search(
                r"/(botocore|aiobotocore|certifi)/|\.aws/", event
            )
            assert own or library, event
        elif event.startswith("socket.connect"):
            assert name.startswith(("http", "s3")) and allowed in event, event
        elif event.startswith("environ "):
            assert name.startswith("s3") and PLAIN_S3.fullmatch(event), event
        elif event.startswith("import "):
            assert re.match(r"import \['(botocore|aiobotocore|s3fs|aiohttp|zarr|xarray)", event), (
                event
            )
        else:
            assert event.startswith("glob."), event
    assert not (ROOT / "pwned").exists()


def test_nobody_came_to_the_other_server(report: dict[str, Any]) -> None:
    # Seen from the other side: what compiled libraries connect to, no audit hook sees.
    assert report["asked"] == []


def test_the_hook_sees(report: dict[str, Any]) -> None:
    events = report["report"]["good"]["events"]
    assert any("/good.zarr/x/time/c/0" in event for event in events)
    web = report["report"]["http-page.zarr"]["events"]
    assert any(event.startswith("socket.connect") for event in web)


def test_the_other_server_answers() -> None:
    # Were it deaf, nobody would have come to it.
    with servers() as running:
        url = f"http://127.0.0.1:{running.named.server_port}/moved/x.zarr"
        with pytest.raises(StoreError):
            cc.open(url)
        assert running.asked


def test_all_in_all_there_are_many() -> None:
    assert len(NAMES) >= 35
