"""A plan as text and in a notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from climcube.display import fact_table, fact_text, heading, panel
from climcube.planning.costs.costing import AHEAD
from climcube.planning.words import spoken_time
from climcube.stores.integrity.verification import spoken_size

__all__ = ["plan_html", "plan_text"]


def plan_text(plan: Any) -> str:
    """Return a plan as lines."""
    return fact_text(_lines(plan))


def plan_html(plan: Any) -> str:
    """Return a plan as an HTML table."""
    verdict = "fits" if plan.fits else "does not fit"
    return panel(heading("Plan", verdict), fact_table(_lines(plan)))


def _lines(plan: Any) -> Iterable[tuple[str, str]]:
    """Yield names and values."""
    yield "result", plan.result
    if plan.target:
        yield "target", plan.target
    if not plan.tiles:
        yield "work", "none: the values are in memory already"
        return
    cut = f"{plan.tiles:,} tile{'s' * (plan.tiles != 1)}"
    kept = f", {plan.shared:,} result{'s' * (plan.shared != 1)} shared by tiles" * bool(plan.shared)
    # Of many tiles each is handed to Dask as a whole.
    within = "steps within them" if plan.tiles >= AHEAD * plan.workers else "tasks"
    yield "work", f"{cut}{kept}: {plan.tasks:,} {within}"
    yield "reads", _reads(plan)
    yield "memory", _memory(plan)
    yield (
        "writes",
        (
            f"about {spoken_size(plan.bytes_written)}, at most {spoken_size(plan.bytes_result)}, "
            f"in {plan.files:,} object{'s' * (plan.files != 1)}"
        ),
    )
    if plan.seconds is not None:
        yield (
            "time",
            (
                f"about {spoken_time(plan.seconds)} with {plan.workers} "
                f"worker{'s' * (plan.workers != 1)}; a network takes longer"
            ),
        )
    yield "money", plan.money.text
    for choice in plan.choices:
        yield choice.about, f"{choice.choice}: {choice.why}"
    if not plan.fits:
        for number, way in enumerate(plan.alternatives, 1):
            yield f"or {number}", str(way)
    if plan.estimated:
        yield "guessed", f"what these need: {', '.join(plan.estimated)}; memory may be more"


def _reads(plan: Any) -> str:
    if not plan.requests:
        return "nothing from a store whose requests are known"
    kind = "stored" if plan.bytes_known else "packed; as stored they may be less"
    again = ""
    if plan.amplification > 1.05:
        again = f", {plan.amplification:.2g} times what is needed"
    return (
        f"{plan.requests:,} requests, {spoken_size(plan.bytes_read)} ({kind}), "
        f"{spoken_size(plan.bytes_decoded)} decoded{again}"
    )


def _memory(plan: Any) -> str:
    text = f"at most {spoken_size(plan.memory_per_worker)} for each of {plan.workers} workers"
    if plan.workers == 1:
        text = f"at most {spoken_size(plan.memory_per_worker)} for the one worker"
    text += f", {spoken_size(plan.memory)} in all"
    if plan.memory_there is not None:
        text += f" of {spoken_size(plan.memory_there)}"
    return text + ("" if plan.fits else ": DOES NOT FIT")
