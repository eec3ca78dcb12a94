"""What a rule set costs, in words and figures for people."""

from dataclasses import dataclass

import numpy as np

from recsys.dataset.splitting import split_again, told
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.rule_sets import Price, price
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt

FRONTIER = ("popularity", "ndcg", "coverage")
SHOWN = ("ndcg", "precision", "coverage", "diversity", "novelty")


@dataclass(frozen=True)
class Line:
    """One measure with the rules and without."""

    title: str
    value: str
    before: str
    meaning: str


@dataclass(frozen=True)
class Priced:
    """The price of a rule set on what was held out of training."""

    sentence: str
    lines: tuple[Line, ...]
    price: Price


@dataclass(frozen=True)
class OnFrontier:
    """The popularity dial on the frontier measured at training.

    Attributes:
        points: of each measured turn `popularity` (b), `ndcg` and `coverage`, in the order of b.
        here: the same for where the rules put it, between the points by interpolation.
    """

    points: tuple[dict[str, float], ...]
    here: dict[str, float]


def on_frontier(live: Recommender, rules: Rules) -> OnFrontier | None:
    """Where the rules' popularity stands; None for a model whose training measured no frontier."""
    raw = [dict(point) for point in live.manifest.get("frontier") or ()]
    points = sorted(
        (point for point in raw if all(point.get(name) is not None for name in FRONTIER)),
        key=lambda point: float(point["popularity"]),
    )
    if len(points) < 2:
        return None
    turns = [float(point["popularity"]) for point in points]
    at = float(np.clip(rules.popularity * float(getattr(live.model.recipe, "popularity", 1.0)), turns[0], turns[-1]))
    here = {name: float(np.interp(at, turns, [float(point[name]) for point in points])) for name in FRONTIER}
    return OnFrontier(tuple({name: float(point[name]) for name in FRONTIER} for point in points), here)


def priced(workspace: Workspace, model_id: str, rules: Rules, k: int = 10) -> Priced:
    """Judge a version with and without rules on what was held out of its training.

    Raises:
        InvalidInput: the data have changed since it was trained.
    """
    from recsys.evaluation.benchmark import category_codes

    model = workspace.load(model_id).trained
    split = split_again(workspace.dataset_of(model.id), model.manifest["split"])
    found = price(model, split, rules, k=k, categories=category_codes(model.items, model.category_levels))
    titles = fmt.measures(k)
    lines = tuple(
        Line(
            titles[name].title,
            fmt.measured(found.ruled[name], is_share=titles[name].share),
            fmt.measured(found.without[name], is_share=titles[name].share),
            titles[name].meaning,
        )
        for name in SHOWN
        if name in found.ruled
    )
    return Priced(f"{_sentence(found)} {told(model.manifest['split'])}".strip(), lines, found)


def _sentence(found: Price) -> str:
    change, low, high = found.change
    before = found.without.get("ndcg", 0.0)
    if not before:
        return "Without rules there is nothing to lose: no list had a hit."
    share, least, most = (abs(value) / before for value in (change, low, high))
    over = f"judged on {fmt.number(found.users)} shoppers"
    if low <= 0 <= high:
        return f"No clear price: NDCG changes by {change / before:+.1%}, which chance could do too, {over}."
    verb = "cost" if change < 0 else "bring"
    ends = sorted((least, most))
    return f"The rules {verb} {share:.1%} of NDCG (95% interval {ends[0]:.1%} to {ends[1]:.1%}), {over}."
