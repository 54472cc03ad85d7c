"""climcube: decades of climate files as one lazy cube, and each question one line.

Functions first; the cube, a plain xarray object, comes first::

    import climcube as cc

    sst = cc.open("noaa-oisst", variable="sst")
    cc.trend(sst, per="decade")
    mhw = cc.heatwaves(sst, base_period=("1983", "2012"))
    cc.report(sst, "report.html")

Names are looked up when they are first used, so that ``import climcube`` stays quick and
nothing compiles at import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from climcube import accessor as _accessor  # noqa: F401 - registers DataArray.climcube

if TYPE_CHECKING:
    from climcube import errors, options, testing
    from climcube import plots as plot
    from climcube.analysis.anomaly import anomaly
    from climcube.analysis.area_means import area_mean, area_sum, zonal_mean
    from climcube.analysis.climatology import climatology
    from climcube.analysis.events.heatwaves import Heatwaves, heatwaves
    from climcube.analysis.following.state import (
        HeatwaveState,
        heatwave_state,
        open_heatwave_state,
    )
    from climcube.analysis.habitats.habitat import habitat
    from climcube.analysis.habitats.results import Habitat
    from climcube.analysis.habitats.velocity import climate_velocity
    from climcube.analysis.indices.heating_weeks import degree_heating_weeks
    from climcube.analysis.indices.iod import iod
    from climcube.analysis.indices.nino import nino34, oni
    from climcube.analysis.indices.pdo import pdo
    from climcube.analysis.indices.warmest_month import maximum_monthly_mean
    from climcube.analysis.masks import mask
    from climcube.analysis.matchup.matchup import matchup
    from climcube.analysis.means import annual_mean, daily_mean, monthly_mean, seasonal_mean
    from climcube.analysis.percentile import percentile
    from climcube.analysis.rolling import rolling_mean
    from climcube.analysis.tracking.track import Tracks, track
    from climcube.analysis.trends.breakpoint import breakpoint
    from climcube.analysis.trends.change import change
    from climcube.analysis.trends.detrend import detrend
    from climcube.analysis.trends.emergence import emergence
    from climcube.analysis.trends.moments import trend_moments
    from climcube.analysis.trends.quantile_trend import quantile_trend
    from climcube.analysis.trends.rates import false_positive_rates
    from climcube.analysis.trends.significance import fdr
    from climcube.analysis.trends.trend import trend
    from climcube.catalogs import catalog
    from climcube.clusters.cluster import cluster
    from climcube.cubes.chunks import rechunk
    from climcube.cubes.open import open
    from climcube.errors import ClimcubeError
    from climcube.explorer.explore import explore
    from climcube.options import set_options
    from climcube.planning.plan import Plan, plan
    from climcube.recipes.ingest import ingest, plan_ingest
    from climcube.recipes.recipe import Recipe
    from climcube.reports.explain import explain
    from climcube.reports.report import report
    from climcube.saving.relayout import relayout
    from climcube.saving.save import save
    from climcube.stores.verify import verify
    from climcube.stores.versioned.history import expire_versions, roll_back, versions
    from climcube.stores.versioned.names import branch_version, remove_version_name, tag_version

__version__ = "0.1.0"

_HOMES = {
    "ClimcubeError": "climcube.errors",
    "Habitat": "climcube.analysis.habitats.results",
    "HeatwaveState": "climcube.analysis.following.state",
    "Heatwaves": "climcube.analysis.events.heatwaves",
    "Plan": "climcube.planning.plan",
    "Recipe": "climcube.recipes.recipe",
    "Tracks": "climcube.analysis.tracking.track",
    "annual_mean": "climcube.analysis.means",
    "anomaly": "climcube.analysis.anomaly",
    "area_mean": "climcube.analysis.area_means",
    "area_sum": "climcube.analysis.area_means",
    "branch_version": "climcube.stores.versioned.names",
    "breakpoint": "climcube.analysis.trends.breakpoint",
    "catalog": "climcube.catalogs",
    "change": "climcube.analysis.trends.change",
    "climate_velocity": "climcube.analysis.habitats.velocity",
    "climatology": "climcube.analysis.climatology",
    "cluster": "climcube.clusters.cluster",
    "daily_mean": "climcube.analysis.means",
    "degree_heating_weeks": "climcube.analysis.indices.heating_weeks",
    "detrend": "climcube.analysis.trends.detrend",
    "emergence": "climcube.analysis.trends.emergence",
    "expire_versions": "climcube.stores.versioned.history",
    "explain": "climcube.reports.explain",
    "explore": "climcube.explorer.explore",
    "false_positive_rates": "climcube.analysis.trends.rates",
    "fdr": "climcube.analysis.trends.significance",
    "habitat": "climcube.analysis.habitats.habitat",
    "heatwave_state": "climcube.analysis.following.state",
    "heatwaves": "climcube.analysis.events.heatwaves",
    "ingest": "climcube.recipes.ingest",
    "iod": "climcube.analysis.indices.iod",
    "mask": "climcube.analysis.masks",
    "matchup": "climcube.analysis.matchup.matchup",
    "maximum_monthly_mean": "climcube.analysis.indices.warmest_month",
    "monthly_mean": "climcube.analysis.means",
    "nino34": "climcube.analysis.indices.nino",
    "oni": "climcube.analysis.indices.nino",
    "open": "climcube.cubes.open",
    "open_heatwave_state": "climcube.analysis.following.state",
    "pdo": "climcube.analysis.indices.pdo",
    "percentile": "climcube.analysis.percentile",
    "plan": "climcube.planning.plan",
    "plan_ingest": "climcube.recipes.ingest",
    "quantile_trend": "climcube.analysis.trends.quantile_trend",
    "rechunk": "climcube.cubes.chunks",
    "relayout": "climcube.saving.relayout",
    "remove_version_name": "climcube.stores.versioned.names",
    "report": "climcube.reports.report",
    "roll_back": "climcube.stores.versioned.history",
    "rolling_mean": "climcube.analysis.rolling",
    "save": "climcube.saving.save",
    "seasonal_mean": "climcube.analysis.means",
    "set_options": "climcube.options",
    "tag_version": "climcube.stores.versioned.names",
    "track": "climcube.analysis.tracking.track",
    "trend": "climcube.analysis.trends.trend",
    "trend_moments": "climcube.analysis.trends.moments",
    "verify": "climcube.stores.verify",
    "versions": "climcube.stores.versioned.history",
    "zonal_mean": "climcube.analysis.area_means",
}
_MODULES = {
    "errors": "climcube.errors",
    "options": "climcube.options",
    "plot": "climcube.plots",
    "testing": "climcube.testing",
}

__all__ = [  # noqa: RUF022 - sorted as `sorted` sorts; a test compares it with the two tables
    "ClimcubeError",
    "Habitat",
    "HeatwaveState",
    "Heatwaves",
    "Plan",
    "Recipe",
    "Tracks",
    "annual_mean",
    "anomaly",
    "area_mean",
    "area_sum",
    "branch_version",
    "breakpoint",
    "catalog",
    "change",
    "climate_velocity",
    "climatology",
    "cluster",
    "daily_mean",
    "degree_heating_weeks",
    "detrend",
    "emergence",
    "errors",
    "expire_versions",
    "explain",
    "explore",
    "false_positive_rates",
    "fdr",
    "habitat",
    "heatwave_state",
    "heatwaves",
    "ingest",
    "iod",
    "mask",
    "matchup",
    "maximum_monthly_mean",
    "monthly_mean",
    "nino34",
    "oni",
    "open",
    "open_heatwave_state",
    "options",
    "pdo",
    "percentile",
    "plan",
    "plan_ingest",
    "plot",
    "quantile_trend",
    "rechunk",
    "relayout",
    "remove_version_name",
    "report",
    "roll_back",
    "rolling_mean",
    "save",
    "seasonal_mean",
    "set_options",
    "tag_version",
    "testing",
    "track",
    "trend",
    "trend_moments",
    "verify",
    "versions",
    "zonal_mean",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'climcube' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
