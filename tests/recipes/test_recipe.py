"""Recipes: a closed vocabulary, near names in complaints, and what each policy does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import xarray as xr
import yaml

import climcube as cc
from climcube.cubes.units import Units
from climcube.errors import (
    AxisError,
    CalendarError,
    CubeError,
    IngestError,
    ParameterError,
    StoreNotFoundError,
    UnitsError,
    VariableError,
)
from climcube.recipes.filenames import Filenames
from climcube.recipes.layout import Layout
from climcube.recipes.recipe import Checks, Recipe, read_recipe
from climcube.recipes.schema import SCHEMA

from .archives import change, ocean, warmer, write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sea():
    return ocean(12)


@pytest.fixture
def files(sea, tmp_path):
    return write(sea, tmp_path / "files")


def recipe(files, **checks):
    return Recipe(tuple(map(str, files)), checks=Checks(**checks))


# ---------------------------------------------------------------- what a recipe may say


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda p: p.stem)
def test_recipes_of_the_repository_are_valid(path):
    """Without network: schema, dates, names, and that reading and writing them is one."""
    found = read_recipe(path)
    assert found.name == path.stem and found.title and found.licence and found.citation
    assert Recipe.of(found.document()) == found
    if isinstance(found.files, Filenames):
        first = next(iter(found.files.expand()))[1]
        assert "{" not in first
    assert all(Units(units).agree(units) for units in found.checks.units.values())


def test_the_published_schema_is_the_one_in_use():
    published = json.loads((ROOT / "docs" / "reference" / "recipe-schema.json").read_text())
    assert published == SCHEMA
    jsonschema.Draft202012Validator.check_schema(published)
    for path in (ROOT / "recipes").glob("*.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text()), published)


WRONG = {
    "unknown key": ("files: a.nc\nchekcs: {}", "key 'chekcs'.*did you mean 'checks'"),
    "unknown check": ("files: a.nc\nchecks: {unit: {}}", "'checks.unit'.*'units'"),
    "policy": ("files: a.nc\nchecks: {missing: fil}", "'checks.missing'.*'refuse', found 'fil'"),
    "no files": ("title: mine", "lacks a key.*'files'"),
    "empty": ("", "."),
    "list": ("[1, 2]", "expected a mapping"),
    "range": ("files: a\nchecks: {valid_range: {sst: [1]}}", "at least 2 items"),
    "code": ("files: {template: '{__import__(1)}', period: ['2000', '2001']}", "template.*not one"),
    "environment": ("files: {template: 'a/{env:HOME}', period: ['2000', '2001']}", "env:HOME"),
    "percent": ("files: {template: '{date:%Y%x}', period: ['2000', '2001']}", "codes"),
    "no date": ("files: {template: 'a.nc', period: ['2000', '2001']}", "no date in braces"),
    "period": ("files: {template: '{date:%Y}', period: ['2001', '2000']}", "later last date"),
    "no such day": ("files: {template: '{date:%Y}', period: ['2001-02-30', '2002']}", "not exist"),
    "secret": ("files: a\nstorage_options: {secret: x}", "'storage_options.secret'"),
    "level": ("files: a\nstore: {compression_level: 99}", "at most 22"),
    "tile": ("files: a\nstore: {tile: 50, chunk: 30}", "multiple of store.chunk = 30"),
    "tag": ("files: !!python/object/apply:os.system ['true']", "."),
    "yaml": ("files: [", "."),
}


@pytest.mark.parametrize("kind", WRONG)
def test_recipes_that_are_not_valid(tmp_path, kind):
    text, message = WRONG[kind]
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(IngestError, match=message) as caught:
        cc.ingest(path, tmp_path / "cube.zarr")
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["recipe.yaml"]


def test_a_recipe_that_is_not_there(tmp_path):
    with pytest.raises(IngestError, match=r"mine\.yaml"):
        cc.ingest(tmp_path / "mine.yaml", tmp_path / "cube.zarr")


def test_paths_start_at_the_recipe_and_facts_reach_store_and_catalog(files, tmp_path):
    text = """
        name: my-ocean
        title: My ocean
        files: files/*.nc
        variables: [sst]
        checks: {units: {sst: Celsius}, grid: {lat: 4, lon: 6}, calendar: standard}
        attributes: {institution: mine}
        licence: CC0-1.0
        citation: me
    """
    (tmp_path / "recipe.yaml").write_text(text)
    catalog = tmp_path / "catalog.yaml"
    report = cc.ingest(tmp_path / "recipe.yaml", tmp_path / "cube.zarr", catalog=catalog)
    cube = cc.open("my-ocean", catalog=catalog)
    assert cube.attrs["title"] == "My ocean" and cube.attrs["license"] == "CC0-1.0"
    assert cube.attrs["institution"] == "mine" and report.times == 12
    entry = cc.catalog(catalog)["my-ocean"]
    assert entry.licence == "CC0-1.0" and entry.variables[0].units == "degC"
    assert cc.ingest(tmp_path / "recipe.yaml", tmp_path / "cube.zarr", catalog=catalog).unchanged


# ---------------------------------------------------------------- templates over dates


def test_templates_with_preliminary_and_missing_files(files, sea, tmp_path):
    folder = files[0].parent
    files[4].unlink()
    warmer(files[11], folder / "oisst-avhrr-v02r01.20000112_preliminary.nc")
    files[11].unlink()
    names = Filenames(
        str(folder / "oisst-avhrr-v02r01.{date:%Y%m%d}.nc"),
        ("2000-01-01", "2000-01-12"),
        preliminary=str(folder / "oisst-avhrr-v02r01.{date:%Y%m%d}_preliminary.nc"),
    )
    report = cc.ingest(Recipe(names, checks=Checks(missing="fill")), tmp_path / "cube.zarr")
    assert report.times == 12 and report.preliminary == ("2000-01-12",)
    assert "20000105" in report.decisions[0].file and "filled" in report.decisions[0].decided
    found = cc.open(tmp_path / "cube.zarr", variable="sst").load()
    np.testing.assert_array_equal(found.time, sea.time)
    assert found[4].isnull().all()
    np.testing.assert_array_equal(found[:4], sea.sst[:4])
    with pytest.raises(IngestError, match=r"file of the recipe is missing.*20000105"):
        cc.ingest(Recipe(names, checks=Checks(missing="refuse")), tmp_path / "other.zarr")
    ends = {"checks": Checks(missing="fill")}
    whole = cc.ingest(
        Recipe(names, **ends), tmp_path / "a.zarr", period=("1999-12-31", "2000-01-13")
    )
    decided = {d.file[-11:-3]: d.decided for d in whole.decisions if "no such" in d.found}
    assert decided["20000105"].startswith("filled") and whole.times == 12
    assert decided["19991231"] == decided["20000113"] == "left out"  # no day there was filled
    few = cc.ingest(Recipe(names), tmp_path / "few.zarr", period=("2000-01-02", "2000-01-03"))
    assert few.times == 2
    with pytest.raises(StoreNotFoundError, match="no file of the recipe"):
        cc.ingest(Recipe(names), tmp_path / "none.zarr", period=("2001", "2001"))
    with pytest.raises(ParameterError, match="needs a template"):
        cc.ingest(files[:2], tmp_path / "no.zarr", period=("2000", "2001"))


@pytest.mark.parametrize(
    ("step", "period", "count"),
    [
        ("day", ("2000", "2000"), 366),
        ("month", ("2000-11", "2001-02"), 4),
        ("year", ("1999", "2001"), 3),
    ],
)
def test_steps_of_templates(step, period, count):
    names = [a for _, a in Filenames("{date:%Y%m%d}", period, step).expand()]
    assert len(names) == len(set(names)) == count


@pytest.mark.parametrize(
    ("step", "period"),
    [
        ("month", ("2000-11-02", "2001-02")),
        ("month", ("2000-11", "2001-02-27")),
        ("year", ("2000-02", "2001")),
        ("year", ("2000", "2001-11")),
    ],
)
def test_a_period_that_cuts_files_is_refused(step, period):
    with pytest.raises(IngestError, match=f"the period cuts a file.*whole {step}s"):
        Filenames("{date:%Y%m}", period, step)
    Filenames("{date:%Y%m}", ("2000-11-01", "2001-02-28"), "month")


def test_a_date_in_a_name_that_contradicts_the_times_inside(files, sea, tmp_path):
    folder = files[0].parent
    template = str(folder / "oisst-avhrr-v02r01.{date:%Y%m%d}.nc")
    names = Filenames(template, ("2000-01-01", "2000-01-12"))
    third, fourth = files[2], files[3]
    fourth.rename(tmp_path / "aside.nc")
    third.rename(fourth)
    (tmp_path / "aside.nc").rename(third)
    with pytest.raises(IngestError, match=r"20000104.nc.*2000-01-04, as.*found 2000-01-03"):
        cc.ingest(Recipe(names), tmp_path / "cube.zarr")
    assert cc.ingest(files, tmp_path / "cube.zarr").times == 12  # names of a list say nothing


@pytest.mark.parametrize("hours", [24, 48])
def test_times_at_the_end_of_the_day_that_names_say(files, tmp_path, hours):
    def stamp(dataset):
        dataset["time"].units = f"hours since {date} 00:00:00"
        dataset["time"][:] = hours

    for path in files:
        date = f"{path.stem[-8:-4]}-{path.stem[-4:-2]}-{path.stem[-2:]}"
        change(path, stamp)
    template = str(files[0].parent / "oisst-avhrr-v02r01.{date:%Y%m%d}.nc")
    recipe = Recipe(Filenames(template, ("2000-01-01", "2000-01-12")))
    if hours == 24:
        assert cc.ingest(recipe, tmp_path / "cube.zarr").period[0] == "2000-01-02"
    else:
        with pytest.raises(IngestError, match="contradict"):
            cc.ingest(recipe, tmp_path / "cube.zarr")


def test_months_and_years_in_names(tmp_path):
    sea = ocean(400, shape=(2, 3))
    for name, part in sea.groupby(sea.time.dt.strftime("%Y%m")):
        part.to_netcdf(tmp_path / f"sst.{name}.nc")
    names = Filenames(str(tmp_path / "sst.{date:%Y%m}.nc"), ("2000-01", "2001-01"), "month")
    assert cc.ingest(Recipe(names), tmp_path / "cube.zarr").times == 397
    (tmp_path / "sst.200102.nc").rename(tmp_path / "sst.200101.nc")
    with pytest.raises(IngestError, match=r"200101.nc.*2001-01, as.*2001-02-01 to 2001-02"):
        cc.ingest(Recipe(names), tmp_path / "other.zarr")


# ---------------------------------------------------------------- policies and checks


def test_final_files_win_over_preliminary_ones_in_any_order(files, sea, tmp_path):
    early = warmer(files[3], files[3].with_name("oisst-avhrr-v02r01.20000104_preliminary.nc"))
    given = [early, *files[::-1]]
    report = cc.ingest(recipe(given, preliminary="*_preliminary.nc"), tmp_path / "cube.zarr")
    np.testing.assert_array_equal(cc.open(tmp_path / "cube.zarr", variable="sst"), sea.sst)
    (decision,) = report.decisions
    assert decision.file.endswith(early.name) and decision.decided == "left out"
    page, document = report.write(tmp_path / "report.html")
    assert early.name in page.read_text() and "final one is" in document.read_text()


def test_a_preliminary_file_of_one_day_at_another_hour_gives_way(files, sea, tmp_path):
    """Both were kept: the archive is too short to tell that it is daily."""
    early = tmp_path / "sst.20000104_preliminary.nc"
    shutil.copy(files[3], early)

    def later(dataset):
        date = dataset["time"].units.split()[2]
        dataset["time"].units = f"days since {date} 18:00:00"

    change(early, later)
    report = cc.ingest(
        recipe([early, files[3]], preliminary="*_preliminary.nc"), tmp_path / "cube.zarr"
    )
    assert report.times == 1 and report.decisions[0].decided == "left out"
    np.testing.assert_array_equal(cc.open(tmp_path / "cube.zarr", variable="sst"), sea.sst[3:4])


@pytest.mark.parametrize(("policy", "warm"), [("last", 1.0), ("first", 0.0)])
def test_duplicates(files, sea, tmp_path, policy, warm):
    warmer(files[3], files[3].with_name("z.nc"))
    given = [files[0].parent / "z.nc", *files]
    cc.ingest(recipe(given, duplicate=policy), tmp_path / "cube.zarr")
    found = cc.open(tmp_path / "cube.zarr", variable="sst").load()
    there = np.isfinite(sea.sst[3])
    difference = (found - sea.sst).max(("lat", "lon"))
    assert abs(float(difference[3]) - warm) < 1e-4 and there.any()
    assert float(abs(difference).sum()) == pytest.approx(warm, abs=1e-4)
    with pytest.raises((AxisError, IngestError), match=r"duplicate|two values"):
        cc.ingest(recipe(given), tmp_path / "other.zarr")


def test_files_that_do_not_fit_are_left_out_and_reported(files, sea, tmp_path):
    files[0].write_bytes(b"nothing")
    change(files[4], lambda d: d["sst"].setncattr("units", "K"))
    files[7].write_bytes(files[7].read_bytes()[:2000])
    report = cc.ingest(
        recipe(files, unfit="leave out"), tmp_path / "cube.zarr", report=tmp_path / "r"
    )
    np.testing.assert_array_equal(
        cc.open(tmp_path / "cube.zarr", variable="sst"), sea.sst[[1, 2, 3, 5, 6, 8, 9, 10, 11]]
    )
    named = [Path(d.file).name for d in report.decisions if d.file.endswith(".nc")]
    assert sorted(named) == sorted(files[i].name for i in (0, 4, 7))
    assert json.loads((tmp_path / "r.json").read_text())["times"] == 9
    for path in files[1:8]:
        change(
            path, lambda d: d["sst"].setncattr("units", "K")
        ) if path.stat().st_size > 3000 else 0
    with pytest.raises(IngestError, match="most files do not fit"):
        cc.ingest(recipe([files[11], *files[:8]], unfit="leave out"), tmp_path / "other.zarr")


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e30])
def test_the_file_whose_times_are_no_dates_is_the_one_that_is_named(files, sea, tmp_path, value):
    with xr.open_dataset(files[4], decode_cf=False) as opened:
        spoilt = opened.load()
    spoilt.assign_coords(time=("time", [value], spoilt.time.attrs)).to_netcdf(files[4])
    for do in (cc.open, lambda f: cc.ingest(recipe(f), tmp_path / "o.zarr")):
        with pytest.raises(CubeError) as caught:
            do([str(f) for f in files])
        assert files[4].name in str(caught.value) and files[0].name not in str(caught.value)
    report = cc.ingest(recipe(files, unfit="leave out"), tmp_path / "cube.zarr")
    assert report.times == len(files) - 1
    assert files[4].name in [Path(d.file).name for d in report.decisions]


@pytest.mark.parametrize(
    ("checks", "error", "text"),
    [
        ({"units": {"sst": "K"}}, UnitsError, "'K'.*'degC'"),
        ({"grid": {"lat": 5}}, AxisError, "5 cells, found 4"),
        ({"grid": {"latt": 4}}, AxisError, "did you mean 'lat'"),
        ({"calendar": "noleap"}, CalendarError, "noleap"),
        ({"packing": {"sst": {"dtype": "int32"}}}, IngestError, "dtype int32, found dtype int16"),
        ({"packing": {"sst": {"scale_factor": 0.02}}}, IngestError, "scale_factor 0.02"),
        ({"valid_range": {"sst": [0, 1]}}, IngestError, "values out of range.*0 to 1"),
        ({"valid_range": {"sts": [0, 1]}}, VariableError, "did you mean 'sst'"),
    ],
)
def test_checks(files, tmp_path, checks, error, text):
    with pytest.raises(error, match=text) as caught:
        cc.ingest(recipe(files, **checks), tmp_path / "cube.zarr")
    assert "\n" not in str(caught.value) and "oisst-avhrr" in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["files"]


def test_a_range_turned_about_is_no_fault_of_the_files():
    with pytest.raises(IngestError, match="least value first, found 45 to -3"):
        recipe(["a.nc"], valid_range={"sst": (45, -3)})


def test_valid_ranges_include_their_ends(files, sea, tmp_path):
    low, high = float(sea.sst.min()), float(sea.sst.max())
    cc.ingest(recipe(files, valid_range={"sst": (low, high)}), tmp_path / "cube.zarr")
    with pytest.raises(IngestError, match="values out of range"):
        cc.ingest(recipe(files, valid_range={"sst": (low, high - 0.01)}), tmp_path / "o.zarr")


# ---------------------------------------------------------------- the same bytes


def objects(store):
    return {p.relative_to(store): p.read_bytes() for p in store.rglob("*") if p.is_file()}


def test_bytes_do_not_depend_on_order_workers_or_blocks(files, tmp_path):
    layout = {"times": 5, "tile": 2, "chunk": 1}
    given = tuple(map(str, files))
    made = {}
    for name, order, workers, block in (
        ("a", given, 1, 2**30), ("b", given[::-1], 4, 2**30), ("c", given, 3, 2**16),
    ):  # fmt: skip
        one = Recipe(order, store=Layout(**layout, block_bytes=block))
        cc.ingest(one, tmp_path / f"{name}.zarr", workers=workers)
        made[name] = objects(tmp_path / f"{name}.zarr")
    for name in ("b", "c"):
        differ = {k for k in made["a"] if "c/" in str(k) and made["a"][k] != made[name].get(k)}
        assert not differ and made["a"].keys() == made[name].keys()


def test_a_plan_says_what_is_written(files, tmp_path):
    one = Recipe(tuple(map(str, files)), store=Layout(times=5, tile=2, chunk=1))
    plan = cc.plan_ingest(one, tmp_path / "cube.zarr")
    cc.ingest(one, tmp_path / "cube.zarr")
    written = [k for k in objects(tmp_path / "cube.zarr") if str(k).startswith("sst/c")]
    assert plan.objects == len(written) == 18 and plan.blocks == 3
    assert plan.bytes_values == 12 * 4 * 6 * 2 and plan.files == 12
    assert "18 objects" in str(plan) and "<table" in plan._repr_html_()


def test_a_file_that_changes_meanwhile(files, tmp_path, monkeypatch):
    from climcube.recipes import run

    given = run.write_metadata

    def touch(*arguments, **options):
        warmer(files[0], tmp_path / "new.nc")
        shutil.copy(tmp_path / "new.nc", files[5])
        return given(*arguments, **options)

    monkeypatch.setattr(run, "write_metadata", touch)
    with pytest.raises(IngestError, match="changed while it was ingested"):
        cc.ingest(files, tmp_path / "cube.zarr")
    assert not (tmp_path / "cube.zarr").exists()
    assert not list(tmp_path.glob(".*"))
