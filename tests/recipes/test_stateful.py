"""A model of a store: what is ingested, appended, replaced, rolled back is what readers see."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import climcube as cc
from climcube.errors import IngestError
from climcube.recipes.facts import preliminary_days
from climcube.recipes.layout import Layout
from climcube.recipes.places import target_of
from climcube.recipes.recipe import Checks

from .archives import ocean, warmer, write

pytest.importorskip("icechunk")

DAYS = 14


class Store(RuleBasedStateMachine):
    """Each day is final (0) or preliminary, warmer by so many hundredths."""

    finals: list[Path]
    early: dict[int, list[Path]]

    @initialize(days=st.integers(1, 4))
    def ingest(self, days):
        self.folder = Path(tempfile.mkdtemp())
        self.store = self.folder / "sst.icechunk"
        self.days = [0] * days
        self._run(self.finals[:days], "new")
        self.history = [(self._newest(), list(self.days))]

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, files, mode):
        recipe = cc.Recipe(
            tuple(map(str, files)), store=Layout(times=4, tile=4, chunk=4),
            checks=Checks(preliminary="*_preliminary.nc"),
        )  # fmt: skip
        return cc.ingest(recipe, self.store, mode=mode, workers=1, progress=False)

    def _newest(self):
        return str(cc.versions(self.store).index[0])

    def _publish(self, report):
        assert report.version and not report.unchanged
        self.history.append((self._newest(), list(self.days)))

    @precondition(lambda self: len(self.days) < DAYS)
    @rule(count=st.integers(1, 5), warm=st.sampled_from([0, 50, 120]))
    def append(self, count, warm):
        first = len(self.days)
        stop = min(DAYS, first + count)
        self.days += [warm] * (stop - first)
        files = self.early[warm] if warm else self.finals
        self._publish(self._run(files[first:stop], "append"))

    @rule(data=st.data(), warm=st.sampled_from([0, 50, 120]))
    def replace(self, data, warm):
        first = data.draw(st.integers(0, len(self.days) - 1))
        stop = data.draw(st.integers(first + 1, min(len(self.days), first + 3)))
        files = (self.early[warm] if warm else self.finals)[first:stop]
        if warm and 0 in self.days[first:stop]:
            with pytest.raises(IngestError, match="would replace final values"):
                self._run(files, "replace")
            return
        self.days[first:stop] = [warm] * (stop - first)
        report = self._run(files, "replace")
        if not report.unchanged:
            self._publish(report)
        else:  # the very same files were put there just before
            assert self.days == self.history[-1][1]

    @rule()
    def append_again(self):
        with pytest.raises(IngestError, match="has these times already"):
            self._run(self.early[50][: len(self.days)], "append")

    @precondition(lambda self: len(self.history) > 1)
    @rule(data=st.data())
    def roll_back(self, data):
        version, days = data.draw(st.sampled_from(self.history[:-1]))
        cc.roll_back(self.store, version)
        self.days = list(days)
        self.history.append((self._newest(), list(days)))

    def _same(self, days, **options):
        found = cc.open(self.store, variable="sst", **options).values
        expected = np.stack([self.warmed[warm][day] for day, warm in enumerate(days)])
        np.testing.assert_array_equal(found, expected)

    @invariant()
    def readers_see_the_model(self):
        if hasattr(self, "history"):
            self._same(self.days)
            marked = preliminary_days(target_of(self.store, None, None).published())
            assert marked == [f"2000-01-{d + 1:02}" for d, warm in enumerate(self.days) if warm]

    @invariant()
    def old_versions_stay(self):
        if hasattr(self, "history"):
            version, days = self.history[len(self.history) // 2]
            self._same(days, version=version)

    @rule()
    def verify(self):
        assert cc.verify(self.store).ok


@pytest.mark.parametrize(
    ("examples", "steps"), [(4, 8), pytest.param(60, 30, marks=pytest.mark.slow)]
)
def test_any_sequence_of_changes(tmp_path, examples, steps):
    sea = ocean(DAYS, shape=(2, 3))
    finals = write(sea, tmp_path / "finals")
    Store.finals, Store.early, Store.warmed = finals, {}, {}
    for warm in (0, 50, 120):
        folder = tmp_path / str(warm)
        folder.mkdir()
        files = [warmer(p, folder / f"{p.stem}_preliminary.nc", warm) for p in finals]
        Store.early[warm] = files
        Store.warmed[warm] = cc.open(list(map(str, files)), variable="sst").values
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck), derandomize=examples < 10,
        ),
    )  # fmt: skip
