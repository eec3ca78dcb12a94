"""What the validation periods decide of a training: how many passes, and what the recipe lets them move."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recsys.models import lightfm_wrapper
from recsys.models.base import Factors
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.als import AlternatingRidge
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.learners.learned import Learned
from recsys.models.manifest import Decisions
from recsys.training.fit import LinearLearner, gradient_passes, linear_learner, started
from recsys.training.passes import Kept, Reporter, best_pass
from recsys.training.settle import PROBE_PASSES, READ_OFF, STEPS, Popularity, Settled, adapted, counted, turned
from recsys.training.windows import Window, side_by_side
from recsys.utils.threads import limited_blas_threads

ADAPT = "Trying other values on the validation set"
FRONTIER = "Turning the popularity on the validation set"


@dataclass(frozen=True)
class TrainingPlan:
    """What the validation periods decided.

    Attributes:
        settled: the recipe with the values that were taken for what it left open.
        epochs: passes kept.
        start_epochs: passes of ALS before the first, for a gradient learner that starts from it.
        curve: points of the learning curve, epoch 0 being the start where there is one.
        tried: what was tried besides the recipe, each with its "ndcg" and "coverage".
        stopped: why so many passes were kept, in a sentence.
        frontier: `{"popularity", "ndcg", "coverage", "novelty", "mean_popularity"}` for turns of the popularity dial.
        counted: how popularity is counted, in words; empty where by the forecast or, without one, of late.
        popularity: the coefficients that count so; None likewise.
    """

    settled: Hyperparameters
    epochs: int
    start_epochs: int = 0
    curve: tuple[Mapping[str, Any], ...] = ()
    tried: tuple[Mapping[str, Any], ...] = ()
    stopped: str = ""
    windows: int = 1
    frontier: tuple[Mapping[str, float], ...] = ()
    counted: str = ""
    popularity: tuple[float, ...] | None = None

    def decisions(self, forecast: tuple[float, ...] | None) -> Decisions:
        """For manifests: what a refit needs, and what was tried."""
        return Decisions(
            settled=self.settled, start_epochs=self.start_epochs, forecast=forecast, tried=self.tried,
            stopped=self.stopped, windows=self.windows, counted=self.counted,
        )  # fmt: skip

    @property
    def kept(self) -> Mapping[str, Any]:
        """The point of the curve that was kept."""
        return next((point for point in self.curve if point["epoch"] == self.epochs), self.curve[-1])


@limited_blas_threads()
def choose(
    windows: Sequence[Window],
    recipe: Hyperparameters,
    seed: int,
    reporter: Reporter,
    histories: HistoriesOf = LocalHistories,
) -> TrainingPlan:
    """Settle a recipe on these windows; the first is the validation period itself.

    Args:
        histories: where passes of ALS work on everybody's purchases.
    """
    if recipe.linear:
        return _choose_linear(windows, recipe, seed, reporter, histories)
    return _choose_gradient(windows, recipe, seed, reporter, histories)


def _choose_linear(
    windows: Sequence[Window], recipe: Hyperparameters, seed: int, reporter: Reporter, histories: HistoriesOf
) -> TrainingPlan:
    def learner_of(window: Window) -> LinearLearner:
        return linear_learner(window.period, window.now, window.items, recipe, window.coefficients, seed, histories)

    learners = side_by_side(learner_of, windows)
    states: dict[int, list[AlternatingRidge]] = {}

    def passes() -> Iterator[list[Learned]]:
        for number in range(1, recipe.epochs + 1):
            if number == 1:
                _remember(states, 0, learners, recipe)
            side_by_side(lambda learner: learner.step(), learners)
            _remember(states, number, learners, recipe)
            yield side_by_side(lambda learner: learner.learned(recipe), learners)

    kept = best_pass(windows, recipe, seed, reporter, passes())
    tried = list[dict[str, Any]]()
    settled = _settled(recipe, kept, states) if any(recipe.adapts(name) for name in STEPS) else None
    recipe, popularity, frontier = _moved(windows, recipe, kept, settled, tried, reporter)
    return TrainingPlan(
        recipe,
        kept.epoch,
        curve=reporter.curve,
        tried=tuple(tried),
        stopped=kept.stopped,
        windows=len(windows),
        frontier=frontier,
        counted=popularity.name,
        popularity=popularity.coefficients,
    )


def _moved(
    windows: Sequence[Window], recipe: Hyperparameters, kept: Kept, settled: Settled | None,
    tried: list[dict[str, Any]], reporter: Reporter,
) -> tuple[Hyperparameters, Popularity, tuple[Mapping[str, float], ...]]:  # fmt: skip
    """The recipe as the windows move it, how popularity is counted, and the frontier of the popularity dial.

    What passes do not depend on is tried once more where the popularity lift came out otherwise, and the lift after
    that where something moved: they hang together.
    """
    if settled is not None:
        settled = adapted(windows, settled, STEPS, tried, lambda: reporter.report(ADAPT))
        recipe, kept = settled.recipe, replace(kept, models=settled.models)
    reporter.report(FRONTIER)
    popularity = counted(windows, recipe, kept.models)
    moved, result, frontier = turned(windows, recipe, kept.models, popularity, tried)
    if settled is None or moved.popularity_lift == recipe.popularity_lift:
        return moved, popularity, frontier
    popularity = popularity.times(moved.popularity_lift / recipe.popularity_lift)
    settled = settled.with_popularity(moved, popularity.biases, result)
    again = adapted(windows, settled, READ_OFF, tried, lambda: reporter.report(ADAPT))
    if again is not settled:
        reporter.report(FRONTIER)
        moved, _, frontier = turned(windows, again.recipe, again.models, popularity, tried)
    return moved, popularity, frontier


def _remember(
    states: dict[int, list[AlternatingRidge]], number: int, learners: Sequence[LinearLearner], recipe: Hyperparameters
) -> None:
    """Keep what the learners of ALS are after a pass, for as long as it may be the start of trying another sharing."""
    states[number] = [learner.going_on(recipe) for learner in learners if isinstance(learner, AlternatingRidge)]
    states.pop(number - recipe.patience - PROBE_PASSES - 1, None)


def _settled(recipe: Hyperparameters, kept: Kept, states: Mapping[int, list[AlternatingRidge]]) -> Settled:
    passes = min(PROBE_PASSES, kept.epoch)
    return Settled(recipe, kept.models, kept.measured, states[kept.epoch], states[kept.epoch - passes], passes)


def _choose_gradient(
    windows: Sequence[Window], recipe: Hyperparameters, seed: int, reporter: Reporter, histories: HistoriesOf
) -> TrainingPlan:
    """LightFM's own learners are judged on the validation period alone: their passes cost most."""
    window = windows[0]
    lightfm = lightfm_wrapper.new(recipe, seed)
    start_epochs, begun, settled = 0, None, recipe
    if recipe.start == "als":
        plan = choose(windows, replace(recipe, learner="als"), seed, reporter, histories)
        start_epochs, settled = plan.epochs, replace(plan.settled, learner=recipe.learner)
        reporter.curve = ()
        started(lightfm, window.period, window.now, window.users, window.items, plan.settled, plan.epochs,
                window.coefficients, seed, histories)  # fmt: skip
        begun = [_factors(lightfm, window)]

    def passes() -> Iterator[list[Factors]]:
        for _ in gradient_passes(lightfm, window.period, window.now, window.users, window.items, recipe, recipe.epochs):
            yield [_factors(lightfm, window)]

    kept = best_pass(windows[:1], recipe, seed, reporter, passes(), begun)
    reporter.report(FRONTIER)
    popularity = Popularity([model.item_biases for model in kept.models])
    _, _, frontier = turned(windows[:1], recipe, kept.models, popularity, [])
    return TrainingPlan(settled, kept.epoch, start_epochs, reporter.curve, (), kept.stopped, 1, frontier)


def _factors(lightfm: Any, window: Window) -> Factors:
    item_embeddings, item_biases, user_embeddings, _ = lightfm_wrapper.representations(
        lightfm, window.items, window.users
    )
    return Factors(user_embeddings, item_embeddings, item_biases)
