"""Use the installed climcube as a stranger would; tools/check-wheel runs it elsewhere."""

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

said = "nothing: matplotlib is not part of the core"
try:
    cc.plot.trend_map(cc.trend(cc.annual_mean(sst)))
except cc.errors.DependencyError as error:
    said = str(error)
assert "climcube[plots]" in said, said

print(f"climcube {cc.__version__}: {len(catalog.ids())} entries, {len(events)} events")
