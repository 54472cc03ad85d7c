"""Real data of every calendar and grid, ingested to object storage and opened from a catalog."""

from __future__ import annotations

import numpy as np
import pytest

import climcube as cc
from tests.servers import SECRET

pytestmark = [pytest.mark.s3]

ARCHIVES = {
    "oisst": "oisst_tasman/*.nc",
    "hadgem2": "cmip/hadgem2_tas_monthly_360day/*.nc",
    "access": "cmip/access_tas/tas_*.nc",
    "nemo": "nemo/*.nc",
}


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("oisst", "icechunk"),
        ("hadgem2", "zarr"),
        ("access", "icechunk"),
        ("nemo", "zarr"),
        pytest.param("oisst", "zarr", marks=pytest.mark.slow),
        pytest.param("hadgem2", "icechunk", marks=pytest.mark.slow),
        pytest.param("access", "zarr", marks=pytest.mark.slow),
        pytest.param("nemo", "icechunk", marks=pytest.mark.slow),
    ],
)
def test_real_data_from_files_to_a_catalog_entry(
    reference_data, tmp_path, options, monkeypatch, name, kind
):
    if kind == "icechunk":
        pytest.importorskip("icechunk")
    files = sorted(map(str, reference_data.glob(ARCHIVES[name])))
    catalog = tmp_path / "catalog.yaml"
    recipe = cc.Recipe(tuple(files), name=name, licence="see the provider", citation="see there")
    report = cc.ingest(
        recipe, f"s3://bucket/{name}.{kind}", target_options=options, catalog=catalog
    )
    assert SECRET not in catalog.read_text() and report.files == len(files)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", options["secret"])
    found, expected = cc.open(name, catalog=catalog), cc.open(files)
    for variable in report.variables:
        one, other = found[variable], expected[variable]
        np.testing.assert_array_equal(one.values, other.values)
        assert one.dims == other.dims and one.attrs.get("units") == other.attrs.get("units")
        for coordinate in other.coords:
            np.testing.assert_array_equal(one[coordinate].values, other[coordinate].values)
    assert cc.verify(f"s3://bucket/{name}.{kind}", storage_options=options).ok
    again = cc.ingest(recipe, f"s3://bucket/{name}.{kind}", target_options=options)
    assert again.unchanged
