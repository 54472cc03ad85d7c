"""What every test of a mistake checks: one typed line, and nothing written."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from climcube.cli import app
from climcube.errors import ClimcubeError

# Commands that analyse a cube, by the function they reach: verb, and where they would write.
COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "heatwaves": ("heatwaves", ("-o", "out.zarr", "-e", "events.csv", "--daily")),
    "anomaly": ("anomaly", ("-o", "out.zarr")),
    "anomaly_month": ("anomaly", ("-o", "out.nc", "-f", "month")),
    "trend": ("trend", ("-o", "out.nc")),
    "report": ("report", ("page.html", "--figures", "png")),
}


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        )
        for path in sorted(folder.rglob("*"))
    }


def assert_one_line(error: ClimcubeError, *fragments: str) -> None:
    text = str(error)
    assert text and len(text.splitlines()) == 1, text
    assert "Traceback" not in text and " object at 0x" not in text
    assert error.what and (error.expected or error.found or error.remedy), text
    for fragment in fragments:
        assert fragment in text, text


def command(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def assert_exit_1(result: Any, *fragments: str) -> None:
    assert result.exit_code == 1, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    told = result.stderr.strip().splitlines()
    lines = [line for line in told if not line.startswith("climcube: warning: ")]
    assert len(lines) == 1 and lines[0].startswith("climcube: error: "), result.stderr
    for fragment in fragments:
        assert fragment in lines[0], lines[0]
