"""Metrics, the protocol of a held-out period, significance, baselines, health checks and segments."""
