"""Recipes: where files are, what they must be, and what store is made of them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from climcube.catalogs.parsing import parse, read
from climcube.errors import CatalogError, IngestError, ParameterError
from climcube.recipes.filenames import Filenames
from climcube.recipes.layout import Layout
from climcube.recipes.schema import check
from climcube.stores.addresses import is_remote

__all__ = ["Checks", "Recipe", "is_recipe", "read_recipe"]

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Checks:
    """What files must be, and what is done where they are not.

    Attributes
    ----------
    units
        Of variables, however they are spelled.
    grid
        Cells along dimensions.
    calendar
        CF calendar of the times.
    packing
        For variables: ``dtype``, ``scale_factor``, ``add_offset``, ``_FillValue``.
    valid_range
        Least and greatest value of variables, in their units.
    missing
        Days that no file has: ``"leave"`` them out, ``"fill"`` them as missing, ``"refuse"``.
    duplicate
        Two files of the same times: ``"refuse"``, or keep the ``"last"`` or ``"first"`` by name.
    unfit
        Files that cannot be read or do not fit: ``"refuse"``, or ``"leave out"``.
    preliminary
        Pattern of the names of preliminary files; they give way to final ones.
    """

    units: Mapping[str, str] = field(default_factory=dict)
    grid: Mapping[str, int] = field(default_factory=dict)
    calendar: str | None = None
    packing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    valid_range: Mapping[str, Sequence[float]] = field(default_factory=dict)
    missing: str = "leave"
    duplicate: str = "refuse"
    unfit: str = "refuse"
    preliminary: str | None = None


@dataclass(frozen=True)
class Recipe:
    """Where the files of a data set are, what they must be, and what store is made of them.

    Parameters
    ----------
    files
        An address or glob, several of them, or `Filenames`: a template over dates.
    variables
        Variables to keep; default all.
    checks
        See `Checks`.
    store
        How the store is cut; see `Layout`.
    attributes, licence, citation, title, name
        Facts for the store and for its catalog entry.
    storage_options
        Where an object store is, and whether it is public; no credentials.

    Raises
    ------
    IngestError
        A value is not allowed; the message names the key.

    Examples
    --------
    >>> from climcube.recipes.recipe import Checks, Recipe
    >>> recipe = Recipe(files="raw/*.nc", checks=Checks(units={"sst": "degC"}, missing="fill"))
    >>> recipe.checks.missing
    'fill'
    """

    files: str | tuple[str, ...] | Filenames
    variables: tuple[str, ...] | None = None
    checks: Checks = field(default_factory=Checks)
    store: Layout = field(default_factory=Layout)
    attributes: Mapping[str, str | float] = field(default_factory=dict)
    licence: str | None = None
    citation: str | None = None
    title: str | None = None
    name: str | None = None
    traps: tuple[str, ...] = ()
    storage_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self.document(), f"recipe {self.name!r}" if self.name else "recipe")
        if self.store.tile % self.store.chunk:
            raise IngestError(
                "the recipe's shards are not whole chunks", where="key 'store.tile'",
                expected=f"a multiple of store.chunk = {self.store.chunk}", found=self.store.tile,
            )  # fmt: skip
        for name, (low, high) in self.checks.valid_range.items():
            if not low <= high:
                raise IngestError(
                    "the recipe's range is none", where=f"key 'checks.valid_range.{name}'",
                    expected="the least value first", found=f"{low} to {high}",
                )  # fmt: skip

    def document(self) -> dict[str, Any]:
        """Return the recipe as plain dictionaries and lists, without what says nothing."""
        return {"recipe": 1, **_plain(self)}

    @classmethod
    def of(cls, document: Any, where: str = "recipe", folder: str | None = None) -> Recipe:
        """Make a recipe of plain dictionaries and lists.

        Parameters
        ----------
        document
            As `document` returns it, or as YAML holds it.
        where
            For messages.
        folder
            Where relative paths start.

        Raises
        ------
        IngestError
            An unknown key, or a value that is not allowed.
        """
        check(document, where)
        given = {k: v for k, v in document.items() if k != "recipe"}
        files = given.pop("files")
        if isinstance(files, Mapping):
            period = tuple(files["period"])
            names = {
                k: _placed(files[k], folder) for k in ("template", "preliminary") if k in files
            }
            given["files"] = Filenames(**names, period=period, step=files.get("step", "day"))
        elif isinstance(files, str):
            given["files"] = _placed(files, folder)
        else:
            given["files"] = tuple(_placed(file, folder) for file in files)
        for key, kind in (("checks", Checks), ("store", Layout)):
            if key in given:
                given[key] = kind(**given[key])
        for key in ("variables", "traps"):
            if key in given:
                given[key] = tuple(given[key])
        return cls(**given)


def is_recipe(files: Any) -> bool:
    """Whether what is to be ingested is a recipe, or the path of one."""
    if isinstance(files, Recipe):
        return True
    named = isinstance(files, str | os.PathLike)
    return named and os.fspath(files).lower().endswith(_SUFFIXES)


def read_recipe(source: Any) -> Recipe:
    """Read a recipe from a YAML file; a `Recipe` is returned as it is.

    Plain YAML: no templates but the dates of file names, no code, no look-ups. Relative paths
    start at the folder of the file.

    Raises
    ------
    IngestError
        The file is not there, is not YAML, or says what no recipe says.
    """
    if isinstance(source, Recipe):
        return source
    if not isinstance(source, str | os.PathLike):
        raise ParameterError(
            "recipe not understood", expected="a Recipe or a YAML file", found=type(source).__name__
        )
    path = os.path.expanduser(os.fspath(source))
    try:
        document = parse(read(path), path)
    except CatalogError as error:
        raise IngestError(
            error.what.replace("catalog", "recipe"), where=error.where, expected=error.expected,
            found=error.found, remedy=error.remedy,
        ) from error  # fmt: skip
    folder = None if is_remote(path) else str(Path(path).resolve().parent)
    return Recipe.of(document, path, folder)


def _placed(address: str, folder: str | None) -> str:
    if folder is None or is_remote(address) or os.path.isabs(address):
        return address
    return os.path.join(folder, address)


def _plain(value: Any) -> Any:
    """Return dataclasses and tuples as dictionaries and lists; nothing and defaults left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        plain = {str(k): _plain(v) for k, v in value.items()}
        return {k: v for k, v in plain.items() if v is not None and v != {} and v != []}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
