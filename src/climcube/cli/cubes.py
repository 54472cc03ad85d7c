"""Commands about the cube itself: look at one, make one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from climcube.cli.arguments import Catalog, Overwrite, Target, Variable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["describe", "info", "ingest"]


def info(target: Target, variable: Variable = None, catalog: Catalog = None) -> None:
    """Say what a cube holds: variables, period, calendar, grid, size; nothing is computed.

    \b
    climcube info sst.zarr
    climcube info "raw/sst_*.nc"
    climcube info noaa-oisst --variable sst
    """
    import climcube as cc

    cube = cc.open(target, variable=variable, catalog=catalog)
    for line in describe(cube if variable is None else cube.to_dataset()):
        typer.echo(line)


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
    variables: Annotated[
        list[str] | None,
        typer.Option("--variable", "-v", metavar="NAME", help="Only this variable; repeatable."),
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
    report = cc.ingest(sources, store, variables=variables or None, overwrite=overwrite)
    typer.echo(str(report))


def describe(cube: xr.Dataset) -> list[str]:
    """Return the lines that ``climcube info`` shows."""
    from climcube import provenance

    lines = []
    if title := cube.attrs.get("title"):
        lines.append(f"title      {title}")
    for source in provenance.read(cube).get("sources", [])[:1]:
        lines.append(f"source     {source.get('address')}")
    lines += [_axis_line(cube, str(name)) for name in cube.dims if name in cube.coords]
    for name, variable in cube.data_vars.items():
        shape = ", ".join(f"{d}: {n}" for d, n in variable.sizes.items())
        facts = [f"{variable.dtype}", str(variable.attrs.get("units", "no units"))]
        if "scale_factor" in variable.encoding:
            facts.append(f"packed as {variable.encoding.get('dtype')}")
        if variable.chunks:
            facts.append("chunks " + " x ".join(str(c[0]) for c in variable.chunks))
        facts.append(_size(variable.nbytes))
        lines.append(f"variable   {name} ({shape})  " + ", ".join(facts))
    return lines


def _axis_line(cube: xr.Dataset, name: str) -> str:
    from climcube.cubes.coordinates import is_dated

    axis = cube[name]
    if not axis.size:
        return f"axis       {name}: empty"
    ends = [axis.values[0], axis.values[-1]]
    if is_dated(axis):
        shown = [str(end)[:10] for end in ends]
        what = f"{axis.dt.calendar} calendar"
    else:
        shown = [f"{end:g}" if axis.dtype.kind in "fiu" else str(end) for end in ends]
        what = str(axis.attrs.get("units", ""))
    return f"axis       {name}: {axis.size} from {shown[0]} to {shown[1]} {what}".rstrip()


def _size(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
