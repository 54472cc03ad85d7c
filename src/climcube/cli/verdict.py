"""The demonstration's verdict: planted against found, as tables and as a pass or fail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from climcube.errors import ClimcubeError

if TYPE_CHECKING:
    from rich.console import Console

    from climcube.testing import EventScore, TrendScore

__all__ = ["Check", "checks", "print_scores", "require"]

_LEAST_SHARE = 0.99  # of planted events found, and of found events planted
_DATE_ERROR = 0.1  # days, mean


@dataclass(frozen=True)
class Check:
    """One figure of merit and the bounds it must keep."""

    name: str
    value: float
    least: float
    most: float
    unit: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value lies within its bounds (NaN does not)."""
        return self.least <= self.value <= self.most

    def show(self, value: float) -> str:
        """Return a value in words."""
        return f"{100 * value:.1f} %" if not self.unit else f"{value:.2f} {self.unit}"

    @property
    def wanted(self) -> str:
        """The bounds in words."""
        if self.most >= 1 and not self.unit:
            return f"at least {self.show(self.least)}"
        if self.least <= 0:
            return f"at most {self.show(self.most)}"
        return f"{self.show(self.least)} to {self.show(self.most)}"


def checks(trend: TrendScore, events: EventScore) -> list[Check]:
    """Return what the demonstration must reach."""
    # Over few cells the share of intervals that hold the truth scatters by chance: three
    # standard errors are allowed for. The cells' weather is not exactly AR(1), hence 2 % more.
    slack = 0.02 + 3 * math.sqrt(0.05 * 0.95 / max(1, trend.cells))
    return [
        Check("trend within its 95 % interval", trend.coverage, 0.95 - slack, 0.95 + slack),
        Check("events planted that were found", events.recall, _LEAST_SHARE, 1),
        Check("events found that were planted", events.precision, _LEAST_SHARE, 1),
        Check("date error, mean", events.mean_date_error, 0, _DATE_ERROR, "days"),
    ]


def require(done: list[Check]) -> None:
    """Raise unless every check passed."""
    failed = [check for check in done if not check.passed]
    if failed:
        first = failed[0]
        raise ClimcubeError(
            "the demonstration did not find what was planted",
            where=first.name,
            expected=first.wanted,
            found=first.show(first.value),
        )


def print_scores(
    console: Console, trend: TrendScore, events: EventScore, done: list[Check]
) -> None:
    """Print planted against found."""
    from rich.table import Table

    kinds = Table(title="Heatwaves planted and found", title_justify="left")
    for heading in ("kind", "planted", "found", "mean date error"):
        kinds.add_column(heading, justify="left" if heading == "kind" else "right")
    for row in events.kinds.itertuples():
        kinds.add_row(
            str(row.Index).replace("_", " "),
            f"{row.planted:,}",
            f"{row.found:,}",
            f"{row.date_error:.2f} d",
        )
    kinds.add_section()
    extra = events.found - events.matched
    kinds.add_row("not planted", "", f"{extra:,}", "")
    table = Table(title="Planted versus found", title_justify="left")
    for heading in ("figure", "found", "wanted", ""):
        table.add_column(heading, justify="left" if heading in ("figure", "wanted") else "right")
    slope = f"{trend.mean_found:+.3f} degC/decade"
    table.add_row(f"trend, mean of {trend.cells:,} cells", slope, f"{trend.mean_planted:+.3f}", "")
    for check in done:
        mark = "[green]ok[/green]" if check.passed else "[red]FAILED[/red]"
        table.add_row(check.name, check.show(check.value), check.wanted, mark)
    console.print(kinds)
    console.print(table)
