"""The corpus of bad input: one line that names the file, and nothing is committed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import climcube as cc
from climcube.errors import ClimcubeError
from climcube.recipes.recipe import Checks

from .archives import ocean, write
from .corpus import cases

CASES = cases()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return write(ocean(6), tmp_path_factory.mktemp("good"))


def test_the_corpus_is_as_large_as_promised(good, tmp_path):
    assert len(CASES) >= 120 and len({case.group for case in CASES}) == 24
    assert cc.ingest(good, tmp_path / "cube.zarr").times == 6  # it is the spoiling that matters


@pytest.mark.parametrize("group", dict.fromkeys(case.group for case in CASES))
def test_bad_input_is_refused_by_name(good, tmp_path, group):
    for number, case in enumerate(c for c in CASES if c.group == group):
        folder = tmp_path / str(number)
        (folder / "files").mkdir(parents=True)
        paths = [Path(shutil.copy(path, folder / "files")) for path in good]
        case.spoil(paths)
        given = sorted((folder / "files").glob("*.nc"))
        recipe = cc.Recipe(tuple(map(str, given)), checks=Checks(**case.checks))
        with pytest.raises(ClimcubeError) as caught:
            cc.ingest(recipe, folder / "cube.zarr", workers=1)
        said = str(caught.value)
        assert "\n" not in said and str(folder) in said, (str(case), said)
        for word in case.words:
            assert word in said, (str(case), said)
        assert [p.name for p in folder.iterdir()] == ["files"], str(case)
