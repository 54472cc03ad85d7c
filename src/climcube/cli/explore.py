"""The command that serves the explorer."""

from __future__ import annotations

from typing import Annotated

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Region,
    Target,
    Variable,
    open_cube,
    parse_period,
    parse_region,
)

__all__ = ["explore"]


def explore(
    target: Target,
    base_period: BasePeriod = None,
    region: Region = None,
    results: Annotated[
        str | None,
        typer.Option(
            "--results", metavar="STORE", help="What climcube heatwaves wrote of the same cube."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            "-p",
            help="Port to listen on.  [default: 5006, or a free one]",
            min=1,
            max=65535,
            show_default=False,
        ),
    ] = None,
    address: Annotated[
        str, typer.Option("--address", help="Address to listen on; this machine's own alone.")
    ] = "127.0.0.1",
    show: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="Open the page in the browser.  [default: where there is a screen]",
            show_default=False,
        ),
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
) -> None:
    """Look at heatwaves in the browser: a map by day; click a cell and see its events.

    \b
    climcube explore sst.zarr
    climcube explore noaa-oisst --variable sst --base-period 1991-2020 --region nino34
    climcube explore heatwaves.zarr --no-open --port 8080
    """
    from climcube.errors import StoreError, require_module
    from climcube.explorer.explore import scene_of
    from climcube.explorer.saved import reopen
    from climcube.explorer.server import has_screen, serve

    require_module("panel", "explorer")
    period = parse_period(base_period)
    try:
        seen = open_cube(target, variable, catalog, layout="series")
        name = seen.name
    except StoreError as error:
        if "annual" not in str(error.found):  # as of what climcube heatwaves wrote
            raise
        seen, results = reopen(target, variable), target
        name = seen.cube.name
    scene = scene_of(seen, base_period=period, region=parse_region(region), results=results)

    shown = has_screen() if show is None else show

    def ready(url: str) -> None:
        typer.echo(f"explorer of {name!r}: {url}  (Ctrl-C ends it)")

    serve(scene, port=port, address=address, show=shown, ready=ready)
    typer.echo("explorer ended")
