"""Write the tables that the documentation takes from climcube itself: `make tables`.

The same code and seeds give the same digits, so a difference in git is a difference in numbers.
"""

from __future__ import annotations

from pathlib import Path

import climcube as cc

HERE = Path(__file__).parent
LENGTHS, MEMORIES = (20, 40, 100), (0.0, 0.3, 0.6, 0.8)
SERIES = 20_000


def false_positive_rates() -> str:
    """Return a Markdown table for each length: a row for each test, a column for each memory."""
    rates = cc.false_positive_rates(LENGTHS, MEMORIES, series=SERIES)
    lines = []
    for n in LENGTHS:
        head = " | ".join(f"phi = {phi:g}" for phi in MEMORIES)
        lines += [f"| n = {n} | {head} |", "|---" * (len(MEMORIES) + 1) + "|"]
        for test in rates["test"].values:
            values = rates.sel(test=test, n=n).values
            lines.append(f"| `{test}` | " + " | ".join(f"{v:.3f}" for v in values) + " |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    target = HERE / "explanation" / "tables" / "false_positive_rates.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(false_positive_rates(), encoding="utf-8")
    print(f"written: {target}")
