"""Cells that are safe in a spreadsheet."""

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet could read a formula (OWASP, "CSV injection")."""
    return f"'{text}" if text.startswith(DANGEROUS) else text
