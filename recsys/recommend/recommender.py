"""Answers from a trained model: recommendations, similar items, people never seen, reasons. No files, no web."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from lightfm import LightFM
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset
from recsys.errors import NotFound
from recsys.models.added_items import carry_over
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.models.rank.pruned_top_k import PrunedTopK
from recsys.models.rank.top_k import NOTHING, scores_of_one, top_k
from recsys.recommend.activity import Activity
from recsys.recommend.category_filter import CategoryFilter
from recsys.recommend.compiled_rules import CompiledRules, compile_rules, not_available
from recsys.recommend.distinct_top_k import DistinctTopK
from recsys.recommend.explain import Reason, UserVector, reasons_for, similar_from_history
from recsys.recommend.near_duplicates import NearDuplicates
from recsys.recommend.results import (
    LANES,
    MAX_K,
    Answer,
    Lane,
    Path,
    RankedItem,
    check_k,
    check_lane,
    mixed_lanes,
)  # fmt: skip
from recsys.recommend.rules import Rules
from recsys.recommend.user_state import UserState, UserStates
from recsys.settings import MOST_ALIKE
from recsys.utils.arrays import unit_rows

RULES_IN_MEMORY = 32
"""Sets of rules whose compiled form is kept."""

LaneEntry = tuple[int, float, str]
"""Row number of an item, its score, and the lane that it is from."""

__all__ = [
    "LANES", "MAX_K", "Answer", "Lane", "Path", "RankedItem", "Recommender", "UserState", "check_k", "check_lane",
]  # fmt: skip


@dataclass(frozen=True)
class Recommender:
    """Answers from one model. Safe to share between threads: nothing is changed after the first use of each array.

    Attributes:
        model: the trained model.
        map: DataFrame `item_id, x, y`, or None while there is none.
        activity: what users did since the training, if there is a log; None for the model alone.
        dataset_source: gives the dataset that the model was trained on, if it can be had.
        most_alike: how many products that differ in nothing but their size stand in one list of new products; 0 for
            any number.
        narrow: the answers without the items announced since the training, where `model` holds such items.
    """

    model: Model
    map: pd.DataFrame | None = None
    activity: Activity | None = None
    dataset_source: Callable[[], Dataset] | None = field(default=None, compare=False, repr=False)
    narrow: "Recommender | None" = None
    most_alike: int = MOST_ALIKE

    @property
    def dataset(self) -> Dataset:
        """The dataset that the model was trained on, with its held-out part; read at the first use.

        Raises:
            NotFound: it is no longer stored, or the model came without one.
            InvalidInput: it has changed since the training.
        """
        if self.dataset_source is None:
            raise NotFound(f"Model {self.model.id!r} came without the dataset it was trained on.")
        return self.dataset_source()

    @property
    def without_announced(self) -> "Recommender":
        """The answers over the items of the training alone: for what has a place for these and no other, as the map."""
        return self.narrow or self

    def announced_items(self) -> frozenset[str]:
        """Ids of the items announced since the training that are in the answers."""
        return frozenset(self.model.item_ids[len(self.trained.items) :])

    @property
    def trained(self) -> Model:
        """The model exactly as it was trained and stored: for whatever holds it against its dataset."""
        return self.without_announced.model

    def with_items(self, model: Model) -> "Recommender":
        """The same answers over this model with more items at the end of its table; what was worked out is kept."""
        found = replace(self, model=model, narrow=self.without_announced)
        before = len(self.model.items)

        def directions(old: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.concatenate([old, unit_rows(model.item_embeddings[before:])])

        grown: dict[str, Callable[[Any], Any]] = {
            "user_states": lambda old: old.with_items(model),
            "_search": lambda old: old.with_more(model.item_embeddings, model.item_biases),
            "_popularity_ranks": lambda old: [*old, *map(int, model.popularity_rank[before:])],
            "_directions": directions,
            "_categories": lambda old: old.with_items(model.items.iloc[before:], model.category_levels),
            "near_duplicates": lambda old: old.with_items(model.items.iloc[before:], model.category_levels),
        }
        carry_over(self, found, grown)
        return found

    @property
    def lightfm(self) -> LightFM:
        """A working `lightfm.LightFM`."""
        return self.model.lightfm

    @property
    def manifest(self) -> ModelManifest:
        """The facts of the model version."""
        return self.model.manifest

    @property
    def items(self) -> pd.DataFrame:
        """The items, one row each; row n is item number n everywhere."""
        return self.model.items

    @property
    def users(self) -> pd.DataFrame:
        """The users, one row each."""
        return self.model.users

    @property
    def item_embeddings(self) -> NDArray[np.float32]:
        """float32 (n_items, components)."""
        return self.model.item_embeddings

    @property
    def item_biases(self) -> NDArray[np.float32]:
        """float32 (n_items,)."""
        return self.model.item_biases

    @property
    def user_embeddings(self) -> NDArray[np.float32]:
        """float32 (n_users, components), as trained."""
        return self.model.user_embeddings

    @property
    def user_biases(self) -> NDArray[np.float32]:
        """float32 (n_users,), as trained."""
        return self.model.user_biases

    def recommend(
        self,
        user_id: str,
        k: int = 10,
        lane: Lane = "discover",
        category: str | Sequence[str] | None = None,
        explain: bool = False,
        rules: Rules | None = None,
    ) -> Answer:
        """The k best items for a user the model, or the log of recent events, knows.

        Args:
            lane: "discover" leaves out what the user had before, "again" keeps only that, "all" mixes the two in
                the proportion measured on the validation period.
            category: keep only items that carry one of these names on any category level.
            explain: add reasons to every item.
            rules: what a merchandiser lays over the model. Scores then hold the boosts. The lane "again" takes its
                filters alone.

        Raises:
            NotFound: unknown user or category.
            InvalidInput: k outside 1..1000, or an unknown lane.
        """
        checked_k, checked_lane = check_k(k), check_lane(lane)
        user_state = self.user_state(str(user_id))
        return self._answer(str(user_id), user_state, checked_k, checked_lane, category, explain, rules)

    @cached_property
    def user_states(self) -> UserStates:
        """Where everybody stands."""
        return UserStates(self.model, self.activity)

    def user_state(self, user_id: str) -> UserState:
        """Where a user stands by now: as trained, or moved by fold-in over a history that recent events have enlarged.

        Raises:
            NotFound: neither the model nor the log knows them.
        """
        return self.user_states.of(user_id)

    def user_state_for(self, history: Sequence[str] = (), user: Mapping[str, str] | None = None) -> UserState:
        """Where somebody never seen would stand; raises as `recommend_for` does."""
        return self.user_states.described(history, user)

    def is_quick(self, user_id: str) -> bool:
        """Whether an answer needs no fold-in first: nothing happened since the training, or that was worked out."""
        return self.user_states.is_quick(user_id)

    def warm(self) -> None:
        """Work out now what the first answer would have to wait for."""
        self.recommend(next(iter(self.model.rows_of_users)), 1, "all", explain=True)
        self.similar(self.model.item_ids[0], 1)

    def recommend_for(
        self,
        history: Sequence[str] = (),
        user: Mapping[str, str] | None = None,
        k: int = 10,
        lane: Lane = "discover",
        category: str | Sequence[str] | None = None,
        explain: bool = False,
        rules: Rules | None = None,
    ) -> Answer:
        """The k best items for somebody the model has never seen.

        Args:
            history: ids of items they had, most recent first; repeats count in the lane "again".
            user: what is known of them, e.g. `{"age": "45-54"}`.
            rules: as in `recommend`.

        Raises:
            NotFound: an unknown item or category.
            InvalidInput: an unknown attribute or value, and what `recommend` raises.
        """
        checked_k, checked_lane = check_k(k), check_lane(lane)
        user_state = self.user_state_for(history, user)
        return self._answer(None, user_state, checked_k, checked_lane, category, explain, rules)

    def compiled_rules(self, rules: Rules | None) -> CompiledRules | None:
        """The rules worked out for this model, kept for the next time; None where they change nothing.

        Without rules, what the catalogue marks as not available is left out.
        """
        if rules is None or rules.empty:
            if not self._has_sold_out:
                return None
            rules = Rules()
        if rules not in self._compiled:
            if len(self._compiled) >= RULES_IN_MEMORY:
                self._compiled.clear()
            alike = None if self.near_duplicates.idle else self.near_duplicates.kinds
            self._compiled[rules] = compile_rules(rules, self.model, alike=alike, most_alike=self.most_alike)
        return self._compiled[rules]

    @cached_property
    def _has_sold_out(self) -> bool:
        return bool(not_available(self.model).any())

    @cached_property
    def near_duplicates(self) -> NearDuplicates:
        """Which products differ in nothing but their size."""
        return NearDuplicates.of(self.items, self.model.category_levels)

    def scores_for(self, user_vector: UserVector) -> NDArray[np.float32]:
        """(n_items,): the model's scores of all items for one user; for the last resort, popularity in the segment."""
        if user_vector.popular is not None:
            return user_vector.popular.scores
        scores = scores_of_one(self.item_embeddings, user_vector.vector)
        scores += self.item_biases
        scores += np.float32(user_vector.bias)
        return scores

    def similar(self, item_id: str, k: int = 10) -> tuple[RankedItem, ...]:
        """The k items whose embeddings point the same way (cosine), the item itself left out.

        Raises:
            NotFound: unknown item.
        """
        item = int(self.model.item_rows([str(item_id)])[0])
        scores = scores_of_one(self._directions, self._directions[item])
        found, values = top_k(scores, check_k(k), exclude=np.array([item]))
        return tuple(self._line(rank, row, value, "similar") for rank, (row, value) in _ranked(found, values))

    def top_k_for_all(self, k: int = 10, rules: Rules | None = None) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Discover-lane items (n_users, k) and scores of every user as trained; rows padded with -1 and -inf.

        They are, to the bit, what `recommend` gives to users who did nothing since the training.

        Args:
            rules: as in `recommend`.
        """
        return self.top_k_of(np.arange(len(self.users)), k, rules)

    def top_k_of(
        self, users: NDArray[np.int_], k: int = 10, rules: Rules | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The same for some users, by row number; (len(users), k)."""
        check_k(k)
        compiled = self.compiled_rules(rules)
        if compiled is None:
            vectors, biases = self.model.user_embeddings[users], self.model.user_biases[users]
            items, scores = self._best.for_vectors(vectors, biases, k, self.model.history.counts[users])
            alone = np.flatnonzero(self.user_states.is_lost(users))
        else:
            items = np.full((len(users), k), NOTHING, dtype=np.int32)
            scores = np.full((len(users), k), -np.inf, dtype=np.float32)
            alone = np.arange(len(users))
        for place in alone:
            user_state = self.user_states.trained(int(users[place]))
            values = self.scores_for(user_state.user_vector)
            if compiled is None:
                found, best = self._best.for_scores(values, k, user_state.items)
            else:
                found, best = compiled.rank(values, k, exclude=user_state.items)
            items[place], scores[place] = NOTHING, -np.inf
            items[place, : len(found)], scores[place, : len(found)] = found, best
        return items, scores

    def allowed(self, category: str | Sequence[str] | None) -> NDArray[np.bool_] | None:
        """(n_items,) mask of the items that carry one of the names on any level, or None for no filter."""
        names = [category] if isinstance(category, str) else list(category or ())
        return self._categories.mask(names) if names else None

    def _answer(
        self,
        user_id: str | None,
        user_state: UserState,
        k: int,
        lane: Lane,
        category: str | Sequence[str] | None,
        explain: bool,
        rules: Rules | None,
    ) -> Answer:
        allowed, compiled = self.allowed(category), self.compiled_rules(rules)
        lifts = np.zeros(0, np.float32)
        rows: list[LaneEntry] = []
        repeat: list[LaneEntry] = []
        if lane != "again":
            rows, lifts = self._discover(user_state, k, allowed, compiled)
        if lane != "discover":
            repeat = _again(user_state, k, allowed, compiled)
        rows = mixed_lanes(rows, repeat, self.manifest.repeat_share)[:k] if lane == "all" else rows + repeat

        def reasons(row: int, score: float, which: str) -> tuple[Reason, ...]:
            if not explain:
                return ()
            ruled = () if compiled is None or which == "again" else compiled.reasons(row, float(lifts[row]))
            return (*self._reasons(row, score, which, user_state), *ruled)

        items = tuple(
            self._line(rank, row, score, which, reasons(row, score, which))
            for rank, (row, score, which) in enumerate(rows, start=1)
        )
        return Answer(user_id, self.model.id, lane, user_state.path, items, rules.label if rules else None)

    def _discover(
        self, user_state: UserState, k: int, allowed: NDArray[np.bool_] | None, compiled: CompiledRules | None
    ) -> tuple[list[LaneEntry], NDArray[np.float32]]:
        """The best items that the user has not had; and (n_items,) what the rules add to each score, if there are."""
        vector, lifts, without = user_state.user_vector, np.zeros(0, np.float32), user_state.items
        if len(user_state.unwanted):
            without = np.union1d(without, user_state.unwanted)
        if compiled is not None:
            scores = self.scores_for(vector)
            found, values = compiled.rank(scores, k, exclude=without, allowed=allowed)
            lifts = compiled.lifted(scores)
        elif vector.popular is not None:
            found, values = self._best.for_scores(vector.popular.scores, k, without, allowed)
        else:
            found, values = self._best.for_vector(vector.vector, vector.bias, k, without, allowed)
        return [(row, score, "discover") for row, score in zip(found.tolist(), values.tolist(), strict=True)], lifts

    def _reasons(self, row: int, score: float, which: str, user_state: UserState) -> tuple[Reason, ...]:
        if which == "again":
            name = "bought before, more and lately counting most"
            if self.model.again is not None and score <= 1:
                name = "chance of buying it again soon: how often, how lately, in what rhythm they bought it"
            return (Reason("history", name, score, True),)
        return (
            *reasons_for(self.model, row, user_state.user_vector),
            *similar_from_history(self.model, row, user_state.items),
        )

    def _line(self, rank: int, row: int, score: float, lane: str, reasons: tuple[Reason, ...] = ()) -> RankedItem:
        return RankedItem(
            rank=rank,
            item_id=self.model.item_ids[row],
            title=self.model.titles[row],
            category=self.model.categories[row],
            score=float(score),
            lane=lane,
            popularity_rank=self._popularity_ranks[row],
            reasons=reasons,
        )

    @cached_property
    def _popularity_ranks(self) -> list[int]:
        return [int(rank) for rank in self.model.popularity_rank]

    @cached_property
    def _compiled(self) -> dict[Rules, CompiledRules]:
        return {}

    @cached_property
    def _directions(self) -> NDArray[np.float32]:
        return unit_rows(self.item_embeddings)

    @cached_property
    def _search(self) -> PrunedTopK:
        return PrunedTopK(self.item_embeddings, self.item_biases)

    @property
    def _best(self) -> DistinctTopK:
        return DistinctTopK(self._search, self.near_duplicates, self.most_alike)

    @cached_property
    def _categories(self) -> CategoryFilter:
        return CategoryFilter.of(self.items, self.model.category_levels, self.model.id)


def _again(
    user_state: UserState, k: int, allowed: NDArray[np.bool_] | None, compiled: CompiledRules | None
) -> list[LaneEntry]:
    """The items that the user has had and may get again, the likeliest first."""
    history, again = user_state.items, user_state.again
    kept = np.ones(len(history), dtype=bool) if allowed is None else allowed[history]
    if compiled is not None and compiled.allowed is not None:
        kept &= compiled.allowed[history]
    if len(user_state.unwanted):
        kept &= ~np.isin(history, user_state.unwanted)
    order = np.lexsort((history[kept], -again[kept]))[:k]
    return [(int(history[kept][i]), float(again[kept][i]), "again") for i in order]


def _ranked(rows: NDArray[np.int32], values: NDArray[np.float32]) -> enumerate[tuple[int, float]]:
    return enumerate(((int(r), float(v)) for r, v in zip(rows, values, strict=True)), start=1)
