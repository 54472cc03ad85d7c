"""Open the entries of catalogs under an audit hook and report what the interpreter was asked.

Run as a program: ``python -m tests.catalogs.audited_opening FOLDER``; prints JSON by name.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from pathlib import Path

import climcube as cc
from climcube.errors import ClimcubeError
from climcube.stores.s3.filesystem import S3
from tests.catalogs.audited import audit

WATCHED = (
    "ctypes", "glob.", "import", "open", "os.exec", "os.fork", "os.posix_spawn", "os.spawn",
    "os.startfile", "os.system", "pickle", "pty", "shutil", "socket.connect", "socket.getaddrinfo",
    "subprocess", "urllib", "webbrowser",
)  # fmt: skip


def attempt(path: Path) -> str:
    """Open the one entry of a catalog and read all of it; return the complaint, or ''."""
    try:
        known = cc.catalog(path)
        if path.stem == "linked-later":
            (path.parent / "later.zarr").unlink(missing_ok=True)
            (path.parent / "later.zarr").symlink_to(path.parent.parent / "elsewhere.zarr")
        options = {"deadline": 1} if path.stem.startswith("s3") else None
        cc.open("sst", catalog=known, storage_options=options).load()
    except ClimcubeError as error:
        return f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - any other is a failure, reported as such
        return f"NOT OURS {type(error).__name__}: {error} {traceback.format_exc()[-2000:]}"
    finally:
        if path.stem == "linked-later":
            (path.parent / "later.zarr").unlink(missing_ok=True)
    return ""


def main(folder: Path) -> None:
    """Open every catalog of the folder and print what happened."""
    warnings.simplefilter("ignore")
    audit(
        sorted(folder.glob("*.yaml")),
        attempt,
        WATCHED,
        lambda arguments: [str(a)[:300] for a in arguments[:2]],
        between=S3.clear_instance_cache,  # a client made anew shows what it asks for
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
