"""Use the installed climcube as a stranger would: run by tools/check-wheel, outside the checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import climcube as cc

home = Path(cc.__file__).resolve()
assert home.is_relative_to(Path(sys.argv[1]).resolve()), f"not the installed one: {home}"
assert (home.parent / "py.typed").is_file()

catalog = cc.catalog()
assert len(catalog.ids()) > 10, catalog.ids()
assert "licence" in repr(catalog[catalog.ids()[0]]) or catalog[catalog.ids()[0]].licence
demo = cc.open("demo", variable="sst")
assert bool(cc.anomaly(demo, "month").notnull().any())

sst = cc.testing.synthetic_ocean(years=6, shape=(4, 6)).sst
events = cc.heatwaves(sst).events()
slope = cc.trend(cc.annual_mean(sst)).slope.mean().item()
assert len(events) and abs(slope) < 5

try:
    cc.plot.trend_map(cc.trend(sst))
except cc.errors.DependencyError as error:
    assert "climcube[plots]" in str(error)
else:
    raise AssertionError("matplotlib is not part of the core")

print(f"climcube {cc.__version__}: {len(catalog.ids())} entries, {len(events)} events")
