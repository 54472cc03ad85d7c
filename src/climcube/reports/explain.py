"""A methods paragraph with citations, from what a result says of its own making."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr

from climcube import provenance
from climcube.catalogs.collection import resolve_entry
from climcube.catalogs.schema import UNKNOWN
from climcube.errors import CatalogError, CubeError, ParameterError, require_choice
from climcube.reports.citations import Reference, bibtex, listed
from climcube.reports.methods.table import METHODS
from climcube.reports.methods.words import series_of
from climcube.reports.references import REFERENCES

__all__ = ["explain"]

_FORMATS = ("text", "markdown", "latex", "bibtex")
_CITED = re.compile(r"\[(@[\w-]+(?:; @[\w-]+)*)\]")
_PACKAGES = {"xarray": "hoyer2017", "dask": "rocklin2015"}
_AFTERWARDS = (
    "What was done to the result after climcube returned it (selections, means or arithmetic of "
    "xarray's own) is not recorded, and so not described here."
)

_TRENDS = ("change", "quantile_trend", "trend", "trend_moments")
_SEASONS = (
    "The trend is of values with their seasonal cycle, which counts as noise with a long memory: "
    "limits and p-values are too wide. Take anomalies, or annual means, first."
)
_NO_SOURCE = (
    "Where the data come from is not recorded: they were made in memory, or opened by other means "
    "than climcube."
)


@dataclass(frozen=True)
class _Account:
    """What is known of a result: sentences with marks of citations, cautions, works cited."""

    data: tuple[str, ...]
    methods: tuple[str, ...]
    software: str
    cautions: tuple[str, ...]
    works: Mapping[str, Reference]

    @property
    def cited(self) -> list[Reference]:
        """The works that any sentence cites."""
        text = " ".join([*self.data, *self.methods, self.software])
        return listed(self.works[key] for key in _keys(text))


def explain(result: Any, *, format: str = "text", catalog: Any = None) -> str:  # noqa: A002
    """Return a methods paragraph for a result, with citations: how it was made, from which data.

    Written from the provenance that every result of climcube carries (`attrs`), so a result
    that was saved and opened again is explained as well.

    Parameters
    ----------
    result
        What any function of climcube returned: a DataArray, a Dataset, a DataTree; heatwaves,
        habitats, tracks; or one of these opened from a store. Nothing is computed.
    format
        ``"text"``; ``"markdown"``; ``"latex"`` (with ``\\citep``, for use with the next); or
        ``"bibtex"``: the works cited, of the data set and the software too.
    catalog
        Catalog (or its address) in which entries of your own are described; default the shipped
        one.

    Returns
    -------
    str
        Data (citation, licence, version, address), methods in the order in which they were
        applied with their parameters, versions of packages, cautions (what the catalog warns of,
        and what follows from the parameters), what is not known, and the references.

    Notes
    -----
    Steps of other libraries leave no trace: xarray keeps the attributes of a cube that it cuts or
    averages (or drops them, by its option ``keep_attrs``). Bibliographic facts that are not
    certain are left out.

    Raises
    ------
    CubeError
        The result says nothing of how it was made.
    ParameterError
        ``format`` is unknown, or this is no result.

    Examples
    --------
    >>> import climcube as cc
    >>> sst = cc.testing.synthetic_ocean(years=4, shape=(4, 6)).sst
    >>> text = cc.explain(cc.trend(cc.annual_mean(sst)))
    >>> "(Santer et al. 2000)" in text
    True
    >>> cc.explain(cc.heatwaves(sst), format="bibtex").count("@article")
    3
    """
    require_choice("format", format, _FORMATS)
    account = _account(_document(result), catalog)
    if format == "bibtex":
        return bibtex(account.cited)
    return _WRITERS[format](account)


def _document(result: Any) -> dict[str, Any]:
    """Return the provenance of a result of any kind."""
    if isinstance(result, xr.DataTree):
        return _united([_document(node.to_dataset()) for node in result.subtree
                        if node.data_vars])  # fmt: skip
    if not isinstance(result, xr.DataArray | xr.Dataset):
        result = _described(result)
    holders = [result, *result.data_vars.values()] if isinstance(result, xr.Dataset) else [result]
    found = next((known for known in map(provenance.read, holders) if known), None)
    if found is None:
        raise CubeError(
            "the result does not say how it was made",
            where=f"variable {result.name!r}" if isinstance(result, xr.DataArray)
            else "dataset with " + (", ".join(map(repr, list(result.data_vars)[:4])) or "nothing"),
            expected=f"the attribute {provenance.ATTRIBUTE!r}, as climcube's results have it",
            remedy="pass a result of climcube as it was returned, or with its attributes kept "
            "(xarray.set_options(keep_attrs=True))",
        )  # fmt: skip
    return found


def _described(result: Any) -> xr.Dataset:
    """Return an empty data set with the provenance of heatwaves, a habitat or tracks."""
    kinds = {"Heatwaves": "heatwaves", "SeveralHeatwaves": "heatwaves", "Habitat": "habitat",
             "Tracks": "track"}  # fmt: skip
    name = next((kinds[c.__name__] for c in type(result).__mro__ if c.__name__ in kinds), None)
    if name is not None:
        empty: xr.Dataset = provenance.record(
            xr.Dataset(), name, result.parameters, [_part(i) for i in result.inputs]
        )
        return empty
    climatology = getattr(result, "climatology", None)  # of a state that follows heatwaves
    if isinstance(climatology, xr.Dataset):
        return climatology
    raise ParameterError(
        "this is no result to explain", expected="what a function of climcube returns",
        found=type(result).__name__, remedy="of a store pass cc.open(store)",
    )  # fmt: skip


def _part(given: Any) -> Any:
    """Return what of an input carries attributes: heatwaves do not themselves."""
    return given if hasattr(given, "attrs") else _described(given)


def _united(documents: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"sources": [], "steps": [], "packages": {}}
    for document in documents:
        for part in ("sources", "steps"):
            whole[part] += [i for i in document.get(part, []) if i not in whole[part]]
        whole["packages"] |= document.get("packages", {})
    return whole


def _account(document: Mapping[str, Any], catalog: Any) -> _Account:
    works = dict(REFERENCES)
    data, cautions = _data(document.get("sources", []), catalog, works)
    steps: list[Any] = []
    for step in document.get("steps", []):
        steps += [step] if step not in steps else []
    methods = []
    for step in steps:
        text, warned = _step(step)
        methods.append(text)
        cautions += [w for w in warned if w not in cautions]
    cautions += _about_seasons(steps)
    if not steps:
        methods.append("No step of climcube is recorded: these are the data as they were opened.")
    software = _software(document.get("packages", {}), works)
    return _Account(tuple(data), tuple(methods), software, tuple(cautions), works)


def _about_seasons(steps: list[Any]) -> list[str]:
    """Return a caution where a trend was taken of values that still have their seasons."""
    seasonal = False
    for step in steps:
        name, parameters = step.get("function"), step.get("parameters") or {}
        if name in ("monthly_mean", "daily_mean"):
            seasonal = True
        elif name in ("annual_mean", "anomaly", "seasonal_mean"):
            seasonal = False
        elif name in _TRENDS and seasonal and not parameters.get("seasonal"):
            return [_SEASONS]
    return []


def _step(step: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    name, parameters = str(step.get("function")), step.get("parameters") or {}
    if name not in METHODS:
        shown = ", ".join(f"{k}={v!r}" for k, v in parameters.items() if not isinstance(v, dict))
        return f"Then {name}({shown}) was applied, for which this version has no words.", ()
    method = METHODS[name](parameters)
    return method.text, method.cautions


def _data(
    sources: list[Mapping[str, Any]], catalog: Any, works: dict[str, Reference]
) -> tuple[list[str], list[str]]:
    """Return sentences on the data, what their catalog warns of; add them to the works."""
    results = [s for s in sources if s.get("kind") == "result"]
    sources = [s for s in sources if s not in results]
    sentences: list[str] = [] if sources else [_NO_SOURCE]
    cautions: list[str] = []
    for source in sources:
        if source.get("entry"):
            text, warned = _entry(source, catalog, works)
            cautions += [w for w in warned if w not in cautions]
        else:
            text = f"Data were read from {_place(source)}"
            if not any(s.get("entry") for s in sources):
                text += " (authors, licence and citation are not recorded: cite them yourself)"
            text += "."
        sentences.append(text)
    sentences += [f"Results on the way were kept in {_place(s)}." for s in results]
    return sentences, cautions


def _entry(
    source: Mapping[str, Any], catalog: Any, works: dict[str, Reference]
) -> tuple[str, list[str]]:
    identity = str(source["entry"])
    where = _place(source)
    key = re.sub(r"[^A-Za-z0-9-]", "-", identity)
    doi = str(source.get("doi") or "")
    try:
        entry = resolve_entry(identity, catalog)
    except CatalogError:
        works[key] = Reference(key, (identity,), "", "Data set", doi=doi, kind="misc",
                               note=f"read from {where}")  # fmt: skip
        return (f"Data are {identity} [@{key}], read from {where}; licence and citation are not "
                f"known: its catalog ({source.get('catalog')}) was not given."), []  # fmt: skip
    doi = entry.doi or doi
    author = entry.provider or identity
    cited = "" if entry.citation == UNKNOWN else entry.citation
    works[key] = Reference(
        key, (author,), "", entry.title, doi=doi, kind="misc",
        note="; ".join(t for t in (cited, f"read from {where}") if t),
    )  # fmt: skip
    licence = "licence unknown" if entry.licence == UNKNOWN else f"licence {entry.licence}"
    cite = f"to be cited as: {cited}" if cited else "its citation is unknown"
    text = f"Data are {entry.title} [@{key}] ({licence}), read from {where}; {cite.rstrip('.')}."
    return text, [f"{identity}: {trap}" for trap in entry.traps]


def _place(source: Mapping[str, Any]) -> str:
    version = f", version {source['version']}" if source.get("version") else ""
    return f"{source.get('address')}{version}"


def _software(packages: Mapping[str, str], works: dict[str, Reference]) -> str:
    if not packages:
        return "Versions of the software are not recorded."
    own = packages.get("climcube", "")
    works["climcube"] = Reference("climcube", ("The climcube developers",), "", "climcube",
                                  kind="misc", note=f"version {own}" if own else "")  # fmt: skip
    names = [
        f"{name} {version}" + (f" [@{_PACKAGES[name]}]" if name in _PACKAGES else "")
        for name, version in packages.items() if name != "climcube"
    ]  # fmt: skip
    return f"Results were computed with climcube {own} [@climcube], using {series_of(names)}."


def _keys(text: str) -> Iterator[str]:
    for found in _CITED.finditer(text):
        yield from (key.strip().removeprefix("@") for key in found[1].split(";"))


def _text(account: _Account) -> str:
    parts = [_paragraph(account), f"Not known. {_AFTERWARDS}"]
    if account.cautions:
        parts.insert(1, "Bear in mind:\n" + "\n".join(f"- {c}" for c in account.cautions))
    parts.append("References:\n" + "\n".join(f"- {work.text}" for work in account.cited))
    return "\n\n".join(parts) + "\n"


def _markdown(account: _Account) -> str:
    parts = ["## Methods", _paragraph(account)]
    if account.cautions:
        parts += ["### Bear in mind", "\n".join(f"- {c}" for c in account.cautions)]
    parts += ["### Not known", _AFTERWARDS]
    parts += ["### References", "\n".join(f"- {work.text}" for work in account.cited)]
    return "\n\n".join(parts) + "\n"


def _latex(account: _Account) -> str:
    text = " ".join([*account.data, *account.methods, account.software])
    text = re.sub(r"([%&#_])", r"\\\1", _CITED.sub(lambda f: f"\0{'|'.join(_keys(f[0]))}\0", text))
    text = re.sub(
        "\0([^\0]*)\0",
        lambda f: r"\citep{" + f[1].replace(r"\_", "_").replace("|", ",") + "}",
        text,
    )
    comments = [*account.cautions, _AFTERWARDS]
    return text + "\n\n" + "\n".join(f"% {line}" for line in comments) + "\n"


def _paragraph(account: _Account) -> str:
    text = " ".join([*account.data, *account.methods, account.software])
    cited = account.works
    return _CITED.sub(
        lambda found: f"({'; '.join(cited[key].cited for key in _keys(found[0]))})", text
    )


_WRITERS: dict[str, Callable[[_Account], str]] = {
    "latex": _latex,
    "markdown": _markdown,
    "text": _text,
}
