"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.processes import processes
from tests.servers import endpoint  # here, so that there is one for each process of tests

__all__ = ["endpoint", "processes", "reference_data"]

# The first example of a test may compile a kernel; nothing here is about time.
settings.register_profile("climcube", deadline=None)
settings.load_profile("climcube")


def reference_folder() -> Path:
    """Folder of the real data and reference answers, present or not."""
    named = os.environ.get("CLIMCUBE_REFERENCE_DATA")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """Folder of the real data; skips where absent, fails where CLIMCUBE_REQUIRE_REFERENCE=1."""
    folder = reference_folder()
    if not folder.is_dir():
        reason = f"no reference data in {folder}: set CLIMCUBE_REFERENCE_DATA to their folder"
        if os.environ.get("CLIMCUBE_REQUIRE_REFERENCE") == "1":
            pytest.fail(reason + " (CLIMCUBE_REQUIRE_REFERENCE=1 demands them)")
        pytest.skip(reason)
    return folder
