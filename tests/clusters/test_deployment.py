"""Image and Helm values cannot be built here; what they say is compared with the project."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import climcube as cc

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
VALUES_TEXT = (ROOT / "deploy" / "gateway-values.yaml").read_text(encoding="utf-8")
VALUES = yaml.safe_load(VALUES_TEXT)
PAGE = (ROOT / "docs" / "how-to" / "clusters.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        read: dict[str, Any] = tomllib.load(file)["project"]
    return read


def arguments() -> dict[str, str]:
    return dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))


def test_climcube_is_this_version(project: dict[str, Any]) -> None:
    version = project["version"]
    assert version == cc.__version__
    assert arguments()["CLIMCUBE_VERSION"] == version
    assert VALUES["gateway"]["backend"]["image"]["tag"] == version
    for text in (DOCKERFILE, PAGE):
        assert set(re.findall(r"climcube:([\w.]+)", text)) == {version}


def test_python_is_one_that_is_supported(project: dict[str, Any]) -> None:
    (python,) = re.findall(r"^FROM python:([\d.]+)-slim$", DOCKERFILE, re.MULTILINE)
    assert python in SpecifierSet(project["requires-python"])
    assert f"Programming Language :: Python :: {python}" in project["classifiers"]


def test_the_gateway_is_the_one_that_is_tested(project: dict[str, Any]) -> None:
    version = arguments()["DASK_GATEWAY_VERSION"]
    extras = project["optional-dependencies"]
    for extra, package in (("gateway", "dask-gateway"), ("test", "dask-gateway-server")):
        (wanted,) = (r for r in map(Requirement, extras[extra]) if r.name == package)
        assert version in wanted.specifier
    for text in (VALUES_TEXT, PAGE):
        assert set(re.findall(r"--version ([\w.]+)", text)) == {version}


def test_the_extras_exist(project: dict[str, Any]) -> None:
    (listed,) = re.findall(r"/tmp/climcube\[([\w,]+)\]", DOCKERFILE)
    assert set(listed.split(",")) <= set(project["optional-dependencies"])
    assert "gateway" in listed


def test_the_options_are_those_of_the_page() -> None:
    server = pytest.importorskip("dask_gateway_server.options")
    told = SimpleNamespace(Backend=SimpleNamespace(), ClusterConfig=SimpleNamespace())
    for code in VALUES["gateway"]["extraConfig"].values():
        exec(code, {"c": told})
    options = told.Backend.cluster_options
    assert isinstance(options, server.Options)
    (named,) = re.findall(r"options=(\{.*?\})", PAGE)
    given = {"idle_timeout": 600.0, **eval(named)}
    assert set(given) == {field.field for field in options.fields}
    config = options.handler(SimpleNamespace(**given), None)
    assert config == {"worker_cores": 2, "worker_memory": 8 * 2**30, "idle_timeout": 600.0}


def test_there_is_no_secret() -> None:
    for text in (DOCKERFILE, VALUES_TEXT):
        assert not re.search(r"SECRET_ACCESS|apiToken: *\S|password *[:=] *\S", text)
        assert "Never " in text  # that it was never built is said in the file
