"""Names of versions: tags, which never move, and branches, which go with what is published."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from climcube.errors import ParameterError, StoreExistsError, StoreNotFoundError, suggest
from climcube.stores.versioned.snapshots import MAIN, Version, find_snapshot
from climcube.stores.versioned.work import ROLLED_BACK, WORK, existing

__all__ = ["branch_version", "remove_version_name", "tag_version"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,99}")


def tag_version(
    store: str | os.PathLike[str],
    name: str,
    version: Version | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> str:
    """Give a version a name that never moves; return the version's id.

    Parameters
    ----------
    store, storage_options
        As for `climcube.versions`.
    name
        Letters, digits, ``.``, ``_``, ``-``; begins with a letter.
    version
        As for `climcube.open`; default the newest.

    Returns
    -------
    str
        The id of the version.

    Raises
    ------
    StoreExistsError
        The name is taken, or was once: a tag in a paper means one version for ever.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> store = tempfile.mkdtemp() + "/ocean.icechunk"
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).isel(time=slice(4))
    >>> files = cc.testing.write_daily_files(ocean, tempfile.mkdtemp())
    >>> first = cc.ingest(sorted(files)[:3], store).version
    >>> cc.tag_version(store, "v1") == first
    True
    >>> cc.open(store, version="v1").sizes["time"]
    3
    """
    place, repository = existing(store, storage_options)
    _require_name(name)
    snapshot = find_snapshot(repository, version, place.where)
    with place.changing("the tag cannot be written"):
        _require_free(repository, name, place.where)
        try:
            repository.create_tag(name, snapshot)
        except Exception as error:
            if "tag" in str(getattr(error, "kind", "")):  # exists, or was deleted once
                raise _taken(name, place.where) from error
            raise
    return snapshot


def branch_version(
    store: str | os.PathLike[str],
    name: str,
    version: Version | None = None,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> str:
    """Begin a branch at a version; return the version's id.

    Readers open it by its name; work published to it leaves ``main`` as it is.

    Parameters
    ----------
    store, name, version, storage_options
        As for `climcube.tag_version`.

    Returns
    -------
    str
        The id of the version.

    Raises
    ------
    StoreExistsError
        The name is taken.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> store = tempfile.mkdtemp() + "/ocean.icechunk"
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).isel(time=slice(4))
    >>> files = cc.testing.write_daily_files(ocean, tempfile.mkdtemp())
    >>> first = cc.ingest(sorted(files)[:3], store).version
    >>> cc.branch_version(store, "trial") == first
    True
    >>> cc.versions(store).branches.tolist()
    ['main, trial']
    """
    place, repository = existing(store, storage_options)
    _require_name(name)
    snapshot = find_snapshot(repository, version, place.where)
    with place.changing("the branch cannot be made"):
        _require_free(repository, name, place.where)
        repository.create_branch(name, snapshot)
    return snapshot


def remove_version_name(
    store: str | os.PathLike[str], name: str, *, storage_options: Mapping[str, Any] | None = None
) -> None:
    """Remove a tag or a branch; its versions stay until they expire.

    Parameters
    ----------
    store, storage_options
        As for `climcube.versions`.
    name
        Of a tag or a branch.

    Returns
    -------
    None
        Nothing else changes.

    Raises
    ------
    StoreNotFoundError
        There is no such tag or branch.
    ParameterError
        It is ``main``.

    Examples
    --------
    >>> import climcube as cc, tempfile
    >>> store = tempfile.mkdtemp() + "/ocean.icechunk"
    >>> ocean = cc.testing.synthetic_ocean(years=1, shape=(2, 3)).isel(time=slice(4))
    >>> files = cc.testing.write_daily_files(ocean, tempfile.mkdtemp())
    >>> first = cc.ingest(sorted(files)[:3], store).version
    >>> _ = cc.branch_version(store, "trial")
    >>> cc.remove_version_name(store, "trial")
    >>> cc.versions(store).branches.tolist()
    ['main']
    """
    place, repository = existing(store, storage_options)
    if name == MAIN:
        raise ParameterError("the branch 'main' stays", where=place.where)
    with place.changing("the name cannot be removed"):
        tags, branches = set(repository.list_tags()), set(repository.list_branches())
        if name in tags:
            repository.delete_tag(name)
        elif name in branches:
            repository.delete_branch(name)
        else:
            raise StoreNotFoundError(
                "no such tag or branch", where=f"{place.where}, {name!r}",
                remedy=suggest(name, sorted(tags | branches - {MAIN})),
            )  # fmt: skip


def _require_name(name: str) -> None:
    """Refuse names that could be taken for an id, a date, or work under way."""
    if _NAME.fullmatch(name) and not name.startswith((WORK, ROLLED_BACK)):
        return
    raise ParameterError(
        "name not allowed", where=repr(name),
        expected="letters, digits, '.', '_', '-', beginning with a letter"
        f"; not '{WORK}...' nor '{ROLLED_BACK}...'",
    )  # fmt: skip


def _require_free(repository: Any, name: str, where: str) -> None:
    if name in repository.list_tags() or name in repository.list_branches():
        raise _taken(name, where)


def _taken(name: str, where: str) -> StoreExistsError:
    return StoreExistsError(
        "the name is taken, or was once", where=f"{where}, '{name}'", remedy="choose another"
    )
