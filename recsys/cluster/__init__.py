"""Work in pieces that any process can do: here one after the other, or on the workers of a Dask cluster."""
