"""What an update changed: which cells entered, rose in or left a category, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from climcube.analysis.events.cells import CellLabels
from climcube.analysis.events.metadata import CATEGORIES
from climcube.analysis.following.snapshot import Snapshot

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHANGES", "HeatwaveChanges"]

CHANGES = ("entered", "rose", "fell", "left", "missing")


@dataclass(frozen=True, eq=False)
class HeatwaveChanges:
    """What `HeatwaveState.update` did.

    Attributes
    ----------
    added, replaced : list of str
        Dates that are new in the record, and those whose values were replaced.
    """

    added: list[str]
    replaced: list[str]
    state: Snapshot  # before anything was settled: the new days in their window
    samples: npt.NDArray[np.int64]  # numbers of the days updated

    @cached_property
    def table(self) -> pd.DataFrame:
        """Cells whose category changed, one row for each of the updated days and cells.

        Columns: ``date``; the cell's coordinates; ``change``: ``entered`` (from no category),
        ``rose``, ``fell``, ``left`` (to none), ``missing`` (it was in a category the day before
        and has no value); ``category_before`` and ``category`` by name; ``severity`` and
        ``anomaly`` of the day.

        The category of a day is what was known that day, with no later one: a warm spell counts
        from its fifth day on (``min_duration``), although later its first days belong to the
        event as well, and the days of a gap count as none, although later they may be joined.
        So the table does not depend on how many days an update brings.
        """
        import pandas as pd  # noqa: PLC0415 - on demand

        cells, rows = self._rows()
        state, axis = self.state, self.state.axis
        samples = rows[:, 0].astype("int64") + state.first
        before, now = rows[:, 1].astype("int64"), rows[:, 2].astype("int64")
        days = {int(i): axis.label(int(i)) for i in self.samples}
        columns: dict[str, Any] = {
            "date": np.array([days[i] for i in samples.tolist()], dtype=str),
            **CellLabels.of(state.window, state.time).columns(cells),
            "change": np.array(CHANGES)[_kind(before, now, np.isnan(rows[:, 4]))],
            "category_before": np.array(CATEGORIES)[before],
            "category": np.array(CATEGORIES)[now],
            "severity": rows[:, 3],
            "anomaly": rows[:, 4],
        }
        order = np.lexsort((cells, samples))
        return pd.DataFrame(columns).iloc[order].reset_index(drop=True)

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Number of cells by ``date`` (all that were updated) and kind of change."""
        import pandas as pd  # noqa: PLC0415 - on demand

        dates = pd.Index([self.state.axis.label(int(i)) for i in self.samples], name="date")
        table = self.table
        counted = table.groupby(["date", "change"]).size().unstack(fill_value=0)
        return counted.reindex(index=dates, columns=list(CHANGES), fill_value=0).astype("int64")

    def __repr__(self) -> str:
        told = f"{len(self.added)} days added, {len(self.replaced)} replaced"
        return f"<climcube.HeatwaveChanges: {told if len(self.samples) else 'nothing new'}>"

    def _repr_html_(self) -> str:
        from climcube.analysis.pages import changes_html  # noqa: PLC0415 - in notebooks only

        return changes_html(self)

    def _rows(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        state = self.state
        found = state.rows("known", len(state.axis), self.samples - state.first)
        computed = state.computed(found)
        cells = np.concatenate([part.cells for part in computed])
        return cells, np.concatenate([part.rows for part in computed])


def _kind(
    before: npt.NDArray[np.int64], now: npt.NDArray[np.int64], missing: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Return the number in `CHANGES` of each change."""
    kind = np.where(before == 0, 0, np.where(now > before, 1, np.where(now > 0, 2, 3)))
    return np.where(missing, 4, kind)
