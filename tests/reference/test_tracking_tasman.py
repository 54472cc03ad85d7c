"""Events in space and time of a real data set, beside one label call over the whole mask."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

import climcube as cc
from climcube.analysis.tracking.track import Tracks, track

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def mhw(reference_data):
    sst = cc.open(str(reference_data / "oisst_tasman" / "*.nc"), variable="sst", layout="series")
    return cc.heatwaves(sst.chunk(lat=11, lon=7), base_period=(1983, 2012))


@pytest.fixture(scope="module")
def tracks(mhw) -> Tracks:
    return track(mhw)


def test_events_are_those_of_one_label_call(mhw, tracks) -> None:
    mask = (mhw.daily.event > 0).values
    structure = np.zeros((3, 3, 3), bool)
    structure[1] = structure[:, 1, 1] = True
    labels, count = ndimage.label(mask, structure)
    own = tracks.labels.values
    assert own.max() == count == len(tracks.events())
    pairs = np.unique(np.stack([labels[mask], own[mask]]), axis=1)
    assert pairs.shape[1] == count  # one to one
    assert (own[~mask] == 0).all()
    firsts = [np.flatnonzero(own.ravel() == n)[0] for n in range(1, count + 1, 50)]
    assert firsts == sorted(firsts)


def test_the_tasman_sea_heatwave_of_2015_16(tracks) -> None:
    """Oliver et al. (2017), doi:10.1038/ncomms16101: the longest on record there."""
    events = tracks.events()
    longest = events.loc[events.intensity_cumulative.idxmax()]
    assert longest.duration == events.duration.max()
    assert longest.date_start < pd.Timestamp("2015-09-15")
    assert longest.date_end > pd.Timestamp("2016-05-10")
    objects = tracks.objects()
    own = objects[objects.event == longest.event]
    np.testing.assert_allclose(own.area.sum(), longest.volume, rtol=1e-12)
    np.testing.assert_allclose(
        (own.area * own.intensity_mean).sum(), longest.intensity_cumulative, rtol=1e-12
    )
    assert own.groupby("date").area.sum().max() == pytest.approx(longest.area_max)
    assert len(own) == longest.objects
    ledger = tracks.ledger()
    kinds = ledger[ledger.event == longest.event].kind.value_counts()
    assert (kinds["merge"], kinds["split"]) == (longest.merges, longest.splits)
    assert own.date.nunique() == longest.duration
