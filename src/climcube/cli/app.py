"""The application: options that hold for every command, and the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from climcube.cli import (
    analyses,
    catalogs,
    cubes,
    demo,
    explore,
    habitats,
    heatwaves,
    indices,
    ingests,
    layouts,
    matchups,
    means,
    plans,
    reports,
    tracks,
    trends,
    verify,
    versions,
)
from climcube.cli.errors import ErrorLines

__all__ = ["app"]

# Plain help and plain usage errors: they can be copied, piped and read aloud.
app = typer.Typer(
    name="climcube",
    cls=ErrorLines,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import climcube

        typer.echo(f"climcube {climcube.__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show it.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    progress: Annotated[
        bool | None,
        typer.Option(
            "--progress/--no-progress",
            help="Progress bars on the error stream.  [default: on a terminal]",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an output that was not finished (Zarr).")
    ] = False,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="KIND",
            help="Work there: local, gateway, or the address of a Dask scheduler.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Of the cluster: how many.")
    ] = None,
) -> None:
    """Decades of climate files as one cube, and each question one line.

    \b
    climcube demo                                         see it all work, offline
    climcube ingest "raw/*.nc" sst.zarr                   thousands of files to one cube
    climcube heatwaves sst.zarr --base-period 1983-2012 --events events.csv
    climcube --cluster gateway --workers 20 --resume trend sst.zarr -o trend.zarr
    climcube COMMAND --help                               options and examples

    CUBE is a catalog entry, a Zarr store, a netCDF file or a quoted glob. Exit codes: 0 done,
    1 a mistake that one line on the error stream explains, 2 wrong usage, 130 interrupted.
    """
    from climcube.options import set_options

    set_options(progress=progress, resume=resume)
    if cluster is not None:
        import climcube as cc

        context.with_resource(cc.cluster(cluster, workers=workers))
    elif workers is not None:
        raise typer.BadParameter("say of which --cluster", param_hint="--workers")


_COMMANDS = (
    ("demo", demo.demo, "See the whole road at work, offline."),
    ("info", cubes.info, "Say what a cube holds."),
    ("ingest", ingests.ingest, "Turn archive files into one cube."),
    ("relayout", layouts.relayout, "Copy a store into series or maps."),
    ("verify", verify.verify, "Whether a store is what was written."),
    ("climatology", means.climatology, "The annual cycle of every cell."),
    ("anomaly", analyses.anomaly, "Departures from the climatology."),
    ("percentile", means.percentile, "Percentiles over time."),
    ("annual-mean", means.annual_mean, "Means of years."),
    ("seasonal-mean", means.seasonal_mean, "Means of seasons."),
    ("monthly-mean", means.monthly_mean, "Means of months."),
    ("daily-mean", means.daily_mean, "Means of days, from hours."),
    ("rolling-mean", means.rolling_mean, "Running means."),
    ("area-mean", means.area_mean, "Means over an area or region."),
    ("area-sum", means.area_sum, "Integrals over an area or region."),
    ("zonal-mean", means.zonal_mean, "Means along circles of latitude."),
    ("mask", means.mask, "Which cells lie in a region."),
    ("trend", trends.trend, "Linear trends with their uncertainty."),
    ("trend-moments", trends.trend_moments, "Sums of a trend, to which new times are added."),
    ("quantile-trend", trends.quantile_trend, "Trends of extremes and of the middle."),
    ("change", trends.change, "Difference between two periods."),
    ("breakpoint", trends.breakpoint_, "When the level changed most."),
    ("emergence", trends.emergence, "When the signal left the noise behind."),
    ("false-positive-rates", trends.false_positive_rates, "How often tests are wrong."),
    ("climate-velocity", habitats.climate_velocity, "How fast isotherms move, and whither."),
    ("habitat", habitats.habitat, "Where a species finds its temperature."),
    ("oni", indices.oni, "Oceanic Nino Index, El Nino and La Nina."),
    ("iod", indices.iod, "Indian Ocean Dipole."),
    ("pdo", indices.pdo, "Pacific Decadal Oscillation."),
    ("dhw", indices.dhw, "Degree heating weeks of corals."),
    ("heatwaves", analyses.heatwaves, "Marine heatwaves and cold spells."),
    ("track", tracks.track, "Heatwaves as events in space and time."),
    ("matchup", matchups.matchup, "Observations beside a cube."),
    ("explore", explore.explore, "Look at heatwaves in the browser."),
    ("report", reports.report, "One HTML page with all of it."),
    ("explain", reports.explain, "How a result was made, with citations."),
)
for _name, _function, _line in _COMMANDS:
    _kind = heatwaves.Following if _name == "heatwaves" else None
    app.command(_name, short_help=_line, cls=_kind)(_function)
# What follows the name of the command that is planned is that command's own.
app.command(
    "plan",
    short_help="What a command would take.",
    context_settings={"allow_interspersed_args": False},
)(plans.plan)
app.add_typer(catalogs.app, name="catalog", short_help="What data sets there are.")
app.add_typer(versions.app, name="versions", short_help="What a store was, and is.")
