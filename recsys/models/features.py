"""Feature matrices of items and users: what each embedding of the model stands for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import columns as c
from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.item_columns import number_columns, texts_of
from recsys.errors import InvalidInput
from recsys.models import item_bands, title_words
from recsys.models.hyperparameters import ALL, Hyperparameters
from recsys.models.popularity import timed

IDENTITY = "identity"
WORDS = "title words"
"""The kind of features that are words of titles and descriptions."""


@dataclass(frozen=True)
class Features:
    """A feature matrix and the meaning of its columns.

    Attributes:
        matrix: CSR float32 (n_rows, n_features), each row summing to 1 (rows with no feature are all zero).
        kinds: for every feature, `"identity"`, the column of the table it comes from, or `"title words"`.
        values: for every feature, its value: the outside id, the text in the column, a band in words, or a word.
        weights: for every feature, what its group weighs in a row before the row is brought to sum 1; None for 1 each.
        measures: for every feature, what gives new rows their entries: the lowest number of a band, the rarity of a
            word, NaN for others; None where all are such.
    """

    matrix: sparse.csr_matrix
    kinds: NDArray[np.object_]
    values: NDArray[np.object_]
    weights: NDArray[np.float32] | None = None
    measures: NDArray[np.float64] | None = None

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
        return replace(self, matrix=normalised(matrix))

    def rows_of(self, table: pd.DataFrame) -> sparse.csr_matrix:
        """(len(table), n_features) float32: what new rows of the table share with others, each row summing to 1 where
        it has any; values that nothing was learned of are left out."""
        found = sparse.csr_matrix((len(table), self.matrix.shape[1]), dtype=np.float32)
        for kind, numbers in self.shared.items():
            if kind != WORDS and kind not in table:
                continue
            features = np.fromiter(numbers.values(), dtype=np.int64)
            places = {value: place for place, value in enumerate(numbers)}
            measures = None if self.measures is None else self.measures[features]
            if kind == WORDS and measures is not None:
                part = title_words.entries(list(texts_of(table)), places, measures)
            elif measures is not None and not np.isnan(measures).all():
                part = item_bands.entries(_numbers(table[kind]), measures)
            else:
                part = _text_entries(table[kind], places, several=True)
            weights = 1.0 if self.weights is None else float(self.weights[features[0]])
            put = sparse.csr_matrix(
                (np.ones(len(features), np.float32), (np.arange(len(features)), features)),
                shape=(len(features), found.shape[1]),
            )
            found = found + np.float32(weights) * (part @ put)
        return normalised(found.tocsr())

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


@dataclass(frozen=True)
class _Group:
    """Features of one kind: their names, their entries (n_rows, n), and what each entry weighs."""

    kind: str
    values: Sequence[str]
    entries: sparse.csr_matrix
    weight: float = 1.0
    measures: NDArray[np.float64] | None = None


def item_features(dataset: Dataset, recipe: Hyperparameters, period: Interactions | None = None) -> Features:
    """Identity, category levels, brand, bands of numbers and words of titles, as the recipe asks; rows sum to 1.

    Args:
        period: what is learned from: it says when each item was first sold.
    """
    items = dataset.items
    levels = _chosen(recipe.category_levels, dataset.category_levels, "category level")
    groups = [_identities(items, c.ITEM)] if recipe.identity else []
    groups += [_texts(items, level, recipe.category_weight, several=True) for level in levels]
    if recipe.brand and c.BRAND in items:
        groups.append(_texts(items, c.BRAND, recipe.brand_weight))
    bands = number_columns(items) if recipe.bands == (ALL,) else recipe.bands
    for name in _chosen(bands, bands_of(dataset), "column of numbers"):
        numbers = _numbers(items[name]) if name in items else _days_sold(period)
        lowest = item_bands.lowest_of_bands(numbers)
        if len(lowest):
            unit = "" if name in items else " days before"
            entries = item_bands.entries(numbers, lowest)
            groups.append(_Group(name, item_bands.in_words(lowest, unit), entries, recipe.bands_weight, lowest))
    if recipe.words:
        texts = list(texts_of(items))
        words, rarity = title_words.vocabulary(texts, recipe.words)
        entries = title_words.entries(texts, {word: place for place, word in enumerate(words)}, rarity)
        groups.append(_Group(WORDS, words, entries, recipe.words_weight, rarity))
    return _joined(groups)


def user_features(dataset: Dataset, recipe: Hyperparameters) -> Features:
    """Identity and the attributes that are known, as the recipe asks; rows sum to 1."""
    attributes = _chosen(recipe.user_attributes, dataset.user_attributes, "user attribute")
    return _joined([_identities(dataset.users, c.USER), *(_texts(dataset.users, name) for name in attributes)])


def bands_of(dataset: Dataset) -> tuple[str, ...]:
    """What of a dataset can be cut into bands: its columns of numbers and, with times, when an item was first sold."""
    return tuple(dict.fromkeys((*number_columns(dataset.items), *((c.FIRST_SOLD,) if dataset.timed else ()))))


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


def _identities(table: pd.DataFrame, key: str) -> _Group:
    return _Group(IDENTITY, list(table[key]), sparse.identity(len(table), dtype=np.float32, format="csr"))


def _texts(table: pd.DataFrame, column: str, weight: float = 1.0, *, several: bool = False) -> _Group:
    """The values of a column of text, in alphabetical order."""
    values = each_value(table[column])[1] if several else table[column].astype(object)
    names = [str(name) for name in sorted(pd.unique(values.dropna().astype(str)))]
    places = {name: place for place, name in enumerate(names)}
    return _Group(column, names, _text_entries(table[column], places, several=several), weight)


def _text_entries(column: pd.Series, places: Mapping[str, int], *, several: bool) -> sparse.csr_matrix:
    """(n, k) float32: 1 for each value of each cell that has a place among the k."""
    rows, values = each_value(column) if several else (np.arange(len(column)), column.astype(object))
    there = np.flatnonzero(values.notna())
    codes = pd.Index(list(places), dtype=object).get_indexer(pd.Index(values.iloc[there].astype(str), dtype=object))
    rows, codes = rows[there][codes >= 0], codes[codes >= 0]
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, codes)), shape=(len(column), len(places)))


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _days_sold(period: Interactions | None) -> NDArray[np.float64]:
    """(n_items,) days from when each item was first sold to the end of the period; NaN for those that were not."""
    if period is None or not timed(period):
        return np.zeros(0)
    first = np.full(period.counts.shape[1], np.datetime64("NaT", "s"))
    np.fmin.at(first, period.counts.indices, period.first)
    return np.asarray((period.last.max() - first) / np.timedelta64(1, "D"), dtype=np.float64)


def _joined(groups: Sequence[_Group]) -> Features:
    matrix = sparse.hstack([np.float32(x.weight) * x.entries for x in groups], format="csr", dtype=np.float32)
    plain = all(x.weight == 1 and x.measures is None for x in groups)
    lengths = [len(x.values) for x in groups]
    none = np.zeros(0)
    measures = [np.full(len(x.values), np.nan) if x.measures is None else x.measures for x in groups]
    return Features(
        normalised(matrix),
        np.repeat(np.array([x.kind for x in groups], dtype=object), lengths),
        np.array([value for x in groups for value in x.values], dtype=object),
        None if plain else np.repeat(np.array([x.weight for x in groups], np.float32), lengths),
        None if plain else np.concatenate([none, *measures]),
    )


def normalised(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """The same matrix with each row brought to sum 1; rows without entries stay empty."""
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    scale = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0).astype(np.float32)
    scaled = (sparse.diags(scale) @ matrix).tocsr().astype(np.float32)
    scaled.sort_indices()
    return scaled
