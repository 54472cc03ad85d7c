from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from climcube import errors
from climcube.errors import (
    ClimcubeError,
    ClimcubeWarning,
    CubeError,
    DependencyError,
    ParameterError,
    StoreExistsError,
    require_choice,
    require_module,
    require_odd,
    suggest,
)

TREE = [k for _, k in inspect.getmembers(errors, inspect.isclass) if issubclass(k, ClimcubeError)]
WARNINGS = [
    k for _, k in inspect.getmembers(errors, inspect.isclass) if issubclass(k, ClimcubeWarning)
]
TEXT = st.none() | st.text(max_size=30)


def test_everything_public_is_listed_sorted_and_drawn() -> None:
    assert (
        sorted(errors.__all__) == errors.__all__ == sorted(k.__name__ for k in [*TREE, *WARNINGS])
    )
    for kind in [*TREE, *WARNINGS]:
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__doc__


def test_the_kinds_that_python_knows_too() -> None:
    assert issubclass(ParameterError, ValueError)
    assert issubclass(DependencyError, ImportError)


def test_the_sentence() -> None:
    text = str(CubeError("a", where="b", expected="c", found="d", remedy="e"))
    assert text == "a (b): expected c, found d; e"
    assert str(CubeError("a")) == "a"
    assert str(CubeError("a", found=0)) == "a: found 0"
    assert str(CubeError("a", remedy="do it")) == "a; do it"


@pytest.mark.parametrize("kind", TREE)
@given(what=st.text(max_size=30), where=TEXT, expected=TEXT, found=TEXT, remedy=TEXT)
def test_one_line_and_picklable(
    kind: type[ClimcubeError], what: str, where: Any, expected: Any, found: Any, remedy: Any
) -> None:
    error = kind(what, where=where, expected=expected, found=found, remedy=remedy)
    assert len(str(error).splitlines()) <= 1
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.what, again.where, again.remedy) == (what, where, remedy)


def test_a_family_is_caught_by_its_head() -> None:
    with pytest.raises(errors.StoreError):
        raise StoreExistsError("x")


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("sts", ["sst", "ice"], "did you mean 'sst'?"),
        ("xyz", ["sst", "ice"], "known: ice, sst"),
        ("x", [], "there are none"),
        ("q", [f"name{i}" for i in range(20)], "..."),
    ],
)
def test_suggestions(name: str, known: list[str], hint: str) -> None:
    assert hint in suggest(name, known)


def test_choices() -> None:
    require_choice("layout", None, (None, "maps"))
    with pytest.raises(
        ParameterError, match=r"unknown layout \(layout='map'\).*'maps'.*did you mean"
    ):
        require_choice("layout", "map", (None, "maps"))


@pytest.mark.parametrize(
    ("value", "remedy"),
    [(10, "pass window=11"), (-4, "pass window=1"), (2.0, None), (float("nan"), None), ("3", None)],
)
def test_widths_with_a_middle(value: object, remedy: str | None) -> None:
    require_odd("window", 11)
    with pytest.raises(ParameterError, match=r"window must be centred \(window=") as caught:
        require_odd("window", value)
    assert str(caught.value).partition("; ")[2] == (remedy or "")


def test_missing_packages_name_the_extra() -> None:
    assert require_module("json", "plots") is __import__("json")
    with pytest.raises(DependencyError, match=r"'nosuchthing'.*pip install 'climcube\[plots\]'"):
        require_module("nosuchthing.sub", "plots")
