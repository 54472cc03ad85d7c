"""The command that says what another one would take, before it computes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

__all__ = ["plan"]

# Commands that do nothing before they save what they were asked for.
_PLANNED = frozenset({
    "annual-mean", "anomaly", "area-mean", "area-sum", "breakpoint", "change", "climate-velocity",
    "climatology", "daily-mean", "dhw", "emergence", "habitat", "heatwaves", "iod", "mask",
    "monthly-mean", "oni", "pdo", "percentile", "quantile-trend", "rolling-mean", "seasonal-mean",
    "trend", "trend-moments", "zonal-mean",
})  # fmt: skip

_TARGETS = ("-o", "--output", "--events")
_NOWHERE = "not-said.zarr"  # the command's output, where the user leaves it out


def plan(
    context: typer.Context,
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND...",
            help="A command that writes a store, with its options (--output may be left out).",
        ),
    ],
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Tiles computed at the same time.  [default: cores]"),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option("--memory", help="What they have together, as '16 GB'.  [default: free]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure again how quick this machine is.")
    ] = False,
) -> None:
    """What a command would take: tasks, requests, memory, time and money; nothing is computed.

    Exit code 1 where it does not fit the memory.

    \b
    climcube plan heatwaves sst.zarr --base-period 1983-2012
    climcube plan --memory "8 GB" --workers 4 trend sst.zarr -o trend.nc
    """
    import climcube as cc

    name, *arguments = command
    if name not in _PLANNED or (name == "heatwaves" and arguments[:1] in (["start"], ["update"])):
        why = ""
        if name == "track":
            why = ": what it takes depends on the events that it finds; plan what it follows"
        raise typer.BadParameter(
            f"{name!r} cannot be planned{why}; one of: {', '.join(sorted(_PLANNED))}",
            param_hint="COMMAND",
        )
    found = _found(context, name, arguments, workers=workers, memory=memory, calibrate=calibrate)
    assert isinstance(found, cc.Plan)
    typer.echo(json.dumps(found.to_dict(), indent=2) if as_json else str(found))
    if not found.fits:
        raise typer.Exit(1)


class _PlannedError(Exception):
    """Leaves the command that was planned."""

    def __init__(self, plan: Any) -> None:
        self.plan = plan
        super().__init__()


def _found(context: typer.Context, name: str, arguments: list[str], **options: Any) -> Any:
    """Run a command up to where it saves; return the plan of that."""
    assert context.parent is not None
    group: Any = context.parent.command
    chosen = group.get_command(context.parent, name)
    if not any(a.startswith(_TARGETS) for a in arguments):
        arguments = [*arguments, "--output", _NOWHERE]
    try:
        inner = chosen.make_context(name, list(arguments), parent=context.parent)
        with _planning_in_place_of_saving(options), inner:
            chosen.invoke(inner)
    except _PlannedError as planned:
        return planned.plan
    raise typer.BadParameter(f"{name!r} was not asked to write a store")


@contextmanager
def _planning_in_place_of_saving(options: dict[str, Any]) -> Iterator[None]:
    """Let commands, which look ``climcube.save`` up when they run, find something else there."""
    import dask

    import climcube as cc

    usual = cc.save

    def planned(result: Any, target: Any, **how: Any) -> NoReturn:
        known = ("parts", "encoding", "storage_options")
        kept = {key: how[key] for key in known if key in how}
        calibrate = options["calibrate"] or None
        where = None if os.fspath(target) == _NOWHERE else target
        raise _PlannedError(cc.plan(result, where, **(options | kept | {"calibrate": calibrate})))

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise typer.BadParameter("this would compute something: name no target but --output")

    cc.save = planned
    try:
        with dask.config.set(scheduler=refuse):
            yield
    finally:
        cc.save = usual
