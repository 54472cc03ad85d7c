"""Commands that ask what is moving, and how far to believe it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from climcube.cli.arguments import (
    Catalog,
    Group,
    Output,
    Overwrite,
    Target,
    Variable,
    open_cube,
    parse_period,
)

__all__ = [
    "breakpoint_",
    "change",
    "emergence",
    "false_positive_rates",
    "quantile_trend",
    "trend",
    "trend_moments",
]

Per = Annotated[str, typer.Option("--per", help="Time unit of the slope: decade, year ...")]
MinValid = Annotated[
    int, typer.Option("--min-valid", help="Cells with fewer valid values get no answer.")
]
Confidence = Annotated[
    float, typer.Option("--confidence", help="Level of the confidence interval.")
]
Memory = Annotated[
    str,
    typer.Option(
        "--autocorrelation", help="What is done about memory: ar1, ar1_uncorrected, none."
    ),
]


def trend(
    target: Target,
    output: Output,
    method: Annotated[
        str, typer.Option("--method", help="Of the slope: ols (least squares) or theil_sen.")
    ] = "ols",
    test: Annotated[
        str | None, typer.Option("--test", help="t or mann_kendall; default: the method's own.")
    ] = None,
    per: Per = "decade",
    autocorrelation: Annotated[
        str,
        typer.Option(
            "--autocorrelation",
            help="What is done about memory: ar1, ar1_uncorrected, none; of Mann-Kendall also "
            "hamed_rao, yue_wang, pre_whitening, tfpw.",
        ),
    ] = "ar1",
    lags: Annotated[
        int | None, typer.Option("--lags", help="Of hamed_rao and yue_wang: how many (all).")
    ] = None,
    seasonal: Annotated[
        str | None,
        typer.Option("--seasonal", help="Of theil_sen: compare within month, season or day only."),
    ] = None,
    min_valid: MinValid = 3,
    confidence: Confidence = 0.95,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Linear trend of every cell, with its uncertainty.

    A trend of values with a seasonal cycle is poorly known: take the anomaly first.

    \b
    climcube anomaly sst.zarr -o anomaly.zarr
    climcube trend anomaly.zarr -o trend.nc
    climcube trend sst_monthly.zarr --method theil_sen --seasonal month -o sen.nc
    climcube trend heatwaves.zarr --group annual --variable days -o more_heatwaves.nc
    """
    import climcube as cc

    layout = "series" if method == "theil_sen" or test == "mann_kendall" else None
    cube = open_cube(target, variable, catalog, group=group, layout=layout)
    result = cc.trend(
        cube, method=method, test=test, per=per, autocorrelation=autocorrelation, lags=lags,
        seasonal=seasonal, min_valid=min_valid, confidence=confidence,
    )  # fmt: skip
    cc.save(result, output, overwrite=overwrite)
    typer.echo(f"trend of {cube.name!r} written to {output}")


def trend_moments(
    target: Target,
    output: Output,
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="MOMENTS", help="Of the record up to the cube: the two are joined."
        ),
    ] = None,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Sums from which a trend is made, and to which new times are added.

    A trend of forty years needs to be read once; a new month then costs what a month costs.

    \b
    climcube trend-moments anomaly.zarr -o moments.nc
    climcube trend-moments new_month.nc --before moments.nc -o moments_2.nc
    climcube trend moments_2.nc -o trend.nc
    """
    import climcube as cc

    cube = open_cube(target, variable, catalog, group=group)
    earlier = None if before is None else open_cube(before, None, catalog)
    result = cc.trend_moments(cube, before=earlier)
    _write(result, output, overwrite, f"moments of the trend of {cube.name!r}")


def change(
    target: Target,
    output: Output,
    period_a: Annotated[
        str,
        typer.Option(
            "--from", metavar="FIRST-LAST", help="First period: years, both included, as 1961-1990."
        ),
    ],
    period_b: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FIRST-LAST",
            help="Second period, whose mean is compared with the first's.",
        ),
    ],
    autocorrelation: Memory = "ar1",
    min_valid: MinValid = 3,
    confidence: Confidence = 0.95,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Difference of the means of two periods, with Welch's test on effective sample sizes.

    \b
    climcube change annual.zarr --from 1961-1990 --to 1991-2020 -o change.nc
    """
    import climcube as cc

    a, b = parse_period(period_a, "--from"), parse_period(period_b, "--to")
    cube = open_cube(target, variable, catalog, group=group)
    result = cc.change(
        cube, a, b, autocorrelation=autocorrelation, min_valid=min_valid, confidence=confidence
    )
    _write(result, output, overwrite, f"change of {cube.name!r}")


def quantile_trend(
    target: Target,
    output: Output,
    quantile: Annotated[
        list[float],
        typer.Option(
            "--quantile",
            "-q",
            help="Share of values below the line, between 0 and 1; may be repeated.",
        ),
    ] = [0.05, 0.5, 0.95],  # noqa: B006 - Typer's way of a repeated option
    test: Annotated[
        str, typer.Option("--test", help="Where p-values and limits come from: rank_score or t.")
    ] = "rank_score",
    per: Per = "decade",
    autocorrelation: Memory = "ar1",
    min_valid: MinValid = 3,
    confidence: Confidence = 0.95,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Linear trend of quantiles (quantile regression): whether extremes move as the middle does.

    \b
    climcube quantile-trend anomaly.zarr -q 0.05 -q 0.5 -q 0.95 -o quantiles.nc
    """
    import climcube as cc

    cube = open_cube(target, variable, catalog, group=group, layout="series")
    result = cc.quantile_trend(
        cube, quantile, test=test, per=per, autocorrelation=autocorrelation, min_valid=min_valid,
        confidence=confidence,
    )  # fmt: skip
    _write(result, output, overwrite, f"quantile trends of {cube.name!r}")


def breakpoint_(
    target: Target,
    output: Output,
    autocorrelation: Memory = "ar1",
    min_valid: MinValid = 10,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """When the level changed most, with Pettitt's test.

    \b
    climcube breakpoint annual.zarr -o breakpoint.nc
    """
    import climcube as cc

    cube = open_cube(target, variable, catalog, group=group, layout="series")
    result = cc.breakpoint(cube, autocorrelation=autocorrelation, min_valid=min_valid)
    _write(result, output, overwrite, f"breakpoint of {cube.name!r}")


def emergence(
    target: Target,
    output: Output,
    base_period: Annotated[
        str,
        typer.Option(
            "--base-period",
            metavar="FIRST-LAST",
            help="Years that the signal is relative to, both included.",
        ),
    ],
    threshold: Annotated[
        float, typer.Option("--threshold", help="Signal to noise that must be exceeded.")
    ] = 2.0,
    degree: Annotated[
        int, typer.Option("--degree", help="Of the polynomial in time that is the signal: 1 to 4.")
    ] = 1,
    driver: Annotated[
        str | None,
        typer.Option(
            "--driver", metavar="CUBE", help="One annual series to regress each cell on instead."
        ),
    ] = None,
    min_valid: MinValid = 10,
    variable: Variable = None,
    group: Group = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Signal to noise of annual values, and the year from which it stays large.

    \b
    climcube emergence annual.zarr --base-period 1901-1930 -o emergence.nc
    climcube emergence annual.zarr --base-period 1901-1930 --driver gmst.nc -o emergence.nc
    """
    import climcube as cc

    cube = open_cube(target, variable, catalog, group=group, layout="series")
    result = cc.emergence(
        cube, base_period=parse_period(base_period), threshold=threshold, degree=degree,
        driver=None if driver is None else open_cube(driver, None, catalog), min_valid=min_valid,
    )  # fmt: skip
    _write(result, output, overwrite, f"emergence of {cube.name!r}")


def false_positive_rates(
    n: Annotated[
        list[int], typer.Option("--length", "-n", help="Length of the series; may be repeated.")
    ] = [40],  # noqa: B006 - Typer's way of a repeated option
    phi: Annotated[
        list[float], typer.Option("--phi", help="Their lag-1 autocorrelation; may be repeated.")
    ] = [0.0, 0.3, 0.6],  # noqa: B006
    test: Annotated[
        list[str] | None,
        typer.Option(
            "--test", help="Test to try, such as 'ols: ar1'; may be repeated.  [default: all]"
        ),
    ] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Level of the tests.")] = 0.05,
    series: Annotated[
        int, typer.Option("--series", help="Number of series for each length and autocorrelation.")
    ] = 2000,
    seed: Annotated[int, typer.Option("--seed", help="Of the random numbers.")] = 0,
) -> None:
    """How often each test is significant in red noise that has no trend.

    \b
    climcube false-positive-rates -n 40 --phi 0 --phi 0.6
    """
    import climcube as cc

    rates = cc.false_positive_rates(
        n, phi, tests=test or None, alpha=alpha, series=series, seed=seed
    )
    for length in rates["n"].values:
        typer.echo(f"n = {length}, share of {series} series with p < {alpha:g}")
        table = rates.sel(n=length).to_pandas().rename_axis(index=None)
        typer.echo(table.to_string(float_format="%.3f") + "\n")


def _write(result: Any, output: str, overwrite: bool, what: str) -> None:
    import climcube as cc

    cc.save(result, output, overwrite=overwrite)
    typer.echo(f"{what} written to {output}")
