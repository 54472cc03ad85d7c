"""The command that looks at a cube."""

from __future__ import annotations

import typer

from climcube.cli.arguments import Catalog, Group, Target, Variable

__all__ = ["info"]


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
