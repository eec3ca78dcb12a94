"""What the validation periods move in a recipe once its passes are done."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.evaluation.evaluate import Evaluation
from recsys.models.base import Representations
from recsys.models.hyperparameters import RANGES, Hyperparameters
from recsys.models.learners.als import AlternatingRidge
from recsys.models.learners.learned import Learned
from recsys.models.popularity import Forecast, sources, timed
from recsys.models.purchases import Purchases
from recsys.training.windows import LARGE, SIGNIFICANT, Measured, Window, measured, side_by_side

PROBE_PASSES = 2
"""So many of the last passes are made anew where a pass would come out otherwise."""

QUICK_PAIRS = 300_000
"""With more pairs of shopper and product than this only what costs little is tried: sharing, regularisation and
popularity; half-life, damping and popularity penalty stay as the recipe has them."""

STEPS: Mapping[str, float] = {
    "sharing": 10.0, "half_life_days": 4.0, "damping": 2.0, "regularisation": 3.0, "popularity_penalty": 0.2,
}  # fmt: skip
"""Neighbouring values that are tried lie so many times apart, in this order; those of the popularity penalty, which may
be 0 or less, so far apart."""

READ_OFF = ("regularisation", "popularity_penalty", "popularity_lift")
"""What passes do not depend on."""

LEAST: Mapping[str, float] = {"sharing": 1.0, "half_life_days": 1.0, "damping": 0.05}

TURNS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Multiples of the popularity at which accuracy and catalogue coverage are measured."""

LIKELY = 0.32
"""What moves where it is better by one standard error: no value of these is at home on all data."""

MOVING = ("sharing", "popularity_penalty")
"""These likewise; the others where they are better by more than chance."""

ADAPTED = (*STEPS, "popularity_lift")


@dataclass(frozen=True)
class Settled:
    """A recipe with values for what it left open.

    Attributes:
        models: what it gives on each window.
        measured: how good they are.
        learners: those that gave them, and as they were so many `passes` before.
        biases: popularity on each window, where it is not counted as the learners do.
    """

    recipe: Hyperparameters
    models: Sequence[Learned]
    measured: Measured
    learners: Sequence[AlternatingRidge]
    before: Sequence[AlternatingRidge]
    passes: int
    biases: Sequence[NDArray[np.float32]] | None = None

    def with_popularity(
        self, recipe: Hyperparameters, biases: Sequence[NDArray[np.float32]], measured: Measured
    ) -> "Settled":
        """The same taste with another popularity beside it, which is as good as `measured`."""
        models = [replace(model, biases=own) for model, own in zip(self.models, biases, strict=True)]
        return replace(self, recipe=recipe, models=models, measured=measured, biases=biases)

    def changed(self, recipe: Hyperparameters, windows: Sequence[Window]) -> "Settled | None":
        """The same with another recipe; None where it is behind on the first of several windows already.

        Where only `READ_OFF` is another the passes are the same; otherwise the last ones are made anew.
        """
        anew = replace(recipe, **{name: getattr(self.recipe, name) for name in READ_OFF}) != self.recipe

        def found(number: int) -> tuple[AlternatingRidge, Learned]:
            window, learner, before = windows[number], self.learners[number], self.before[number]
            if anew:
                learner = before.going_on(recipe, _weighed(recipe, before, window))
                for _ in range(self.passes):
                    learner.step()
            learned = learner.learned(recipe)
            return learner, learned if self.biases is None else replace(learned, biases=self.biases[number])

        first = found(0)
        if len(windows) > 1:
            values = Measured.of([windows[0].judged(first[1])]).values
            if len(values) and values.mean() <= self.measured.values[: len(values)].mean():
                return None
        all_found = [first, *side_by_side(found, range(1, len(windows)))]
        learners, models = [x[0] for x in all_found], [x[1] for x in all_found]
        return replace(self, recipe=recipe, learners=learners, models=models, measured=measured(windows, models))


def _weighed(recipe: Hyperparameters, before: AlternatingRidge, window: Window) -> Purchases | None:
    """The purchases of a window where this recipe weighs them otherwise than a learner does."""
    if recipe.half_life_days == before.recipe.half_life_days:
        return None
    return Purchases.of(window.period, window.now, recipe.half_life_days, window.coefficients)


def adapted(
    windows: Sequence[Window],
    start: Settled,
    names: Container[str],
    tried: list[dict[str, Any]],
    on_try: Callable[[], None],
) -> Settled:
    """With the values that are better by more than chance, or by one standard error (`MOVING`).

    One dial after the other goes down, or else up, by a factor, for as long as that helps: there is no edge but that of
    `RANGES`.

    Args:
        names: of the dials.
    """

    def note(recipe: Hyperparameters, result: Measured) -> None:
        tried.append({name: getattr(recipe, name) for name in ADAPTED}
                     | {"ndcg": result.ndcg, "coverage": result.coverage})  # fmt: skip

    def changed(best: Settled, name: str, step: int) -> Settled | None:
        value = _next(name, getattr(best.recipe, name), step)
        if not max(RANGES[name].low, LEAST.get(name, RANGES[name].low)) <= value <= RANGES[name].high:
            return None
        on_try()
        return best.changed(replace(best.recipe, **{name: value}), windows)

    note(start.recipe, start.measured)
    best, large = start, windows[0].period.counts.shape[1] * start.recipe.components > LARGE
    for name in STEPS:
        if name not in names or not _open(name, start.recipe, windows[0]):
            continue
        level, begun = LIKELY if name in MOVING else SIGNIFICANT, best
        both = (begun,) * 2, (name,) * 2, (-1, 1)
        for step, found in zip((-1, 1), map(changed, *both) if large else side_by_side(changed, *both), strict=True):
            while found is not None:
                note(found.recipe, found.measured)
                if not found.measured.better_than(best.measured, level):
                    break
                best, found = found, changed(found, name, step)
            if best is not begun:
                break
    return best


def _next(name: str, value: float, step: int) -> Any:
    """The neighbour of a value, below for step -1 or above for 1."""
    factor = STEPS[name]
    return round(value + step * factor, 6) if name == "popularity_penalty" else float(value * factor**step)


def _open(name: str, recipe: Hyperparameters, window: Window) -> bool:
    """Whether another value of a dial is to be tried on data like these."""
    if not recipe.adapts(name) or (getattr(recipe, name) == 0 and name != "popularity_penalty"):
        return False
    if name == "sharing":
        return len(window.items.names) > 1
    if name == "half_life_days" and not timed(window.period):
        return False
    return name == "regularisation" or window.period.counts.nnz <= QUICK_PAIRS


@dataclass(frozen=True)
class Popularity:
    """How the popularity of items is counted on all windows.

    Attributes:
        biases: for each window, (n_items,).
        name: in words; empty for the forecast, or what is popular of late where there is none.
        coefficients: of the `Forecast` that counts so; None for the one learned from the data.
    """

    biases: Sequence[NDArray[np.float32]]
    name: str = ""
    coefficients: tuple[float, ...] | None = None

    def times(self, factor: float) -> "Popularity":
        """The same, counting so many times as much."""
        return replace(self, biases=[np.float32(factor) * biases for biases in self.biases])


def counted(windows: Sequence[Window], recipe: Hyperparameters, kept: Sequence[Representations]) -> Popularity:
    """The way to count popularity that foretells most beside the taste of these models, with the lift of the recipe.

    It stays the forecast unless another is better by one standard error; those behind on the first window are not
    judged on the others.
    """
    now = Popularity([model.item_biases for model in kept])
    if not recipe.adapts("popularity_lift") or recipe.popularity_lift == 0 or not timed(windows[0].period):
        return now
    ways = [now]
    for name, coefficients in sources().items():
        lifted = [
            np.float32(recipe.popularity_lift) * Forecast(coefficients).popularity(w.period, w.now) for w in windows
        ]
        ways.append(Popularity(lifted, name, coefficients))
    first = [Measured.of([x]).ndcg for x in windows[0].judged_with(kept[0], [way.biases[0] for way in ways])]
    ways = [way for way, value in zip(ways, first, strict=True) if way is now or value > first[0]]
    if len(ways) == 1:
        return now
    of_window = side_by_side(
        lambda window, model, biases: window.judged_with(model, biases), windows, kept,
        [[way.biases[n] for way in ways] for n in range(len(windows))],
    )  # fmt: skip
    results = [Measured.of(one) for one in zip(*of_window, strict=True)]
    place = max(range(len(ways)), key=lambda n: results[n].ndcg)
    return ways[place] if results[place].better_than(results[0], LIKELY) else now


def turned(
    windows: Sequence[Window],
    recipe: Hyperparameters,
    kept: Sequence[Representations],
    popularity: Popularity,
    tried: list[dict[str, Any]],
) -> tuple[Hyperparameters, Measured, tuple[Mapping[str, float], ...]]:
    """The recipe with the popularity lift that does best, how good it is, and what turns of the popularity dial give.

    A turn is taken where it is better by one standard error, or, of those within `recipe.variety` of the best, where it
    has the widest catalogue coverage. Where the largest turn is the best, larger ones are tried.
    """
    moves = recipe.adapts("popularity_lift")
    scale = 1.0
    while True:
        found = _judged(windows, kept, popularity, scale)
        results = [Measured.of(one) for one in found]
        place = _best_turn(results, recipe.variety) if moves else TURNS.index(1.0)
        lift = recipe.popularity_lift * scale * TURNS[place]
        if place < len(TURNS) - 1 or lift * TURNS[-1] > RANGES["popularity_lift"].high:
            break
        scale *= TURNS[-1]
    if not len(results[0].values):
        return recipe, results[place], ()
    taken = TURNS[place]
    if moves:
        tried.extend({"popularity_lift": recipe.popularity_lift * scale * turn, "ndcg": result.ndcg,
                      "coverage": result.coverage} for turn, result in zip(TURNS, results, strict=True))  # fmt: skip
        recipe = replace(recipe, popularity_lift=min(lift, RANGES["popularity_lift"].high))
    if not taken:
        return recipe, results[place], tuple(_turn(turn, found[0], windows) for turn in TURNS)
    return (
        recipe,
        results[place],
        tuple(
            _turn(turn / taken, one, windows)
            for turn, one in zip(TURNS, found, strict=True)
            if turn / taken <= TURNS[-1]
        ),
    )


def _judged(
    windows: Sequence[Window], kept: Sequence[Representations], popularity: Popularity, scale: float
) -> list[list[Evaluation]]:
    """For each of `TURNS`, times `scale`, the evaluations on all windows."""

    def of_window(window: Window, model: Representations, biases: NDArray[np.float32]) -> list[Evaluation]:
        return window.judged_with(model, [np.float32(scale * turn) * biases for turn in TURNS], ("ndcg", "novelty"))

    return [list(one) for one in zip(*side_by_side(of_window, windows, kept, popularity.biases), strict=True)]


def _best_turn(results: Sequence[Measured], variety: float) -> int:
    now = TURNS.index(1.0)
    order = sorted(range(len(TURNS)), key=lambda place: -results[place].ndcg)
    best = next((place for place in order if results[place].better_than(results[now], LIKELY)), now)
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
        **Measured.of(found).figures(),
        "novelty": float(np.concatenate([one.values["novelty"] for one in found]).mean()),
        "mean_popularity": float(np.mean(mean)),
    }
