"""Heatwaves day by day: make a state, and update it with new days."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core
import typer.main

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Overwrite,
    Target,
    Variable,
    open_cube,
    parse_period,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Following", "start", "update"]

State = Annotated[
    str,
    typer.Argument(metavar="STATE", help="Where the state lives: a folder or s3://..."),
]


class Format(StrEnum):
    """How changes are listed."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def start(
    target: Target,
    state: State,
    base_period: BasePeriod = None,
    percentile: Annotated[float, typer.Option("--percentile", help="Of the threshold.")] = 90,
    window: Annotated[
        int, typer.Option("--window", help="Days pooled around each day of year (odd).")
    ] = 11,
    smooth: Annotated[
        int, typer.Option("--smooth", help="Running mean over days of year (odd; 1 for none).")
    ] = 31,
    min_duration: Annotated[int, typer.Option("--min-duration", help="Days of an event.")] = 5,
    max_gap: Annotated[int, typer.Option("--max-gap", help="Days between runs to join.")] = 2,
    max_pad: Annotated[int, typer.Option("--max-pad", help="Missing days to interpolate.")] = 0,
    cold: Annotated[bool, typer.Option("--cold", help="Cold spells instead.")] = False,
    min_temperature: Annotated[
        float | None, typer.Option("--min-temperature", help="Values below it are ice: missing.")
    ] = None,
    revisable: Annotated[
        int, typer.Option("--revisable", help="Last days that an update may replace.")
    ] = 30,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a state of a record: heatwaves up to its last day, and what is needed to go on.

    The climatology stays as it is from then on.

    \b
    climcube heatwaves start sst.zarr sst.state --base-period 1991-2020
    """
    import climcube as cc

    period = parse_period(base_period)
    cube = open_cube(target, variable, catalog, layout="series")
    made = cc.heatwave_state(
        cube, base_period=period, percentile=percentile, window=window, smooth=smooth,
        min_duration=min_duration, max_gap=max_gap, max_pad=max_pad, cold=cold,
        min_temperature=min_temperature, revisable=revisable, target=state,
        overwrite=overwrite,
    )  # fmt: skip
    typer.echo(f"state of {cube.name!r}, {made.first_day} to {made.last_day}, written to {state}")


def update(
    state: State,
    new_days: Annotated[
        str,
        typer.Argument(
            metavar="NEW_DAYS", help="A cube of days that follow, or replace the last ones."
        ),
    ],
    recent: Annotated[
        bool,
        typer.Option(
            "--recent", help="NEW_DAYS is a longer record: take what is new in it, or changed."
        ),
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="Of the list of changes: text, csv or json.")
    ] = Format.TEXT,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the list there (.csv, .json)."),
    ] = None,
    annual: Annotated[
        str | None,
        typer.Option("--annual", metavar="STORE", help="Write the years, as they are now."),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option("--events", "-e", metavar="FILE", help="Write the event table."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="Cells listed as text; 0 for all.")] = 20,
    generation: Annotated[
        int | None,
        typer.Option("--generation", metavar="N", help="Go back: on from this generation."),
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Take new days; list which cells entered, rose in, fell in or left a category.

    Each day by what was known that day. The state keeps its last generations; a day that
    failed, or was wrong, can be repeated.

    \b
    climcube heatwaves update sst.state sst_20240105.nc
    climcube heatwaves update sst.state sst.zarr --recent --format csv > changes.csv
    climcube heatwaves update sst.state today.nc -o changes.json --events events.parquet
    """
    import climcube as cc
    from climcube.stores.tables import require_table_target

    write = None if output is None else _writer(Path(output).expanduser(), overwrite)
    if events is not None:  # before the state moves on
        require_table_target(events, overwrite=overwrite)
    held = cc.open_heatwave_state(state, generation=generation)
    cube = _days(new_days, variable, catalog, held)
    if recent:
        cube = held.recent(cube)
    if recent and not cube.size:
        typer.echo(f"nothing new in {new_days}: {state} ends {held.last_day}", err=True)
        return
    changes = held.update(cube)
    told = _Told(state, held, changes)
    if write is not None:
        write(told)
    typer.echo(told.said(), err=form != Format.TEXT)
    typer.echo(told.listed(form, limit), nl=form != Format.CSV)
    if annual is not None:
        cc.save(held.annual, annual, overwrite=overwrite)
    if events is not None:
        held.events(events, overwrite=overwrite)


class Following(typer.core.TyperCommand):
    """A command that has commands of its own: their names in place of its first argument."""

    @property
    def commands(self) -> dict[str, Any]:
        """The commands by name."""
        group = typer.Typer(rich_markup_mode=None, add_completion=False)
        group.command("start", short_help="Make a state that new days update.")(start)
        group.command("update", short_help="Take new days; list what changed.")(update)
        found: Any = typer.main.get_command(group)
        return dict(found.commands)

    def make_context(self, info_name: Any, args: list[str], *more: Any, **extra: Any) -> Any:
        """Return the context of the command that is meant."""
        if args and args[0] in (commands := self.commands):
            name = f"{info_name} {args[0]}"
            return commands[args[0]].make_context(name, args[1:], *more, **extra)
        return super().make_context(info_name, args, *more, **extra)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        with formatter.section("Day by day, in place of CUBE"):
            formatter.write_dl(
                [(name, command.get_short_help_str()) for name, command in self.commands.items()]
            )


class _Told:
    """What an update did, in the forms asked for."""

    def __init__(self, state: str, held: Any, changes: Any) -> None:
        self.state, self.held, self.changes = state, held, changes

    def said(self) -> str:
        """One line: what was taken, and where the record ends now."""
        added, replaced = self.changes.added, self.changes.replaced
        taken = [
            f"{len(days)} day{'s' * (len(days) != 1)} {what} ({_span(days)})"
            for days, what in ((added, "added"), (replaced, "replaced"))
            if days
        ]
        return (
            f"{self.state}: {', '.join(taken)}; {self.held.first_day} to {self.held.last_day}, "
            f"generation {self.held.generation}"
        )

    def listed(self, form: Format, limit: int) -> str:
        """Return the changes."""
        if form == Format.CSV:
            return str(self.changes.table.to_csv(index=False))
        if form == Format.JSON:
            return self.as_json()
        counts, table = self.changes.counts, self.changes.table
        text = str(counts.reset_index().to_string(index=False))
        if table.empty:
            return text
        shown = table if not limit else table.head(limit)
        lines = str(shown.to_string(index=False, float_format=lambda v: f"{v:g}", na_rep="-"))
        rest = len(table) - len(shown)
        more = (
            f"\n... and {rest} more (--limit 0, --format csv or --output list all)" if rest else ""
        )
        return f"{text}\n\n{lines}{more}"

    def as_json(self) -> str:
        """Return everything as one JSON document."""
        counts = self.changes.counts.reset_index()
        return json.dumps(
            {
                "state": self.state,
                "generation": self.held.generation,
                "first_day": self.held.first_day,
                "last_day": self.held.last_day,
                "added": self.changes.added,
                "replaced": self.changes.replaced,
                "counts": _records(counts),
                "changes": _records(self.changes.table),
            },
            indent=1,
        )


def _days(target: str, variable: str | None, catalog: str | None, held: Any) -> Any:
    """Open the new days: of several variables, the one that the state is of."""
    import climcube as cc

    if variable is not None:
        return open_cube(target, variable, catalog)
    cube: Any = cc.open(target, catalog=catalog)
    return cube[held.name] if held.name in getattr(cube, "data_vars", {}) else cube


def _writer(path: Path, overwrite: bool) -> Callable[[_Told], None]:
    """Return what writes the list to a file, all at once, or say why it cannot be."""
    from climcube.errors import ParameterError, StoreExistsError

    if path.suffix not in (".csv", ".json"):
        raise ParameterError(
            "unknown format of the list", where=str(path),
            expected="a name ending in .csv or .json",
        )  # fmt: skip
    if path.exists() and not overwrite:
        raise StoreExistsError(
            "the target exists already", where=str(path),
            remedy="pass --overwrite or another path",
        )  # fmt: skip

    def write(told: _Told) -> None:
        beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = told.as_json() if path.suffix == ".json" else told.listed(Format.CSV, 0)
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)

    return write


def _records(table: pd.DataFrame) -> Any:
    """Return rows as JSON knows them: missing values are null."""
    return json.loads(table.to_json(orient="records", date_format="iso", double_precision=15))


def _span(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
