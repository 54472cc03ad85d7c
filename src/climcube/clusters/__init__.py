"""Sessions of Dask workers: on this machine, at an address, or granted by a Dask-Gateway."""
