"""Single netCDF files, read as stored."""
