"""What a rule set costs, in words and figures for people."""

from dataclasses import dataclass

from recsys import words
from recsys.errors import InvalidInput
from recsys.rule_sets import Price, price
from recsys.rules import Rules
from recsys.split import split_again
from recsys.workspace import Workspace

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
    """The price of a rule set on the held-out period."""

    sentence: str
    lines: tuple[Line, ...]
    price: Price


def priced(workspace: Workspace, model_id: str, rules: Rules, k: int = 10) -> Priced:
    """Judge a version with and without rules on its own held-out period.

    Raises:
        InvalidInput: the data have changed since it was trained.
    """
    from recsys.judging import category_codes

    model = workspace.load(model_id).model
    dataset = workspace.dataset(model.manifest["dataset"])
    if dataset.fingerprint != model.manifest["fingerprint"]:
        raise InvalidInput("The data this model was trained on have changed; train again to price rules.")
    split = split_again(dataset, model.manifest["split"])
    found = price(model, split, rules, k=k, categories=category_codes(model.items, model.category_levels))
    titles = words.measures(k)
    lines = tuple(
        Line(
            titles[name].title,
            words.measured(found.ruled[name], is_share=titles[name].share),
            words.measured(found.without[name], is_share=titles[name].share),
            titles[name].meaning,
        )
        for name in SHOWN
        if name in found.ruled
    )
    return Priced(_sentence(found), lines, found)


def _sentence(found: Price) -> str:
    change, low, high = found.change
    before = found.without.get("ndcg", 0.0)
    if not before:
        return "Without rules there is nothing to lose: no list had a hit."
    share, least, most = (abs(value) / before for value in (change, low, high))
    over = f"judged on {words.number(found.users)} shoppers"
    if low <= 0 <= high:
        return f"No clear price: NDCG changes by {change / before:+.1%}, which chance could do too, {over}."
    verb = "cost" if change < 0 else "bring"
    ends = sorted((least, most))
    return f"The rules {verb} {share:.1%} of NDCG (95% interval {ends[0]:.1%} to {ends[1]:.1%}), {over}."
