"""What a training gives: the LightFM object, what its numbers stand for, and how good it is."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from lightfm import LightFM
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.dataset import Dataset, Interactions
from recsys.errors import InvalidInput, NotFound, UnknownUser
from recsys.models import lightfm_wrapper
from recsys.models.features import Features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.manifest import ModelManifest


@dataclass(frozen=True)
class Model:
    """A trained model version with everything needed to answer from it. Treat every array as read-only.

    Attributes:
        id: name of the version.
        recipe: the hyperparameters it was trained with.
        seed: seed of the training.
        lightfm: the trained `lightfm.LightFM`, by feature; predicts with `item_features` and `user_features`.
        items, users: tables of the dataset it was trained on; row number = inside id.
        category_levels, user_attributes: columns of these tables, widest level first.
        item_features, user_features: what the model's features stand for.
        history: interactions it has learned from; what a user had before.
        again: float32 (n_pairs,), aligned with `history.counts.data`: chance that the pair is bought again; None where
            the shop's past was too little to learn it from.
        manifest: what else is known of it.
        fold_in: the learner's own formula for the embedding of anybody; None where it has none.
    """

    id: str
    recipe: Hyperparameters
    seed: int
    lightfm: LightFM
    items: pd.DataFrame
    users: pd.DataFrame
    category_levels: tuple[str, ...]
    user_attributes: tuple[str, ...]
    item_features: Features
    user_features: Features
    history: Interactions
    manifest: ModelManifest
    again: NDArray[np.float32] | None = None
    fold_in: LinearFoldIn | None = None

    @property
    def settled(self) -> Hyperparameters:
        """The recipe with what the validation periods settled in the place of what it left open."""
        return self.manifest.plan.settled or self.recipe

    @cached_property
    def digest(self) -> str:
        """The same for models with equal embeddings and biases of features, and for no others."""
        found = hashlib.sha256()
        for name in ("item_embeddings", "item_biases", "user_embeddings", "user_biases"):
            found.update(np.ascontiguousarray(getattr(self.lightfm, name)).tobytes())
        return found.hexdigest()[:32]

    @cached_property
    def _representations(self) -> tuple[NDArray[np.float32], ...]:
        return lightfm_wrapper.representations(self.lightfm, self.item_features, self.user_features)

    @property
    def item_embeddings(self) -> NDArray[np.float32]:
        """(n_items, components): item features times their embeddings."""
        return self._representations[0]

    @property
    def item_biases(self) -> NDArray[np.float32]:
        """(n_items,): how much an item is liked by everybody."""
        return self._representations[1]

    @property
    def user_embeddings(self) -> NDArray[np.float32]:
        """(n_users, components)."""
        return self._representations[2]

    @property
    def user_biases(self) -> NDArray[np.float32]:
        """(n_users,); does not change the order of a user's items."""
        return self._representations[3]

    def scores(self, users: NDArray[np.int_] | Sequence[int]) -> NDArray[np.float32]:
        """LightFM scores (len(users), n_items): user embedding · item embedding + item bias + user bias."""
        block = self.user_embeddings[users] @ self.item_embeddings.T
        block += self.item_biases
        block += self.user_biases[users][:, None]
        return block

    @cached_property
    def user_index(self) -> pd.Index:
        """The outside ids of users, in table order."""
        return pd.Index(self.users[c.USER])

    @cached_property
    def item_index(self) -> pd.Index:
        """The outside ids of items, in table order."""
        return pd.Index(self.items[c.ITEM])

    @cached_property
    def rows_of_users(self) -> dict[str, int]:
        """Row number by outside id: for one user at a time, far faster than an index."""
        return {user_id: row for row, user_id in enumerate(_texts(self.users[c.USER]))}

    @cached_property
    def rows_of_items(self) -> dict[str, int]:
        """Row number by outside id, as `rows_of_users`."""
        return {item_id: row for row, item_id in enumerate(self.item_ids)}

    @cached_property
    def item_ids(self) -> list[str]:
        """Outside ids of the items, by row."""
        return _texts(self.items[c.ITEM])

    @cached_property
    def titles(self) -> list[str]:
        """Titles of the items, by row."""
        return _texts(self.items[c.TITLE])

    def user_row(self, user_id: str) -> int:
        """Row number of a user; NotFound when the model has never seen them."""
        row = self.rows_of_users.get(user_id, -1)
        if row < 0:
            raise UnknownUser(f"No user {user_id!r} in model {self.id!r}.")
        return row

    def item_rows(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Row numbers of items; NotFound names the first that does not exist."""
        rows = np.array([self.rows_of_items.get(item_id, -1) for item_id in item_ids], dtype=np.int64)
        if (rows < 0).any():
            unknown = list(item_ids)[int(np.argmax(rows < 0))]
            raise NotFound(f"No item {unknown!r} in model {self.id!r}.")
        return rows

    def check_dataset(self, dataset: Dataset) -> Dataset:
        """The dataset itself if the model was trained on exactly it; InvalidInput otherwise."""
        return check_fingerprint(self.manifest, dataset)

    @cached_property
    def popularity(self) -> NDArray[np.int64]:
        """(n_items,): how many users have had each item in what the model learned from."""
        return np.bincount(self.history.counts.indices, minlength=len(self.items))

    @cached_property
    def popularity_rank(self) -> NDArray[np.int64]:
        """(n_items,): 1 for the item that most users have had; ties in table order."""
        rank = np.empty(len(self.items), dtype=np.int64)
        rank[np.argsort(-self.popularity, kind="stable")] = np.arange(1, len(self.items) + 1)
        return rank

    @cached_property
    def categories(self) -> list[tuple[str, ...]]:
        """For every item its category levels, widest first."""
        if not self.category_levels:
            return [()] * len(self.items)
        return list(zip(*(self.items[level].tolist() for level in self.category_levels), strict=True))

    @cached_property
    def search_text(self) -> pd.Series:
        """For every item its title and categories in lower case, for finding it by words."""
        text = self.items[c.TITLE].astype(str)
        for level in self.category_levels:
            text = text + " " + self.items[level].astype(str)
        return text.str.lower()

    def items_with_words(self, query: str) -> NDArray[np.bool_]:
        """(n_items,): whether an item's id is `query`, or its title and categories hold all words of it."""
        found = np.ones(len(self.items), dtype=bool)
        for word in query.lower().split():
            found &= self.search_text.str.contains(word, regex=False).to_numpy(dtype=bool)
        return found | (self.items[c.ITEM] == query.strip()).to_numpy(dtype=bool)


def _texts(column: pd.Series) -> list[str]:
    """The values of a column, ten times as fast as one by one."""
    found: list[str] = column.astype(str).tolist()
    return found


def identical(first: Model, second: Model) -> bool:
    """Whether two versions give the same answers: the same items, users, history, embeddings and biases."""
    if first.id == second.id:
        return True
    if first.item_ids != second.item_ids or not first.user_index.equals(second.user_index):
        return False
    none = np.zeros(0, np.float32)
    parts = ("item_embeddings", "item_biases", "user_embeddings", "user_biases")
    return (
        all(np.array_equal(getattr(first, part), getattr(second, part)) for part in parts)
        and np.array_equal(none if first.again is None else first.again, none if second.again is None else second.again)
        and bool((first.history.counts != second.history.counts).nnz == 0)
    )


def check_fingerprint(manifest: ModelManifest, dataset: Dataset) -> Dataset:
    """The dataset itself if the model of this manifest was trained on exactly it; InvalidInput otherwise."""
    if dataset.fingerprint != manifest.fingerprint:
        raise InvalidInput(
            f"Dataset {dataset.name!r} has changed since model {manifest.id!r} was trained on it; "
            "what was held out of it is something else now. Train again."
        )
    return dataset
