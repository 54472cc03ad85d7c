"""The command that writes the report."""

from __future__ import annotations

from typing import Annotated

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Overwrite,
    Target,
    Variable,
    open_cube,
    parse_period,
)

__all__ = ["report"]


def report(
    target: Target,
    path: Annotated[
        str, typer.Argument(metavar="REPORT", help="The .html file to write.", show_default=False)
    ] = "report.html",
    base_period: BasePeriod = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    figures: Annotated[
        str | None,
        typer.Option("--figures", metavar="FOLDER", help="Write the pictures there as well (PNG)."),
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Write one self-contained HTML page: trend, heatwaves, pictures, how it was made.

    \b
    climcube report sst.zarr report.html --base-period 1983-2012
    """
    import climcube as cc

    period = parse_period(base_period)
    cube = open_cube(target, variable, catalog, layout="series")
    cc.report(cube, path, base_period=period, title=title, figures=figures, overwrite=overwrite)
    typer.echo(f"report of {cube.name!r} written to {path}")
