"""Going on from a checkpoint gives the bits of looking at the whole series at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from climcube.kernels import heatwave, stream
from climcube.kernels.checkpoint import SLOTS, Clock, empty_checkpoint, empty_sums
from climcube.kernels.events import METRICS, WIDTH
from climcube.kernels.runs import long_holes
from climcube.kernels.settings import Settings

YEAR, SIZE = 60, 200  # days of a short "year", so that years pass quickly
TIES = 16 * 2.0**-52


def make(seed, cells=3, size=SIZE, level=0.0, hole=0.05, tied=False, absent=0.0):
    """Red noise above a level, with holes; days absent from the record; perhaps quantised."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (cells, size))
    for i in range(1, size):
        noise[:, i] += 0.8 * noise[:, i - 1]
    noise += level
    if tied:
        noise = np.rint(noise)
    noise[rng.random(noise.shape) < hole] = np.nan
    for cell in range(cells):  # longer gaps
        for start in rng.integers(0, size, int(20 * hole)):
            noise[cell, start : start + rng.integers(1, 9)] = np.nan
    days = np.flatnonzero(rng.random(size + size // 4) >= absent)[:size].astype(np.int64)
    noise = noise[:, : days.size]
    seas = np.zeros((cells, 7)) + rng.normal(0, 0.1, 7)
    thresh = seas + rng.uniform(0.5, 1.5, (cells, 7))
    if tied:
        seas, thresh = np.zeros_like(seas), np.ones_like(thresh)
    thresh[-1, 2] = seas[-1, 2]  # an undefined day
    return noise, days, seas, thresh


def batch(block, days, seas, thresh, options):
    # Of the types that analyses pass: others are compiled anew.
    group, year = (days % 7).astype("uint32"), days // YEAR
    year = (year - year[0]).astype("uint32")
    absent = np.zeros(year[-1] + 1, np.int64)
    common = (seas, thresh, group, days, options)
    annual = heatwave.annual(block.copy(), *common, year, absent)
    events = heatwave.events(block.copy(), *common)
    marks = heatwave.category(block.copy(), *common)[0], heatwave.event(block.copy(), *common)[0]
    return annual, events, marks


class Follower:
    """Feeds a record piece by piece, keeping what the analysis would keep."""

    def __init__(self, seas, thresh, options, cells):
        self.seas, self.thresh, self.options = seas, thresh, options
        self.slots = np.tile(empty_checkpoint(), (cells, 1))
        self.sums = {}
        self.cells, self.rows = np.empty(0, np.int64), np.empty((0, WIDTH))
        self.lag = options.min_duration + options.max_gap + options.max_pad
        self.settled = 0

    def clock(self, days, first, stop, years):
        year = days // YEAR
        row = np.searchsorted(years, np.clip(year, years[0], years[-1]))
        holes = long_holes(days, self.options.max_gap, self.options.max_pad)
        holes = holes[holes >= first] - first
        return Clock(
            days[first:], (days % 7)[first:], row[first:], years, first, stop - first, holes
        )

    def settle(self, block, days, stop):
        first = max(0, self.settled - self.lag)
        open_years = self.slots[:, SLOTS.index("start_year")]
        years = np.unique(
            np.concatenate([days[first:stop] // YEAR, open_years[~np.isnan(open_years)]])
        ).astype(np.int64)
        fresh = np.tile(empty_sums(), (block.shape[0], 1))
        sums = np.stack([self.sums.get(int(y), fresh) for y in years], axis=1)
        # What comes after `stop` must not matter.
        window = block[:, first:].copy()
        window[:, stop - first :] = 99.0
        clock = self.clock(days, first, stop, years)
        common = (self.seas, self.thresh)
        cells, rows = stream.closed(
            window.copy(), self.slots.copy(), *common, clock, self.options, None
        )
        self.slots, sums = stream.advance(
            window, self.slots, *common, sums.reshape(len(sums), -1), clock, self.options, None
        )
        sums = sums.reshape(len(sums), years.size, -1)
        self.sums |= {int(y): sums[:, k].copy() for k, y in enumerate(years)}
        self.cells, self.rows = np.append(self.cells, cells), np.vstack([self.rows, rows])
        self.settled = stop

    def results(self, block, days):
        first = max(0, self.settled - self.lag)
        years = np.arange(days[0] // YEAR, days[-1] // YEAR + 1)
        fresh = np.tile(empty_sums(), (block.shape[0], 1))
        sums = np.stack([self.sums.get(int(y), fresh) for y in years], axis=1)
        clock = self.clock(days, first, days.size, years)
        window, common = block[:, first:], (self.seas, self.thresh)
        annual = stream.annual(
            window.copy(), self.slots.copy(), *common, sums.reshape(len(sums), -1), clock,
            self.options, None, np.zeros(years.size, np.int64),
            np.bincount(days // YEAR - days[0] // YEAR),
        )  # fmt: skip
        cells, rows = stream.remaining(
            window.copy(), self.slots.copy(), *common, clock, self.options, None
        )
        cells, rows = np.append(self.cells, cells), np.vstack([self.rows, rows])
        order = np.lexsort((rows[:, len(METRICS)], cells))
        daily = stream.daily(
            window.copy(), self.slots.copy(), *common, clock, self.options, None,
            self.settled - first,
        )  # fmt: skip
        return annual, (cells[order], rows[order]), daily


def assert_same_bits(follower, block, days, expected):
    annual, events, daily = follower.results(block, days)
    for ours, theirs in zip(annual, expected[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(events[0], expected[1][0])
    np.testing.assert_array_equal(events[1], expected[1][1])
    np.testing.assert_array_equal(daily[2], expected[2][0][:, follower.settled :])
    np.testing.assert_array_equal(daily[3], expected[2][1][:, follower.settled :])


options = st.builds(
    lambda duration, gap, pad, sign: Settings(duration, gap, pad, sign, TIES),
    st.integers(1, 6),
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from([1.0, -1.0]),
)


@hypothesis_settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    options=options,
    level=st.sampled_from([0.0, 1.0, 3.0]),
    hole=st.sampled_from([0.0, 0.05, 0.3]),
    tied=st.booleans(),
    absent=st.sampled_from([0.0, 0.2]),
    stops=st.lists(st.integers(1, SIZE), max_size=12),
)
def test_any_split_gives_the_bits_of_the_batch(seed, options, level, hole, tied, absent, stops):
    block, days, seas, thresh = make(seed, level=level, hole=hole, tied=tied, absent=absent)
    level_of = options.sign
    seas, thresh, block = level_of * seas, level_of * thresh, level_of * block
    follower = Follower(seas, thresh, options, block.shape[0])
    for stop in sorted(min(s, days.size) for s in stops):
        follower.settle(block, days, stop)
    assert_same_bits(follower, block, days, batch(block, days, seas, thresh, options))


@pytest.mark.parametrize("options", [Settings(5, 2, 0, 1.0, TIES), Settings(3, 1, 3, -1.0, TIES)])
def test_every_day_on_its_own_gives_the_bits_of_the_batch_up_to_it(options):
    block, days, seas, thresh = make(3, size=120, level=0.8, hole=0.1, absent=0.1)
    block, seas, thresh = (options.sign * a for a in (block, seas, thresh))
    follower = Follower(seas, thresh, options, block.shape[0])
    for stop in range(1, days.size + 1):
        follower.settle(block, days, stop)
        now = min(stop + 7, days.size)
        expected = batch(block[:, :now], days[:now], seas, thresh, options)
        assert_same_bits(follower, block[:, :now], days[:now], expected)


def test_an_event_of_years_costs_no_more_than_a_short_one():
    block = np.full((1, 4 * YEAR), 5.0)
    block[0, 2 * YEAR] = 9.0
    days = np.arange(4 * YEAR)
    seas, thresh, options = np.zeros((1, 7)), np.ones((1, 7)), Settings(5, 2, 0, 1.0, TIES)
    follower = Follower(seas, thresh, options, 1)
    for stop in range(1, days.size + 1):
        follower.settle(block, days, stop)
        assert follower.settled - follower.slots[0, SLOTS.index("position")] <= follower.lag
    assert follower.slots[0, SLOTS.index("open")] == 1
    assert_same_bits(follower, block, days, batch(block, days, seas, thresh, options))


def test_known_on_the_day_is_the_batch_of_the_record_that_ends_there():
    options = Settings(4, 2, 2, 1.0, TIES)
    block, days, seas, thresh = make(11, size=150, level=0.8, hole=0.08)
    follower = Follower(seas, thresh, options, block.shape[0])
    follower.settle(block, days, 60)
    first = 60 - follower.lag
    asked = np.arange(61 - first, days.size - first)
    clock = follower.clock(days, first, days.size, np.arange(days[-1] // YEAR + 1))
    cells, rows = stream.known(
        block[:, first:].copy(), follower.slots.copy(), seas, thresh, clock, options, None, asked
    )
    level = np.stack(
        [
            batch(block[:, : n + 1], days[: n + 1], seas, thresh, options)[2][0][:, n]
            for n in range(days.size)
        ],
        axis=1,
    )
    expected = [
        (cell, n, level[cell, n - 1], level[cell, n])
        for cell in range(block.shape[0])
        for n in range(61, days.size)
        if level[cell, n] != level[cell, n - 1]
    ]
    found = [
        (int(c), int(r[0]) + first, int(r[1]), int(r[2])) for c, r in zip(cells, rows, strict=True)
    ]
    assert found == expected and len(found) > 10
    values = block[cells, rows[:, 0].astype(int) + first]
    np.testing.assert_array_equal(np.isnan(rows[:, 3]), np.isnan(values))


def test_packed_cells_are_told_from_others():
    scale = 0.01
    packed = (np.arange(10, 30) * scale).astype("float32").astype("float64")
    block = np.stack([packed, packed + 0.003, np.full(20, np.nan)])
    grid = (scale, 0.0, -32768.0, 32767.0, float(np.finfo("float32").eps))
    slots = np.tile(empty_checkpoint(), (3, 1))
    days = np.arange(20)
    clock = Clock(days, days * 0, days * 0, np.array([0]), 0, 20, np.empty(0, np.int64))
    seas, thresh = np.zeros((3, 1)), np.ones((3, 1))
    options = Settings(5, 2, 0, 1.0, TIES)
    sums = np.tile(empty_sums(), (3, 1))
    slots, _ = stream.advance(block.copy(), slots, seas, thresh, sums, clock, options, grid)
    exact = slots[:, SLOTS.index("exact")]
    np.testing.assert_array_equal(exact, [1, 0, 1])
    assert slots[0, SLOTS.index("valid_value")] == 29 * scale
    new = np.array([[0.3], [0.3], [0.3]])
    assert not stream.off_grid(new.copy(), exact[:, None], grid)[0].any()
    np.testing.assert_array_equal(stream.off_grid(new + 0.004, exact[:, None], grid)[0], [1, 0, 1])
