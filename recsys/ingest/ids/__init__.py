"""Ids as numbers: each text once."""
