from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from climcube.errors import ParameterError
from climcube.options import _KNOWN, get_option, set_options


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    before = {name: get_option(name) for name in _KNOWN}
    yield
    set_options(**before)


def test_defaults_are_valid_and_documented() -> None:
    for name, (default, check, _) in _KNOWN.items():
        assert check(default), name
        assert name in (set_options.__doc__ or "")


def test_for_a_block_only() -> None:
    before = get_option("tile_bytes")
    with set_options(tile_bytes=10, progress=False):
        assert (get_option("tile_bytes"), get_option("progress")) == (10, False)
        with set_options(tile_bytes=20):
            assert get_option("tile_bytes") == 20
        assert get_option("tile_bytes") == 10
    assert (get_option("tile_bytes"), get_option("progress")) == (before, None)


def test_a_block_that_fails_puts_options_back() -> None:
    before = get_option("tile_bytes")
    with pytest.raises(KeyError), set_options(tile_bytes=10):
        raise KeyError
    assert get_option("tile_bytes") == before


def test_for_the_session() -> None:
    set_options(block_cells=7)
    assert get_option("block_cells") == 7


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tile_byte": 3}, ("unknown option", "did you mean 'tile_bytes'")),
        ({"tile_bytes": 0}, ("tile_bytes", "positive")),
        ({"tile_bytes": True}, ("tile_bytes",)),
        ({"tile_bytes": 1.5}, ("tile_bytes", "1.5")),
        ({"progress": "yes"}, ("progress", "True, False, or None")),
        ({"provenance": None}, ("provenance",)),
        ({"block_cells": "3"}, ("block_cells",)),
    ],
)
def test_mistakes_change_nothing(options: dict[str, Any], words: tuple[str, ...]) -> None:
    before = {name: get_option(name) for name in _KNOWN}
    with pytest.raises(ParameterError) as caught:
        set_options(progress=True, **options) if "progress" not in options else set_options(
            **options
        )
    for word in words:
        assert word in str(caught.value)
    assert {name: get_option(name) for name in _KNOWN} == before


def test_numpy_integers_are_integers() -> None:
    with set_options(tile_bytes=np.int64(5)):
        assert get_option("tile_bytes") == 5
