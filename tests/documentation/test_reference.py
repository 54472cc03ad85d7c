"""The reference is complete: every public name, every command, every error message."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator

import click
import pytest
import typer

import climcube as cc
from climcube import errors
from climcube.cli import app
from docs import make_errors
from tests.documentation.blocks import ROOT

REFERENCE = ROOT / "docs" / "reference"
MESSAGES = make_errors.messages()


def listed(page: str) -> list[str]:
    """Return the names in the tables of a page of the reference."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    tables = re.findall(r"^```\{eval-rst\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^   ([A-Za-z]\w*(?:\.\w+)*)$", "\n".join(tables), re.MULTILINE)


def test_every_public_name_is_listed_once() -> None:
    names = [name for name in listed("api.md") if "." not in name]
    modules = {"errors", "options", "plot", "testing", "ClimcubeError"}
    assert Counter(names) == Counter(set(cc.__all__) - modules)


@pytest.mark.parametrize("room", ["plots", "testing"])
def test_every_name_of_a_module_is_listed_once(room: str) -> None:
    module = cc.plot if room == "plots" else cc.testing
    names = [name.split(".")[1] for name in listed("api.md") if name.startswith(f"{room}.")]
    public = {name for name in module.__all__ if callable(getattr(module, name))}
    assert Counter(names) == Counter(public)


def commands(group: click.Command, words: str) -> Iterator[str]:
    for name, command in getattr(group, "commands", {}).items():
        if not getattr(command, "commands", {}):
            yield f"{words} {name}"
        yield from commands(command, f"{words} {name}")


def test_every_command_is_in_the_table() -> None:
    text = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    table = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    written = " ".join(re.findall(r"`([^`]+)`", table))
    for command in commands(typer.main.get_command(app), "climcube"):
        assert re.search(rf"\b{command.split()[-1]}\b", written), f"{command} is in no table"


def test_messages_have_addresses_of_their_own() -> None:
    anchors = Counter(message.anchor for message in MESSAGES)
    assert max(anchors.values()) == 1
    assert all(re.fullmatch(r"error-[a-z0-9-]+", anchor) for anchor in anchors)


def test_every_error_made_in_the_source_is_in_the_index() -> None:
    made: Counter[tuple[str, object]] = Counter()
    for path in make_errors.SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id=kind), args=[ast.Constant(value=what), *_]):
                    if hasattr(errors, kind) and kind.endswith("Error"):
                        made[kind, what] += 1
    assert len(made) > 300
    assert not set(made) - {(message.kind, message.what) for message in MESSAGES}


@pytest.mark.parametrize("kind", sorted({message.kind for message in MESSAGES}))
def test_the_index_says_what_kind_of_fault_it_is(kind: str) -> None:
    assert (getattr(errors, kind).__doc__ or "").strip()


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: errors.require_choice("method", "x", ["ols"]),
        lambda: cc.trend(cc.testing.synthetic_ocean(years=1, shape=(2, 2)).sst, per="x"),
        lambda: cc.open("nothing.zarr"),
        lambda: cc.fdr("x"),  # type: ignore[arg-type]
    ],
)
def test_what_is_printed_is_found(mistake: Callable[[], object]) -> None:
    with pytest.raises(cc.ClimcubeError) as caught:
        mistake()
    printed = str(caught.value)
    assert "\n" not in printed
    found = [m for m in MESSAGES if re.match(as_pattern(m), printed)]
    assert type(caught.value).__name__ in {message.kind for message in found}


def as_pattern(message: make_errors.Message) -> str:
    """Return what the printed form of a message matches."""
    fixed = [re.escape(part) for part in re.split(r"<[^<>]*>", message.what)]
    return ".+".join(fixed) if any(len(part) > 5 for part in fixed) else r"(?!)"
