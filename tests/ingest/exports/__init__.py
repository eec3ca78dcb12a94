"""Well-known exports in the exact shape of their headers; every row is invented."""
