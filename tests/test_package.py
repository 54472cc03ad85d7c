"""The package as a whole: its names, its import, its metadata and the size of its files."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import climcube as cc

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FUNCTIONS = [name for name in cc.__all__ if inspect.isfunction(getattr(cc, name))]
# Imported when first needed: each of these costs a tenth of a second or more.
HEAVY = ("numba", "matplotlib", "pint", "jinja2", "typer", "rich", "intake", "jsonschema", "s3fs")


def of_the_project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project: dict[str, Any] = tomllib.load(file)["project"]
    return project


def tracked_files() -> list[Path]:
    """Files in git, or none where this is no clone (an sdist)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a clone of the repository")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_public_names_are_sorted_and_found() -> None:
    assert cc.__all__ == sorted(cc.__all__)
    assert set(cc.__all__) == {*cc._HOMES, *cc._MODULES}
    assert set(dir(cc)) == {*cc.__all__, "__version__"}
    for name in cc.__all__:
        assert getattr(cc, name) is not None


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "src/climcube/__init__.py").read_text(encoding="utf-8"))
    (block,) = (n for n in tree.body if isinstance(n, ast.If))
    seen = {
        alias.asname or alias.name
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == set(cc.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'heatwave'"):
        cc.heatwave  # noqa: B018


def test_import_brings_nothing_heavy() -> None:
    code = "import sys, xarray, dask.array; before = set(sys.modules); import climcube; "
    code += "print(*sorted(set(sys.modules) - before))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    brought = {name.partition(".")[0] for name in run.stdout.split()}
    assert "climcube" in brought
    assert brought.isdisjoint(HEAVY)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_documented(name: str) -> None:
    function = getattr(cc, name)
    text = inspect.getdoc(function) or ""
    for heading in ("Parameters", "Returns", "Examples"):
        assert f"{heading}\n{'-' * len(heading)}" in text, f"{name} has no section {heading}"
    described = text.partition("Parameters\n")[2].partition("Returns\n")[0]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^[\w*, ]*\b{parameter}\b", described, re.MULTILINE), (
            f"{name} does not describe {parameter}"
        )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_annotated(name: str) -> None:
    signature = inspect.signature(getattr(cc, name))
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter.name


def test_versions_agree() -> None:
    version = of_the_project()["version"]
    assert cc.__version__ == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_licence_and_authors() -> None:
    project = of_the_project()
    assert project["license"] == "Apache-2.0"
    assert project["authors"] == [{"name": "The climcube developers"}]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "The climcube developers" in text


def test_conda_users_get_the_same_packages() -> None:
    def plain(requirement: str) -> str:
        return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("-", "_")

    project = of_the_project()
    extras = project["optional-dependencies"]
    wanted = {plain(r) for r in [*project["dependencies"], *extras["plots"], *extras["parquet"]]}
    listed = (ROOT / "environment.yml").read_text(encoding="utf-8")
    offered = {plain(line.strip(" -")) for line in listed.splitlines() if line.startswith("  - ")}
    offered |= {name.removeprefix("python_") for name in offered}
    # conda's matplotlib-base has no Qt; pip brings intake 2, which conda-forge may not have.
    assert wanted - offered <= {"matplotlib", "intake"}


def test_no_lock_file_and_no_package_index_is_committed() -> None:
    # Written in halves, so that this file does not name what it forbids.
    hosts = ("pypi" + ".org", "python" + "hosted", "registry." + "npmjs", "simple" + "/index")
    for path in tracked_files():
        assert path.suffix != ".lock" and path.name != "package-lock.json", path
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert not any(host in text for host in hosts), path


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT / "src").as_posix())
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert length_of(node) < 50, f"{node.name} has {length_of(node)} lines"


def length_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body: signature and docstring apart."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
