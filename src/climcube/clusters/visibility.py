"""Whether workers see a folder of this machine: the same files under the same path."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dask.base import get_scheduler, named_schedulers

from climcube.clusters.current import current_client
from climcube.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["require_reachable", "require_visible"]

_IN_MEMORY = "memory://"
_PATIENCE = 5.0  # network file systems show a new file after a while


def require_visible(client: Client, folder: str | os.PathLike[str]) -> None:
    """Raise where a worker does not read and write the files of a folder of this machine.

    Parameters
    ----------
    client
        The Dask client whose workers are asked.
    folder
        An existing local folder. A small file is put there, answered by each worker with
        another one, and both are removed. Without workers there is nobody to ask.

    Raises
    ------
    ClusterError
        A worker does not see the folder, cannot write there, or sees another one of that name.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> with cc.cluster("local", workers=1, processes=False, warm_up=None) as session:
    ...     require_visible(session.client, tempfile.mkdtemp())
    """
    path = Path(folder).absolute()
    token = secrets.token_hex(8)
    probe = path / f".climcube-probe-{token}"
    try:
        probe.write_text(token, encoding="ascii")
        blind = _blind(client, probe, token)
    except OSError as error:
        raise ClusterError(
            "the folder cannot be written", where=str(path), found=str(error.strerror or error),
            remedy="choose another target",
        ) from error  # fmt: skip
    finally:
        for file in path.glob(f"{probe.name}*"):
            with suppress(OSError):
                file.unlink()
    if blind:
        worker, why = next(iter(blind.items()))
        raise ClusterError(
            "workers do not see a local folder", where=str(path),
            found=f"{why} on {worker}" + (f" and {len(blind) - 1} more" if len(blind) > 1 else ""),
            remedy="choose a target that all machines reach: object storage (s3://...) or a "
            "shared file system under the same path",
        )  # fmt: skip


def require_reachable(target: str | os.PathLike[str]) -> None:
    """Raise where workers are at work that do not see a target.

    Parameters
    ----------
    target
        What is to be written. Of a local one the folder exists, and is looked at; what is in the
        memory of this process (``memory://``) other processes do not see; other storage they do.

    Raises
    ------
    ClusterError
        As `require_visible`; or the target is in memory, and workers are other processes.

    Examples
    --------
    >>> require_reachable("/tmp/result.zarr")  # without a cluster
    """
    path, client = os.fspath(target), current_client()
    if path.startswith(_IN_MEMORY):
        apart = client is not None and set(client.run(os.getpid).values()) - {os.getpid()}
        if apart or get_scheduler() is named_schedulers.get("processes"):
            raise ClusterError(
                "workers do not see the memory of this process", where=path,
                remedy="choose a target that they reach: a local path, or object storage "
                "(s3://...); or compute with threads (dask.config.set(scheduler='threads'))",
            )  # fmt: skip
    elif client is not None and "://" not in path:
        require_visible(client, Path(path).absolute().parent)


def _blind(client: Client, probe: Path, token: str) -> dict[str, str]:
    """Return what is wrong, by worker."""
    # A worker that dies meanwhile answers nothing; whoever comes in its place sees what it saw.
    told: Mapping[str, Any] = client.run(_answer, str(probe), token, on_error="ignore")
    return {
        worker: why or "other files under this path"
        for worker, (why, answer) in told.items()
        if why or not _appears(probe.with_name(probe.name + answer))
    }


def _answer(probe: str, token: str) -> tuple[str, str]:
    """Return what is wrong here, and the ending of the file that was written in answer."""
    ending = f"-{secrets.token_hex(8)}"
    try:
        if Path(probe).read_text(encoding="ascii") != token:
            return "other files under this path", ""
        Path(probe + ending).write_text(token, encoding="ascii")
    except FileNotFoundError:
        return "no such folder, or another one", ""
    except OSError as error:
        return str(error.strerror or type(error).__name__), ""
    return "", ending


def _appears(file: Path) -> bool:
    end = time.monotonic() + _PATIENCE
    while not file.exists():
        if time.monotonic() >= end:
            return False
        time.sleep(0.1)
    return True
