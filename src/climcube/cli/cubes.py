"""Commands about the cube itself: look at one, make one."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from climcube.cli.arguments import Catalog, Group, Overwrite, Target, Variable

__all__ = ["info", "ingest"]


def info(
    target: Target, variable: Variable = None, group: Group = None, catalog: Catalog = None
) -> None:
    """Say what a cube holds: variables, period, calendar, grid, size; nothing is computed.

    \b
    climcube info sst.zarr
    climcube info "raw/sst_*.nc"
    climcube info noaa-oisst --variable sst
    """
    import climcube as cc
    from climcube.cubes.describe import describe

    cube = cc.open(target, variable=variable, catalog=catalog, group=group)
    typer.echo(describe(cube))


def ingest(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...", help="netCDF files or quoted globs.", show_default=False
        ),
    ],
    store: Annotated[
        str, typer.Argument(metavar="STORE", help="Zarr store to make.", show_default=False)
    ],
    variable: Annotated[
        str | None, typer.Option("--variable", "-v", metavar="NAME", help="Only this variable.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn thousands of archive files into one verified Zarr cube.

    Packed integers stay packed, every chunk carries a checksum, and files that do not fit
    (duplicated or unordered days, changed units, grid or calendar) are refused by name.

    \b
    climcube ingest "raw/oisst-avhrr-v02r01.*.nc" sst.zarr --variable sst
    climcube ingest raw/1982/*.nc raw/1983/*.nc s3://bucket/sst.zarr
    """
    import climcube as cc

    sources: Any = files[0] if len(files) == 1 else files
    report = cc.ingest(sources, store, variable=variable, overwrite=overwrite)
    typer.echo(str(report))
