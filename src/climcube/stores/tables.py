"""Tables in local files, complete or not at all, however long they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd

from climcube.errors import ParameterError, StoreError, StoreExistsError, require_module
from climcube.provenance import redact

__all__ = ["require_table_target", "write_frames", "write_table"]


def require_table_target(target: str | Path, *, overwrite: bool) -> Path:
    """Return the path of a table to be written, or say why it cannot be."""
    if "://" in str(target):
        raise ParameterError(
            "a table is written to a local file", where=redact(str(target)),
            remedy="write it locally and copy it, or take events() and its to_parquet",
        )  # fmt: skip
    path = Path(target).expanduser()
    if path.suffix not in (".csv", ".parquet"):
        raise ParameterError(
            "unknown table format", where=str(path), expected="a name ending in .csv or .parquet"
        )
    if path.exists() and not overwrite:
        raise StoreExistsError(
            "the target exists already",
            where=str(path),
            remedy="pass overwrite=True or another path",
        )
    if path.suffix == ".parquet":
        require_module("pyarrow", "parquet")
    return path


def write_table(frame: pd.DataFrame, path: str | Path, *, overwrite: bool) -> Path:
    """Write a table that is in memory, complete or not at all."""
    target = require_table_target(path, overwrite=overwrite)
    return write_frames(iter([frame]), target)


def write_frames(frames: Iterator[pd.DataFrame], path: Path) -> Path:
    """Write the frames one by one; the target appears only when it is complete."""
    staging = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write = _write_csv if path.suffix == ".csv" else _write_parquet
        write(frames, staging)
        if path.is_dir():
            shutil.rmtree(path)
        staging.replace(path)
    except OSError as error:
        raise StoreError("the table cannot be written", where=str(path), found=error) from error
    finally:
        if staging.is_dir():
            shutil.rmtree(staging, ignore_errors=True)
        with suppress(OSError):
            staging.unlink()
    return path


def _write_csv(frames: Iterator[pd.DataFrame], target: Path) -> None:
    for number, frame in enumerate(frames):
        frame.to_csv(target, mode="a", header=number == 0, index=False)


def _write_parquet(frames: Iterator[pd.DataFrame], target: Path) -> None:
    target.mkdir()
    for number, frame in enumerate(frames):
        frame.to_parquet(target / f"part-{number:06d}.parquet", index=False)
