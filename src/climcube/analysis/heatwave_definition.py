"""The numbers that define a marine heatwave, checked before anything is built on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from climcube.cubes.calendar import BasePeriod, TimeAxis
from climcube.errors import ParameterError, require_choice, require_odd
from climcube.kernels.settings import Settings

__all__ = ["HeatwaveDefinition"]

MIN_BASE_YEARS = 3
# A value that differs from the threshold by less than rounding is equal to it, hence no
# exceedance. In quantised data such days occur; otherwise the order of a sum would decide them.
TIES = 16 * 2.0**-52


@dataclass(frozen=True)
class HeatwaveDefinition:
    """Parameters of `climcube.heatwaves`; see there for their meaning."""

    base_period: BasePeriod | None = None
    percentile: float = 90.0
    window: int = 11
    smooth: int | None = 31
    min_duration: int = 5
    max_gap: int = 2
    max_pad: int = 0
    cold: bool = False
    compat: str | None = None

    def __post_init__(self) -> None:
        if not 50 < self.percentile < 100:
            raise ParameterError(
                "percentile out of range",
                where=f"percentile={self.percentile!r}",
                expected="a number above 50 and below 100",
                remedy="for cold spells pass cold=True and keep the percentile of the negated "
                "series (percentile=90 is the 10th percentile of temperature)",
            )
        require_choice("compat", self.compat, (None, "reference"))
        require_odd("window", self.window)
        if self.smooth is not None:
            require_odd("smooth", self.smooth)
        for name, least in (("min_duration", 1), ("max_gap", 0), ("max_pad", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ParameterError(
                    f"{name} out of range",
                    where=f"{name}={value!r}",
                    expected=f"a whole number of days, at least {least}",
                )

    def base(self, axis: TimeAxis) -> tuple[int, int]:
        """First and last sample of the base period; at least three years are needed."""
        first, last = axis.period(self.base_period)
        years = int(axis.year[last] - axis.year[first]) + 1
        if years < MIN_BASE_YEARS:
            raise ParameterError(
                "the base period is too short for a percentile",
                where=f"base_period={self.base_period!r}",
                expected=f"at least {MIN_BASE_YEARS} years (the field uses 30)",
                found=f"{years} ({axis.label(first)} to {axis.label(last)})",
                remedy="widen the base period, or pass climatology= from a longer record",
            )
        return first, last

    def settings(self) -> Settings:
        """Return the numbers that kernels take."""
        ties = 0.0 if self.compat == "reference" else TIES
        sign = -1.0 if self.cold else 1.0
        return Settings(self.min_duration, self.max_gap, self.max_pad, sign, ties)

    def as_parameters(self) -> dict[str, Any]:
        """Return the parameters as the user would write them."""
        return asdict(self)
