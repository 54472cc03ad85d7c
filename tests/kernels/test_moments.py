"""Moments: exact at 290 K, blind to chunks and gaps, the same with the compiler off."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from climcube.kernels.moments import chunk_moments, combine_moments
from climcube.kernels.reduction import State

EXACT = {"n", "pairs"}


def two_pass(block: np.ndarray, times: np.ndarray, adjacent: np.ndarray) -> dict[str, np.ndarray]:
    """Every moment by its definition, one cell at a time, in long doubles."""
    cells = []
    for x in block.astype("longdouble").T:
        there = ~np.isnan(x)
        both = there[:-1] & there[1:] & adjacent[:-1]
        t = times.astype("longdouble")
        pairs = {"t0": t[:-1][both], "t1": t[1:][both], "x0": x[:-1][both], "x1": x[1:][both]}
        single = {"t": t[there], "x": x[there]}
        mean = {k: v.mean() if len(v) else 0.0 for k, v in {**single, **pairs}.items()}
        d = {k: v - mean[k] for k, v in {**single, **pairs}.items()}
        cells.append(
            mean
            | {"n": there.sum(), "pairs": both.sum()}
            | {"tt": d["t"] @ d["t"], "tx": d["t"] @ d["x"], "xx": d["x"] @ d["x"]}
            | {"x0x1": d["x0"] @ d["x1"], "t0t1": d["t0"] @ d["t1"]}
            | {"cross": d["x0"] @ d["t1"] + d["t0"] @ d["x1"]}
        )
    return {k: np.array([c[k] for c in cells], "float64") for k in cells[0]}


def assert_close(state: State, expected: dict[str, np.ndarray], rtol: float = 1e-12) -> None:
    """Compare centred moments relative to the product of the spreads they are made of."""
    spread = {"t": np.sqrt(expected["tt"]), "x": np.sqrt(expected["xx"])}
    scale = {
        "tt": spread["t"] ** 2, "t0t1": spread["t"] ** 2, "xx": spread["x"] ** 2,
        "x0x1": spread["x"] ** 2, "tx": spread["t"] * spread["x"],
        "cross": spread["t"] * spread["x"],
    }  # fmt: skip
    for key, values in expected.items():
        if key in EXACT:
            assert np.array_equal(state[key], values), key
        elif key in scale:
            error = np.abs(state[key] - values)
            assert (error <= rtol * scale[key] + 1e-300).all(), (key, error, scale[key])
        else:
            np.testing.assert_allclose(state[key], values, rtol=1e-13, atol=1e-13, err_msg=key)


def series(n: int, cells: int, dtype: str = "float32", gaps: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(n + cells)
    block = 290 + np.cumsum(rng.normal(0, 0.3, (n, cells)), axis=0) + rng.normal(0, 1, (n, cells))
    block[rng.random(block.shape) < gaps] = np.nan
    return block.astype(dtype)


def pieces(block: np.ndarray, times: np.ndarray, adjacent: np.ndarray, cuts: list[int]) -> State:
    edges = [0, *sorted(cuts), len(block)]
    return combine_moments(
        [chunk_moments(block[a:b], a, times, adjacent) for a, b in pairwise(edges) if b > a]
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("gaps", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("cells", [1, 5, 130])
def test_moments_are_those_of_the_definition(dtype: str, gaps: float, cells: int) -> None:
    block = series(403, cells, dtype, gaps)
    block[:, 0] = np.nan
    times = 1982 + np.arange(403) / 365.25
    adjacent = np.append(np.ones(402, bool), False)
    assert_close(chunk_moments(block, 0, times, adjacent), two_pass(block, times, adjacent))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_short_blocks(n: int) -> None:
    block, times, adjacent = series(n, 3, "float64"), np.arange(n) * 1.0, np.ones(n, bool)
    assert_close(chunk_moments(block, 0, times, adjacent), two_pass(block, times, adjacent))


def test_missing_steps_make_no_pairs() -> None:
    block = series(50, 4, "float64")
    times, adjacent = np.arange(50) * 1.0, np.ones(50, bool)
    adjacent[[3, 20, 21, 49]] = False
    state = chunk_moments(block, 0, times, adjacent)
    assert (state["pairs"] == 46).all()
    assert_close(state, two_pass(block, times, adjacent))
    for cut in (3, 4, 5, 20, 21, 22, 23):
        assert_close(pieces(block, times, adjacent, [cut]), two_pass(block, times, adjacent))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, 80), max_size=12),
    st.sets(st.integers(0, 79), max_size=75),
    st.sets(st.integers(0, 78), max_size=4),
)
def test_any_cut_gives_the_same_moments(cuts: list[int], gaps: set[int], breaks: set[int]) -> None:
    block = series(80, 3, "float64")
    block[list(gaps), 1] = np.nan
    block[:, 2] = np.nan
    times, adjacent = 2000 + np.arange(80) / 12, np.ones(80, bool)
    adjacent[list(breaks)] = False
    state = pieces(block, times, adjacent, cuts)
    assert_close(state, two_pass(block, times, adjacent))
    assert np.array_equal(state["first_x"], block[0], equal_nan=True)


def test_cuts_may_be_merged_in_any_tree() -> None:
    block, times, adjacent = series(64, 3, gaps=0.2), np.arange(64) / 12, np.ones(64, bool)
    parts = [chunk_moments(block[i : i + 4], i, times, adjacent) for i in range(0, 64, 4)]
    expected = two_pass(block, times, adjacent)
    assert_close(combine_moments(parts), expected)
    assert_close(reduce(lambda a, b: combine_moments([a, b]), parts), expected)
    halves = [combine_moments(parts[i : i + 4]) for i in range(0, 16, 4)]
    assert_close(combine_moments(halves), expected)


def test_constants_have_no_spread_at_all() -> None:
    block = np.full((300, 2), 290.15, "float32")
    block[7:11, 1] = np.nan
    times, adjacent = np.arange(300) / 12 + 1950, np.ones(300, bool)
    state = pieces(block, times, adjacent, [1, 8, 100, 299])
    for key in ("xx", "tx", "x0x1", "cross"):
        assert (state[key] == 0).all(), key
    assert (state["x"] == np.float64(np.float32(290.15))).all()


def test_integers_and_strided_blocks() -> None:
    block = np.random.default_rng(2).integers(-300, 3000, (60, 40)).astype("int16")
    times, adjacent = np.arange(60) * 1.0, np.ones(60, bool)
    expected = two_pass(block, times, adjacent)
    assert_close(chunk_moments(block, 0, times, adjacent), expected)
    turned = np.asfortranarray(block.astype("float32"))
    assert_close(chunk_moments(turned, 0, times, adjacent), expected)


def test_the_block_is_not_written_to() -> None:
    block = series(30, 4, "float64", 0.2)
    block.flags.writeable = False
    chunk_moments(block, 0, np.arange(30.0), np.ones(30, bool))


@pytest.mark.parametrize("where", [0, 17, 29])
def test_infinite_values_are_named(where: int) -> None:
    block = series(30, 4, "float32", 0.2)
    block[where, 2] = -np.inf
    times, adjacent = np.arange(40.0), np.ones(40, bool)
    with pytest.raises(FloatingPointError, match=f"infinite value at time index {where + 5}$"):
        chunk_moments(block, 5, times, adjacent)


def test_no_times_and_no_cells() -> None:
    none = chunk_moments(np.empty((0, 3)), 0, np.arange(4.0), np.ones(4, bool))
    assert (none["n"] == 0).all()
    assert chunk_moments(np.empty((4, 0)), 0, np.arange(4.0), np.ones(4, bool))["n"].shape == (0,)


_SCRIPT = """
import sys, numpy as np
from climcube.kernels import moments
block = np.load(sys.argv[1])
times, adjacent = np.arange(len(block)) / 12, np.ones(len(block), bool)
state = moments.chunk_moments(block, 0, times, adjacent)
np.savez(sys.argv[2], compiled=hasattr(moments._sum_gappy, "py_func"), **state)
"""


def test_the_same_with_the_compiler_off(tmp_path: object) -> None:
    block = series(50, 6)
    block[10:14, 3] = np.nan
    np.save(f"{tmp_path}/block.npy", block)
    subprocess.run(
        [sys.executable, "-c", _SCRIPT, f"{tmp_path}/block.npy", f"{tmp_path}/state.npz"],
        check=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )
    plain = dict(np.load(f"{tmp_path}/state.npz"))
    assert not plain.pop("compiled")
    times, adjacent = np.arange(50) / 12, np.ones(50, bool)
    assert_close(chunk_moments(block, 0, times, adjacent), two_pass(block, times, adjacent))
    for key, values in chunk_moments(block, 0, times, adjacent).items():
        np.testing.assert_allclose(values, plain[key], rtol=1e-11, atol=1e-10, err_msg=key)
