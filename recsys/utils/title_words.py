"""The words of a title, to hold titles against each other."""

import re

_WORD = re.compile(r"[^\W\d_]{3,}")


def title_words(title: str) -> list[str]:
    """Its words of three letters and more in lower case, in their order; numbers and sizes are none."""
    return _WORD.findall(title.lower())
