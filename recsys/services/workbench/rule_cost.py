"""What a rule set costs, and what the popularity dial alone would: both on the same shoppers of the held-out part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.dataset.splitting import MOST_JUDGED, Split, some_of
from recsys.evaluation.evaluate import Evaluation, evaluate
from recsys.evaluation.metrics import bootstrap_interval, coverage
from recsys.models.base import Factors
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress, part_of, silent
from recsys.recommend.compiled_rules import CompiledRules, compile_rules
from recsys.recommend.conditions import Situation
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_sets import attributes_of, first_that_holds, in_segment

PRICED = ("ndcg", "precision", "diversity", "novelty")
PARTS = 8
"""In so many steps `reach` tells how far it is."""

TURNS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Where the popularity dial is measured: from one end of its range to the other."""


@dataclass(frozen=True)
class RuleCost:
    """What a rule set costs on the held-out period: means over the same shoppers with and without it.

    Attributes:
        users: how many shoppers were judged.
        changed: of how many of them the list is another one.
        without, ruled: measure to mean; `ndcg`, `precision`, `diversity`, `novelty`, `coverage`.
        change: mean of the paired differences in NDCG, with a 95% interval.
    """

    users: int
    changed: int
    k: int
    without: dict[str, float]
    ruled: dict[str, float]
    change: tuple[float, float, float]


@dataclass(frozen=True)
class RuleReach:
    """Whose lists rules change.

    Attributes:
        segment: how many shoppers the rules are for.
        judged: of how many of them both lists were made (at most `MOST_JUDGED`, drawn).
        changed: how many of those get another list.
    """

    segment: int
    judged: int
    changed: int


def reach(
    live: Recommender, rules: Rules, before: Rules | None = None, *, k: int = 10, seed: int = 0,
    on_progress: OnProgress = silent,
) -> RuleReach:  # fmt: skip
    """Count whose list of k new products is another one under the rules than under those before (or under none)."""
    users = in_segment(live, rules.when)
    judged = users
    if len(users) > MOST_JUDGED:
        judged = np.sort(np.random.default_rng(seed).choice(users, MOST_JUDGED, replace=False))
    return RuleReach(len(users), len(judged), _changed(live, judged, rules, before, k, on_progress))


def reach_of_serving(
    live: Recommender, before: Sequence[Rules], now: Sequence[Rules], *, placement: str = "", beside: str = "",
    k: int = 10, seed: int = 0, on_progress: OnProgress = silent,
) -> RuleReach:  # fmt: skip
    """Count who gets another list of k new products when other rule sets are served, today and in one placement.

    Each shopper is followed through both orders: the first set whose conditions hold for them counts.

    Args:
        beside: the category of the product that is looked at; "" for none: sets for lists beside products do not apply.
    """
    users = np.arange(len(live.users))
    if len(users) > MOST_JUDGED:
        users = np.sort(np.random.default_rng(seed).choice(users, MOST_JUDGED, replace=False))
    known = attributes_of(live)
    followed: dict[tuple[Rules | None, Rules | None], list[int]] = {}
    for user in users:
        asked = Situation(known[int(user)], placement, (beside,) if beside else ())
        pair = first_that_holds(before, asked), first_that_holds(now, asked)
        followed.setdefault(pair, []).append(int(user))
    changed, done = 0, 0
    for (old, new), rows in followed.items():
        if old != new:
            start, end = done / len(users), (done + len(rows)) / len(users)
            some = np.array(rows)
            changed += _changed(live, some, new, old, k, part_of(on_progress, start, end))
        done += len(rows)
    return RuleReach(len(live.users), len(users), changed)


def _changed(
    live: Recommender,
    users: NDArray[np.int_],
    rules: Rules | None,
    before: Rules | None,
    k: int,
    on_progress: OnProgress,
) -> int:
    """Of how many users the list is another one under one rule set than under the other."""
    changed = 0
    for number, some in enumerate(np.array_split(users, PARTS)):
        on_progress(Progress("Counting whose list changes", number / PARTS))
        now, then = (live.top_k_of(some, k, rules=laid)[0] for laid in (rules, before))
        changed += int((now != then).any(axis=1).sum())
    return changed


class RuledScorer:
    """The list that rules make of a model's scores, as scores again: the list in its order, all else out."""

    def __init__(self, model: Model, compiled: CompiledRules, k: int) -> None:
        self._model, self._compiled, self._k = model, compiled, k

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """(len(users), n_items): finite for the items of the list that the rules make, in its order."""
        raw = self._model.scores(users)
        out = np.full_like(raw, -np.inf)
        for place, user in enumerate(users):
            had = self._model.history.counts.indices[self._model.history.of_user(int(user))]
            rows, _ = self._compiled.rank(raw[place], self._k, exclude=had)
            out[place, rows] = np.arange(len(rows), 0, -1, dtype=np.float32)
        return out


def measured_rule_cost(
    model: Model, split: Split, rules: Rules, *, k: int = 10, categories: Any = None, seed: int = 0,
    on_progress: OnProgress = silent,
) -> RuleCost:  # fmt: skip
    """Judge the lane "discover" with and without the rules, on the same shoppers (at most `MOST_JUDGED`, drawn).

    The interval is that of the mean paired difference, by bootstrap over shoppers.
    """
    train, test = split.training.counts, some_of(split.judged, seed=seed)

    def judged(scorer: Any) -> Evaluation:
        return evaluate(scorer, train, test, k=k, categories=categories, popularity=model.popularity, only=PRICED)

    on_progress(Progress("Judging every list without the rules", 0.0))
    without = judged(model)
    on_progress(Progress("Judging every list with the rules", 0.3))
    ruled = judged(RuledScorer(model, compile_rules(rules, model), k))
    on_progress(Progress("Working out the interval", 0.9))
    differences = ruled.values["ndcg"] - without.values["ndcg"]
    low, high = bootstrap_interval(differences, seed=seed) if len(differences) else (0.0, 0.0)
    mean = float(differences.mean()) if len(differences) else 0.0
    changed = int((without.lists != ruled.lists).any(axis=1).sum())
    return RuleCost(len(ruled.users), changed, k, _means(without), _means(ruled), (mean, low, high))


def dial(
    model: Model, split: Split, *, k: int = 10, turns: Sequence[float] = TURNS, seed: int = 0,
    on_progress: OnProgress = silent,
) -> tuple[dict[str, float], ...]:  # fmt: skip
    """What turns of the popularity dial alone give, on the shoppers that `price` judges.

    Returns:
        For each turn b, where score = taste + b x item bias: `popularity` (b), `ndcg` and `coverage`.
    """
    train, test = split.training.counts, some_of(split.judged, seed=seed)
    found = []
    for number, b in enumerate(turns):
        on_progress(Progress("Judging turns of the popularity dial", number / len(turns)))
        scorer = Factors(model.user_embeddings, model.item_embeddings, model.item_biases, b)
        means = _means(evaluate(scorer, train, test, k=k, only=("ndcg",)))
        found.append({"popularity": float(b), **means})
    return tuple(found)


def _means(found: Evaluation) -> dict[str, float]:
    means = {name: float(values.mean()) if len(values) else 0.0 for name, values in found.values.items()}
    return means | {"coverage": coverage(found.shown)}
