"""The cache of compiled kernels: used by the next process, never beyond its source."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled"
)

CALLEE = """
from climcube.kernels.compiled import compiled

@compiled
def step(x):
    return x + {constant}
"""
CALLER = """
from climcube.kernels.compiled import compiled
from callee import step

@compiled
def walk(x):
    return step(step(x))
"""


def run(folder):
    """Result of the caller, and whether its code came from the cache, in a new process."""
    code = "from caller import walk; print(walk(0.0), sum(walk.stats.cache_hits.values()))"
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_cached_until_any_file_of_the_folder_changes(tmp_path):
    (tmp_path / "callee.py").write_text(textwrap.dedent(CALLEE.format(constant="1.0")))
    (tmp_path / "caller.py").write_text(textwrap.dedent(CALLER))
    assert run(tmp_path) == (2.0, 0)
    assert run(tmp_path) == (2.0, 1)
    # Only the callee changes, with the same size; the caller's file keeps its time and size.
    (tmp_path / "callee.py").write_text(textwrap.dedent(CALLEE.format(constant="5.0")))
    assert run(tmp_path) == (10.0, 0)
