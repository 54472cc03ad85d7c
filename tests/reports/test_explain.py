"""Every statistic has its methods text, and every text its references, which are well-formed."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import climcube as cc
from climcube import provenance
from climcube.cli import app
from climcube.errors import CubeError, ParameterError
from climcube.reports.citations import Reference, bibtex
from climcube.reports.methods.table import METHODS
from climcube.reports.methods.words import Method
from climcube.reports.references import REFERENCES
from climcube.testing.laziness import no_compute

DOCS = Path(__file__).parents[2] / "docs"
LATE, EARLY = (2002, 2003), (2000, 2001)


@pytest.fixture(scope="module")
def sst() -> xr.DataArray:
    return cc.testing.synthetic_ocean(years=4, shape=(18, 36), seed=5).sst


def _few(sst: xr.DataArray) -> xr.DataArray:
    return sst.isel(lat=slice(6, 9), lon=slice(20, 23))


def _habitat(sst: xr.DataArray) -> Any:
    return cc.habitat(_few(sst), thermal_range=(5, 10, 20, 25), units="degC")


def _matchup(sst: xr.DataArray) -> xr.Dataset:
    cell = sst.isel(time=10, lat=8, lon=22)
    seen = {"lon": [float(cell.lon)], "lat": [float(cell.lat)], "time": [cell.time.values]}
    return cc.matchup(sst, pd.DataFrame({**seen, "sst": [float(cell)]}))


def _pdo(sst: xr.DataArray) -> xr.Dataset:
    pytest.importorskip("xeofs")
    return cc.pdo(sst)


#: What makes a result with each step, by the name of the step.
RESULTS: dict[str, Callable[[xr.DataArray], Any]] = {
    "annual_mean": lambda c: cc.annual_mean(_few(c)),
    "anomaly": lambda c: cc.anomaly(_few(c), "day", window=11, smooth=31),
    "area_mean": lambda c: cc.area_mean(c, region="nino34"),
    "area_sum": lambda c: cc.area_sum(c > 20),
    "breakpoint": lambda c: cc.breakpoint(cc.annual_mean(_few(c))),
    "change": lambda c: cc.change(cc.annual_mean(_few(c)), EARLY, LATE),
    "climate_velocity": lambda c: cc.climate_velocity(cc.annual_mean(_few(c))),
    "climatology": lambda c: cc.climatology(_few(c), "month"),
    "daily_mean": lambda c: cc.daily_mean(_few(c)),
    "degree_heating_weeks": lambda c: cc.degree_heating_weeks(_few(c), base_period=(2000, 2003)),
    "detrend": lambda c: cc.detrend(cc.annual_mean(_few(c))),
    "emergence": lambda c: cc.emergence(cc.annual_mean(_few(c)), base_period=EARLY),
    "false_positive_rates": lambda _: cc.false_positive_rates(
        10, (0.2,), tests=["ols: ar1"], series=20
    ),
    "fdr": lambda c: cc.fdr(cc.trend(cc.annual_mean(_few(c))).pvalue),
    "habitat": _habitat,
    "habitat.change": lambda c: _habitat(c).change(EARLY, LATE),
    "habitat.poleward_shift": lambda c: _habitat(c).poleward_shift(),
    "heatwave_state": lambda c: cc.heatwave_state(_few(c)),
    "heatwaves": lambda c: cc.heatwaves(_few(c)),
    "iod": cc.iod,
    "mask": lambda c: cc.mask(c, "nino34"),
    "matchup": _matchup,
    "maximum_monthly_mean": lambda c: cc.maximum_monthly_mean(_few(c), base_period=(2000, 2003)),
    "monthly_mean": lambda c: cc.monthly_mean(_few(c)),
    "nino34": cc.nino34,
    "oni": lambda c: cc.oni(c, base_period=(2000, 2003)),
    "pdo": _pdo,
    "percentile": lambda c: cc.percentile(_few(c), [10, 90], "month"),
    "quantile_trend": lambda c: cc.quantile_trend(cc.annual_mean(_few(c)), (0.5,)),
    "rolling_mean": lambda c: cc.rolling_mean(_few(c), 5),
    "seasonal_mean": lambda c: cc.seasonal_mean(_few(c), "DJF"),
    "track": lambda c: cc.track(cc.heatwaves(_few(c))),
    "trend": lambda c: cc.trend(cc.annual_mean(_few(c)), method="theil_sen"),
    "trend_moments": lambda c: cc.trend_moments(cc.annual_mean(_few(c))),
    "zonal_mean": lambda c: cc.zonal_mean(_few(c)),
}
#: Works that a statistic cannot be described without.
OWED = {
    "breakpoint": {"pettitt1979"}, "change": {"welch1947", "zwiers1995"},
    "climate_velocity": {"loarie2009", "burrows2011", "horn1981"},
    "degree_heating_weeks": {"liu2014", "skirving2020"}, "emergence": {"hawkins2012"},
    "fdr": {"benjamini1995", "wilks2016", "santer2000"}, "habitat": {"kaschner2006"},
    "heatwave_state": {"hobday2016", "hobday2018"}, "heatwaves": {"hobday2016", "hobday2018"},
    "iod": {"saji1999"}, "nino34": {"trenberth1997"}, "pdo": {"mantua1997"},
    "percentile": {"hyndman1996"}, "quantile_trend": {"koenker1978", "gutenbrunner1993"},
    "track": {"hobday2016", "scannell2024"},
    "trend": {"theil1950", "sen1968", "mann1945", "kendall1975"},
}  # fmt: skip
# Public functions of the analysis that give back no statistic.
_NO_STATISTIC = {"open_heatwave_state"}


def _analyses() -> set[str]:
    """Return the public functions that live in the analysis."""
    return {
        name for name in cc.__all__
        if inspect.isfunction(getattr(cc, name))
        and getattr(cc, name).__module__.startswith("climcube.analysis")
    }  # fmt: skip


def test_every_statistic_has_words_and_is_tried_here() -> None:
    assert _analyses() - _NO_STATISTIC <= set(METHODS)
    assert set(RESULTS) == set(METHODS) - {"ingest"}


@pytest.mark.parametrize("name", RESULTS)
def test_every_statistic_is_explained(sst: xr.DataArray, name: str) -> None:
    result = RESULTS[name](sst)
    text = cc.explain(result)
    assert "no words" not in text
    assert "None" not in text and "{" not in text and "@" not in text, text
    assert f"climcube {cc.__version__}" in text
    cited = set(re.findall(r"@\w+\{([\w-]+),", cc.explain(result, format="bibtex")))
    assert cited >= OWED.get(name, set()) | {"climcube", "hoyer2017", "rocklin2015"}


def _variants(name: str) -> list[dict[str, Any]]:
    required = {
        "anomaly": {"frequency": "month"}, "climatology": {"frequency": "day", "statistic": "mean"},
        "percentile": {"q": 90}, "quantile_trend": {"quantiles": [0.5]},
        "rolling_mean": {"window": 5},
    }.get(name, {})  # fmt: skip
    memories = ["ar1", "ar1_uncorrected", "none", "hamed_rao", "yue_wang", "pre_whitening", "tfpw"]
    known: dict[str, list[dict[str, Any]]] = {
        "trend": [
            {"method": m, "test": t, "autocorrelation": a, "seasonal": s, "lags": 2}
            for m in ("ols", "theil_sen") for t in (None, "t", "mann_kendall")
            for a in memories for s in (None, "month")
        ],
        "quantile_trend": [{"quantiles": [0.5], "test": "t", "autocorrelation": a}
                           for a in memories],
        "heatwaves": [
            {"cold": True, "percentile": 90}, {"percentile": 99.5, "smooth": None, "max_pad": 2},
            {"baseline": "shifting", "baseline_years": 20}, {"baseline": "detrended"},
            {"climatology": {"cube": "None", "sources": []}, "ice": 0.2, "min_temperature": -1},
        ],
        "emergence": [{"driver": {"cube": "x", "sources": []}}, {"degree": 3}],
        "anomaly": [{"frequency": "month", "standardize": True, "harmonics": 2,
                     "climatology": {"cube": "x", "sources": []}, "leap": "drop"}],
        "area_mean": [{"region": [0, 10, -5, 5]}, {"region": {"cube": "mask", "sources": []}}],
        "track": [{"min_area": 1e5, "min_volume": 2.0, "min_overlap": 0.5, "min_duration": 5,
                   "min_category": 2}],
        "matchup": [{"method": {"space": "linear"}, "qc": [1, 2], "distance": 25.0}],
        "oni": [{"decimals": 1}],
        "habitat": [{"ranges": {"temperature": [[1.0, 2.0, 3.0, 4.0]] * 2}}],
        "degree_heating_weeks": [{"mmm": 28.0, "max_missing": 3}],
    }  # fmt: skip
    return [required | variant for variant in ({}, *known.get(name, []))]


@pytest.mark.parametrize("name", METHODS)
def test_every_variant_has_words_that_cite_known_works(name: str) -> None:
    for parameters in _variants(name):
        method = METHODS[name](parameters)
        assert isinstance(method, Method)
        assert method.text.endswith(".") and ".." not in method.text
        assert "None" not in method.text, method.text
        marks = re.findall(r"\[@[^\]]*\]", method.text)
        keys = {k.strip(" @") for mark in marks for k in mark.strip("[]").split(";")}
        assert keys <= set(REFERENCES), keys - set(REFERENCES)
        assert method.text.count("[") == len(marks)


def test_no_work_is_listed_in_vain() -> None:
    sources = (Path(cc.__file__).parent / "reports").rglob("*.py")
    text = "".join(p.read_text("utf-8") for p in sources if p.name != "references.py")
    assert [key for key in REFERENCES if f"@{key}" not in text and f'"{key}"' not in text] == []


def test_references_are_well_formed_and_agree_with_the_documentation() -> None:
    pages = "".join(p.read_text("utf-8") for p in DOCS.rglob("*.md")) if DOCS.exists() else ""
    for key, work in REFERENCES.items():
        assert key == work.key
        assert key.endswith(work.year)
        assert work.authors and work.title and (work.within or work.publisher)
        assert not work.doi or re.fullmatch(r"10\.\d{4,}/\S+", work.doi)
        assert not work.doi.lower().startswith("doi")
        family = work.authors[0].partition(",")[0].split()[-1].lower()
        assert key.startswith(family)
        named = re.search(rf"{work.authors[0].partition(',')[0]}[^.\n]*?\(?(\d{{4}})", pages)
        assert named is None or work.year in pages
    entries = bibtex(REFERENCES.values())
    assert entries.count("{") == entries.count("}")


def test_names_in_sentences() -> None:
    one = Reference("a1", ("Mann, H. B.",), "1945", "T")
    assert one.cited == "Mann 1945"
    assert REFERENCES["hawkins2012"].cited == "Hawkins and Sutton 2012"
    assert REFERENCES["hobday2016"].cited == "Hobday et al. 2016"
    assert REFERENCES["scannell2024"].cited == "Scannell et al. 2024"
    assert Reference("c", ("The team",), "", "T").bibtex.startswith("@article{c,\n  author = {{The")


def test_the_data_set_is_cited_from_its_entry() -> None:
    cube = cc.open("demo")
    entry = cc.catalog()["demo"]
    text = cc.explain(cc.anomaly(cube, "month"))
    assert entry.title in text and entry.licence in text and entry.citation.rstrip(".") in text
    assert entry.traps[0] in text
    assert "@misc{demo," in cc.explain(cube, format="bibtex")
    assert "No step of climcube is recorded" in cc.explain(cube)


def test_an_entry_that_is_not_known_says_so(sst: xr.DataArray) -> None:
    cube = provenance.set_source(
        _few(sst).copy(), "s3://me:secret@bucket/x.zarr", entry="mine", catalog="mine.yaml",
        version="v3",
    )  # fmt: skip
    text = cc.explain(cc.annual_mean(cube))
    assert "licence and citation are not known" in text and "mine.yaml" in text
    assert "version v3" in text and "secret" not in text


def test_data_from_an_address_have_no_citation(sst: xr.DataArray) -> None:
    cube = provenance.set_source(_few(sst).copy(), "/data/sst.nc")
    text = cc.explain(cc.annual_mean(cube))
    assert "read from /data/sst.nc (authors, licence and citation are not recorded:" in text
    assert "Unknown" not in text
    assert "were made in memory" in cc.explain(cc.annual_mean(_few(sst)))


def test_a_saved_result_is_explained_as_before(sst: xr.DataArray, tmp_path: Path) -> None:
    fit = cc.trend(cc.annual_mean(_few(sst)))
    cc.save(fit, tmp_path / "fit.zarr")
    opened = cc.open(str(tmp_path / "fit.zarr"))
    before, after = cc.explain(fit, format="bibtex"), cc.explain(opened, format="bibtex")
    first, second = (set(re.findall(r"@\w+\{([\w-]+),", text)) for text in (before, after))
    assert first <= second
    text = cc.explain(opened)
    assert "effective one" in text and "were made in memory" in text
    assert re.search(r"kept in \S+fit.zarr\. ", text) and "cite them yourself" not in text


def test_what_xarray_did_afterwards_is_called_unknown(sst: xr.DataArray) -> None:
    mean = cc.annual_mean(_few(sst))
    with xr.set_options(keep_attrs=True):
        later = mean.mean("time")
    assert "selections, means or arithmetic of xarray's own" in cc.explain(later)
    with xr.set_options(keep_attrs=False):
        bare = mean.mean("time")
    with pytest.raises(CubeError, match=r"does not say how it was made.*keep_attrs"):
        cc.explain(bare)
    with cc.set_options(provenance=False):
        silent = cc.annual_mean(_few(sst))
    with pytest.raises(CubeError, match="does not say how"):
        cc.explain(silent.drop_attrs())


def test_heatwaves_are_explained_without_computing(sst: xr.DataArray) -> None:
    lazy = _few(sst).chunk(time=-1, lat=1)
    with no_compute():
        mhw = cc.heatwaves(lazy, base_period=(2000, 2002), percentile=95, baseline="fixed")
        text = cc.explain(mhw)
        assert "above the 95th percentile" in text and "2000–2002" in text
        assert "Against a fixed baseline" in text
        several = cc.explain(mhw.trend(["days", "count"]))
    assert several.count("Linear trends (per decade)") == 1
    assert "daily" not in vars(mhw)


def test_a_seasonal_cycle_is_pointed_out(sst: xr.DataArray) -> None:
    months = cc.monthly_mean(_few(sst))
    with pytest.warns(UserWarning, match="seasonal cycle"):
        fit = cc.trend(months)
    assert "with their seasonal cycle" in cc.explain(fit)
    assert "with their seasonal cycle" not in cc.explain(cc.trend(cc.anomaly(months, "month")))
    without = cc.trend(months, method="theil_sen", seasonal="month")
    assert "with their seasonal cycle" not in cc.explain(without)


def test_formats(sst: xr.DataArray) -> None:
    fit = cc.trend(cc.annual_mean(_few(sst)), autocorrelation="none")
    latex = cc.explain(fit, format="latex")
    assert r"90 \%" in latex and r"\citep{hoyer2017}" in latex
    assert "% Values were taken as independent" in latex
    markdown = cc.explain(fit, format="markdown")
    assert markdown.startswith("## Methods") and "### References" in markdown
    with pytest.raises(ParameterError, match="unknown format"):
        cc.explain(fit, format="word")
    assert fit.slope.climcube.explain() == cc.explain(fit)


@pytest.mark.parametrize("given", ["store.zarr", None, 3])
def test_what_is_no_result(given: Any) -> None:
    with pytest.raises(ParameterError, match=rf"no result.*found {type(given).__name__}"):
        cc.explain(given)


def test_steps_of_a_later_version_are_named(sst: xr.DataArray) -> None:
    result = _few(sst).copy()
    step = {"function": "wavelets", "parameters": {"scale": 3}}
    result.attrs[provenance.ATTRIBUTE] = json.dumps({"steps": [step]})
    text = cc.explain(result)
    assert "Then wavelets(scale=3) was applied" in text
    assert "Versions of the software are not recorded" in text


def test_the_command(sst: xr.DataArray, tmp_path: Path) -> None:
    cc.save(cc.trend(cc.annual_mean(_few(sst))), tmp_path / "fit.zarr")
    runner = CliRunner()
    shown = runner.invoke(app, ["explain", str(tmp_path / "fit.zarr")])
    assert shown.exit_code == 0, shown.output
    assert "(Santer et al. 2000)" in shown.output
    target = tmp_path / "methods.bib"
    written = runner.invoke(
        app, ["explain", str(tmp_path / "fit.zarr"), "--format", "bibtex", "-o", str(target)]
    )
    assert written.exit_code == 0, written.output
    assert "@article{santer2000," in target.read_text("utf-8")
    wrong = runner.invoke(app, ["explain", str(tmp_path / "fit.zarr"), "--format", "word"])
    assert wrong.exit_code == 1
