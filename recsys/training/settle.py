"""What the validation periods move in a recipe once its passes are done: sharing, regularisation, popularity lift."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsys.evaluation.evaluate import Evaluation
from recsys.models.als import AlternatingRidge
from recsys.models.base import Representations
from recsys.models.hyperparameters import RANGES, Hyperparameters
from recsys.models.learned import Learned
from recsys.training.windows import Measured, Window, measured, side_by_side

PROBE_PASSES = 2
"""So many of the last passes are made anew with another sharing."""

FACTOR = 3.0
"""Neighbouring values that are tried lie so far apart."""

TURNS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Multiples of the popularity at which accuracy and range are measured."""

ADAPTED = ("regularisation", "sharing", "popularity_lift")


@dataclass(frozen=True)
class Settled:
    """A recipe with values for what it left open.

    Attributes:
        models: what it gives on each window.
        measured: how good they are.
        learners: those that gave them, and as they were `PROBE_PASSES` before.
    """

    recipe: Hyperparameters
    models: Sequence[Learned]
    measured: Measured
    learners: Sequence[AlternatingRidge]
    before: Sequence[AlternatingRidge]
    passes: int

    def with_sharing(self, sharing: float, windows: Sequence[Window]) -> "Settled":
        """The last passes made anew with another sharing."""

        def again(before: AlternatingRidge) -> AlternatingRidge:
            learner = before.copy(sharing)
            for _ in range(self.passes):
                learner.step()
            return learner

        learners = side_by_side(again, self.before)
        return replace(self, learners=learners)._read(replace(self.recipe, sharing=sharing), windows)

    def with_regularisation(self, regularisation: float, windows: Sequence[Window]) -> "Settled":
        """The same passes, read off with another regularisation."""
        return self._read(replace(self.recipe, regularisation=regularisation), windows)

    def _read(self, recipe: Hyperparameters, windows: Sequence[Window]) -> "Settled":
        models = side_by_side(lambda learner: learner.learned(recipe), self.learners)
        return replace(self, recipe=recipe, models=models, measured=measured(windows, models))


def adapted(
    windows: Sequence[Window], start: Settled, tried: list[dict[str, Any]], on_try: Callable[[], None]
) -> Settled:
    """With the sharing and the regularisation that are better by more than chance.

    One after the other goes down, or else up, by a factor, for as long as that helps: there is no edge but that of
    `RANGES`.
    """

    def note(found: Settled) -> None:
        tried.append({name: getattr(found.recipe, name) for name in ADAPTED}
                     | {"ndcg": found.measured.ndcg, "coverage": found.measured.coverage})  # fmt: skip

    note(start)
    best = start
    ways: tuple[tuple[str, float, Callable[[Settled, float, Sequence[Window]], Settled]], ...] = (
        ("sharing", 1.0, Settled.with_sharing),
        ("regularisation", 0.0, Settled.with_regularisation),
    )
    for name, least, changed in ways:
        if not start.recipe.adapts(name) or (name == "sharing" and len(windows[0].items.names) < 2):
            continue
        for step in (1 / FACTOR, FACTOR):
            moved = False
            while max(RANGES[name].low, least) <= getattr(best.recipe, name) * step <= RANGES[name].high:
                on_try()
                found = changed(best, getattr(best.recipe, name) * step, windows)
                note(found)
                if not found.measured.better_than(best.measured):
                    break
                best, moved = found, True
            if moved:
                break
    return best


def turned(
    windows: Sequence[Window], recipe: Hyperparameters, kept: Sequence[Representations], tried: list[dict[str, Any]]
) -> tuple[Hyperparameters, tuple[Mapping[str, float], ...]]:
    """The recipe with the popularity lift that does best, and what the turns of the popularity dial give from there.

    A turn is taken where it is better by more than chance, or, of those within `recipe.variety` of the best, where it
    shows the widest range. Where the largest turn is the best, larger ones are tried.
    """
    moves = recipe.adapts("popularity_lift")
    scale = 1.0
    while True:
        found = _judged(windows, kept, scale)
        results = [Measured.of(one) for one in found]
        place = _best_turn(results, recipe.variety) if moves else TURNS.index(1.0)
        lift = recipe.popularity_lift * scale * TURNS[place]
        if place < len(TURNS) - 1 or lift * TURNS[-1] > RANGES["popularity_lift"].high:
            break
        scale *= TURNS[-1]
    if not len(results[0].values):
        return recipe, ()
    taken = TURNS[place]
    if moves:
        tried.extend({"popularity_lift": recipe.popularity_lift * scale * turn, "ndcg": result.ndcg,
                      "coverage": result.coverage} for turn, result in zip(TURNS, results, strict=True))  # fmt: skip
        recipe = replace(recipe, popularity_lift=min(lift, RANGES["popularity_lift"].high))
    if not taken:
        return recipe, tuple(_turn(turn, found[0], windows) for turn in TURNS)
    return recipe, tuple(
        _turn(turn / taken, one, windows) for turn, one in zip(TURNS, found, strict=True) if turn / taken <= TURNS[-1]
    )


def _judged(windows: Sequence[Window], kept: Sequence[Representations], scale: float) -> list[list[Evaluation]]:
    """For each of `TURNS`, times `scale`, the evaluations on all windows."""

    def of_window(window: Window, model: Representations) -> list[Evaluation]:
        biases = [np.float32(scale * turn) * model.item_biases for turn in TURNS]
        return window.judged_with(model, biases, ("ndcg", "novelty"))

    return [list(one) for one in zip(*side_by_side(of_window, windows, kept), strict=True)]


def _best_turn(results: Sequence[Measured], variety: float) -> int:
    now = TURNS.index(1.0)
    order = sorted(range(len(TURNS)), key=lambda place: -results[place].ndcg)
    best = next((place for place in order if results[place].better_than(results[now])), now)
    if variety == 0:
        return best
    enough = [
        place
        for place in range(len(TURNS))
        if results[place].ndcg >= (1 - variety) * results[best].ndcg and not results[best].better_than(results[place])
    ]
    return max([*enough, best], key=lambda place: results[place].coverage)


def _turn(turn: float, found: Sequence[Evaluation], windows: Sequence[Window]) -> Mapping[str, float]:
    shown = [one.lists[one.lists >= 0] for one in found]
    mean = [float(w.buyers[s].mean()) if len(s) else 0.0 for w, s in zip(windows, shown, strict=True)]
    return {
        "popularity": float(turn),
        "ndcg": Measured.of(found).ndcg,
        "coverage": Measured.of(found).coverage,
        "novelty": float(np.concatenate([one.values["novelty"] for one in found]).mean()),
        "mean_popularity": float(np.mean(mean)),
    }
