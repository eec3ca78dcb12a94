"""Models and rule sets held against each other: for one shopper, and two models over everybody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from recsys.dataset.dataset import Dataset
from recsys.errors import InsiderError
from recsys.evaluation.documents import NoiseDocument
from recsys.progress import OnProgress, part_of, silent
from recsys.recommend.recommender import RankedItem, Recommender
from recsys.services.stored_models import stored_models
from recsys.services.workbench.list_comparison import Difference, compare, overlap, rank_biased_overlap, siblings
from recsys.services.workbench.rule_sets import RuleSets
from recsys.services.workbench.target_user import TargetUser, described, known
from recsys.services.workspace import Workspace
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.views.product_cards import Mark, ProductCard, any_cards

LIVE = "Live model"
MODEL, RULES = "model:", "rules:"


def choices(workspace: Workspace) -> dict[str, str]:
    """Everything that the live model can be held against: key to label; models newest first, then rule sets."""
    live = workspace.live_id()
    names = ModelNames(workspace.database)
    models = {f"{MODEL}{m.id}": f"Model {names.of(m.id)}" for m in stored_models(workspace) if m.id != live}
    return models | {f"{RULES}{name}": f"Rules {name}" for name in RuleSets(workspace.database).names()}


def is_model(key: str) -> bool:
    """Whether a choice stands for a model, and not for a rule set."""
    return key.startswith(MODEL)


def version_of(workspace: Workspace, key: str) -> str:
    """What a choice stands for now: another text once a rule set has a new version."""
    if is_model(key):
        return key
    return str(RuleSets(workspace.database).get(key.removeprefix(RULES)).label)


@dataclass(frozen=True)
class SideBySide:
    """The lists of one shopper.

    Attributes:
        lists: what each is called, to its items (id, title).
        sentences: how far each is from the first.
        floor: what mere retraining does to such a list, or how to find out.
        problems: why a list is missing.
    """

    lists: dict[str, list[tuple[str, str]]]
    sentences: tuple[str, ...]
    floor: str
    problems: tuple[str, ...]


def side_by_side(workspace: Workspace, subject: TargetUser, others: Sequence[str], k: int = 10) -> SideBySide:
    """The list of new products by the live model, beside those of other models or of the live one under rules."""
    live = workspace.load()
    lists: dict[str, list[tuple[str, str]]] = {LIVE: _pairs(subject.recommend(live, k).items)}
    problems = []
    titles = choices(workspace)
    for key in others:
        name = titles.get(key, key)
        try:
            if is_model(key):
                side = workspace.load(key.removeprefix(MODEL))
                lists[name] = _pairs(_on(side, subject).recommend(side, k).items)
            else:
                rules = RuleSets(workspace.database).get(key.removeprefix(RULES))
                lists[name] = _pairs(subject.recommend(live, k, rules=rules).items)
        except InsiderError as error:
            problems.append(f"{name}: {error}")
    names = list(lists)
    sentences = []
    for name in names[1:]:
        a, b = ([item for item, _ in lists[side]] for side in (LIVE, name))
        shared = len(set(a) & set(b))
        sentences.append(
            f"{name}: {shared} of {max(len(a), len(b))} products shared with the live model; rank-biased overlap "
            f"{rank_biased_overlap(a, b):.2f} of 1."
        )
    if len(names) == 3:
        a, b = ([item for item, _ in lists[name]] for name in names[1:])
        sentences.append(f"The two others share {overlap(a, b):.0%}.")
    models = [live.model.id, *(key.removeprefix(MODEL) for key in others if is_model(key))]
    return SideBySide(lists, tuple(sentences), _floor_of_one(workspace, subject, models, k), tuple(problems))


def listed(live: Recommender, found: SideBySide, currency: str = "") -> dict[str, tuple[ProductCard, ...]]:
    """The lists as products to draw: each against the list before it, the first one against none."""
    names = list(found.lists)
    places = [{item: place for place, (item, _) in enumerate(found.lists[name])} for name in names]
    drawn = {}
    for column, name in enumerate(names):
        before = places[column - 1] if column else {}
        others = set().union(*(there for number, there in enumerate(places) if number != column))
        drawn[name] = tuple(
            card.changed(marks=_marks(before.get(card.id), place, card.id in others, bool(column)))
            for place, card in enumerate(any_cards(live, found.lists[name], currency=currency))
        )
    return drawn


def _marks(before: int | None, now: int, elsewhere: bool, against: bool) -> tuple[Mark, ...]:
    if not elsewhere:
        return (Mark("only here", "No other list has it.", "good"),)
    if before is None:
        return (Mark("new", "The list before has it not.", "good"),) if against else ()
    if before == now:
        return ()
    return (Mark(f"{'▲' if before > now else '▼'} {abs(before - now)}", "Places against the list before."),)


@dataclass(frozen=True)
class Everybody:
    """Two models, or one without and with rules, over all shoppers.

    Attributes:
        sentence: how far apart they are.
        floor: how far apart mere retraining puts two models, or what to do to find out.
        most: `user_id, overlap, rbo`, most different first.
        measures: one row a measure, in words: `measure`, `clear` (the verdict), `difference`, `interval`, `a`, `b`.
        note: why there are no measures, or "".
    """

    sentence: str
    floor: str
    most: pd.DataFrame
    measures: pd.DataFrame
    note: str


def everybody(
    workspace: Workspace, live_id: str, other: str, k: int = 10, on_progress: OnProgress = silent
) -> Everybody:
    """Compare a version over all shoppers with another one, or with itself under a rule set; with the noise floor
    beside it: two of the stored versions that differ by their seed alone when there are such, else what a quality
    report measured."""
    a = workspace.load(live_id)
    b, rules, compared = a, None, [live_id]
    if is_model(other):
        b = workspace.load(other.removeprefix(MODEL))
        compared.append(b.model.id)
    else:
        rules = RuleSets(workspace.database).get(other.removeprefix(RULES))
    on_step = part_of(on_progress, 0.0, 0.8)
    found = compare(a, b, _data(workspace, a.model.id), k=k, rules=rules, on_progress=on_step)
    titles = fmt.measures(k)
    measures = pd.DataFrame(
        [_row_of(row, titles[str(row.measure)]) for row in found.measures.itertuples()],
        columns=["measure", "clear", "difference", "interval", "a", "b"],
    )
    sentence = (
        f"Over {fmt.number(found.users)} shoppers the two lists of {k} share {found.overlap:.0%} on average; "
        f"rank-biased overlap {found.rbo:.2f} of 1."
    )
    floor = _floor(workspace, compared, found, k, part_of(on_progress, 0.8, 1.0))
    return Everybody(sentence, floor, found.most, measures, found.note)


def _row_of(row: Any, measure: fmt.Measure) -> tuple[str, ...]:
    """One measure in words: its name, verdict, difference, interval of the difference, and both values."""
    verdict = "better" if row.low > 0 else "worse" if row.high < 0 else "within chance"
    difference, low, high = (fmt.difference(x, is_share=measure.share) for x in (row.difference, row.low, row.high))
    one, other = (fmt.measured(x, is_share=measure.share) for x in (row.a, row.b))
    return measure.title, verdict, difference, f"{low} to {high}", one, other


UNKNOWN_FLOOR = (
    "The noise floor is not known: make the quality report of one of them, or train the same recipe once more with "
    "another seed, and what mere retraining changes is shown here."
)


def _floor(workspace: Workspace, compared: Sequence[str], found: Difference, k: int, on_progress: OnProgress) -> str:
    names = ModelNames(workspace.database)
    for pair in _twins(workspace, compared):
        if pair == sorted(compared):
            return "These two differ by their seed alone: this is the noise floor of mere retraining itself."
        try:
            floor = compare(workspace.load(pair[0]), workspace.load(pair[1]), k=k, on_progress=on_progress)
        except InsiderError:
            continue
        verdict = "more" if found.overlap < floor.overlap - 0.02 else "no more"
        return (
            f"Mere retraining: models “{names.of(pair[0])}” and “{names.of(pair[1])}” differ by their seed alone and "
            f"share {floor.overlap:.0%} (rank-biased overlap {floor.rbo:.2f}); the two above differ {verdict} than "
            "that."
        )
    for one, measured in _measured_noise(workspace, compared):
        verdict = "more" if found.overlap < measured["overlap"] - 0.02 else "no more"
        return (
            f"Mere retraining: {measured['seeds']} trainings of “{names.of(one)}” that differ by their seed alone "
            f"share {measured['overlap']:.0%} (quality report); the two above differ {verdict} than that."
        )
    return UNKNOWN_FLOOR


def _floor_of_one(workspace: Workspace, subject: TargetUser, compared: Sequence[str], k: int) -> str:
    """The noise floor for the list of one shopper."""
    names = ModelNames(workspace.database)
    for pair in _twins(workspace, compared):
        try:
            first, second = (_ids(workspace.load(model_id), subject, k) for model_id in pair)
        except InsiderError:
            continue
        return (
            f"Noise floor: mere retraining with another seed leaves {overlap(first, second):.0%} of this list as it "
            f"was (models “{names.of(pair[0])}” and “{names.of(pair[1])}”; "
            f"rank-biased overlap {rank_biased_overlap(first, second):.2f})."
        )
    for one, measured in _measured_noise(workspace, compared):
        return (
            f"Noise floor: mere retraining of “{names.of(one)}” with another seed leaves {measured['overlap']:.0%} of "
            "a list as it was, on average over all shoppers (quality report)."
        )
    return UNKNOWN_FLOOR


def _twins(workspace: Workspace, compared: Sequence[str]) -> Iterator[list[str]]:
    """Pairs of stored versions that differ by their seed alone, one of them among those compared."""
    manifests = [model.manifest for model in stored_models(workspace)]
    for one in compared:
        for twin in siblings(manifests, one):
            yield sorted((one, twin))


def _measured_noise(workspace: Workspace, compared: Sequence[str]) -> Iterator[tuple[str, NoiseDocument]]:
    for one in compared:
        report = workspace.store.load_quality(one)
        if report is not None:
            yield one, report["noise"]


def _ids(side: Recommender, subject: TargetUser, k: int) -> list[str]:
    return [item_id for item_id, _ in _pairs(_on(side, subject).recommend(side, k).items)]


def _on(side: Recommender, subject: TargetUser) -> TargetUser:
    """The same shopper or persona as another model sees them."""
    return known(side, subject.name) if subject.known else described(side, subject.person, subject.name)


def _data(workspace: Workspace, model_id: str) -> Dataset | None:
    try:
        return workspace.dataset_of(model_id)
    except InsiderError:
        return None


def _pairs(items: Sequence[RankedItem]) -> list[tuple[str, str]]:
    return [(item.item_id, item.title) for item in items]


__all__ = ["Everybody", "SideBySide", "choices", "everybody", "is_model", "side_by_side"]
