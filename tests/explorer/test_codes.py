"""Packed codes: what is put in comes out, and no more is kept than the bound says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from climcube.explorer.codes import CodeStore


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 200), st.integers(1, 4), st.integers(1, 3))),
    st.data(),
)
def test_each_day_comes_back(codes: np.ndarray, data: st.DataObject) -> None:
    store = CodeStore(1 << 20)
    store.put(3, codes)
    day = data.draw(st.integers(0, len(codes) - 1))
    found = store.day(3, day)
    assert found is not None
    np.testing.assert_array_equal(found, codes[day])


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (64, 1000)).astype("uint8")


def test_the_tile_not_seen_for_longest_gives_way() -> None:
    store = CodeStore(150_000)  # two tiles of noise, which does not pack
    store.put(0, noise(0))
    store.put(1, noise(1))
    assert store.day(0, 5) is not None
    store.put(2, noise(2))
    assert (0 in store, 1 in store, 2 in store) == (True, False, True)
    assert store.day(1, 5) is None
    assert store.size <= store.bound


def test_one_tile_is_kept_whatever_its_size() -> None:
    store = CodeStore(10)
    store.put(0, noise(0))
    store.put(1, noise(1))
    assert 0 not in store and 1 in store


def test_quiet_days_take_little_room() -> None:
    store = CodeStore(1 << 20)
    store.put(0, np.zeros((3650, 1000), "uint8"))
    assert store.size < 3650 * 1000 / 100
