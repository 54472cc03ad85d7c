"""Results have the same identity in each process: an attempt of another one is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import climcube as cc

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[2])
from tests.saving.test_names import identities
print(json.dumps(identities(sys.argv[1])))
"""


def identities(path: str) -> dict[str, str]:
    """Identity of a save of each kind of statistic of a stored cube."""
    from climcube.planning.tiles.cutting import cut
    from climcube.planning.tiles.layout import layout_of
    from climcube.planning.tiles.prepare import check_packing, parts_of, plain_dataset

    whole = cc.open(path, variable="sst")
    sst, maps = whole.chunk(time=-1, lat=2, lon=4), whole.chunk(time=200)
    mhw, years = cc.heatwaves(sst), cc.annual_mean(maps)
    packing = {"sst": {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -999}}
    results = {
        "open": whole, "anomaly": cc.anomaly(maps, "month"), "means": years,
        "standardized": cc.anomaly(sst, "day", standardize=True),
        "climatology": cc.climatology(sst, "day", window=11), "area": cc.area_mean(maps),
        "percentile": cc.percentile(sst, 90), "rolling": cc.rolling_mean(maps, window=5),
        "trend": cc.trend(years), "sen": cc.trend(cc.annual_mean(sst), method="theil_sen"),
        "heatwaves": mhw, "daily": mhw.daily, "of heatwaves": cc.trend(mhw.annual["days"]),
        "habitat": cc.habitat(sst, thermal_range=(10, 20), units="degC"),
        "packed": cc.anomaly(maps, "month"),
    }  # fmt: skip
    found = {}
    for name, result in results.items():
        given = packing if name == "packed" else {}
        parts = {n: plain_dataset(d) for n, d in parts_of(result, None).items()}
        given = {k: v for k, v in given.items() if k in parts.get("", {})}
        parts = {n: check_packing(d, given) for n, d in parts.items()}
        found[name] = layout_of(cut(parts, given), given).identity()
    return found


def test_identities_are_the_same_in_another_process(tmp_path: Path) -> None:
    path = cc.save(cc.testing.synthetic_ocean(years=4, shape=(4, 8)).sst, tmp_path / "x.zarr")
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, path, root],
        capture_output=True, text=True, timeout=200, env=os.environ | {"PYTHONHASHSEED": "7"},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    there = json.loads(done.stdout.splitlines()[-1])
    here = identities(path)
    assert {name for name in here if here[name] != there[name]} == set()
    assert len(set(here.values())) >= len(here) - 1
