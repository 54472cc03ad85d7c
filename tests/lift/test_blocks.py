"""Packed masks, and graphs of blocks that know each other apart."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from climcube.analysis.tracking.track import track
from climcube.lift.blocks import Blocks, pack, unpack
from climcube.lift.common import share
from tests.analysis.tracking.test_tables import globe


@given(arrays(bool, array_shapes(min_dims=4, max_dims=4, min_side=0, max_side=5)))
def test_a_packed_mask_comes_back(mask: np.ndarray) -> None:
    again = unpack(pack(mask))
    assert again.dtype == bool
    np.testing.assert_array_equal(again, mask)


def test_masks_that_cohere_pack_well() -> None:
    mask = np.zeros((400, 1, 60, 60), bool)
    mask[100:200, :, 10:30, 20:50] = True
    assert 8 * len(pack(mask).bits) < 0.1 * mask.size


@given(st.lists(st.integers(1, 4), min_size=4, max_size=4), st.booleans())
def test_each_pair_of_neighbours_is_joined_once(counts: list[int], ring: bool) -> None:
    subject = da.zeros(counts, chunks=1, dtype=bool)
    blocks = Blocks(subject, None, da.zeros(counts[2:], chunks=1), share((0,)), ring, "test")
    joined = [
        (place, later) for place in np.ndindex(*counts) for later in blocks._later(place)
    ]  # fmt: skip
    assert len(set(joined)) == len(joined)
    near = set()
    for a in np.ndindex(*counts):
        for b in np.ndindex(*counts):
            gaps = [abs(p - q) for p, q in zip(a, b, strict=True)]
            around = ring and gaps[3] == counts[3] - 1
            if gaps[0] == 0 and max(gaps[1:3]) <= 1 and (gaps[3] <= 1 or around):
                near.add((min(a, b), max(a, b)))
    for place in np.ndindex(*counts):  # a block meets itself only around the globe
        if not (ring and counts[3] == 1):
            near.discard((place, place))
    assert set(joined) == near


def test_two_answers_in_one_graph_do_not_mix() -> None:
    cube = globe(days=6)
    cube.values[:] = np.random.default_rng(0).random(cube.shape) < 0.2
    lazy = cube.chunk(time=2, lat=6, lon=9)
    options = [{}, {"min_area": 2e6}, {"min_overlap": 0.7}, {"min_duration": 3}, {"wrap": False}]
    together = dask.compute(*(track(lazy, **o).labels for o in options))
    for found, own in zip(together, options, strict=True):
        np.testing.assert_array_equal(found, track(cube, **own).labels)
    assert len({int(t.max()) for t in together}) == len(options)


def test_the_same_call_has_the_same_keys() -> None:
    cube = globe().chunk(lat=6)
    assert track(cube).labels.data.name == track(cube).labels.data.name
    assert track(cube).labels.data.name != track(cube, min_duration=2).labels.data.name
