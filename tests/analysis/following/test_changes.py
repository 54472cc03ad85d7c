"""What an update reports: the category of each day as it was known on that day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import climcube as cc
from tests.analysis.following.comparing import record

FIRST = 900
COLUMNS = [
    "date", "lat", "lon", "change", "category_before", "category", "severity", "anomaly",
]  # fmt: skip


@pytest.fixture(scope="module")
def cube():
    return record(seed=21, cells=(3, 4), hole=0.05, warming=0.5)


@pytest.fixture(scope="module")
def climatology(cube):
    """Of a cooler sea, so that there is much to report."""
    return cc.heatwaves((cube - 1.0).assign_attrs(cube.attrs)).climatology


@pytest.fixture(scope="module")
def known(cube, climatology):
    """Category of each day by the record that ends there, from the batch alone."""
    days = range(FIRST - 1, FIRST + 60)
    return np.stack(
        [cc.heatwaves(cube[: n + 1], climatology=climatology).daily.category[-1] for n in days]
    )


def expected_table(cube, known):
    names = ("none", "Moderate", "Strong", "Severe", "Extreme")
    rows = []
    for number in range(60):
        before, now = known[number], known[number + 1]
        day = cube[FIRST + number]
        for place in np.argwhere(before != now):
            b, n = int(before[tuple(place)]), int(now[tuple(place)])
            value = float(day[tuple(place)])
            change = "entered" if b == 0 else "left" if n == 0 else "rose" if n > b else "fell"
            if np.isnan(value):
                change = "missing"
            rows.append(
                (
                    str(day.time.dt.strftime("%F").item()),
                    float(cube.lat[place[0]]),
                    float(cube.lon[place[1]]),
                    change,
                    names[b],
                    names[n],
                )
            )
    return pd.DataFrame(rows, columns=COLUMNS[:6])


@pytest.mark.parametrize("step", [1, 7, 60])
def test_the_table_is_what_was_known_each_day_however_days_arrive(cube, climatology, known, step):
    state = cc.heatwave_state(cube[:FIRST], climatology=climatology)
    tables = [
        state.update(cube[n : min(n + step, FIRST + 60)]).table
        for n in range(FIRST, FIRST + 60, step)
    ]
    found = pd.concat(tables, ignore_index=True)
    assert list(found.columns) == COLUMNS
    pd.testing.assert_frame_equal(found[COLUMNS[:6]], expected_table(cube, known))
    assert set(found.change) == {"entered", "rose", "fell", "left", "missing"}
    seen = found[found.change != "missing"]
    days = seen.date.map(lambda d: np.flatnonzero(cube.time.dt.strftime("%F").values == d)[0])
    daily = cc.heatwaves(cube, climatology=climatology).daily
    where = {"time": xr.DataArray(days.to_numpy(), dims="row")}
    for name in ("lat", "lon"):
        index = [np.flatnonzero(cube[name].values == v)[0] for v in seen[name]]
        where[name] = xr.DataArray(index, dims="row")
    for name in ("severity", "anomaly"):
        np.testing.assert_allclose(seen[name], daily[name].isel(where), rtol=1e-5, atol=1e-5)
    assert found[found.change == "missing"].severity.isna().all()


def test_counts_name_every_day_of_the_update(cube, climatology):
    state = cc.heatwave_state(cube[:FIRST], climatology=climatology)
    changes = state.update(cube[FIRST - 3 : FIRST + 20])
    counts = changes.counts
    assert len(counts) == 23 and counts.index[0] == cube.time[FIRST - 3].dt.strftime("%F")
    assert counts.to_numpy().sum() == len(changes.table)
    assert changes.replaced == counts.index[:3].tolist()
    assert changes.added == counts.index[3:].tolist()
    assert repr(changes) == "<climcube.HeatwaveChanges: 20 days added, 3 replaced>"


def test_replaced_days_are_reported_by_their_new_values(cube, climatology):
    cool = cube.copy()
    cool[FIRST - 10 : FIRST] -= 8
    state = cc.heatwave_state(cool[:FIRST], climatology=climatology)
    table = state.update(cube[FIRST - 10 : FIRST]).table
    direct = cc.heatwave_state(cube[: FIRST - 10], climatology=climatology)
    direct.update(cool[FIRST - 10 : FIRST])
    again = direct.update(cube[FIRST - 10 : FIRST]).table
    pd.testing.assert_frame_equal(table, again)
    assert len(table)


def test_cold_spells_have_negative_anomalies(cube):
    state = cc.heatwave_state(cube[:FIRST], cold=True)
    table = state.update(cube[FIRST:]).table
    entered = table[table.change == "entered"]
    assert len(entered) and (entered.anomaly < 0).all() and (entered.severity > 1).all()


def test_a_quiet_day_gives_an_empty_table(cube, climatology):
    cool = cube - 10
    cool.attrs = cube.attrs
    state = cc.heatwave_state(cool[:FIRST], climatology=climatology)
    changes = state.update(cool[FIRST : FIRST + 2])
    assert changes.table.empty and list(changes.table.columns) == COLUMNS
    assert changes.counts.to_numpy().sum() == 0 and len(changes.counts) == 2


def test_calendars_without_datetimes():
    cube = record(seed=22, calendar="360_day")
    state = cc.heatwave_state(cube[:-40])
    changes = state.update(cube[-40:])
    assert changes.added[-1] == "2002-12-30" and set(changes.table.date) <= set(changes.added)
