"""Items that came after a model was trained: known by their categories, until the next training."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from recsys import columns as c
from recsys.dataset import Interactions
from recsys.features import IDENTITY, Features
from recsys.model import Model


def item_rows(announced: Mapping[str, Mapping[str, Any]], levels: tuple[str, ...], columns: list[str]) -> pd.DataFrame:
    """Announced items as rows of an item table.

    Args:
        announced: by id: `title`, `category` (widest level first), `brand`, `price`, each optional.
        levels: names of the category levels, widest first.
        columns: columns of the table.
    """
    rows = []
    for item_id, content in announced.items():
        given = dict(zip(levels, content.get(c.CATEGORY) or (), strict=False))
        row = {name: given.get(name) or c.UNCATEGORISED for name in levels}
        row |= {c.ITEM: item_id, c.TITLE: content.get(c.TITLE) or item_id}
        row |= {name: content.get(name) for name in (c.BRAND, c.PRICE)}
        rows.append({name: row.get(name) for name in columns})
    return pd.DataFrame(rows, columns=columns)


def with_new_items(model: Model, announced: Mapping[str, Mapping[str, Any]]) -> Model:
    """The same model with more items at the end of its table; those it has already are left as they are.

    A new item's embedding and bias are the means of those of its categories and its brand: its feature row has no
    identity and sums to 1, as the rows of items do that never sold before the training.
    """
    new = {name: content for name, content in announced.items() if name not in model.item_index}
    if not new:
        return model
    table = item_rows(new, model.category_levels, list(model.items.columns))
    table = table.astype({name: kind for name, kind in model.items.dtypes.items() if name == c.PRICE})
    features = model.item_features
    known = {
        (kind, str(value)): number
        for number, (kind, value) in enumerate(zip(features.kinds, features.values, strict=True))
        if kind != IDENTITY
    }
    kinds = list(dict.fromkeys(kind for kind, _ in known))
    rows, columns, weights = [], [], []
    for row, values in enumerate(table[kinds].itertuples(index=False)):
        found = [known[pair] for pair in zip(kinds, map(str, values), strict=True) if pair in known]
        rows += [row] * len(found)
        columns += found
        weights += [1.0 / len(found)] * len(found)
    added = sparse.csr_matrix(
        (np.array(weights, np.float32), (rows, columns)), shape=(len(table), features.matrix.shape[1])
    )
    matrix = sparse.vstack([features.matrix, added], format="csr", dtype=np.float32)
    pairs = model.history.counts
    counts = sparse.csr_matrix((pairs.data, pairs.indices, pairs.indptr), shape=(pairs.shape[0], matrix.shape[0]))
    history = Interactions(counts, model.history.first, model.history.last, model.history.value)
    return dataclasses.replace(
        model,
        items=pd.concat([model.items, table], ignore_index=True),
        item_features=Features(matrix, features.kinds, features.values),
        history=history,
    )
