"""Help, version, exit codes: what holds for every command."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import climcube
from climcube.cli import app
from climcube.errors import ClimcubeError
from tests.cli.conftest import Run

COMMANDS = [
    ("demo",),
    ("catalog",),
    ("catalog", "ls"),
    ("catalog", "show"),
    ("info",),
    ("ingest",),
    ("climatology",),
    ("anomaly",),
    ("percentile",),
    ("annual-mean",),
    ("seasonal-mean",),
    ("monthly-mean",),
    ("daily-mean",),
    ("rolling-mean",),
    ("area-mean",),
    ("area-sum",),
    ("zonal-mean",),
    ("mask",),
    ("trend",),
    ("trend-moments",),
    ("heatwaves",),
    ("report",),
]


def assert_one_error_line(result: object, *fragments: str) -> None:
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    told = result.stderr.strip().splitlines()
    lines = [line for line in told if not line.startswith("climcube: warning: ")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("climcube: error: ")
    for fragment in fragments:
        assert fragment in lines[0]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0 and result.stdout.startswith("Usage: ")
    if command != ("catalog",):
        assert f"climcube {' '.join(command)}" in result.stdout  # an example
    assert "\b" not in result.stdout


def test_help_lists_every_command(run: Run) -> None:
    text = run("--help").stdout
    for command in COMMANDS:
        assert f"\n  {command[0]} " in text


def test_version(run: Run) -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"climcube {climcube.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("info",),
        ("trend", "x.zarr"),
        ("heatwaves", "x.zarr"),
        ("heatwaves", "x.zarr", "--percentile", "many", "-o", "y.zarr"),
        ("anomaly", "x.zarr", "-o", "y.zarr", "--base-period", "1991"),
        ("demo", "--years", "3"),
        ("demo", "--grid", "3"),
        ("demo", "--base-period", "2001-2003"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(
    run: Run, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and "Error" in result.stderr
    assert not list(tmp_path.iterdir())


def test_debug_lets_the_error_through(run: Run, tmp_path: Path) -> None:
    result = run("--debug", "info", tmp_path / "absent.zarr")
    assert isinstance(result.exception, ClimcubeError)


def test_interruption_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(climcube, "open", interrupted, raising=False)
    result = run("info", "x.zarr")
    assert result.exit_code == 130
    assert result.stderr == "climcube: interrupted\n"


def test_what_is_kept_of_an_interrupted_command_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        stopped = KeyboardInterrupt()
        stopped.add_note("climcube: 3 finished steps are kept; with resume=True it goes on")
        raise stopped

    monkeypatch.setattr(climcube, "open", interrupted, raising=False)
    result = run("trend", "x.zarr", "-o", "y.zarr")
    assert result.exit_code == 130
    told = "climcube: interrupted; 3 finished steps are kept; with --resume it goes on\n"
    assert result.stderr == told


def test_errors_name_options_as_they_are_typed(run: Run, cube_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.zarr"
    assert run("annual-mean", cube_file, "-v", "sst", "-o", target).exit_code == 0
    again = run("annual-mean", cube_file, "-v", "sst", "-o", target)
    assert_one_error_line(again, "pass --overwrite")
    layout = run("relayout", cube_file, tmp_path / "b.zarr", "--layout", "rows")
    assert_one_error_line(layout, "(--layout rows)")
    append = run("ingest", cube_file, tmp_path / "c.zarr", "--append")
    assert_one_error_line(append, "cannot be changed by --append")
    # What the command has no option for stays as it is said in Python.
    period = run("ingest", cube_file, tmp_path / "c.zarr", "--period", "2000/2001")
    assert_one_error_line(period, "period=('2000', '2001')")


def test_warnings_of_climcube_are_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def warned(*_: object, **__: object) -> None:
        warnings.warn(climcube.errors.MirrorWarning("another copy was opened"), stacklevel=1)
        raise OSError("stop")

    monkeypatch.setattr(climcube, "open", warned, raising=False)
    assert run("info", "x.zarr").stderr.startswith(
        "climcube: warning: another copy was opened\nclimcube: error: stop"
    )


def test_a_disk_error_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(climcube, "open", full, raising=False)
    assert_one_error_line(run("info", "x.zarr"), "No space left on device")


def test_as_a_process_errors_go_to_stderr_and_nothing_else_is_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "climcube.cli", "info", str(tmp_path / "absent.zarr")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert_one_error_line(
        type("Result", (), {"exit_code": done.returncode, "stdout": done.stdout,
                            "output": "", "stderr": done.stderr}),
        "absent.zarr",
    )  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from climcube.cli import app;"
        "CliRunner().invoke(app, ['heatwaves', '--help']);"
        "heavy = ('numba', 'matplotlib', 'zarr', 'intake', 'rich', 'netCDF4');"
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "[]\n", done.stdout


def test_the_entry_point_is_callable() -> None:
    assert callable(app)


def test_a_command_works_on_the_cluster_that_is_named(
    run: Run, cube_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    @contextmanager
    def cluster(kind: str, **options: object) -> Iterator[None]:
        seen.append((kind, options))
        yield
        seen.append("left")

    save = climcube.save
    monkeypatch.setattr(climcube, "cluster", cluster)
    monkeypatch.setattr(climcube, "save", lambda *a, **k: (seen.append("saved"), save(*a, **k))[1])
    target = tmp_path / "a.zarr"
    arguments = ("annual-mean", cube_file, "-o", target)
    assert run("--cluster", "gateway", "--workers", 20, *arguments).exit_code == 0
    assert seen == [("gateway", {"workers": 20}), "saved", "left"]


def test_an_output_that_is_finished_is_not_made_again(
    run: Run, cube_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "a.zarr"
    arguments = ("annual-mean", cube_file, "-o", target)
    assert run(*arguments).exit_code == 0
    assert run("--resume", *arguments).exit_code == 0
    again = run(*arguments)
    assert again.exit_code == 1 and "the target exists" in again.stderr
    other = run("--resume", "trend", cube_file, "-o", target)
    assert other.exit_code == 1 and "the target exists" in other.stderr


def test_clusters_that_are_none(run: Run, cube_file: Path, tmp_path: Path) -> None:
    arguments = ("annual-mean", cube_file, "-o", tmp_path / "a.zarr")
    unknown = run("--cluster", "locla", *arguments)
    assert unknown.exit_code == 1 and "unknown kind of cluster" in unknown.stderr
    assert run("--workers", 2, *arguments).exit_code == 2
    assert not (tmp_path / "a.zarr").exists()
