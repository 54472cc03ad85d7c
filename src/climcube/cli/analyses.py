"""Commands that ask a question of a cube and write the answer."""

from __future__ import annotations

from typing import Annotated

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Output,
    Overwrite,
    Target,
    Variable,
    open_cube,
    open_whole,
    parse_period,
)

__all__ = ["anomaly", "heatwaves"]


def anomaly(
    target: Target,
    output: Output,
    frequency: Annotated[
        str, typer.Option("--frequency", "-f", help="Of the climatology: day, month, season.")
    ] = "day",
    base_period: BasePeriod = None,
    window: Annotated[
        int, typer.Option("--window", help="Days pooled around each day of year (odd).")
    ] = 1,
    smooth: Annotated[
        int | None, typer.Option("--smooth", help="Running mean over days of year (odd).")
    ] = None,
    harmonics: Annotated[
        int | None, typer.Option("--harmonics", help="Harmonics of the year in place of a window.")
    ] = None,
    standardize: Annotated[
        bool, typer.Option("--standardize", help="Divide by the standard deviation.")
    ] = False,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Departure of every value from its climatology.

    \b
    climcube anomaly sst.zarr --base-period 1991-2020 -o anomaly.zarr
    climcube anomaly sst.zarr --frequency month --standardize -o anomaly.nc
    """
    import climcube as cc

    period = parse_period(base_period)
    cube, given = open_whole(target, variable, catalog)
    result = cc.anomaly(
        given, frequency, base_period=period, window=window, smooth=smooth, harmonics=harmonics,
        standardize=standardize,
    )  # fmt: skip
    cc.save(result, output, overwrite=overwrite)
    typer.echo(f"anomaly of {cube.name!r} written to {output}")


def heatwaves(
    target: Target,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="STORE", help="Climatology and years: .zarr store."),
    ] = None,
    events: Annotated[
        str | None,
        typer.Option("--events", "-e", metavar="FILE", help="Event table: .csv or .parquet."),
    ] = None,
    base_period: BasePeriod = None,
    percentile: Annotated[
        list[float], typer.Option("--percentile", help="Of the threshold; several, if repeated.")
    ] = [90.0],  # noqa: B006 - Typer's way of a repeated option
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
    baseline: Annotated[
        str, typer.Option("--baseline", help="fixed, detrended or shifting.")
    ] = "fixed",
    baseline_years: Annotated[
        int, typer.Option("--baseline-years", help="Years before each year, if it is shifting.")
    ] = 30,
    min_temperature: Annotated[
        float | None, typer.Option("--min-temperature", help="Values below it are ice: missing.")
    ] = None,
    second_threshold: Annotated[
        float | None, typer.Option("--second-threshold", help="Days must exceed this as well.")
    ] = None,
    daily: Annotated[
        bool, typer.Option("--daily", help="Write the state of every day to the store as well.")
    ] = False,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Marine heatwaves of every cell (Hobday et al. 2016, 2018).

    \b
    climcube heatwaves sst.zarr --base-period 1983-2012 -o heatwaves.zarr
    climcube heatwaves sst.zarr --events events.parquet
    climcube heatwaves sst.zarr --cold --percentile 95 --events spells.csv
    climcube heatwaves sst.zarr --percentile 90 --percentile 95 -o both.zarr
    """
    import climcube as cc
    from climcube.progress import dask_progress
    from climcube.stores.tables import require_table_target

    if output is None and events is None:
        raise typer.BadParameter("nothing to write: pass --output, --events or both")
    period = parse_period(base_period)
    if events is not None:  # before the store is written: nothing is left half-done
        require_table_target(events, overwrite=overwrite)
    cube = open_cube(target, variable, catalog, layout="series")
    found = cc.heatwaves(
        cube, base_period=period, window=window, smooth=smooth, min_duration=min_duration,
        percentile=percentile if len(percentile) > 1 else percentile[0], max_gap=max_gap,
        max_pad=max_pad, cold=cold, baseline=baseline, baseline_years=baseline_years,
        min_temperature=min_temperature, second_threshold=second_threshold,
    )  # fmt: skip
    if output is not None:
        parts = ("climatology", "annual", "daily") if daily else ("climatology", "annual")
        cc.save(found, output, parts=parts, overwrite=overwrite)
        typer.echo(f"heatwaves of {cube.name!r} ({', '.join(parts)}) written to {output}")
    if events is not None:
        with dask_progress("listing events"):
            found.events(events, overwrite=overwrite)
        typer.echo(f"events of {cube.name!r} written to {events}")
