"""Two lists, two models: what is the same, what moved, and how much of it mere retraining would change too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import MOST_JUDGED, protocol_note, some_of, split_again
from recsys.errors import InvalidInput
from recsys.evaluation.evaluate import Evaluation, evaluate
from recsys.evaluation.metrics import bootstrap_interval
from recsys.models.manifest import ModelManifest
from recsys.models.rank.top_k import NOTHING
from recsys.progress import OnProgress, Progress, part_of, silent
from recsys.recommend.recommender import RankedItem, Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_cost import RuledScorer

PERSISTENCE = 0.9
"""p of rank-biased overlap: the first ten places carry 86% of the weight."""

MEASURES = ("ndcg", "precision", "diversity", "novelty")


def overlap(a: Sequence[Any], b: Sequence[Any]) -> float:
    """Share of the longer list that both have; 1 for two empty ones."""
    longer = max(len(a), len(b))
    return len(set(a) & set(b)) / longer if longer else 1.0


def rank_biased_overlap(a: Sequence[Any], b: Sequence[Any], p: float = PERSISTENCE) -> float:
    """RBO_ext of Webber, Moffat & Zobel (2010), equation 32: 1 for equal lists, 0 for lists with nothing in common.

    The agreement at depth d weighs p^d; what lies below the lists is taken to agree as their ends do.
    """
    short, long = sorted((list(a), list(b)), key=len)
    s, n = len(short), len(long)
    if s == 0:
        return 1.0 if n == 0 else 0.0
    seen_short: set[Any] = set()
    seen_long: set[Any] = set()
    common = np.zeros(n + 1)
    for d in range(1, n + 1):
        seen_long.add(long[d - 1])
        if d <= s:
            seen_short.add(short[d - 1])
        common[d] = len(seen_long & seen_short)
    depth = np.arange(1, n + 1)
    total = float((common[1:] / depth * p**depth).sum())
    if n > s:
        beyond = np.arange(s + 1, n + 1)
        total += float((common[s] * (beyond - s) / (s * beyond) * p**beyond).sum())
    return (1 - p) / p * total + float(((common[n] - common[s]) / n + common[s] / s) * p**n)


@dataclass(frozen=True)
class Moves:
    """A list beside an earlier one.

    Attributes:
        table: one row per item now shown: `item_id, rank, title, category, price, popularity, before` (place in the
            earlier list or NaN) and `move`: "▲ 2", "▼ 1", "=" or "new".
        gone: `item_id, before, title, category`: what the earlier list had and this one has not.
        overlap, rbo: of the two lists.
    """

    table: pd.DataFrame
    gone: pd.DataFrame
    overlap: float
    rbo: float

    @property
    def summary(self) -> str:
        """One sentence."""
        moved = int((~self.table["move"].isin(["=", "new"])).sum())
        new = int((self.table["move"] == "new").sum())
        if not new and not moved and not len(self.gone):
            return "Nothing changes."
        parts = [f"{n} {what}" for n, what in ((new, "new"), (moved, "moved"), (len(self.gone), "gone")) if n]
        return f"{', '.join(parts)}. The lists share {self.overlap:.0%}; rank-biased overlap {self.rbo:.2f} of 1."


def moves(live: Recommender, before: Sequence[RankedItem], now: Sequence[RankedItem]) -> Moves:
    """What became of the list `before` in the list `now`."""
    places = {item.item_id: item.rank for item in before}
    shown = {item.item_id for item in now}
    was = [places.get(item.item_id) for item in now]
    table = listing(live, now)
    table["before"] = pd.array(was, dtype="Int64")
    table["move"] = [_arrow(old, item.rank) for old, item in zip(was, now, strict=True)]
    gone = [item for item in before if item.item_id not in shown]
    left = listing(live, gone).rename(columns={"rank": "before"})
    a, b = [item.item_id for item in before], [item.item_id for item in now]
    return Moves(table, left, overlap(a, b), rank_biased_overlap(a, b))


def listing(live: Recommender, items: Sequence[RankedItem]) -> pd.DataFrame:
    """A list as a table: `item_id, rank, title, category, popularity` and, where known, `price`."""
    model = live.model
    there = model.category_levels
    table = pd.DataFrame(
        {
            c.ITEM: [item.item_id for item in items],
            "rank": [item.rank for item in items],
            c.TITLE: [item.title for item in items],
            c.CATEGORY: [item.category[len(there) // 2] if there else "" for item in items],
            "popularity": [item.popularity_rank for item in items],
        }
    )
    if c.PRICE in model.items:
        table[c.PRICE] = model.items[c.PRICE].to_numpy()[model.item_rows([item.item_id for item in items])]
    return table


def _arrow(before: int | None, now: int) -> str:
    if before is None:
        return "new"
    return "=" if before == now else f"{'▲' if before > now else '▼'} {abs(before - now)}"


@dataclass(frozen=True)
class Difference:
    """Two models over all shoppers whom both know.

    Attributes:
        users: how many were compared.
        overlap, rbo: means over them.
        most: `user_id, overlap, rbo`: those whose lists differ most, most different first.
        measures: `measure, a, b, difference, low, high` on the held-out period (paired over the same shoppers, 95%
            interval by bootstrap); empty where the two were not trained on the same data and cut.
        note: why there are no measures, or what they were judged on where that is no later period, or "".
    """

    users: int
    overlap: float
    rbo: float
    most: pd.DataFrame
    measures: pd.DataFrame
    note: str


def compare(
    a: Recommender, b: Recommender, dataset: Dataset | None = None, *, k: int = 10, seed: int = 0, show: int = 50,
    rules: Rules | None = None, on_progress: OnProgress = silent,
) -> Difference:  # fmt: skip
    """Compare the lists of new items of two models for everybody (at most `MOST_JUDGED`, drawn).

    Args:
        dataset: what both were trained on, for the measures.
        rules: what is laid over the second model; with the same model twice, what the rules alone do.
    """
    ids = a.model.user_index.intersection(b.model.user_index, sort=False)
    if len(ids) == 0:
        raise InvalidInput("The two models know no shopper in common; compare models of the same shop.")
    if len(ids) > MOST_JUDGED:
        ids = ids[np.sort(np.random.default_rng(seed).choice(len(ids), MOST_JUDGED, replace=False))]
    lists: list[list[list[str]]] = []
    for side, laid_over in ((a, None), (b, rules)):
        on_progress(Progress("Making everybody's lists", 0.25 * len(lists)))
        lists.append(_lists(side, side.model.user_index.get_indexer(ids), k, laid_over))
    on_progress(Progress("Holding the lists against each other", 0.5))
    common = np.array([overlap(x, y) for x, y in zip(*lists, strict=True)])
    rbo = np.array([rank_biased_overlap(x, y) for x, y in zip(*lists, strict=True)])
    order = np.argsort(rbo, kind="stable")[:show]
    most = pd.DataFrame({c.USER: ids[order].astype(str), "overlap": common[order], "rbo": rbo[order]})
    measures, note = _measured(a, b, dataset, k, seed, rules, part_of(on_progress, 0.6, 1.0))
    return Difference(len(ids), float(common.mean()), float(rbo.mean()), most, measures, note)


def siblings(manifests: Sequence[ModelManifest], model_id: str) -> list[str]:
    """Versions trained like this one, on the same data, from another seed: their distance is the noise floor."""
    own = next((m for m in manifests if m.id == model_id), None)
    if own is None:
        return []

    def same(other: ModelManifest) -> bool:
        return (other.recipe, other.fingerprint, other.dataset) == (own.recipe, own.fingerprint, own.dataset)

    return [m.id for m in manifests if m.id != model_id and same(m)]


def _lists(side: Recommender, users: NDArray[np.int64], k: int, rules: Rules | None) -> list[list[str]]:
    ids = side.model.item_ids
    return [[ids[row] for row in rows if row != NOTHING] for rows in side.top_k_of(users, k, rules=rules)[0]]


def _measured(
    a: Recommender, b: Recommender, dataset: Dataset | None, k: int, seed: int, rules: Rules | None,
    on_progress: OnProgress,
) -> tuple[pd.DataFrame, str]:  # fmt: skip
    nothing = pd.DataFrame({"measure": [], "a": [], "b": [], "difference": [], "low": [], "high": []})
    if a.manifest.split != b.manifest.split:
        return nothing, "Their held-out parts differ, so their figures cannot be held against each other."
    if a.manifest.fingerprint != b.manifest.fingerprint:
        return nothing, "They were trained on different data, so their figures cannot be held against each other."
    if dataset is None or dataset.fingerprint != a.manifest.fingerprint:
        return nothing, "The data they were trained on are no longer stored, so they cannot be judged."
    from recsys.evaluation.benchmark import category_codes

    split = split_again(dataset, a.manifest.split)
    one_model, other_model = a.trained, b.trained
    codes = category_codes(one_model.items, one_model.category_levels)
    known = None if rules is None else rules.without_items(b.announced_items())
    compiled = b.without_announced.compiled_rules(known)
    test = some_of(split.judged, seed=seed)
    sides: list[Evaluation] = []
    for side in (one_model, other_model if compiled is None else RuledScorer(other_model, compiled, k)):
        on_progress(Progress("Judging both by what was bought then", 0.5 * len(sides)))
        sides.append(evaluate(
            side, split.training.counts, test, k=k, categories=codes, popularity=one_model.popularity, only=MEASURES
        ))  # fmt: skip
    rows = []
    for name in MEASURES:
        if name not in sides[0].values or not len(sides[0].users):
            continue
        one, other = sides[0].values[name], sides[1].values[name]
        low, high = bootstrap_interval(other - one, seed=seed)
        rows.append((name, one.mean(), other.mean(), (other - one).mean(), low, high))
    return pd.DataFrame(rows, columns=list(nothing)), protocol_note(a.manifest.split)
