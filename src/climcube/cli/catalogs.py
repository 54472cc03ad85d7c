"""Commands about catalogs."""

from __future__ import annotations

import json
import pathlib
from typing import Annotated, Any

import typer

from climcube.cli.arguments import parse_period

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What data sets there are, and what is known of them.",
)
Path = Annotated[
    list[str] | None,
    typer.Option(
        "--catalog",
        metavar="FILE",
        help="Catalog to read (path or s3://...), instead of the shipped one; several make one.",
        show_default=False,
    ),
]
Entry = Annotated[str, typer.Argument(metavar="ENTRY", show_default=False)]


@app.command("ls", short_help="List the entries.")
def list_entries(catalog: Path = None) -> None:
    """List the entries of a catalog, one a line.

    \b
    climcube catalog ls
    climcube catalog ls --catalog demo/catalog.yaml
    """
    _list(_read(catalog))


@app.command("show", short_help="Show one entry.")
def show_entry(entry: Entry, catalog: Path = None) -> None:
    """Show what is known of one entry: licence, citation, units, calendar, chunks ...

    \b
    climcube catalog show noaa-oisst
    """
    _require_no_file([entry])
    typer.echo(str(_read(catalog)[entry].show()))


@app.command("search", short_help="Find entries.")
def search(
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", show_default=False)] = None,
    variable: Annotated[
        str | None,
        typer.Option("--variable", "-v", metavar="NAME", help="Name or standard name."),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option("--period", metavar="FIRST-LAST", help="Years to cover, as 1991-2020."),
    ] = None,
    overlap: Annotated[bool, typer.Option("--overlap", help="A part of them is enough.")] = False,
    layout: Annotated[
        str | None, typer.Option("--layout", metavar="maps|series", help="How it is cut.")
    ] = None,
    cadence: Annotated[
        str | None, typer.Option("--cadence", metavar="WORD", help="daily, monthly ...")
    ] = None,
    openable: Annotated[
        bool, typer.Option("--openable", help="Only what climcube opens itself.")
    ] = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Entries that do not say, too.")
    ] = False,
    catalog: Path = None,
) -> None:
    """List the entries that answer a question; what an entry does not state is no answer.

    \b
    climcube catalog search --variable sst --period 1991-2020
    climcube catalog search reanalysis --unknown
    """
    from climcube.catalogs.text import remarks

    found = _read(catalog).search(
        text, variable=variable, period=parse_period(period, "--period"), overlap=overlap,
        layout=layout, cadence=cadence, openable=openable, unknown=unknown,
    )  # fmt: skip
    _list(found)
    for line in remarks(found):
        typer.echo(line.replace("unknown=True", "--unknown"), err=True)


@app.command("check", short_help="Ask every address whether the catalog is still right.")
def check(
    entries: Annotated[
        list[str] | None, typer.Argument(metavar="[ENTRY]...", show_default=False)
    ] = None,
    deadline: Annotated[
        float, typer.Option("--deadline", metavar="SECONDS", min=0.1, help="For all together.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    html: Annotated[
        str | None, typer.Option("--html", metavar="FILE", help="Write it as HTML, too.")
    ] = None,
    catalog: Path = None,
) -> None:
    """Ask every address whether it answers, is as its entry says, and is up to date.

    Exit code 1 where one is dead, changed or late; a list of what to use instead comes last.

    \b
    climcube catalog check
    climcube catalog check oisst-v2.1/osn --json
    """
    _require_no_file(entries or [])
    report = _read(catalog).check(*(entries or ()), deadline=deadline)
    typer.echo(report.to_json() if as_json else report.to_text())
    if html is not None:
        pathlib.Path(html).write_text(
            f'<!doctype html><meta charset="utf-8"><title>Catalog check</title>{report.to_html()}',
            encoding="utf-8",
        )
    raise typer.Exit(report.exit_code)


@app.command("schema", short_help="Print the JSON schema of catalogs.")
def schema() -> None:
    """Print the JSON schema (draft 2020-12) that catalog files are checked with.

    \b
    climcube catalog schema > catalog.schema.json
    """
    from climcube.catalogs.published import schema_text

    typer.echo(schema_text(), nl=False)


@app.command("stac", short_help="Print one entry as a STAC collection.")
def stac(entry: Entry, catalog: Path = None) -> None:
    """Print one entry as a collection of the SpatioTemporal Asset Catalog, in JSON.

    \b
    climcube catalog stac oisst-v2.1/osn
    """
    _require_no_file([entry])
    typer.echo(json.dumps(_read(catalog)[entry].to_stac(), indent=1, ensure_ascii=False))


def _require_no_file(names: list[str]) -> None:
    """Say what is meant where a catalog is given in the place of an entry."""
    from climcube.errors import CatalogError

    file = next((n for n in names if n.lower().endswith((".yaml", ".yml"))), None)
    if file is not None:
        raise CatalogError(
            "no such entry: this is the name of a catalog", where=repr(file),
            expected="the id of an entry", remedy=f"pass it as --catalog {file}",
        )  # fmt: skip


def _read(paths: list[str] | None) -> Any:
    import climcube as cc

    if not paths:
        return cc.catalog()
    return cc.catalog(paths[0] if len(paths) == 1 else list(paths))


def _list(entries: Any) -> None:
    names = list(entries.ids())
    width = max((len(name) for name in names), default=0)
    for name in names:
        typer.echo(f"{name:<{width}}  {entries[name].title}".rstrip())
