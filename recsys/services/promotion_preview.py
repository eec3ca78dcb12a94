"""What would change if a model went live, in figures and words, and what should give pause."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.splitting import protocol_note, split_again
from recsys.errors import InsiderError, NoModel
from recsys.evaluation import metrics
from recsys.evaluation.benchmark import category_codes
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.significance import Verdict
from recsys.models.model import Model, identical
from recsys.progress import OnProgress, Progress, part_of, silent
from recsys.recommend.recommender import Recommender
from recsys.services import promotion_figures as figures
from recsys.services.promotion_figures import Row
from recsys.services.workbench.expectations import Expectations
from recsys.services.workspace import Workspace
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as fmt
from recsys.utils.json_values import jsonable

MEASURED = ("ndcg", "hit_rate", "precision", "recall", "diversity", "novelty")
HARM = ("ndcg", "hit_rate", "precision", "recall")
"""Measures in which less is worse, whatever one wants."""


@dataclass(frozen=True)
class CheckedExpectation:
    """An expectation, held against the candidate. `broken` are the failures that the live model has not."""

    name: str
    ok: bool
    change: str
    failures: tuple[str, ...]
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preview:
    """A candidate beside the live model, on the purchases of the candidate's test period.

    Attributes:
        headline: what will change, in one sentence: accuracy, catalogue coverage, lists, expectations.
        identical: whether both give the same answers, so that nothing would change.
        note: what to know about the comparison, or why there is none.
        measures: one row per metric over all shoppers, 95% intervals.
        segments: NDCG@10 by attribute and by how much people buy, largest group first. Intervals and verdicts
            allow for their number (Bonferroni), so that one in twenty previews of equal models gives a false alarm.
        shoppers: `user_id`, `shared` (share of the ten products that stay), `ndcg_live`, `ndcg_candidate`; those
            whose lists change most first.
        items: `item_id`, `title`, `live`, `candidate` (lists it stands in) and `change`, largest changes first.
        kept: mean share of a list that stays.
        changed: share of shoppers whose list changes in at least one product.
        coverage: catalogue coverage of the live model and of the candidate, over the same shoppers.
        warnings: what its health checks call bad, where the candidate is worse by more than chance explains, and which
            expectations it breaks that the live model meets.
        unhealthy: the first of these.
        expectations: every expectation, what changes in its list, and what is not met.
    """

    live: str | None
    candidate: str
    note: str
    measures: tuple[Row, ...]
    segments: tuple[Row, ...]
    shoppers: pd.DataFrame
    items: pd.DataFrame
    kept: float | None
    warnings: tuple[str, ...]
    expectations: tuple[CheckedExpectation, ...] = ()
    unhealthy: tuple[str, ...] = ()
    headline: str = ""
    identical: bool = False
    changed: float | None = None
    coverage: tuple[float, float] | None = None

    def to_dict(self) -> Mapping[str, object]:
        """All of it, ready for JSON."""
        tables = {name: getattr(self, name).to_dict("records") for name in ("shoppers", "items")}
        return jsonable(vars(self) | tables)


def preview(
    workspace: Workspace,
    candidate_id: str,
    live_id: str | None = None,
    *,
    by_segment: bool = True,
    on_progress: OnProgress = silent,
) -> Preview:
    """Hold a version against the live one, or against `live_id`, and say which expectations it meets.

    Both are judged on the same shoppers and purchases: those of the candidate's test period. A live model that learned
    from other data takes part where it had not seen that period; shoppers it does not know get what it shows anybody.

    Args:
        by_segment: judge the segments as well, and warn where one is worse: most of the time goes into it.
    """
    names = ModelNames(workspace.database)
    found = _compared(workspace, candidate_id, live_id, by_segment, on_progress)
    if found.live == found.candidate:
        return replace(found, headline=found.note)
    after = workspace.load(candidate_id)
    before = None if found.live is None else workspace.load(found.live)
    if before is not None and identical(after.trained, before.trained):
        same = f"Nothing will change: this model gives the same answers as {names.of(found.live)}."
        return replace(found, headline=same, identical=True, warnings=())
    on_progress(Progress("Checking the expectations", 0.9))
    expectations = _checked(Expectations(workspace.database), after, before)
    broken = tuple(f"Expectation {x.name}: {failure}" for x in expectations for failure in x.broken)
    unhealthy = health_warnings(workspace, candidate_id)
    found = replace(
        found, expectations=expectations, unhealthy=unhealthy, warnings=(*unhealthy, *found.warnings, *broken)
    )
    return replace(found, headline=_headline(found))


def health_warnings(workspace: Workspace, model_id: str) -> tuple[str, ...]:
    """What the health checks of a version call bad: those of its quality report, or else of its training."""
    report = workspace.store.load_quality(model_id)
    health = report["health"] if report else workspace.store.model_manifest(model_id).health
    return tuple(f"{x['name']}: {x['sentence']}" for x in health.get("checks", ()) if x["state"] == "bad")


def _checked(saved: Expectations, after: Recommender, before: Recommender | None) -> tuple[CheckedExpectation, ...]:
    unmet = {} if before is None else {verdict.expectation.name: verdict.unmet for verdict in saved.check(before)}
    return tuple(
        CheckedExpectation(
            verdict.expectation.name, verdict.ok, verdict.change, verdict.failures,
            tuple(
                failure
                for failure, which in zip(verdict.failures, verdict.unmet, strict=True)
                if which not in unmet.get(verdict.expectation.name, ())
            ),
        )
        for verdict in saved.check(after, against=before)
    )  # fmt: skip


def _headline(found: Preview) -> str:
    broken = sum(bool(x.broken) for x in found.expectations)
    parts = [f"{broken} {'expectation is' if broken == 1 else 'expectations are'} newly broken"] if broken else []
    if found.measures and found.coverage is not None and found.changed is not None and found.kept is not None:
        parts = [
            accuracy_words(found.measures[0].live, found.measures[0].candidate, found.measures[0].verdict),
            coverage_words(*found.coverage),
            f"{fmt.share(found.changed, 0)} of shoppers get another list, {fmt.share(1 - found.kept, 0)} of a list is "
            "other products on average",
            *(parts or ["no expectation is newly broken"] * bool(found.expectations)),
        ]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else found.note


def accuracy_words(live: float, candidate: float, verdict: Verdict) -> str:
    """What becomes of the accuracy: "accuracy rises by 4% (NDCG@10 0.0505 to 0.0525)"."""
    figures = f"NDCG@10 {fmt.measured(live, is_share=False)} to {fmt.measured(candidate, is_share=False)}"
    if verdict == "cannot tell":
        return f"accuracy stays the same as far as can be told ({figures})"
    by = f"by {fmt.share(abs(candidate / live - 1), 0)} " if live else ""
    return f"accuracy {'rises' if verdict == 'better' else 'falls'} {by}({figures})"


def coverage_words(live: float, candidate: float) -> str:
    """What becomes of the catalogue coverage: "catalogue coverage falls from 3.1% to 1.2% of all products"."""
    old, new = (fmt.measured(value, is_share=True) for value in (live, candidate))
    if old == new:
        return f"catalogue coverage stays at {old} of all products"
    return f"catalogue coverage {'rises' if candidate > live else 'falls'} from {old} to {new} of all products"


def _compared(
    workspace: Workspace, candidate_id: str, live_id: str | None, by_segment: bool, on_progress: OnProgress
) -> Preview:
    on_progress(Progress("Reading both models", 0.05))
    candidate = workspace.load(candidate_id).trained
    try:
        live = workspace.load(live_id or "live").trained
    except NoModel:
        return _nothing(None, candidate.id, "No model is live yet, so there is nothing to compare with.")
    if live.id == candidate.id:
        return _nothing(live.id, candidate.id, "This version is live already.")
    names = ModelNames(workspace.database)
    called = "The live model" if live_id is None else f"Model {names.of(live.id)}"
    manifest, other = candidate.manifest, live.manifest
    try:
        data = workspace.dataset_of(candidate.id)
    except InsiderError as error:
        return _nothing(live.id, candidate.id, str(error))
    same = manifest.fingerprint == other.fingerprint and manifest.split == other.split
    cut = manifest.split.test_start
    if not same and (manifest.dataset != other.dataset or not cut or str(other.split.test_start) > cut):
        return _nothing(
            live.id, candidate.id, f"{called} learned from other data, or from the purchases this one "
            "is judged on: no fair comparison can be made.",
        )  # fmt: skip
    split = split_again(data, manifest.split)
    codes = category_codes(candidate.items, candidate.category_levels)
    judged = []
    for number, scorer in enumerate((live if same else _Elsewhere(live, candidate), candidate)):
        name = names.of((live, candidate)[number].id)
        on_progress(Progress(f"Making all lists with model {name}", 0.2 + 0.15 * number))
        judged.append(evaluate(scorer, split.training.counts, split.judged, categories=codes,
                               popularity=candidate.popularity, only=MEASURED))  # fmt: skip
    old, new = judged
    on_progress(Progress("Comparing them shopper by shopper", 0.5))
    note = protocol_note(manifest.split) if same else (
        f"{called} learned from purchases up to {fmt.day(other.split.test_start)}, this one up to "
        f"{fmt.day(cut)}; both are judged on what was bought after that."
    )  # fmt: skip
    if not len(new.users):
        return _nothing(live.id, candidate.id, "Nobody bought anything new in what was held out.")
    known = fmt.measures(new.k)
    titles = {name: measure.title for name, measure in known.items()}
    measures = tuple(
        replace(
            figures.row("All shoppers", titles[name], old.values[name], new.values[name]),
            share=known[name].share,
        )
        for name in MEASURED
        if name in old.values
    )
    segments = figures.segments(candidate, old, new, part_of(on_progress, 0.55, 0.9)) if by_segment else ()
    shared = figures.shared(old, new)
    harm = {titles[name] for name in HARM}
    warnings = [figures.warning(row) for row in measures if row.verdict == "worse" and row.name in harm]
    warnings += [figures.warning(row) for row in segments if row.verdict == "worse"]
    return Preview(
        live.id, candidate.id, note, measures, segments,
        figures.shoppers(candidate, old, new, shared), figures.items(candidate, old, new),
        float(shared.mean()), tuple(warnings),
        changed=float((shared < 1).mean()), coverage=(metrics.coverage(old.shown), metrics.coverage(new.shown)),
    )  # fmt: skip


class _Elsewhere:
    """Scores of a model over the users and items of another one."""

    def __init__(self, model: Model, space: Model) -> None:
        self._model = model
        self._users = model.user_index.get_indexer(space.user_index)
        items = model.item_index.get_indexer(space.item_index)
        self._known, self._items = items >= 0, np.where(items >= 0, items, 0)

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """Items it does not know come last; users it does not know get item biases alone."""
        rows = self._users[users]
        block = self._model.scores(np.where(rows >= 0, rows, 0))
        block[rows < 0] = self._model.item_biases
        block = block[:, self._items]
        block[:, ~self._known] = -np.inf
        return block


def _nothing(live: str | None, candidate: str, note: str) -> Preview:
    empty = pd.DataFrame()
    return Preview(live, candidate, note, (), (), empty, empty, None, ())
