"""What the browser tests share."""

from playwright.sync_api import expect

PATIENCE = 120_000
"""Milliseconds: a busy machine is no fault of the page."""

expect.set_options(timeout=PATIENCE)
