"""What the command line makes of errors and warnings: one line each, and an exit code."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
import typer.core

from climcube.errors import ClimcubeError

__all__ = ["INTERRUPTED", "MISTAKE", "ErrorLines"]

MISTAKE, INTERRUPTED = 1, 130  # 2, wrong usage, is Typer's own


# What warnings say in Python, as one would type it here; the longest first.
_WORDS = (
    (r"pass seasonal='month' \(or 'day'\)", "pass --seasonal month (or day)"),
    (r"cc\.climate_velocity\(cc\.annual_mean\(cube\)\)", "leave out --as-is"),
    (r"cc\.(\w+)\(cc\.anomaly\(cube, '(\w+)'\)[^)]*\)",
     r"climcube anomaly CUBE --frequency \2, then the same command of that"),
    (r"\bcc\.(\w+)\(cube\)", lambda m: f"climcube {m[1].replace('_', '-')} CUBE"),
    (r"\b(base_period|min_coverage|min_samples|climatology|seasonal)=",
     lambda m: f"--{m[1].replace('_', '-')}"),
)  # fmt: skip


def in_words(text: str) -> str:
    """Return what a warning says with the options and commands of the command line.

    >>> in_words("take it out first: cc.trend(cc.anomaly(cube, 'month')), or pass base_period=")
    'take it out first: climcube anomaly CUBE --frequency month, then the same command of that, \
or pass --base-period'
    """
    for pattern, words in _WORDS:
        text = re.sub(pattern, words, text)
    return " ".join(text.split())


@contextmanager
def _warning_lines() -> Iterator[None]:
    """Print what is meant for users as one line without code; other warnings as Python does."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            if category is UserWarning:
                typer.echo(f"climcube: warning: {in_words(str(message))}", err=True)
            else:
                usual(message, category, *where, **more)

        warnings.showwarning = show
        yield


class ErrorLines(typer.core.TyperGroup):
    """A group of commands whose expected errors end as ``climcube: error: ...``."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; with ``--debug`` errors pass through with their traceback."""
        try:
            with _warning_lines():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("climcube: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except (ClimcubeError, OSError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"climcube: error: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(MISTAKE) from None
