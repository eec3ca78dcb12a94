"""Plotly figures from plain values, one module a page."""
