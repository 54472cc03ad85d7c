"""What the command line makes of errors and warnings: one line each, and an exit code."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import typer
import typer.core

from climcube.errors import ClimcubeError, ClimcubeWarning

__all__ = ["INTERRUPTED", "MISTAKE", "ErrorLines"]

MISTAKE, INTERRUPTED = 1, 130  # 2, wrong usage, is Typer's own


# What warnings say in Python, as one would type it here; the longest first.
_WORDS = (
    (r"pass seasonal='month' \(or 'day'\)", "pass --seasonal month (or day)"),
    (r"cc\.climate_velocity\(cc\.annual_mean\(cube\)\)", "leave out --as-is"),
    (r"cc\.(\w+)\(cc\.anomaly\(cube, '(\w+)'\)[^)]*\)",
     r"climcube anomaly CUBE --frequency \2, then the same command of that"),
    (r"\bcc\.(\w+)\(cube\)", lambda m: f"climcube {m[1].replace('_', '-')} CUBE"),
)  # fmt: skip


# An argument as it stands in a message: resume=True, layout='maps', workers=0, variable=...,
# base_period=(1991, 2020).
_ARGUMENT = re.compile(r"\b([a-z_]+)=(True|'[^']*'|-?[\d.]+|\(\d+, \d+\))?(?=[\s,;:)]|$)")
_MODES = (
    (r"\bmode='(append|replace)'", r"--\1"),
    (r"\bmode='new'", "leave out --append and --replace"),
)


def in_words(text: str, options: Collection[str] = ()) -> str:
    """Return what a warning or error says with the options and commands of the command line.

    Parameters
    ----------
    text
        As it is said in Python.
    options
        Of the command that runs: an argument of such a name is one of them.

    >>> in_words("the target exists; pass overwrite=True", ["--overwrite"])
    'the target exists; pass --overwrite'
    >>> in_words("found groups annual, climatology; pass group='annual'")
    'found groups annual, climatology; pass its path as STORE/annual'
    >>> in_words("pass base_period=(2010, 2020)", ["--base-period"])
    'pass --base-period 2010-2020'
    >>> in_words("take it out first: cc.trend(cc.anomaly(cube, 'month')), or pass base_period=",
    ...          ["--base-period"])
    'take it out first: climcube anomaly CUBE --frequency month, then the same command of that, \
or pass --base-period'
    """
    for pattern, words in (*_WORDS, *(_MODES if "--append" in options else ())):
        text = re.sub(pattern, words, text)

    def option(found: re.Match[str]) -> str:
        name, value = f"--{found[1].replace('_', '-')}", (found[2] or "").strip("'")
        if name not in options:
            return f"its path as STORE/{value}" if name == "--group" and value else found[0]
        if value.startswith("("):
            value = "-".join(re.findall(r"\d+", value))
        return f"{name} {value}" if value not in ("", "True", "...") else name

    text = _ARGUMENT.sub(option, text)
    return " ".join(text.split())


@contextmanager
def _warning_lines(options: Callable[[], Collection[str]]) -> Iterator[None]:
    """Print what is meant for users as one line without code; other warnings as Python does."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if category is UserWarning or issubclass(category, ClimcubeWarning):
                typer.echo(f"climcube: warning: {in_words(str(message), options())}", err=True)
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield


class ErrorLines(typer.core.TyperGroup):
    """A group of commands whose expected errors end as ``climcube: error: ...``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with ``--debug`` errors pass through with their traceback."""
        try:
            with _warning_lines(lambda: _options(self, ctx)):
                return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            # What is kept, and how to go on, is noted where it was stopped.
            notes = [n.removeprefix("climcube: ") for n in getattr(stopped, "__notes__", ())]
            words = in_words("; ".join(notes), _options(self, ctx))
            typer.echo("climcube: interrupted" + (f"; {words}" if words else ""), err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except (ClimcubeError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            words = in_words(str(error), _options(self, ctx))
            typer.echo(f"climcube: error: {words}", err=True)
            raise typer.Exit(MISTAKE) from None


def _options(group: Any, ctx: Any) -> set[str]:
    """Return the options of the command that runs, and those that hold for every command."""
    command = group.commands.get(ctx.invoked_subcommand)
    commands = [group, command, *getattr(command, "commands", {}).values()]
    return {o for c in commands if c is not None for p in c.params for o in p.opts}
