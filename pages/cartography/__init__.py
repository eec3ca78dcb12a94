"""Sections of the Map page."""
