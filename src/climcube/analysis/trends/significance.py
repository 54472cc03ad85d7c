"""Field significance: where a map of tests can be believed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from climcube import provenance
from climcube.analysis.trends.common import is_number
from climcube.cubes.chunks import is_lazy
from climcube.cubes.units import unquantify
from climcube.errors import CubeError, ParameterError
from climcube.kernels.discovery import benjamini_hochberg

__all__ = ["fdr"]


def fdr(pvalue: xr.DataArray, *, alpha: float = 0.1) -> xr.DataArray:
    """Say in which cells a test is significant, given that there are many cells.

    Of a map of true null hypotheses 5 % are "significant" at p < 0.05, in patches, because
    neighbours resemble each other. This mask bounds the expected share of false ones among
    those marked by ``alpha`` instead (Benjamini & Hochberg 1995; Wilks 2016,
    doi:10.1175/BAMS-D-15-00267.1): with the m valid p-values in ascending order, all up to the
    last p_(i) <= alpha i / m. Wilks advises ``alpha`` = 0.1 for a level of about 0.05 where
    cells are strongly correlated in space.

    Parameters
    ----------
    pvalue : DataArray
        p-values over any dimensions, all one field; NumPy or Dask. NaN (land) is no test.
    alpha : float
        False discovery rate, between 0 and 1.

    Returns
    -------
    DataArray
        True where significant, of the same shape; False where the p-value is NaN. Lazy where
        the input is (the field is then held by one task).

    Raises
    ------
    ParameterError
        ``alpha`` is no rate, or ``pvalue`` no DataArray.
    CubeError
        At compute: a p-value lies outside 0..1.

    Examples
    --------
    >>> import xarray as xr
    >>> import climcube as cc
    >>> cc.fdr(xr.DataArray([0.001, 0.04, 0.2, 0.8], dims="cell"), alpha=0.1).values
    array([ True,  True, False, False])
    """
    if not isinstance(pvalue, xr.DataArray):
        raise ParameterError(
            "fdr needs p-values",
            expected="an xarray DataArray",
            found=type(pvalue).__name__,
            remedy="pass for instance cc.trend(cube).pvalue",
        )
    if not is_number(alpha) or not 0 < alpha < 1:
        raise ParameterError(
            "alpha is no rate",
            where=f"alpha={alpha!r}",
            expected="a number between 0 and 1, both excluded",
            remedy="pass for instance alpha=0.1",
        )
    plain, _ = unquantify(pvalue)
    where = f"fdr of variable {pvalue.name!r}"
    if is_lazy(plain):
        data: Any = plain.data.rechunk(-1)
        mask: Any = data.map_blocks(_mask, alpha, where, dtype=bool, meta=data._meta.astype(bool))
        mask = mask.rechunk(plain.chunks)
    else:
        mask = _mask(plain.values, alpha, where)
    result = plain.copy(data=mask)
    result.encoding = {}
    result.name = "significant"
    result.attrs = {
        "long_name": f"significant at a false discovery rate of {alpha:g}",
        "units": "1",
    }
    return provenance.record(result, "fdr", {"alpha": alpha}, [pvalue])  # type: ignore[no-any-return]


def _mask(block: npt.NDArray[Any], alpha: float, where: str) -> npt.NDArray[np.bool_]:
    try:
        return benjamini_hochberg(block, alpha)
    except FloatingPointError as error:
        raise CubeError(
            str(error), where=where, expected="probabilities, NaN where there is no test"
        ) from None
