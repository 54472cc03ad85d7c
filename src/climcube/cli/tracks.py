"""The command that follows marine heatwaves through space and time."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Overwrite,
    Target,
    Variable,
    open_whole,
    parse_period,
)

__all__ = ["track"]

_TABLE = "FILE"


def track(
    target: Target,
    events: Annotated[
        str | None,
        typer.Option("--events", "-e", metavar=_TABLE, help="One row an event: .csv or .parquet."),
    ] = None,
    objects: Annotated[
        str | None,
        typer.Option(
            "--objects", metavar=_TABLE, help="One row an object and day, with its centre."
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option("--ledger", metavar=_TABLE, help="One row a merge or a split."),
    ] = None,
    footprints: Annotated[
        str | None,
        typer.Option("--footprints", metavar="FILE", help="Polygons of the events: GeoParquet."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="STORE", help="Event of each cell and day: .zarr or .nc."),
    ] = None,
    base_period: BasePeriod = None,
    percentile: Annotated[float, typer.Option("--percentile", help="Of the threshold.")] = 90.0,
    cold: Annotated[bool, typer.Option("--cold", help="Cold spells instead.")] = False,
    min_area: Annotated[
        float | None, typer.Option("--min-area", help="Smallest object of a day, in km2.")
    ] = None,
    min_overlap: Annotated[
        float, typer.Option("--min-overlap", help="Share that objects of two days must share.")
    ] = 0.0,
    min_duration: Annotated[
        int, typer.Option("--min-days", help="Days of a tracked event, at least.")
    ] = 1,
    min_category: Annotated[
        int, typer.Option("--min-category", help="Lowest category of a cell: 1 to 4.")
    ] = 1,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Marine heatwaves as events in space and time: tracks, merges and splits, footprints.

    \b
    climcube track sst.zarr --base-period 1983-2012 --min-area 10000 --events events.csv
    climcube track sst.zarr --events events.parquet --ledger ledger.csv --footprints areas.parquet
    """
    import climcube as cc
    from climcube.progress import dask_progress
    from climcube.stores.tables import require_table_target, write_table

    if all(wanted is None for wanted in (events, objects, ledger, footprints, labels)):
        raise typer.BadParameter("nothing to write: pass --events, --footprints or another")
    period = parse_period(base_period)
    tables = {"events": events, "objects": objects, "ledger": ledger}
    for path in (*tables.values(), footprints):
        if path is not None:  # before anything is computed
            require_table_target(path, overwrite=overwrite)
    cube, given = open_whole(target, variable, catalog, "series")
    mhw = cc.heatwaves(cube, base_period=period, percentile=percentile, cold=cold)
    tracks = mhw.track(
        min_area=min_area, min_overlap=min_overlap, min_duration=min_duration,
        min_category=min_category, areas=_known_areas(given, cube),
    )  # fmt: skip
    with dask_progress("following events"):
        for name, path in tables.items():
            if path is not None:
                write_table(getattr(tracks, name)(), path, overwrite=overwrite)
                typer.echo(f"{name} written to {path}")
        if footprints is not None:
            tracks.to_geoparquet(footprints, overwrite=overwrite)
            typer.echo(f"footprints written to {footprints}")
    if labels is not None:
        cc.save(tracks.labels, labels, overwrite=overwrite)
        typer.echo(f"labels written to {labels}")


def _known_areas(given: Any, cube: Any) -> Any:
    """Return the cells' areas where the data set has more to say of them than their centres."""
    from climcube.cubes.area import cell_areas
    from climcube.cubes.coordinates import helper_variables

    if not hasattr(given, "data_vars") or not helper_variables(given) & set(given.variables):
        return None
    return cell_areas(given, cube, None, argument="areas")[0]
