"""How much memory and work one simple method may take. What is cut down for it is said, with the figure."""

import numpy as np
from humanize import naturalsize
from scipy import sparse

MOST_BYTES = 1_200_000_000
"""A method whose arrays would need more than this is left out."""

MOST_PAIRS_OF_ITEMS = 500_000_000
"""Most pairs of items of one user that are counted, all users together: the sum of squared lengths of histories."""

SHORTEST = 30
"""Histories are not cut below this many items; when that is still too much, users are left out instead."""


def sized(n_bytes: float) -> str:
    """Bytes in words: "1.9 GB"."""
    return naturalsize(n_bytes)


def cut_to(
    interactions: sparse.csr_matrix, most: int = MOST_PAIRS_OF_ITEMS, seed: int = 0
) -> tuple[sparse.csr_matrix, str]:
    """The same matrix with long histories cut to a random part, so that its pairs of items are at most `most`.

    Returns:
        The matrix, CSR (n_users, n_items), and what was done in words; "" where nothing was.
    """
    lengths = np.diff(interactions.indptr).astype(np.int64)
    if (lengths**2).sum() <= most:
        return interactions, ""
    rng = np.random.default_rng(seed)
    low, high = SHORTEST, int(lengths.max())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if (np.minimum(lengths, middle) ** 2).sum() <= most else (low, middle)
    order = np.lexsort((rng.random(interactions.nnz), np.repeat(np.arange(len(lengths)), lengths)))
    place = np.arange(interactions.nnz) - np.repeat(interactions.indptr[:-1], lengths)
    keep = np.zeros(interactions.nnz, dtype=bool)
    keep[order[place < low]] = True
    note = f"histories cut to {low:,} random products"
    share = most / float((np.minimum(lengths, low) ** 2).sum())
    if share < 1:
        drawn = rng.random(len(lengths)) < share
        keep &= np.repeat(drawn, lengths)
        note += f", {int(drawn.sum()):,} of {len(lengths):,} shoppers drawn"
    indptr = np.concatenate([[0], np.cumsum(keep)])[interactions.indptr]
    return sparse.csr_matrix(
        (interactions.data[keep], interactions.indices[keep], indptr), shape=interactions.shape
    ), note
