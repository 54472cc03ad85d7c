"""Commands that average: over the years, over periods, over areas."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from climcube.cli.arguments import (
    BasePeriod,
    Catalog,
    Output,
    Overwrite,
    Region,
    Target,
    Variable,
    open_whole,
    parse_period,
    parse_region,
)

__all__ = [
    "annual_mean",
    "area_mean",
    "area_sum",
    "climatology",
    "daily_mean",
    "mask",
    "monthly_mean",
    "percentile",
    "rolling_mean",
    "seasonal_mean",
    "zonal_mean",
]

Frequency = Annotated[str, typer.Option("--frequency", "-f", help="day, month or season.")]
Window = Annotated[int, typer.Option("--window", help="Days pooled around each day of year (odd).")]
Smooth = Annotated[
    int | None, typer.Option("--smooth", help="Running mean over days of year (odd).")
]
Leap = Annotated[str, typer.Option("--leap", help="29 February: interp, pool or drop.")]
Coverage = Annotated[
    float, typer.Option("--min-coverage", help="Share of the days that must have a value.")
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", metavar="FILE", help="Cell areas: a file with that one variable."),
]


def climatology(
    target: Target,
    output: Output,
    frequency: Frequency = "day",
    base_period: BasePeriod = None,
    window: Window = 1,
    smooth: Smooth = None,
    harmonics: Annotated[
        int | None, typer.Option("--harmonics", help="Harmonics of the year in place of a window.")
    ] = None,
    leap: Leap = "interp",
    statistic: Annotated[
        str, typer.Option("--statistic", help="mean, std, percentile or count.")
    ] = "mean",
    percentile: Annotated[
        float | None, typer.Option("--percentile", help="Of that statistic: 0 to 100 (90).")
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Annual cycle of every cell: by day of year, month or season.

    \b
    climcube climatology sst.zarr --base-period 1991-2020 --window 11 --smooth 31 -o clim.nc
    climcube climatology sst.zarr -f month --statistic std -o spread.nc
    """
    from climcube.analysis.climatology import climatology as analysis

    layout = "series" if statistic == "percentile" else None
    cube, given = open_whole(target, variable, catalog, layout)
    result = analysis(
        given, frequency, base_period=parse_period(base_period), window=window, smooth=smooth,
        harmonics=harmonics, leap=leap, statistic=statistic, percentile=percentile,
    )  # fmt: skip
    _write(result, cube, "climatology", output, overwrite)


def percentile(
    target: Target,
    output: Output,
    q: Annotated[
        list[float], typer.Option("--q", "-q", help="From 0 to 100; several, if it is repeated.")
    ] = [90.0],  # noqa: B006 - Typer's way of a repeated option
    frequency: Annotated[
        str | None,
        typer.Option("--frequency", "-f", help="day, month or season.  [default: whole record]"),
    ] = None,
    base_period: BasePeriod = None,
    window: Window = 1,
    smooth: Smooth = None,
    leap: Leap = "interp",
    min_samples: Annotated[
        int, typer.Option("--min-samples", help="Fewer values than this give no answer.")
    ] = 10,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Percentiles over time of every cell, with the number of samples.

    \b
    climcube percentile sst.zarr -q 10 -q 90 -o p.nc
    climcube percentile sst.zarr -q 90 -f day --window 11 -o p90.zarr
    """
    from climcube.analysis.percentile import percentile as analysis

    cube, given = open_whole(target, variable, catalog, "series")
    result = analysis(
        given, q if len(q) > 1 else q[0], frequency, base_period=parse_period(base_period),
        window=window, smooth=smooth, leap=leap, min_samples=min_samples,
    )  # fmt: skip
    _write(result, cube, "percentiles", output, overwrite)


def annual_mean(
    target: Target, output: Output, min_coverage: Coverage = 0.9, variable: Variable = None,
    catalog: Catalog = None, overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Mean of every calendar year, weighted by days.

    \b
    climcube annual-mean sst.zarr -o years.nc
    """
    from climcube.analysis.means import annual_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    _write(analysis(given, min_coverage=min_coverage), cube, "annual means", output, overwrite)


def monthly_mean(
    target: Target, output: Output, min_coverage: Coverage = 0.9, variable: Variable = None,
    catalog: Catalog = None, overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Mean of every month, weighted by days.

    \b
    climcube monthly-mean sst.zarr -o months.zarr
    """
    from climcube.analysis.means import monthly_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    _write(analysis(given, min_coverage=min_coverage), cube, "monthly means", output, overwrite)


def daily_mean(
    target: Target, output: Output, min_coverage: Coverage = 0.9, variable: Variable = None,
    catalog: Catalog = None, overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Mean of every day of sub-daily data, from midnight to midnight.

    \b
    climcube daily-mean hourly.zarr -o days.zarr
    """
    from climcube.analysis.means import daily_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    _write(analysis(given, min_coverage=min_coverage), cube, "daily means", output, overwrite)


def seasonal_mean(
    target: Target,
    output: Output,
    season: Annotated[
        list[str], typer.Option("--season", "-s", help="Initials of months; several, if repeated.")
    ] = ["DJF"],  # noqa: B006 - Typer's way of a repeated option
    min_coverage: Coverage = 0.9,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Mean of a season of every year; DJF belongs to January's year.

    \b
    climcube seasonal-mean sst.zarr --season NDJFM -o winters.nc
    climcube seasonal-mean sst.zarr -s DJF -s JJA -o both.nc
    """
    from climcube.analysis.means import seasonal_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    wanted = season if len(season) > 1 else season[0]
    _write(analysis(given, wanted, min_coverage=min_coverage), cube, "seasonal means", output,
           overwrite)  # fmt: skip


def rolling_mean(
    target: Target,
    output: Output,
    window: Annotated[
        int, typer.Option("--window", "-w", help="Width in steps of the record: days, months ...")
    ],
    center: Annotated[
        bool, typer.Option("--center/--trailing", help="Where the mean lies in its window.")
    ] = True,
    min_coverage: Coverage = 0.9,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Running mean, weighted by days, in real time.

    \b
    climcube rolling-mean sst.zarr --window 31 -o smooth.zarr
    climcube rolling-mean months.nc --window 12 --trailing -o year.nc
    """
    from climcube.analysis.rolling import rolling_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    result = analysis(given, window, center=center, min_coverage=min_coverage)
    _write(result, cube, "running mean", output, overwrite)


def area_mean(
    target: Target, output: Output, region: Region = None, weights: Weights = None,
    variable: Variable = None, catalog: Catalog = None, overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Mean over the area of a cube, or of a region of it.

    \b
    climcube area-mean sst.zarr --region nino34 -o nino34.nc
    climcube area-mean sst.zarr --region 160,-150,-5,5 -o west.nc
    climcube area-mean sst.zarr --region basin.shp -o basin.nc
    """
    from climcube.analysis.area_means import area_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    result = analysis(given, region=parse_region(region), weights=_areas(weights))
    _write(result, cube, "area mean", output, overwrite)


def area_sum(
    target: Target,
    output: Output,
    region: Region = None,
    weights: Weights = None,
    unit: Annotated[str, typer.Option("--unit", help="Of areas: m2 or km2.")] = "m2",
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Integral over the area of a cube, or of a region of it.

    \b
    climcube area-sum ice.zarr --region northern_hemisphere --unit km2 -o extent.nc
    """
    from climcube.analysis.area_means import area_sum as analysis

    cube, given = open_whole(target, variable, catalog)
    result = analysis(given, region=parse_region(region), weights=_areas(weights), unit=unit)
    _write(result, cube, "area sum", output, overwrite)


def zonal_mean(
    target: Target,
    output: Output,
    region: Region = None,
    band: Annotated[
        float | None,
        typer.Option("--band", help="Degrees of latitude.  [default: each row, or 1]"),
    ] = None,
    weights: Weights = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Mean along circles of latitude, or in bands of latitudes on any grid.

    \b
    climcube zonal-mean sst.zarr -o zonal.nc
    climcube zonal-mean "nemo/*_grid-T.nc" --band 2 -o zonal.nc
    """
    from climcube.analysis.area_means import zonal_mean as analysis

    cube, given = open_whole(target, variable, catalog)
    result = analysis(given, region=parse_region(region), band=band, weights=_areas(weights))
    _write(result, cube, "zonal mean", output, overwrite)


def mask(
    target: Target,
    output: Output,
    region: Annotated[
        str,
        typer.Option(
            "--region",
            "-r",
            metavar="REGION",
            help="Name (nino34), WEST,EAST,SOUTH,NORTH, srex:MED, or a file of outlines.",
        ),
    ],
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Which cells lie in a region: 1 inside, 0 outside.

    \b
    climcube mask sst.zarr --region basin.geojson -o mask.nc
    """
    from climcube.analysis.masks import mask as analysis

    cube, given = open_whole(target, variable, catalog)
    result = analysis(given, parse_region(region))
    _write(result, cube, "mask", output, overwrite)


def _areas(path: str | None) -> Any:
    if path is None:
        return None
    import climcube as cc
    from climcube.cubes.coordinates import select_variable

    found: Any = cc.open(path)
    return select_variable(found, None, path) if hasattr(found, "data_vars") else found


def _write(result: Any, cube: Any, what: str, output: str, overwrite: bool) -> None:
    import climcube as cc

    cc.save(result, output, overwrite=overwrite)
    typer.echo(f"{what} of {cube.name!r} written to {output}")
