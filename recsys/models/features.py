"""Feature matrices of items and users: what each embedding of the model stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.errors import InvalidInput
from recsys.models.hyperparameters import ALL, Hyperparameters

IDENTITY = "identity"


@dataclass(frozen=True)
class Features:
    """A feature matrix and the meaning of its columns.

    Attributes:
        matrix: CSR float32 (n_rows, n_features), each row summing to 1 (rows with no feature are all zero).
        kinds: for every feature, `"identity"` or the column of the table it comes from.
        values: for every feature, its value: the outside id, or the text in the column.
    """

    matrix: sparse.csr_matrix
    kinds: NDArray[np.object_]
    values: NDArray[np.object_]

    def __post_init__(self) -> None:
        if not self.matrix.shape[1] == len(self.kinds) == len(self.values):
            raise InvalidInput(
                f"{self.matrix.shape[1]} feature columns but {len(self.kinds)} kinds and {len(self.values)} values."
            )

    @cached_property
    def names(self) -> frozenset[str]:
        """The kinds there are: `"identity"` and names of columns."""
        return frozenset(map(str, self.kinds))

    def row(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Feature numbers and weights of one row."""
        span = slice(self.matrix.indptr[index], self.matrix.indptr[index + 1])
        return self.matrix.indices[span], self.matrix.data[span]

    def without_identity_of(self, rows: NDArray[np.bool_]) -> "Features":
        """The same features, but the rows marked (n_rows,) keep only what they share with others, summing to 1 again.

        For rows that nothing was learned about: their identity embedding would be noise.
        """
        identity = self.kinds == IDENTITY
        if not rows.any() or not identity.any():
            return self
        matrix = self.matrix.copy()
        entry_rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        matrix.data[rows[entry_rows] & identity[matrix.indices]] = 0.0
        matrix.eliminate_zeros()
        return Features(normalised(matrix), self.kinds, self.values)

    @cached_property
    def shared(self) -> dict[str, dict[str, int]]:
        """The features that several rows may have: column to value to feature number; all but the identities."""
        found: dict[str, dict[str, int]] = {}
        for number in np.flatnonzero(self.kinds != IDENTITY):
            found.setdefault(str(self.kinds[number]), {})[str(self.values[number])] = int(number)
        return found

    def knows(self, kind: str, value: str) -> bool:
        """Whether there is a feature for this value of a column."""
        return value in self.shared.get(kind, {})

    def row_for(self, values: Mapping[str, str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Feature numbers and weights, summing to 1, for someone who is in no table: `{"age": "45-54"}`.

        Unknown names or values raise InvalidInput that lists those there are.
        """
        numbers = []
        for kind, value in values.items():
            there = self.shared.get(kind)
            if there is None:
                names = ", ".join(sorted(self.shared)) or "none"
                raise InvalidInput(f"The model knows no attribute {kind!r}; it knows {names}.")
            if str(value) not in there:
                options = ", ".join(list(there)[:20])
                raise InvalidInput(f"{kind} {value!r} is not known to the model; it knows {options}.")
            numbers.append(there[str(value)])
        return np.array(numbers, dtype=np.int64), np.full(len(numbers), 1 / max(len(numbers), 1), dtype=np.float32)


def item_features(dataset: Dataset, recipe: Hyperparameters) -> Features:
    """Identity, the category levels and the brand, as the recipe asks; rows sum to 1."""
    levels = _chosen(recipe.category_levels, dataset.category_levels, "category level")
    if recipe.brand and c.BRAND in dataset.items:
        levels = (*levels, c.BRAND)
    return _build(dataset.items, c.ITEM, levels, identity=recipe.identity, several=dataset.category_levels)


def user_features(dataset: Dataset, recipe: Hyperparameters) -> Features:
    """Identity and the attributes that are known, as the recipe asks; rows sum to 1."""
    attributes = _chosen(recipe.user_attributes, dataset.user_attributes, "user attribute")
    return _build(dataset.users, c.USER, attributes, identity=True)


def _chosen(wanted: Sequence[str], available: Sequence[str], what: str) -> tuple[str, ...]:
    if tuple(wanted) == (ALL,):
        return tuple(available)
    for name in wanted:
        if name not in available:
            raise InvalidInput(f"No {what} {name!r}; the dataset has {', '.join(available) or 'none'}.")
    return tuple(wanted)


def each_value(column: pd.Series) -> tuple[NDArray[np.int64], pd.Series]:
    """Row numbers and values of a column whose cells may hold several values, as "Games|Puzzles": one entry each."""
    values = column.astype(object).reset_index(drop=True)
    if not values.astype(str).str.contains(c.SEPARATOR, regex=False).any():
        return np.arange(len(values)), values
    values = values.str.split(c.SEPARATOR).map(lambda parts: list(dict.fromkeys(parts)), na_action="ignore").explode()
    return values.index.to_numpy(dtype=np.int64), values.reset_index(drop=True)


def _build(
    table: pd.DataFrame, key: str, columns: Sequence[str], *, identity: bool, several: Sequence[str] = ()
) -> Features:
    n = len(table)
    blocks = [sparse.identity(n, dtype=np.float32, format="csr")] if identity else []
    kinds = [IDENTITY] * n if identity else []
    values = list(table[key]) if identity else []
    for column in columns:
        rows, texts = each_value(table[column]) if column in several else (np.arange(n), table[column].astype(object))
        codes, names = pd.factorize(texts, sort=True)
        known = np.flatnonzero(codes >= 0)
        ones = np.ones(len(known), dtype=np.float32)
        blocks.append(sparse.csr_matrix((ones, (rows[known], codes[known])), shape=(n, len(names))))
        kinds += [column] * len(names)
        values += [str(name) for name in names]
    matrix = sparse.hstack(blocks, format="csr", dtype=np.float32)
    return Features(normalised(matrix), np.array(kinds, dtype=object), np.array(values, dtype=object))


def normalised(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same matrix with each row brought to sum 1; rows without entries stay empty."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0).astype(np.float32)
    scaled = (sparse.diags(scale) @ matrix).tocsr().astype(np.float32)
    scaled.sort_indices()
    return scaled
