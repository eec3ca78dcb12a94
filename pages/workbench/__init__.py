"""The sections of the Shopper page, one module each: widgets, one call into recsys, one render."""
