"""The command that copies a store into another layout."""

from __future__ import annotations

from typing import Annotated

import typer

from climcube.cli.arguments import Catalog, Group, Overwrite, Target, Variable

__all__ = ["relayout"]


def relayout(
    source: Target,
    target: Annotated[
        str,
        typer.Argument(
            metavar="STORE",
            help="Where to write: .zarr or .icechunk (folder or s3://...).",
            show_default=False,
        ),
    ],
    layout: Annotated[
        str, typer.Option("--layout", metavar="LAYOUT", help="series, or maps.")
    ] = "series",
    memory: Annotated[
        str | None,
        typer.Option(
            "--memory",
            metavar="SIZE",
            help="Memory that it may take, as '4 GB'.  [default: half of what is free]",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an earlier copy was stopped.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what it takes, and copy nothing.")
    ] = False,
    overwrite: Overwrite = False,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
) -> None:
    """Copy a cube into another layout, packed values as they are, in bounded memory.

    Once, and for good: series for statistics of every cell, maps for single days.

    \b
    climcube relayout maps.zarr series.zarr --resume
    climcube relayout noaa-oisst s3://bucket/series.zarr --memory "8 GB" --plan
    """
    import climcube as cc
    from climcube.saving.relayout import relaid, save_relaid

    # In the stored chunks: the copy is read in slabs of its own.
    cube = cc.open(source, variable=variable, group=group, catalog=catalog, chunks={})
    copy = relaid(cube, layout=layout, memory=memory)
    if plan:
        typer.echo(str(copy))
    else:
        typer.echo(save_relaid(copy, target, overwrite=overwrite, resume=resume or None))
