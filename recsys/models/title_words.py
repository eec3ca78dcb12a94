"""Words of titles and descriptions as features, weighted by how rare they are (TF-IDF; Spärck Jones 1972)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FEWEST_ITEMS = 5
"""A word that fewer items have says nothing of others."""

MOST_SHARE = 0.2
"""A word that more than this share of the items have tells nothing apart: "the", "pack", "und"."""

_WORD = re.compile(r"[^\W\d_]{2,}")


def words_in(text: str) -> list[str]:
    """The words of a text in lower case, those of one letter and numbers left out."""
    return _WORD.findall(text.lower())


def vocabulary(texts: Sequence[str], most: int) -> tuple[list[str], NDArray[np.float64]]:
    """At most so many words, in alphabetical order, those that most items have first to be taken; and the rarity of
    each, ln(items / items that have it)."""
    having = Counter(word for text in texts for word in set(words_in(text)))
    likely = sorted((-n, word) for word, n in having.items() if FEWEST_ITEMS <= n <= MOST_SHARE * len(texts))
    words = sorted(word for _, word in likely[:most])
    return words, np.log(len(texts) / np.array([having[word] for word in words], dtype=np.float64))


def entries(texts: Sequence[str], numbers: Mapping[str, int], rarity: NDArray[np.float64]) -> sparse.csr_matrix:
    """(n, k) float32: (1 + ln of how often) x rarity of each word in each text, brought to sum 1.

    Args:
        numbers: word to its column.
        rarity: (k,).
    """
    rows: list[int] = []
    columns: list[int] = []
    weights: list[float] = []
    for row, text in enumerate(texts):
        often = Counter(number for word in words_in(text) if (number := numbers.get(word)) is not None)
        found = {number: (1 + np.log(n)) * rarity[number] for number, n in often.items()}
        whole = sum(found.values())
        rows += [row] * len(found)
        columns += found
        weights += [value / whole for value in found.values()]
    shape = (len(texts), len(rarity))
    return sparse.csr_matrix((np.array(weights, np.float32), (rows, columns)), shape=shape)
