"""One module for each version of the schema. `tests/storage/test_schema.py` holds them against `tables`."""
