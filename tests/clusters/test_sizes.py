"""Sizes in bytes as people write them."""

from __future__ import annotations

import pytest

from climcube.clusters.sizes import bytes_of
from climcube.errors import ParameterError


@pytest.mark.parametrize(
    ("given", "size"),
    [("4 GiB", 2**32), ("4gb", 4 * 10**9), (1e17, 10**17), ("1.5k", 1500), ("7", 7), (512, 512)],
)
def test_sizes(given: object, size: int) -> None:
    assert bytes_of(given) == size


@pytest.mark.parametrize(
    "given", [0, -1, "", "GB", "1 parsec", "nan", float("nan"), "1e999", True, "1.2.3 GB"]
)
def test_sizes_that_are_none(given: object) -> None:
    with pytest.raises(ParameterError, match="memory="):
        bytes_of(given)
