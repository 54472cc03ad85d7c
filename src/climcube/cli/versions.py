"""Commands about the versions of a store."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The versions of a store: list them, name them, go back to one, let old ones go.",
)
Store = Annotated[
    str,
    typer.Argument(
        metavar="STORE", help="A versioned store: folder or s3://...", show_default=False
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Which = Annotated[
    str | None,
    typer.Option(
        "--version",
        metavar="VERSION",
        help="A tag, branch, id, or date.  [default: the newest]",
        show_default=False,
    ),
]


@app.command("ls", short_help="List the versions.")
def list_versions(
    store: Store,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:
    """List the versions of a store, newest first.

    \b
    climcube versions ls s3://bucket/sst.icechunk
    """
    import climcube as cc

    table = cc.versions(store)
    if as_csv:
        typer.echo(table.to_csv(), nl=False)
        return
    shown = table.reset_index().fillna("")
    shown["when"] = shown["when"].dt.strftime("%Y-%m-%d %H:%M")
    typer.echo(shown.to_string(index=False))


@app.command("tag", short_help="Give a version a name that never moves.")
def tag(store: Store, name: Name, version: Which = None) -> None:
    """Give a version a name that never moves, for a paper say.

    \b
    climcube versions tag sst.icechunk paper-2026
    climcube versions tag sst.icechunk before-the-flood --version 2026-01-31
    """
    import climcube as cc

    typer.echo(cc.tag_version(store, name, version))


@app.command("branch", short_help="Begin a branch at a version.")
def branch(store: Store, name: Name, version: Which = None) -> None:
    """Begin a branch at a version: changes published to it leave main as it is.

    \b
    climcube versions branch sst.icechunk trial
    """
    import climcube as cc

    typer.echo(cc.branch_version(store, name, version))


@app.command("remove", short_help="Remove a tag or a branch.")
def remove(store: Store, name: Name) -> None:
    """Remove a tag or a branch; its versions stay until they expire.

    \b
    climcube versions remove sst.icechunk trial
    """
    import climcube as cc

    cc.remove_version_name(store, name)


@app.command("rollback", short_help="Make an old version the newest again.")
def rollback(
    store: Store,
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="A tag, id, or date.", show_default=False)
    ],
    message: Annotated[
        str | None, typer.Option("--message", "-m", metavar="TEXT", help="Why.")
    ] = None,
) -> None:
    """Make an old version the newest again; what it replaces is kept under a tag.

    \b
    climcube versions rollback sst.icechunk 2026-11-20 -m "the preliminary days were wrong"
    """
    import climcube as cc

    typer.echo(cc.roll_back(store, version, message=message))


@app.command("expire", short_help="Let old versions go.")
def expire(
    store: Store,
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="DATE", help="Written before this day.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Let versions go, and remove the objects that only they had.

    The newest version and every version with a tag or a branch stay.

    \b
    climcube versions expire s3://bucket/sst.icechunk --older-than 2026-01-01 --dry-run
    """
    import climcube as cc

    gone = cc.expire_versions(store, older_than, dry_run=dry_run)
    for version in gone.versions:
        typer.echo(version)
    word = "would go" if dry_run else "gone"
    typer.echo(
        f"{len(gone.versions)} versions, {gone.objects} objects, {gone.bytes} bytes {word}",
        err=True,
    )
