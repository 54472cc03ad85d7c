"""Depth of a pressure against the printed check value and TEOS-10."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

from climcube.analysis.matchup.pressure import depth_of_pressure


@pytest.fixture
def without_gsw(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.import_module

    def refuse(name: str, *arguments: Any) -> Any:
        if name == "gsw":
            raise ImportError(name)
        return known(name, *arguments)

    monkeypatch.setattr(importlib, "import_module", refuse)


def test_the_check_value_of_fofonoff_and_millard(without_gsw: None) -> None:
    depth, formula = depth_of_pressure(np.array([10_000.0, 0.0]), np.array([30.0, 30.0]))
    assert formula == "Saunders and Fofonoff (1976)"
    np.testing.assert_allclose(depth, [9712.653, 0], atol=5e-4)


def test_both_formulas_agree(request: pytest.FixtureRequest) -> None:
    pytest.importorskip("gsw")
    pressure, latitude = np.meshgrid(np.linspace(0, 6000, 30), np.linspace(-90, 90, 19))
    new, formula = depth_of_pressure(pressure, latitude)
    assert formula == "TEOS-10 (gsw)"
    request.getfixturevalue("without_gsw")
    old, _ = depth_of_pressure(pressure, latitude)
    np.testing.assert_allclose(new, old, rtol=1e-3)
    assert (np.diff(old, axis=1) > 0).all()
