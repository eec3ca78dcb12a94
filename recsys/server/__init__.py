"""Listening on a port, and several processes that answer on it."""
