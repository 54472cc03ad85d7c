"""No catalog runs code, reads the environment, or opens anything but itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import climcube as cc
from climcube.errors import CatalogError
from tests.catalogs.documents import text, valid
from tests.catalogs.hostile import CORPUS

NAMES = {name: f"{number:03d}" for number, name in enumerate(sorted(CORPUS))}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every hostile catalog, and a link in it that leads outside."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.zarr").mkdir()
    inside = tmp_path_factory.mktemp("catalogs")
    (inside / "link").symlink_to(outside)
    for name, (content, _) in CORPUS.items():
        raw = content if isinstance(content, bytes) else content.encode()
        (inside / f"{NAMES[name]}.yaml").write_bytes(raw)
    (inside / "valid.yaml").write_text(text(valid()))
    return inside


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, dict[str, Any]]:
    """What happened when each of them was loaded in a process of its own."""
    environment = os.environ | {"CLIMCUBE_CANARY": "canary-of-the-environment"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.catalogs.audited", str(folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_corpus_is_large() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_refused_in_one_line(name: str, folder: Path, report: dict[str, dict[str, Any]]) -> None:
    complaint = report[NAMES[name]]["complaint"]
    assert complaint.startswith("CatalogError: "), complaint
    assert CORPUS[name][1] in complaint
    assert f"{NAMES[name]}.yaml" in complaint
    assert "\n" not in complaint
    assert len(complaint) < 700
    assert "canary-of-the-environment" not in complaint
    assert "canary-password" not in complaint


@pytest.mark.parametrize("name", [*sorted(CORPUS), "valid"])
def test_nothing_is_touched_but_the_file(
    name: str, folder: Path, report: dict[str, dict[str, Any]]
) -> None:
    stem = NAMES.get(name, name)
    own = f"open ('{folder / (stem + '.yaml')}',)"
    assert [event for event in report[stem]["events"] if event != own] == []
    assert report[stem]["events"].count(own) == 1
    assert not (ROOT / "pwned").exists()


def test_the_hook_sees(report: dict[str, dict[str, Any]], folder: Path) -> None:
    # Were the hook blind, every test above would pass.
    assert report["valid"]["complaint"] == ""
    assert report["valid"]["events"] == [f"open ('{folder / 'valid.yaml'}',)"]


def test_not_a_regular_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero", tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(CatalogError) as caught:
            cc.catalog(path)
        assert str(path) in str(caught.value)


def test_a_sibling_of_the_folder_is_outside(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    file = tmp_path / "here" / "catalog.yaml"
    document = valid()
    document["data"]["sst@1"]["kwargs"]["url"] = f"{tmp_path}/here-not/sst.zarr"
    file.write_text(text(document))
    with pytest.raises(CatalogError, match="path not allowed"):
        cc.catalog(file)


def test_unknown_protocol_of_the_catalog_itself() -> None:
    with pytest.raises(CatalogError, match="protocol not allowed"):
        cc.catalog("ftp://host/catalog.yaml")
