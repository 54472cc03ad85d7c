"""How quick a machine is, measured once: never what the figures are."""

from __future__ import annotations

from pathlib import Path

import pytest

import climcube as cc
from climcube.planning import calibration


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "climcube"


def test_measured_once_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert calibration.rates(measure=False) is None
    found = calibration.rates()
    assert found is not None and min(vars(found).values()) > 0
    monkeypatch.setattr(calibration, "_measured", lambda: pytest.fail("measured again"))
    assert calibration.rates() == found
    (kept,) = cache.iterdir()
    kept.write_text("{broken")
    assert calibration.rates(measure=False) is None


def test_renewed_when_asked(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = iter([calibration.Rates(1.0, 1.0, 1.0, 1.0), calibration.Rates(2.0, 2.0, 2.0, 2.0)])
    monkeypatch.setattr(calibration, "_measured", lambda: next(quick))
    cube = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).sst.chunk()
    slow = cc.plan(cube).seconds
    assert cc.plan(cube).seconds == cc.plan(cube, calibrate=False).seconds == slow
    renewed = cc.plan(cube, calibrate=True).seconds
    assert slow is not None and renewed is not None and renewed < slow


def test_a_home_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(calibration, "_measured", lambda: calibration.Rates(1.0, 1.0, 1.0, 1.0))
    assert calibration.rates() is not None
