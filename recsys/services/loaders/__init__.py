"""Stored models and datasets in memory."""
