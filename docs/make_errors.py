"""List every message that climcube's errors have, from the source: reference/errors.md.

Each place where the code makes an error of the tree in `climcube.errors` is an entry: the message
as it is printed, what to do, and the class, which says what kind of fault it is.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from climcube import errors

SOURCE = Path(__file__).parents[1] / "src" / "climcube"
_FIELDS = ("where", "expected", "found", "remedy")
_FACTS = "<...>"  # what messages that begin with a fact are listed under


@dataclass(frozen=True, order=True)
class Message:
    """A message: what it says before facts are filled in, and where it is made."""

    what: str
    kind: str
    where: str | None = None
    expected: str | None = None
    found: str | None = None
    remedy: str | None = None

    @property
    def anchor(self) -> str:
        """The name of the message in an address: its words, and a digest that tells twins apart."""
        words = re.sub(r"[^a-z0-9]+", "-", self.what.lower()).strip("-")[:48].strip("-")
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:6]
        return f"error-{words}-{digest}" if words else f"error-{digest}"


def messages() -> list[Message]:
    """Return all messages, in the order of their words."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))]
    found = {message for tree in trees for message in _messages_in(tree, trees)}
    return sorted(
        found, key=lambda m: (_letter(m) == _FACTS, _letter(m), m.what.lower(), m.kind, repr(m))
    )


def _messages_in(tree: ast.Module, trees: list[ast.Module]) -> Iterator[Message]:
    known = _constants(tree)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    inside = {call: f for f in functions for call in ast.walk(f) if isinstance(call, ast.Call)}
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call) and n.args):
        kind = getattr(errors, _name(call.func), None)
        if not (isinstance(kind, type) and issubclass(kind, errors.ClimcubeError)):
            continue
        function = inside.get(call)
        hidden = function is None or function.name.startswith("_")
        for words in _said(call, function, [tree] if hidden else trees):
            texts = known | words
            facts = {k.arg: _text(k.value, texts) for k in call.keywords if k.arg in _FIELDS}
            yield Message(_text(call.args[0], texts) or "<...>", kind.__name__, **facts)


def _constants(tree: ast.Module) -> dict[str, str]:
    """Return the texts that a module has names for."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _said(
    error: ast.Call, function: ast.FunctionDef | None, trees: list[ast.Module]
) -> list[dict[str, str]]:
    """Return what each caller of a function says in the error that the function makes."""
    if function is None:
        return [{}]
    names = [argument.arg for argument in [*function.args.posonlyargs, *function.args.args]]
    taken = {n.id for n in ast.walk(error.args[0]) if isinstance(n, ast.Name)}
    if not taken & {*names, *(argument.arg for argument in function.args.kwonlyargs)}:
        return [{}]
    said = []
    for call in (n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call)):
        if _name(call.func) == function.name:
            given = dict(zip(names, call.args, strict=False))
            given |= {k.arg: k.value for k in call.keywords if k.arg}
            texts = {n: v.value for n, v in given.items() if isinstance(v, ast.Constant)}
            joined = {n: _text(v, {}) for n, v in given.items() if isinstance(v, ast.JoinedStr)}
            said.append({n: str(v) for n, v in (texts | joined).items()})
    return said or [{}]


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", None) or getattr(node, "id", None) or ""


def _text(node: ast.expr, known: dict[str, str]) -> str | None:
    """Return what an expression prints, with a word for each thing known at run time only."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=value):
            return str(value)
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, known) or "" for part in parts)
        case ast.FormattedValue(value=value):
            return _text(value, known)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return (_text(left, known) or "") + (_text(right, known) or "")
        case ast.IfExp(body=body, orelse=other):
            either = [text for text in (_text(body, known), _text(other, known)) if text]
            return " / ".join(dict.fromkeys(either)) or None
        case ast.Name(id=name) if name in known:
            return known[name]
        case _:
            return _word(node)


def _word(node: ast.expr) -> str:
    """Return the name of a value, as <name>."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr="join")):
            return "<...>"
        case ast.Call(args=[first, *_]):
            return _word(first)
        case ast.Call(func=func):
            return _word(func)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return f"<{name.strip('_').replace('_', ' ')}>"
        case ast.Subscript(value=value) | ast.Starred(value=value):
            return _word(value)
        case _:
            return "<...>"


def _letter(message: Message) -> str:
    """Return what a message is listed under; those that begin with a fact stand last."""
    first = message.what[:1].upper()
    return first if first.isascii() and first.isalpha() else _FACTS


def page() -> str:
    """Return the index as Markdown, by first letter."""
    lines: list[str] = []
    letter = ""
    for message in messages():
        if _letter(message) != letter:
            letter = _letter(message)
            lines += [f"## {letter}", ""]
        lines += _entry(message)
    return "\n".join(lines) + "\n"


def _entry(message: Message) -> list[str]:
    kind = getattr(errors, message.kind)
    meaning = (kind.__doc__ or "").strip().splitlines()[0].replace("``", "`")
    lines = [
        f"({message.anchor})=",
        f"**{_plain(message.what)}**",
        f": `{message.kind}`. {meaning}",
    ]
    lines += [
        f"  {name.capitalize()}: {_plain(value)}."
        for name in ("where", "expected", "found")
        if (value := getattr(message, name))
    ]
    if message.remedy:
        lines.append(f"  *What to do:* {_plain(message.remedy)}.")
    return [*lines, ""]


def _plain(text: str) -> str:
    """Keep Markdown from reading marks of its own in a message."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~@])", r"\\\1", " ".join(text.split()))


if __name__ == "__main__":
    print(page())
