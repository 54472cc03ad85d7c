"""Plain numbers that travel with a task of rank trends (no compiled code is imported for them)."""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "AR1",
    "AR1_UNCORRECTED",
    "HAMED_RAO",
    "MEMORIES",
    "PRE_WHITENING",
    "TFPW",
    "YUE_WANG",
    "RankSettings",
]

# How memory is dealt with: names, and the numbers that stand for them in compiled code.
MEMORIES = (
    "none", "ar1", "ar1_uncorrected", "hamed_rao", "yue_wang", "pre_whitening", "tfpw",
)  # fmt: skip
_, AR1, AR1_UNCORRECTED, HAMED_RAO, YUE_WANG, PRE_WHITENING, TFPW = range(7)


class RankSettings(NamedTuple):
    """What was asked for.

    Attributes
    ----------
    per
        Length, in years, of the unit of time of slopes.
    memory
        Index into `MEMORIES`.
    lags
        Of Hamed-Rao and Yue-Wang: how many.
    min_valid
        Samples below which a cell gets NaN.
    confidence
        Level of the confidence limits.
    """

    per: float
    memory: int
    lags: int
    min_valid: int
    confidence: float
