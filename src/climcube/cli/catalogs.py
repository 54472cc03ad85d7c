"""Commands about catalogs."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What data sets there are, and what is known of them.",
)
Path = Annotated[
    str | None,
    typer.Option("--catalog", metavar="FILE", help="Catalog to read, instead of the shipped one."),
]


@app.command("ls", short_help="List the entries.")
def list_entries(catalog: Path = None) -> None:
    """List the entries of a catalog, one a line.

    \b
    climcube catalog ls
    climcube catalog ls --catalog demo/catalog.yaml
    """
    import climcube as cc

    entries = cc.catalog(catalog)
    names = list(entries.ids())
    width = max((len(name) for name in names), default=0)
    for name in names:
        typer.echo(f"{name:<{width}}  {entries[name].title}".rstrip())


@app.command("show", short_help="Show one entry.")
def show_entry(
    entry: Annotated[str, typer.Argument(metavar="ENTRY", show_default=False)],
    catalog: Path = None,
) -> None:
    """Show what is known of one entry: licence, citation, units, calendar, chunks ...

    \b
    climcube catalog show noaa-oisst
    """
    import climcube as cc

    typer.echo(str(cc.catalog(catalog)[entry].show()))
