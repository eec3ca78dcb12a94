"""The HTTP API: routes that parse, call and translate errors."""
