"""Presentations for a meeting: saved slides, what each one shows, and the one file they are shown from."""
