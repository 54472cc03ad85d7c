"""Compiling before the first task: afterwards the common statistics compile nothing more."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys, tempfile
import climcube as cc
from climcube.analysis.warm_up import compile_kernels

def compiled():
    return {
        (module, name, str(signature))
        for module, namespace in list(sys.modules.items()) if module.startswith("climcube.kernels")
        for name, function in vars(namespace).items()
        for signature in getattr(function, "nopython_signatures", ())
    }

compile_kernels()
before = compiled()
ocean = cc.testing.synthetic_ocean(years=3, shape=(2, 3))
packed = {"sst": {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -32768}}
folder = tempfile.mkdtemp()
for number, encoding in enumerate((packed, {})):
    cc.save(ocean, f"{folder}/{number}.zarr", encoding=encoding)
    sst = cc.open(f"{folder}/{number}.zarr", variable="sst")
    mhw = cc.heatwaves(sst)
    for result in (
        mhw.climatology, mhw.annual, mhw.daily, cc.climatology(sst, "day", window=11),
        cc.anomaly(sst, "month"), cc.trend(cc.annual_mean(sst)), cc.seasonal_mean(sst),
    ):
        result.compute(scheduler="synchronous")
print(len(before), sorted(compiled() - before))
"""


def test_the_common_statistics_compile_nothing_more() -> None:
    # In a process of its own: other tests have compiled everything already.
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
    )
    number, _, more = done.stdout.strip().partition(" ")
    assert int(number) > 10
    assert more == "[]"
