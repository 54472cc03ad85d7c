"""The real inputs and outputs of CDO 2.1.1 that lie under reference/cdo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

_INPUTS = {
    "tasman_west": ("oisst_tasman/oisst_tasman_west_*.nc", "sst"),
    "tasman_west_6x6": ("oisst_tasman/oisst_tasman_west_*.nc", "sst"),
    "hadgem2_mrsos_360": ("cmip/hadgem2_mrsos_daily_360day/*.nc", "mrsos"),
    "hadgem2_tas_360": ("cmip/hadgem2_tas_monthly_360day/*.nc", "tas"),
    "canesm5_snw_noleap": ("cmip/snw_day_CanESM5*.nc", "snw"),
    "access_tas": ("cmip/access_tas/tas_*.nc", "tas"),
    "era5_psl": ("gridded/psl_ERA5*.nc", "psl"),
    "ersstv5": ("gridded/ersstv5*.nc", "sst"),
    "trefht_b06.57": ("gridded/TREFHT*.nc", "TREFHT"),
    "a1b_na": ("gridded/A1B*.nc", "air_temperature"),
    "nemo": ("nemo/*.nc", "tos"),
}


def dataset(folder: Path, name: str) -> xr.Dataset:
    """The input of a case with everything that describes it (bounds)."""
    pattern, _ = _INPUTS[name]
    time = "time_counter" if name == "nemo" else "time"
    parts = []
    for path in sorted(folder.glob(pattern)):
        with xr.open_dataset(path, decode_times=name != "nemo") as part:
            parts.append(part.load())
    whole = xr.concat(
        parts, time, data_vars="minimal", coords="minimal", compat="override", join="override"
    )
    if name == "tasman_west_6x6":
        whole = whole.sel(lon=slice(148.5, 150), lat=slice(-43, -41.5))
    return whole


def case(folder: Path, name: str) -> xr.DataArray:
    """The cube of a case."""
    return dataset(folder, name)[_INPUTS[name][1]]


def output(folder: Path, name: str, operator: str) -> np.ndarray:
    """CDO's answer, float64, shaped as CDO wrote it."""
    path = folder / "reference" / "cdo" / f"{name}__{operator}.nc"
    if not path.exists():
        pytest.fail(f"no reference answer {path.name}")
    with xr.open_dataset(path, decode_times=False) as answers:
        known = [n for n in answers.data_vars if n in {v for _, v in _INPUTS.values()}]
        return np.asarray(answers[known[0]].values, "float64")
