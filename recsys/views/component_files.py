"""Styles and scripts of the dashboard's own components, as they lie beside this module."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "assets"


@cache
def component_file(name: str) -> str:
    """The text of a file in `assets`."""
    return (FOLDER / name).read_text(encoding="utf-8")
