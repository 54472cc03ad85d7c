"""Copies of a data set that are opened where the first address does not answer."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

from climcube.cubes.targets import Source, first_made
from climcube.errors import ConflictError, IntegrityError, MirrorWarning, StoreError
from climcube.stores.credentials import Secret

__all__ = ["first_that_answers"]


def first_that_answers[T](source: Source, opener: Callable[[Source], T]) -> tuple[T, Source]:
    """Open a source; where it does not answer, its copies in the order of the catalog.

    Only addresses that the entry calls a mirror or a twin of its first are tried, and only where
    an address gives nothing at all: damaged data and a mistaken variable are reported, not
    circumvented. Which address was opened is in the provenance (``address_name``), and, where
    it was not the first, in a `MirrorWarning` and in the fact ``instead_of``.

    Raises
    ------
    StoreError
        Of the only address; or, naming each of them, that none answers.
    """
    while True:
        try:
            opened = opener(source)
        except StoreError as error:
            source = _next(source, error)
        else:
            return opened, _told(source)


def _next(source: Source, error: StoreError) -> Source:
    if any(isinstance(address, Secret) for address in source.addresses):
        # What it was raised from names the address in full, and pickled errors hold that too.
        error.__cause__ = error.__context__ = None
    final = isinstance(error, IntegrityError | ConflictError)
    failures = (*source.failures, (source.name or source.label, error))
    if final or (not source.others and not source.failures):
        raise error
    if not source.others:
        raise _none(source, failures) from error
    try:
        made = first_made(source.others)
    except StoreError as last:
        raise _none(source, (*failures, (source.others[-1][0], last))) from last
    return replace(made, failures=(*failures, *made.failures))


def _none(source: Source, failures: tuple[tuple[str, StoreError], ...]) -> StoreError:
    return StoreError(
        "no address of the entry answers",
        where=f"entry '{source.facts.get('entry')}'",
        found="; ".join(f"{name}: {error}" for name, error in failures),
    )


def _told(source: Source) -> Source:
    if not source.failures:
        return source
    reasons = "; ".join(f"{name}: {error}" for name, error in source.failures)
    warnings.warn(
        MirrorWarning(
            f"entry '{source.facts.get('entry')}' was opened at {source.name}, another copy of "
            f"the same data, because its first choice does not answer ({reasons})"
        ),
        stacklevel=4,
    )
    left = ", ".join(name for name, _ in source.failures)
    return replace(source, facts={**source.facts, "instead_of": left})
