"""From files and databases to a dataset: dialects, columns, times, filters, the report of an import."""
