"""Run the notebooks and keep them, with what they show, for the documentation.

In git notebooks have no outputs. Building the documentation runs each of them, once for each state
of the code, and keeps the result where Sphinx reads it: that is the run which CI makes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from jupyter_client.manager import AsyncKernelManager
from traitlets import default

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
RUN = ROOT / "docs" / "tutorials" / "notebooks"
_MARK = "climcube_code"


class LocalKernelManager(AsyncKernelManager):
    """Kernels that talk over sockets of this machine: no port is open while they run."""

    @default("transport")
    def _sockets(self) -> str:
        return "ipc"

    @default("ip")
    def _place(self) -> str:
        return str(Path(tempfile.gettempdir()) / f"climcube-{uuid.uuid4().hex[:12]}")


def reference_folder() -> Path | None:
    """Return the folder of the real data that some notebooks use, if it is here."""
    named = os.environ.get("CLIMCUBE_REFERENCE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def run(path: Path, scratch: str | os.PathLike[str]) -> Any:
    """Run a notebook in an empty folder and return it with its outputs.

    Figures must be there, and warnings of Python must not.
    """
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    data = reference_folder()
    # Archives of thousands of files go with the scratch folder.
    environment = os.environ | {"TMPDIR": str(scratch)}
    environment |= {"CLIMCUBE_REFERENCE_DATA": str(data or "")}
    client = nbclient.NotebookClient(notebook, timeout=300, kernel_manager_class=LocalKernelManager)
    client.execute(cwd=str(scratch), env=environment)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "cc.plot." in cell.source:
            kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
            if "image/png" not in kinds:
                raise RuntimeError(f"{path.name}: no figure of {cell.source!r}")
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and "Warning:" in output.text:
                raise RuntimeError(f"{path.name}: {output.text}")
    return notebook


def keep(notebook: Any, path: Path) -> None:
    """Write a notebook that was run where Sphinx reads it, with a mark of the code it ran on."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    notebook.metadata[_MARK] = _code(path)
    RUN.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, RUN / path.name)


def run_what_is_missing() -> None:
    """Run the notebooks that were not run with this code.

    Who writes documentation while the code changes may set ``CLIMCUBE_KEEP_NOTEBOOKS=1``.
    """
    old_ones_do = os.environ.get("CLIMCUBE_KEEP_NOTEBOOKS") == "1"
    for old in RUN.glob("*.ipynb"):
        if old.name not in {path.name for path in NOTEBOOKS}:
            old.unlink()
    missing = [
        path
        for path in NOTEBOOKS
        if not (kept := RUN / path.name).exists() or not (old_ones_do or _mark(kept) == _code(path))
    ]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(_run_and_keep, missing))


def _run_and_keep(path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="climcube-notebook-") as scratch:
        keep(run(path, scratch), path)


def _mark(kept: Path) -> str | None:
    mark: str | None = nbformat.read(kept, as_version=4).metadata.get(_MARK)
    return mark


def _code(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes())
    digest.update(str(bool(reference_folder())).encode())
    for source in sorted((ROOT / "src").rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    run_what_is_missing()
