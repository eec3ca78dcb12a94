"""The lanes of recommendations: what a list may hold."""

from typing import Literal

Lane = Literal["discover", "again", "all"]
"""Products not had before, products had before, or both mixed."""

JudgedLane = Literal["discover", "again"]
"""The lanes that a model is judged in."""

LANES: tuple[Lane, ...] = ("discover", "again", "all")
