"""Answers from a trained model: recommendations, similar items, people never seen, reasons. No files, no web."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from lightfm import LightFM
from numpy.typing import NDArray

from recsys.again import frequency
from recsys.errors import InvalidInput, NotFound
from recsys.features import each_value
from recsys.foldin import fold_in
from recsys.foldin_linear import LinearFoldIn
from recsys.model import Model
from recsys.ranking import scores_of_one, top_k, top_k_block
from recsys.reasons import Reason, Taste, reasons_for, similar_from_history, taste_of_user, taste_of_weights
from recsys.recent import News, Recent
from recsys.rules import RuleBook, Rules, rule_book

MAX_K = 1000
LANES = ("discover", "again", "all")
Lane = Literal["discover", "again", "all"]
Path = Literal["known", "folded", "cold"]
BOOKS_IN_MEMORY = 32
DESCRIBED_IN_MEMORY = 64
"""Persons described by items and attributes whose taste is kept: a page asks for the same one again and again."""
STANDINGS_IN_MEMORY = 20_000
FOLDED_IN_MEMORY = 20_000
"""Users with recent events whose folded-in taste is kept until the next event."""


@dataclass(frozen=True)
class RankedItem:
    """One line of an answer. `score` is the model's; for the lane "again" the chance of buying it again soon, or where
    the model holds no such chances the decayed number of purchases."""

    rank: int
    item_id: str
    title: str
    category: tuple[str, ...]
    score: float
    lane: str
    popularity_rank: int
    reasons: tuple[Reason, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "rank": self.rank,
            "item_id": self.item_id,
            "title": self.title,
            "category": list(self.category),
            "score": self.score,
            "lane": self.lane,
            "popularity_rank": self.popularity_rank,
            "reasons": [reason.to_dict() for reason in self.reasons],
        }


@dataclass(frozen=True)
class Answer:
    """Ranked items for one user. `path` says how the user was known: trained, folded in from a history, or cold;
    `rules` which stored rule set was laid over the model, if any."""

    user: str | None
    model: str
    lane: str
    path: Path
    items: tuple[RankedItem, ...]
    rules: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "user": self.user,
            "model": self.model,
            "lane": self.lane,
            "path": self.path,
            "rules": self.rules,
            "items": [item.to_dict() for item in self.items],
        }


@dataclass(frozen=True)
class Standing:
    """Where one user stands in the model.

    Attributes:
        taste: their embedding, in parts.
        items: int64 row numbers of what they had, ascending.
        counts, last: float32 and datetime64[s], aligned with `items`: how often, and when for the last time.
        again: float32, aligned with `items`: what the lane "again" ranks by.
        path: how the taste came about.
    """

    taste: Taste
    items: NDArray[np.int64]
    counts: NDArray[np.float32]
    last: NDArray[np.datetime64]
    again: NDArray[np.float32]
    path: Path


@dataclass(frozen=True)
class Recommender:
    """Answers from one model. Safe to share between threads: nothing is changed after the first use of each array.

    Attributes:
        model: the trained model.
        map: DataFrame `item_id, x, y`, or None while there is none.
        recent: what users did since the training, if there is a log; None for the model alone.
    """

    model: Model
    map: pd.DataFrame | None = None
    recent: Recent | None = None

    @property
    def lightfm(self) -> LightFM:
        return self.model.lightfm

    @property
    def manifest(self) -> Mapping[str, Any]:
        return self.model.manifest

    @property
    def items(self) -> pd.DataFrame:
        return self.model.items

    @property
    def users(self) -> pd.DataFrame:
        return self.model.users

    @property
    def item_embeddings(self) -> NDArray[np.float32]:
        return self.model.item_embeddings

    @property
    def item_biases(self) -> NDArray[np.float32]:
        return self.model.item_biases

    @property
    def user_embeddings(self) -> NDArray[np.float32]:
        return self.model.user_embeddings

    @property
    def user_biases(self) -> NDArray[np.float32]:
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
        standing = self.standing(str(user_id))
        items = self._lanes(
            standing.taste, standing.items, standing.again,
            checked_k, checked_lane, self.allowed(category), explain, self.book(rules),
        )  # fmt: skip
        label = rules.label if rules else None
        return Answer(str(user_id), self.model.id, checked_lane, standing.path, items, label)

    def warm(self) -> None:
        """Work out now what the first answer would have to wait for."""
        self.recommend(next(iter(self.model.rows_of_users)), 1, "all", explain=True)
        self.similar(self.model.item_ids[0], 1)

    def is_quick(self, user_id: str) -> bool:
        """Whether an answer needs no fold-in first: nothing happened since the training, or that was worked out."""
        if self.recent is None:
            return True
        version = self.recent.version_of(user_id)
        return version == (0, 0) or self._folded.get(user_id, ((0, 0), None))[0] == version

    def standing(self, user_id: str) -> Standing:
        """Where a user stands by now: as trained, or moved by fold-in over a history that recent events have enlarged.

        Raises:
            NotFound: neither the model nor the log knows them.
        """
        news = self.recent.news(user_id) if self.recent is not None else None
        row = self.model.rows_of_users.get(user_id, -1)
        if news is None:
            return self._trained(self.model.user_row(user_id) if row < 0 else row)
        with self._folding:
            known = self._folded.get(user_id)
        if known is None or known[0] != news.version:
            known = (news.version, self._moved(row, news))
            with self._folding:
                while len(self._folded) >= FOLDED_IN_MEMORY:
                    self._folded.pop(next(iter(self._folded)))
                self._folded[user_id] = known
        return known[1]

    def _trained(self, user: int) -> Standing:
        found = self._standings.get(user)
        if found is None:
            found = self._work_out(user)
            if len(self._standings) < STANDINGS_IN_MEMORY:
                self._standings[user] = found
        return found

    def _work_out(self, user: int) -> Standing:
        span = self.model.history.of_user(user)
        items = self.model.history.counts.indices[span].astype(np.int64)
        counts, last = self.model.history.counts.data[span], self.model.history.last[span]
        known = self.model.user_features.matrix.indptr[user] < self.model.user_features.matrix.indptr[user + 1]
        path: Path = "known" if len(items) and known else "cold"
        again = _faded(counts, last, self._last_event) if self.model.again is None else self.model.again[span]
        return Standing(taste_of_user(self.model, user), items, counts, last, again, path)

    def _moved(self, user: int, news: News) -> Standing:
        """A user with recent events; `user` is -1 for one the model has never seen."""
        rows = np.asarray(self.model.item_index.get_indexer(pd.Index(news.item_ids, dtype=object)), dtype=np.int64)
        known = rows >= 0
        rows, times = rows[known], news.times[known]
        old: NDArray[np.int64] = np.zeros(0, np.int64)
        counts, last = np.zeros(0, np.float32), np.zeros(0, "datetime64[s]")
        if user >= 0:
            span = self.model.history.of_user(user)
            old = self.model.history.counts.indices[span].astype(np.int64)
            counts, last = self.model.history.counts.data[span], self.model.history.last[span]
        items, place = np.unique(np.concatenate([old, rows]), return_inverse=True)
        total, newest = np.zeros(len(items), np.float32), np.full(len(items), np.datetime64(0, "s"))
        np.add.at(total, place, np.concatenate([counts, np.ones(len(rows), np.float32)]))
        np.fmax.at(newest, place, np.concatenate([last.astype("datetime64[s]"), times]))
        if user >= 0 and len(rows) == 0:
            return self._trained(user)
        if user >= 0:
            start = self.model.user_embeddings[user], float(self.model.user_biases[user])
            own = dict(zip(*self.model.user_features.row(user), strict=True))
            taste = self._taste(items, own, *start, ages=_ages(newest))
        else:
            features = self.model.user_features
            usable = {name: value for name, value in news.attributes.items() if features.knows(name, value)}
            taste = self.taste_for(items, usable)
        again = _faded(
            total, newest, np.fmax(self._last_event, np.fmax.reduce(newest)) if len(items) else self._last_event
        )
        return Standing(taste, items, total, newest, again, "folded" if len(items) else "cold")

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
        standing = self.standing_for(history, user)
        items = self._lanes(
            standing.taste, standing.items, standing.again, checked_k, checked_lane, self.allowed(category), explain,
            self.book(rules),
        )  # fmt: skip
        return Answer(None, self.model.id, checked_lane, standing.path, items, rules.label if rules else None)

    def standing_for(self, history: Sequence[str] = (), user: Mapping[str, str] | None = None) -> Standing:
        """Where somebody never seen would stand; raises as `recommend_for` does. The last ones asked for are kept."""
        key = tuple(map(str, history)), tuple(sorted((user or {}).items()))
        with self._folding:
            if key in self._described:
                return self._described[key]
        standing = self._stand(key[0], user or {})
        with self._folding:
            while len(self._described) >= DESCRIBED_IN_MEMORY:
                self._described.pop(next(iter(self._described)))
            self._described[key] = standing
        return standing

    def _stand(self, history: Sequence[str], user: Mapping[str, str]) -> Standing:
        rows, times = np.unique(self.model.item_rows([str(item) for item in history]), return_counts=True)
        taste, counts = self.taste_for(rows, user), times.astype(np.float32)
        never = np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[s]")
        return Standing(taste, rows, counts, never, counts, "folded" if len(rows) else "cold")

    def book(self, rules: Rules | None) -> RuleBook | None:
        """The rules worked out for this model, kept for the next time; None where they change nothing."""
        if rules is None or rules.empty:
            return None
        if rules not in self._books:
            if len(self._books) >= BOOKS_IN_MEMORY:
                self._books.clear()
            self._books[rules] = rule_book(rules, self.model)
        return self._books[rules]

    def taste_for(self, history: NDArray[np.int64], attributes: Mapping[str, str]) -> Taste:
        """Where someone never seen lies in the model: attributes give the start, fold-in over the history the rest."""
        row = self.model.user_features.weights(dict(attributes))
        start = row @ self.model.lightfm.user_embeddings
        bias = float(row @ self.model.lightfm.user_biases)
        return self._taste(history, {int(f): float(row[f]) for f in np.flatnonzero(row)}, start, bias)

    def _taste(
        self,
        history: NDArray[np.int64],
        weights: dict[int, float],
        start: NDArray[np.float32],
        bias: float,
        *,
        ages: NDArray[np.float64] | None = None,
    ) -> Taste:
        """Fold-in over a history from a starting embedding; `weights` are those of the user features in it.

        `ages` are days since each item was last had, for users the model was trained on: their whole history then
        takes the place of the starting embedding.
        """
        linear = self._linear_fold_in
        if linear is not None and len(history):
            vector = linear.vector(history, ages, start=start if ages is None else None)
        else:
            vector = fold_in(history, self.item_embeddings, self.item_biases, start=start)
        return taste_of_weights(self.model, weights, vector, bias)

    @cached_property
    def _linear_fold_in(self) -> LinearFoldIn | None:
        """For models that stayed at a start by decomposition; None where gradient steps have to fold in."""
        model = self.model
        if model.recipe.start != "svd":
            return None
        found = LinearFoldIn.fit(
            model.history.counts, model.history.last, pd.Timestamp(self._last_event), model.item_embeddings,
            model.user_embeddings, power=model.recipe.start_power, half_life_days=model.recipe.half_life_days,
        )  # fmt: skip
        return found if found.trusted else None

    def scores_for(self, taste: Taste) -> NDArray[np.float32]:
        """(n_items,): the model's scores of all items for one taste."""
        scores = scores_of_one(self.item_embeddings, taste.vector)
        scores += self.item_biases
        scores += np.float32(taste.bias)
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

    def top_k_for_all(self, k: int = 10, block: int = 512) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Discover-lane items (n_users, k) and scores of every user, in blocks; rows padded with -1 and -inf."""
        check_k(k)
        pairs = self.model.history.counts
        n_users = len(self.users)
        blocks = [
            top_k_block(
                self.model.scores(np.arange(start, min(start + block, n_users))), k, pairs[start : start + block]
            )
            for start in range(0, n_users, block)
        ]
        return np.concatenate([b[0] for b in blocks]), np.concatenate([b[1] for b in blocks])

    def allowed(self, category: str | Sequence[str] | None) -> NDArray[np.bool_] | None:
        """(n_items,) mask of the items that carry one of the names on any level, or None for no filter."""
        names = [category] if isinstance(category, str) else list(category or ())
        if not names:
            return None
        mask = np.zeros(len(self.items), dtype=bool)
        for name in names:
            rows = self._rows_of_category.get(name)
            if rows is None:
                near = get_close_matches(name, self._rows_of_category, n=3, cutoff=0.5)
                hint = f" Did you mean {' or '.join(repr(x) for x in near)}?" if near else ""
                raise NotFound(f"No category {name!r} in model {self.model.id!r}.{hint}")
            mask[rows] = True
        return mask

    def _lanes(
        self,
        taste: Taste,
        history: NDArray[np.int64],
        again: NDArray[np.float32],
        k: int,
        lane: Lane,
        allowed: NDArray[np.bool_] | None,
        explain: bool,
        book: RuleBook | None = None,
    ) -> tuple[RankedItem, ...]:
        discover: list[tuple[int, float, str]] = []
        lifts = np.zeros(0, np.float32)
        repeat: list[tuple[int, float, str]] = []
        if lane != "again":
            scores = self.scores_for(taste)
            if book is None:
                found, values = top_k(scores, k, exclude=history, allowed=allowed)
            else:
                found, values = book.rank(scores, k, exclude=history, allowed=allowed)
                lifts = book.lifted(scores)
            discover = [(int(row), float(value), "discover") for row, value in zip(found, values, strict=True)]
        if lane != "discover":
            kept = np.ones(len(history), dtype=bool) if allowed is None else allowed[history]
            if book is not None and book.allowed is not None:
                kept &= book.allowed[history]
            order = np.lexsort((history[kept], -again[kept]))[:k]
            repeat = [(int(history[kept][i]), float(again[kept][i]), "again") for i in order]
        share = float(self.manifest.get("repeat_share", 0.5))
        rows = _mix(discover, repeat, share)[:k] if lane == "all" else discover + repeat

        def reasons(row: int, score: float, which: str) -> tuple[Reason, ...]:
            if not explain:
                return ()
            ruled = () if book is None or which == "again" else book.reasons(row, float(lifts[row]))
            return (*self._reasons(row, score, which, taste, history), *ruled)

        return tuple(
            self._line(rank, row, score, which, reasons(row, score, which))
            for rank, (row, score, which) in enumerate(rows, start=1)
        )

    def _reasons(
        self, row: int, score: float, which: str, taste: Taste, history: NDArray[np.int64]
    ) -> tuple[Reason, ...]:
        if which == "again":
            name = "bought before, more and lately counting most"
            if self.model.again is not None and score <= 1:
                name = "chance of buying it again soon: how often, how lately, in what rhythm they bought it"
            return (Reason("history", name, score, True),)
        return (*reasons_for(self.model, row, taste), *similar_from_history(self.model, row, history))

    def _line(self, rank: int, row: int, score: float, lane: str, reasons: tuple[Reason, ...] = ()) -> RankedItem:
        return RankedItem(
            rank=rank,
            item_id=self.model.item_ids[row],
            title=self.model.titles[row],
            category=self.model.categories[row],
            score=float(score),
            lane=lane,
            popularity_rank=int(self.model.popularity_rank[row]),
            reasons=reasons,
        )

    @cached_property
    def _books(self) -> dict[Rules, RuleBook]:
        return {}

    @cached_property
    def _last_event(self) -> np.datetime64:
        last = self.model.history.last
        return cast(np.datetime64, np.fmax.reduce(last)) if len(last) else np.datetime64("NaT")

    @cached_property
    def _folded(self) -> dict[str, tuple[tuple[int, int], Standing]]:
        return {}

    @cached_property
    def _described(self) -> dict[tuple[tuple[str, ...], tuple[tuple[str, str], ...]], Standing]:
        return {}

    @cached_property
    def _standings(self) -> dict[int, Standing]:
        return {}

    @cached_property
    def _folding(self) -> threading.Lock:
        return threading.Lock()

    @cached_property
    def _directions(self) -> NDArray[np.float32]:
        lengths = np.linalg.norm(self.item_embeddings, axis=1, keepdims=True)
        return self.item_embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)

    @cached_property
    def _rows_of_category(self) -> dict[str, NDArray[np.int64]]:
        found: dict[str, list[NDArray[np.int64]]] = {}
        for level in self.model.category_levels:
            rows, names = each_value(self.items[level])
            for name, places in names.groupby(names, sort=False).indices.items():
                found.setdefault(str(name), []).append(rows[places])
        return {name: np.unique(np.concatenate(parts)) for name, parts in found.items()}


def check_k(k: int) -> int:
    """k itself when it is a whole number from 1 to `MAX_K`; InvalidInput otherwise."""
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= MAX_K:
        raise InvalidInput(f"k is {k!r}; it must be a whole number from 1 to {MAX_K}.")
    return int(k)


def check_lane(lane: str) -> Lane:
    """The lane itself when it is one; InvalidInput otherwise."""
    if lane not in LANES:
        raise InvalidInput(f"lane is {lane!r}; choose one of {', '.join(LANES)}.")
    return cast(Lane, lane)


def _ages(last: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """(n,) days before the newest of them; 0 without times."""
    if len(last) == 0:
        return np.zeros(0)
    return np.nan_to_num((np.fmax.reduce(last) - last) / np.timedelta64(1, "D"), nan=0.0)


def _faded(counts: NDArray[np.float32], last: NDArray[np.datetime64], now: np.datetime64) -> NDArray[np.float32]:
    """How strongly each item of a history is due again, where the model holds no chances for it."""
    return frequency(counts, np.nan_to_num((now - last) / np.timedelta64(1, "D"), nan=0.0))


def _ranked(rows: NDArray[np.int32], values: NDArray[np.float32]) -> enumerate[tuple[int, float]]:
    return enumerate(((int(r), float(v)) for r, v in zip(rows, values, strict=True)), start=1)


def _mix(
    discover: list[tuple[int, float, str]], again: list[tuple[int, float, str]], share: float
) -> list[tuple[int, float, str]]:
    """Both lists in their order, so that about `share` of every beginning comes from `again`."""
    mixed: list[tuple[int, float, str]] = []
    first, second = iter(again), iter(discover)
    taken = 0
    for place in range(1, len(discover) + len(again) + 1):
        want_again = taken < round(share * place)
        line = next(first if want_again else second, None)
        if line is None:
            return [*mixed, *first, *second]
        taken += line[2] == "again"
        mixed.append(line)
    return mixed
