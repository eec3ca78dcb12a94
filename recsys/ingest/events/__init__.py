"""Rows of events: staged, filtered, sorted, counted and written."""
