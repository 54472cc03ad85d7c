"""The commands that write the report, and the methods paragraph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Group,
    Overwrite,
    Target,
    Variable,
    open_cube,
    parse_period,
)

__all__ = ["explain", "report"]


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


def explain(
    target: Target,
    format: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--format", help="text, markdown, latex or bibtex.")
    ] = "text",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
    group: Group = None,
    catalog: Catalog = None,
) -> None:
    """Print how a saved result was made: methods with citations, for a paper.

    Written from what the result says of itself: data set, parameters, versions of packages.

    \b
    climcube explain trend.zarr
    climcube explain heatwaves.zarr --group annual --format bibtex -o methods.bib
    """
    import climcube as cc

    text = cc.explain(cc.open(target, catalog=catalog, group=group), format=format, catalog=catalog)
    if output is None:
        typer.echo(text, nl=False)
        return
    Path(output).write_text(text, encoding="utf-8")
    typer.echo(f"written to {output}")
