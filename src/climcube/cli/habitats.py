"""Commands that ask where climates move, and where species can live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from climcube.cli.arguments import (
    Catalog,
    Output,
    Overwrite,
    Target,
    Variable,
    open_whole,
    parse_period,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["climate_velocity", "habitat"]


def climate_velocity(
    target: Target,
    output: Output,
    per: Annotated[str, typer.Option("--per", help="Time unit: decade, year ...")] = "decade",
    annual: Annotated[
        bool, typer.Option("--annual/--as-is", help="Take annual means first.")
    ] = True,
    method: Annotated[
        str, typer.Option("--method", help="Of the trend: ols or theil_sen.")
    ] = "ols",
    min_valid: Annotated[
        int, typer.Option("--min-valid", help="Fewer values than this give no answer.")
    ] = 3,
    gradient_floor: Annotated[
        float | None,
        typer.Option("--gradient-floor", help="Least gradient, per km.  [default: 1e-4 degC]"),
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """How fast, and whither, lines of equal temperature move: trend over spatial gradient.

    \b
    climcube climate-velocity sst.zarr -o velocity.nc
    climcube climate-velocity annual.zarr --as-is --method theil_sen -o velocity.nc
    """
    import climcube as cc

    cube, given = open_whole(target, variable, catalog)
    name = cube.name
    if annual:
        cube = cc.annual_mean(given)
    if method == "theil_sen":
        cube = cc.rechunk(cube, layout="series")
    result = cc.climate_velocity(
        cube, per=per, method=method, min_valid=min_valid, gradient_floor=gradient_floor
    )
    cc.save(result, output, overwrite=overwrite)
    typer.echo(f"climate velocity of {name!r} written to {output}")


def habitat(
    target: Target,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="STORE", help="Years and areas: .zarr store."),
    ] = None,
    thermal_range: Annotated[
        str | None,
        typer.Option(
            "--range", "-r", metavar="MIN,MAX", help="Or MIN,PREFERRED_MIN,PREFERRED_MAX,MAX."
        ),
    ] = None,
    species_table: Annotated[
        str | None,
        typer.Option(
            "--species-table",
            metavar="FILE",
            help="CSV with a row for each species: species, min, preferred_min, preferred_max, "
            "max.",
        ),
    ] = None,
    species: Annotated[
        list[str] | None,
        typer.Option("--species", metavar="NAME", help="Of the table; may be repeated.  [all]"),
    ] = None,
    units: Annotated[
        str | None, typer.Option("--units", help="Of the range.  [default: the cube's]")
    ] = None,
    threshold: Annotated[
        float, typer.Option("--threshold", help="Suitability above which a cell is habitat.")
    ] = 0.5,
    min_coverage: Annotated[
        float, typer.Option("--min-coverage", help="Share that must have a value.")
    ] = 0.9,
    period_a: Annotated[
        str | None, typer.Option("--from", metavar="FIRST-LAST", help="Years, as 1961-1990.")
    ] = None,
    period_b: Annotated[
        str | None, typer.Option("--to", metavar="FIRST-LAST", help="Years compared with them.")
    ] = None,
    variable: Variable = None,
    catalog: Catalog = None,
    overwrite: Overwrite = False,
) -> None:
    """Where and for how long a species finds its temperature: area, days, shift, gain and loss.

    \b
    climcube habitat sst.zarr --range 5,10,18,22 --units degC
    climcube habitat sst.zarr -r 5,22 --from 1991-2005 --to 2006-2020 -o habitat.zarr
    climcube habitat sst.zarr --species-table species.csv --species cod -o cod.zarr
    """
    import climcube as cc

    if (period_a is None) != (period_b is None):
        raise typer.BadParameter("goes with the other of --from and --to", param_hint="--from")
    wanted = _range(thermal_range, species_table, species)
    periods = [parse_period(period_a, "--from"), parse_period(period_b, "--to")]
    cube, given = open_whole(target, variable, catalog)
    found = cc.habitat(
        given, thermal_range=wanted, units=units, threshold=threshold, min_coverage=min_coverage
    )
    parts = found.datasets()
    if periods[0] is not None and periods[1] is not None:
        parts["change"] = found.change(periods[0], periods[1])
    if output is not None:
        cc.save(parts, output, overwrite=overwrite)
        typer.echo(f"habitat by {cube.name!r} written to {output}")
    else:
        told = ("area" if "area" in parts else "periods", "change")
        _tell({name: parts[name].compute() for name in told if name in parts})


def _tell(parts: dict[str, Any]) -> None:
    """Print areas (days, of a station), of each species if there are several."""
    on_map = "area" in parts
    main = parts["area"]["area"] if on_map else parts["periods"]["days"]
    text = "suitable area, mean of the record" if on_map else "suitable days, mean of the years"
    unit = "km2" if on_map else "days"
    names = [str(n) for n in main["species"].values] if "species" in main.dims else [""]
    for name in names:
        own = main.sel(species=name) if name else main
        label = f"{name}: " if name else ""
        typer.echo(f"{label}{text}: {float(own.mean()):,.0f} {unit}")
        if "change" in parts and on_map:
            change = parts["change"].sel(species=name) if name else parts["change"]
            words = (
                f"{w} {float(change[f'area_{w}'].sum()):,.0f}" for w in ("gain", "loss", "stable")
            )
            typer.echo(f"{label}{', '.join(words)} km2")


def _range(text: str | None, table: str | None, species: list[str] | None) -> Any:
    """Return the range, or the rows of the table, that were asked for."""
    if (text is None) == (table is None):
        raise typer.BadParameter("pass one of --range and --species-table", param_hint="--range")
    if table is not None:
        return _rows(table, species)
    if species:
        raise typer.BadParameter("is of --species-table", param_hint="--species")
    try:
        return tuple(float(part) for part in str(text).split(","))
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not numbers and commas, as in 10,20", param_hint="--range"
        ) from None


def _rows(path: str, species: list[str] | None) -> pd.DataFrame:
    import pandas as pd

    from climcube.errors import ParameterError, StoreNotFoundError, suggest

    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True)
    except FileNotFoundError:
        raise StoreNotFoundError("no such species table", where=path) from None
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise ParameterError(
            "the species table cannot be read", where=path,
            expected="a CSV file with a header", found=str(error).partition("\n")[0],
        ) from None  # fmt: skip
    column = next((c for c in table.columns if str(c).lower() == "species"), None)
    if not species:
        return table
    if column is None:
        raise ParameterError(
            "the table has no column of species", where=path, expected="a column 'species'",
            found=", ".join(map(str, table.columns)),
        )  # fmt: skip
    known = table[column].astype(str)
    for name in species:
        if name not in set(known):
            raise ParameterError(
                "no such species", where=path, found=repr(name), remedy=suggest(name, known)
            )
    return table[known.isin(species)]
