"""HDF5 files that read other files: a netCDF file from elsewhere must not lead to yours."""

from __future__ import annotations

from typing import Any

from climcube.errors import StoreError
from climcube.provenance import redact

__all__ = ["require_self_contained"]


def require_self_contained(target: Any, where: str) -> None:
    """Raise `StoreError` where an HDF5 file names other files as the place of its data.

    Such a file can name any path of the machine that opens it, and what lies there would come
    out as data. Links to files, raw data in files and virtual data sets are refused; nothing
    that they name is opened to find out.

    Parameters
    ----------
    target
        Path, or stream at its beginning.
    where
        The file, for messages.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(target, "r") as file:
            guilty = _first_outside(file)
    except OSError:  # no HDF5 file, or a broken one: whoever reads it says so
        guilty = None
    if hasattr(target, "seek"):
        target.seek(0)
    if guilty is not None:
        raise StoreError(
            "a netCDF file that reads other files",
            where=redact(where),
            found=f"the data of '{guilty}' lie elsewhere",
            remedy="if you trust it, copy it into one file first (h5repack, ncks)",
        )


def _first_outside(file: Any) -> str | None:
    import h5py

    def look(name: str, link: Any) -> str | None:
        if isinstance(link, h5py.ExternalLink):
            return name
        if not isinstance(link, h5py.HardLink):
            return None  # a soft link leads to something that is looked at by its own name
        found = file.get(name)
        if isinstance(found, h5py.Dataset) and (found.external or found.is_virtual):
            return name
        return None

    outside: str | None = file.visititems_links(look)
    return outside
