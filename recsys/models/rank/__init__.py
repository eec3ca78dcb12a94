"""The k best of many scores, exactly: over all items, or without reading most of them."""
