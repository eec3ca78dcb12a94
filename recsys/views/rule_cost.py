"""What a rule set costs, in words and figures for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from recsys.dataset.splitting import Split, protocol_note, split_again
from recsys.models.model import Model
from recsys.progress import OnProgress, part_of, silent
from recsys.recommend.recommender import Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.rule_cost import RuleCost, dial, measured_rule_cost, reach, reach_of_serving
from recsys.services.workspace import Workspace
from recsys.utils import formatting as fmt

MOST_BESIDE = 5
"""Beside so many categories are lists counted."""

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
    price: RuleCost


def priced(workspace: Workspace, model_id: str, rules: Rules, k: int = 10, on_progress: OnProgress = silent) -> Priced:
    """Judge a version with and without rules on what was held out of its training, where items announced since do not
    occur; what the rules say of those is left out.

    Raises:
        InvalidInput: the data have changed since it was trained.
    """
    from recsys.evaluation.benchmark import category_codes

    model, split = _judged(workspace, model_id)
    rules = rules.without_items(workspace.load(model_id).announced_items())
    codes = category_codes(model.items, model.category_levels)
    found = measured_rule_cost(model, split, rules, k=k, categories=codes, on_progress=on_progress)
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
    return Priced(f"{_sentence(found)} {protocol_note(model.manifest.split)}".strip(), lines, found)


def reach_words(
    live: Recommender, rules: Rules, before: Rules | None = None, k: int = 10, on_progress: OnProgress = silent
) -> str:
    """How many shoppers the rules are for, and how many of them get another list, in a sentence."""
    found = reach(live, rules, before, k=k, on_progress=on_progress)
    if not found.segment:
        return "No shopper that the model knows is in the segment: nobody's list changes."
    drawn = "" if found.judged == found.segment else f" of {fmt.number(found.judged)} drawn from them"
    share = fmt.share(found.changed / found.judged, 0)
    return (
        f"The rules are for {fmt.number(found.segment)} of {fmt.number(len(live.users))} shoppers; the list of "
        f"{fmt.number(found.changed)}{drawn} changes ({share})."
    )


def serving_words(
    live: Recommender, before: Sequence[Rules], now: Sequence[Rules], k: int = 10, on_progress: OnProgress = silent
) -> tuple[str, ...]:
    """Who gets another list when other rule sets are served: a sentence for requests that name neither a placement
    nor a product, one for each placement and one for each category beside which a set applies."""
    sets = (*before, *now)
    places = sorted({place for rules in sets for place in rules.when.placements})
    categories = sorted({name for rules in sets for name in rules.when.beside})
    asked = [("", ""), *((place, "") for place in places), *(("", name) for name in categories[:MOST_BESIDE])]
    sentences = []
    for number, (place, beside) in enumerate(asked):
        part = part_of(on_progress, number / len(asked), (number + 1) / len(asked))
        found = reach_of_serving(live, before, now, placement=place, beside=beside, k=k, on_progress=part)
        where = (
            f"In the placement “{place}”" if place
            else f"Beside a product of “{beside}”" if beside
            else "Where no placement is named" if places
            else "Where no product is looked at" if categories
            else "Today"
        )  # fmt: skip
        drawn = "" if found.judged == found.segment else " drawn"
        share = fmt.share(found.changed / found.judged, 0) if found.judged else fmt.NOTHING
        changed, judged = fmt.number(found.changed), fmt.number(found.judged)
        sentences.append(f"{where}, {changed} of {judged}{drawn} shoppers get another list ({share}).")
    if categories[MOST_BESIDE:]:
        sentences.append(f"Lists beside {fmt.plural(len(categories) - MOST_BESIDE, 'other category')} are not counted.")
    return tuple(sentences)


def dial_alone(
    workspace: Workspace, model_id: str, k: int = 10, on_progress: OnProgress = silent
) -> tuple[dict[str, float], ...]:
    """What turns of the popularity dial alone give, on the same shoppers; raises as `priced`."""
    return dial(*_judged(workspace, model_id), k=k, on_progress=on_progress)


def _judged(workspace: Workspace, model_id: str) -> tuple[Model, Split]:
    model = workspace.load(model_id).trained
    return model, split_again(workspace.dataset_of(model.id), model.manifest.split)


def _sentence(found: RuleCost) -> str:
    change, low, high = found.change
    before = found.without.get("ndcg", 0.0)
    if not before:
        return "Without rules there is nothing to lose: no list had a hit."
    share, least, most = (abs(value) / before for value in (change, low, high))
    over = f"judged on the {fmt.number(found.users)} shoppers with something new in what was held out"
    lists = f"The lists of {fmt.number(found.changed)} of them change."
    if low <= 0 <= high:
        moved = fmt.signed_share(change / before)
        return f"No clear price: NDCG changes by {moved}, which chance could do too, {over}. {lists}"
    verb = "cost" if change < 0 else "bring"
    ends = sorted((least, most))
    return (
        f"The rules {verb} {fmt.share(share)} of NDCG (95% interval {fmt.share(ends[0])} to {fmt.share(ends[1])}), "
        f"{over}. {lists}"
    )
