"""A model with more items than it was trained with, at little cost: what is known of its own items is kept."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from recsys import columns as c
from recsys.models.model import Model


def with_added_items(model: Model, table: pd.DataFrame) -> Model:
    """The same model with more items at the end of its table.

    A new item's embedding and bias are the weighted means of those of its categories, its brand and what else the model
    learned of products: its feature row has no identity and sums to 1, as the rows of items do that never sold before
    the training.

    Args:
        table: the new items, with the columns of `model.items`.
    """
    features = model.item_features
    added = features.rows_of(table)
    matrix = sparse.vstack([features.matrix, added], format="csr", dtype=np.float32)
    pairs = model.history.counts
    counts = sparse.csr_matrix((pairs.data, pairs.indices, pairs.indptr), shape=(pairs.shape[0], matrix.shape[0]))
    known = dataclasses.replace(features, matrix=matrix)
    carry_over(features, known, {"shared": lambda old: old, "names": lambda old: old})
    found = dataclasses.replace(
        model,
        items=pd.concat([model.items, table], ignore_index=True),
        item_features=known,
        history=dataclasses.replace(model.history, counts=counts),
        fold_in=None if model.fold_in is None else model.fold_in.with_items(added @ model.lightfm.item_embeddings),
    )
    carry_over(model, found, _grown(model, table, added))
    return found


def carry_over(old: object, new: object, grown: Mapping[str, Callable[[Any], Any]]) -> None:
    """Give a new object what was worked out for the one that it enlarges: cached properties, by name, each with how
    it grows. What was not asked of the old one yet stays to be worked out."""
    for name, grow in grown.items():
        if name in vars(old):
            vars(new)[name] = grow(vars(old)[name])


def _grown(model: Model, table: pd.DataFrame, added: sparse.csr_matrix) -> dict[str, Callable[[Any], Any]]:
    """How the cached properties of a model grow with its items; users keep theirs."""
    ids, n, before = [str(item_id) for item_id in table[c.ITEM]], len(table), len(model.items)
    levels = [table[level] for level in model.category_levels]
    embeddings, biases = model.lightfm.item_embeddings, model.lightfm.item_biases

    def representations(old: tuple[Any, ...]) -> tuple[Any, ...]:
        more = (added @ embeddings).astype(np.float32), (added @ biases).astype(np.float32)
        return np.concatenate([old[0], more[0]]), np.concatenate([old[1], more[1]]), *old[2:]

    def search_text(old: pd.Series) -> pd.Series:
        text = table[c.TITLE].astype(str)
        for level in levels:
            text = text + " " + level.astype(str)
        return pd.concat([old, text.str.lower()], ignore_index=True)

    return {
        "_representations": representations,
        "user_index": lambda old: old,
        "rows_of_users": lambda old: old,
        "item_index": lambda old: old.append(pd.Index(table[c.ITEM])),
        "item_ids": lambda old: [*old, *ids],
        "rows_of_items": lambda old: {**old, **dict(zip(ids, range(before, before + n), strict=True))},
        "titles": lambda old: [*old, *map(str, table[c.TITLE])],
        "popularity": lambda old: np.append(old, np.zeros(n, old.dtype)),
        "popularity_rank": lambda old: np.append(old, np.arange(before + 1, before + n + 1)),
        "categories": lambda old: [*old, *(zip(*levels, strict=True) if levels else [()] * n)],
        "search_text": search_text,
    }
