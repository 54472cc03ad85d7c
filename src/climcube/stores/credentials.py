"""Credentials that were handed over by value: used in this process, shown and sent nowhere.

A `Secret` is the text itself for whoever signs a request. Printed it is hidden, and pickled it is
a reference, which only the process that made it, and its forks, can follow. A worker elsewhere
finds its own credentials in the usual places; an address that is itself a secret (a signature
in it, a password) is an error there.
"""

from __future__ import annotations

import re
import secrets
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from climcube.errors import CredentialsWarning, ParameterError, StoreError
from climcube.provenance import redact

__all__ = ["Secret", "cause", "hidden_address", "hidden_options", "secret_texts", "without_secrets"]

_NAMES = re.compile(
    r"key|secret|token|passw|credential|signature|authorization|cookie|username|login",
    re.IGNORECASE,
)
# Words that say which credentials are meant: references themselves.
_WORDS = frozenset({"anon", "google_default", "cloud", "cache", "browser", "profile"})
_known: dict[str, tuple[str, str]] = {}  # by reference: what it is, and the text
_references: dict[tuple[str, str], str] = {}


class Secret(str):
    """A text that neither `repr` nor a pickle gives away.

    >>> Secret("hunter2"), Secret("hunter2") == "hunter2"
    ('(hidden ...)', True)
    """

    __slots__ = ("_what",)
    _what: str

    def __new__(cls, text: str, what: str = "credential") -> Secret:
        """Hide a text; ``what`` it is decides what a process does that cannot know it."""
        made = super().__new__(cls, text)
        made._what = what
        _referred(what, text)
        return made

    def __repr__(self) -> str:
        # Different secrets look different: fsspec tells connections apart by what they print.
        return f"'(hidden {_referred(self._what, str(self))})'"

    def __reduce__(self) -> tuple[Any, ...]:
        return _follow, (_referred(self._what, str(self)), self._what)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: Any) -> Secret:
        return self


def _referred(what: str, text: str) -> str:
    reference = _references.setdefault((what, text), secrets.token_hex(8))
    _known[reference] = (what, text)
    return reference


def secret_texts() -> list[str]:
    """Return the secrets of this process that were handed over by value."""
    return [text for _, text in list(_known.values())]


def hidden_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return storage options whose keys, secrets, tokens and passwords are each a `Secret`.

    >>> hidden_options({"secret": "hunter2", "anon": False})
    {'secret': '(hidden ...)', 'anon': False}
    """
    if not isinstance(options, Mapping | None):
        raise ParameterError(
            "storage options not understood", expected="a mapping, as {'anon': True}",
            found=type(options).__name__,
        )  # fmt: skip
    found = {name: _hidden(str(name), value) for name, value in (options or {}).items()}
    if _holds_secrets(found):
        _warn_of_workers()
    return found


def hidden_address(address: str) -> str:
    """Return an address as it is, or as a `Secret` where it holds a password or a signature.

    >>> hidden_address("s3://bucket/x"), hidden_address("https://host/x?sig=abc")
    ('s3://bucket/x', '(hidden ...)')
    """
    if isinstance(address, Secret) or "://" not in address or redact(address) == address:
        return address
    return Secret(address, f"the address {redact(address)}")


def without_secrets(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options, or the description of a file system, with each secret left out."""
    return {
        name: without_secrets(value) if isinstance(value, Mapping) else value
        for name, value in options.items()
        if not isinstance(value, Secret)
    }


def cause(address: str, error: BaseException) -> BaseException | None:
    """Return what an error of ours is raised from: nothing, where it tells a secret address."""
    return None if isinstance(hidden_address(address), Secret) else error


def _hidden(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(str(key), item) for key, item in value.items()}
    if isinstance(value, str) and not isinstance(value, Secret) and _NAMES.search(name):
        return value if value in _WORDS else Secret(value)
    return value


def _holds_secrets(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_secrets(item) for item in value.values())
    return isinstance(value, Secret)


def _follow(reference: str, what: str) -> Secret | None:
    """Return the secret that is meant, in the process that knows it."""
    if reference in _known:
        kind, text = _known[reference]
        return Secret(text, kind)
    if what == "credential":
        warnings.warn(
            CredentialsWarning(
                "credentials that another process was given by value are not known here; those of "
                "this process are used (AWS_PROFILE, AWS_ACCESS_KEY_ID, configuration files)"
            ),
            stacklevel=2,
        )
        return None  # the file system then looks in the usual places of this machine
    raise StoreError(
        f"{what} is known in one process only", expected="an address without password or signature",
        remedy="open it without a cluster, or where workers have credentials of their own",
    )  # fmt: skip


def _warn_of_workers() -> None:
    module = sys.modules.get("distributed.client")
    client = None if module is None else module._get_global_client()
    if client is None or getattr(getattr(client, "cluster", None), "processes", True) is False:
        return
    warnings.warn(
        CredentialsWarning(
            "credentials in storage_options are not sent to the workers of the Dask client, which "
            "use their own: set AWS_PROFILE or AWS_ACCESS_KEY_ID there, or pass {'profile': ...}"
        ),
        stacklevel=3,
    )
