"""What the validation periods decide of a training: how many passes, and what the recipe lets them move."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsys.evaluation.evaluate import Evaluation
from recsys.models import lightfm_wrapper
from recsys.models.base import Factors, Representations
from recsys.models.hyperparameters import RANGES, Hyperparameters
from recsys.models.learned import Learned
from recsys.models.manifest import Decisions
from recsys.progress import OnProgress, Progress
from recsys.training.fit import LinearLearner, gradient_passes, linear_learner, started
from recsys.training.windows import Measured, Window, measured
from recsys.utils.formatting import joined

ADAPT = "Trying regularisation and sharing on the validation set"
CHOOSE = "Choosing the number of epochs on the validation set"
FRONTIER = "Turning the popularity on the validation set"
PROBE_PASSES = 2
FACTOR = 3.0
"""Neighbouring values that are tried lie so far apart."""

WIDER = 0.03
"""A range is wider when it has so much more than another."""

TURNS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Multiples of the popularity at which accuracy and range are measured."""

LOSS_SAMPLE = 20_000
"""Pairs of which the training loss is estimated at every epoch."""

NAMES = {"regularisation": "regularisation", "sharing": "sharing", "popularity_lift": "popularity lift"}


@dataclass
class Reporter:
    """Turns passes into fractions of the whole, and keeps the learning curve."""

    on_progress: OnProgress
    units: float
    started: float = field(default_factory=time.monotonic)
    done: float = 0.0
    curve: tuple[Mapping[str, Any], ...] = ()

    def report(self, step: str, epoch: int = 0, epochs: int = 0) -> None:
        fraction = min(self.done / self.units, 1.0)
        elapsed = time.monotonic() - self.started
        left = elapsed * (1 - fraction) / fraction if self.done >= 1 else None
        self.on_progress(Progress(step, fraction, epoch, epochs, left, self.curve))


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
    """

    settled: Hyperparameters
    epochs: int
    start_epochs: int = 0
    curve: tuple[Mapping[str, Any], ...] = ()
    tried: tuple[Mapping[str, Any], ...] = ()
    stopped: str = ""
    windows: int = 1
    frontier: tuple[Mapping[str, float], ...] = ()

    def decisions(self, forecast: tuple[float, ...] | None) -> Decisions:
        """For manifests: what a refit needs, and what was tried."""
        return Decisions(
            settled=self.settled, start_epochs=self.start_epochs, forecast=forecast, tried=self.tried,
            stopped=self.stopped, windows=self.windows,
        )  # fmt: skip

    @property
    def kept(self) -> Mapping[str, Any]:
        """The point of the curve that was kept."""
        return next((point for point in self.curve if point["epoch"] == self.epochs), self.curve[-1])


def choose(windows: Sequence[Window], recipe: Hyperparameters, seed: int, reporter: Reporter) -> TrainingPlan:
    """Settle a recipe on these windows; the first is the validation period itself."""
    if recipe.linear:
        return _choose_linear(windows, recipe, seed, reporter)
    return _choose_gradient(windows, recipe, seed, reporter)


def _choose_linear(windows: Sequence[Window], recipe: Hyperparameters, seed: int, reporter: Reporter) -> TrainingPlan:
    tried: list[dict[str, Any]] = []
    if any(recipe.adapts(name) for name in ("regularisation", "sharing")):
        recipe = _adapted(windows, recipe, seed, tried, lambda: reporter.report(ADAPT))
    learners = [linear_learner(window.period, window.now, window.items, recipe, window.coefficients, seed)
                for window in windows]  # fmt: skip

    def passes() -> Iterator[list[Learned]]:
        while True:
            for learner in learners:
                learner.step()
            yield [learner.learned(recipe) for learner in learners]

    kept, epochs, stopped = _passes(windows, recipe, seed, reporter, passes(), None)
    reporter.report(FRONTIER)
    recipe, frontier = _turned(windows, recipe, kept, tried)
    return TrainingPlan(
        recipe,
        epochs,
        curve=reporter.curve,
        tried=tuple(tried),
        stopped=stopped,
        windows=len(windows),
        frontier=frontier,
    )


def _choose_gradient(windows: Sequence[Window], recipe: Hyperparameters, seed: int, reporter: Reporter) -> TrainingPlan:
    """LightFM's own learners are judged on the validation period alone: their passes cost most."""
    window = windows[0]
    lightfm = lightfm_wrapper.new(recipe, seed)
    start_epochs, begun, settled = 0, None, recipe
    if recipe.start == "als":
        plan = choose(windows, replace(recipe, learner="als"), seed, reporter)
        start_epochs, settled = plan.epochs, replace(plan.settled, learner=recipe.learner)
        reporter.curve = ()
        started(lightfm, window.period, window.now, window.users, window.items, plan.settled, plan.epochs,
                window.coefficients, seed)  # fmt: skip
        begun = [_factors(lightfm, window)]

    def passes() -> Iterator[list[Factors]]:
        for _ in gradient_passes(lightfm, window.period, window.now, window.users, window.items, recipe, recipe.epochs):
            yield [_factors(lightfm, window)]

    kept, epochs, stopped = _passes(windows[:1], recipe, seed, reporter, passes(), begun)
    reporter.report(FRONTIER)
    _, frontier = _turned(windows[:1], recipe, kept, [])
    return TrainingPlan(settled, epochs, start_epochs, reporter.curve, (), stopped, 1, frontier)


def _factors(lightfm: Any, window: Window) -> Factors:
    item_embeddings, item_biases, user_embeddings, _ = lightfm_wrapper.representations(
        lightfm, window.items, window.users
    )
    return Factors(user_embeddings, item_embeddings, item_biases)


def _passes(
    windows: Sequence[Window],
    recipe: Hyperparameters,
    seed: int,
    reporter: Reporter,
    passes: Iterator[Sequence[Any]],
    begun: Sequence[Any] | None,
) -> tuple[Sequence[Any], int, str]:
    """The model of the pass that is kept, its number, and why.

    A pass is kept where it is better than the one kept before it by more than chance; or where it shows a wider range
    and is within `recipe.variety` of the best. After `recipe.patience` passes that are neither, it stops.
    """
    best: tuple[Sequence[Any], Measured, int] | None = None
    highest, last = 0.0, 0
    if begun is not None:
        result = measured(windows, begun)
        _point(windows, reporter, seed, 0, begun, result)
        best, highest = (begun, result, 0), result.ndcg
        reporter.report(CHOOSE, 0, recipe.epochs)
    for epoch in range(1, recipe.epochs + 1):
        found = next(passes, None)
        if found is None:
            break
        result, last = measured(windows, found), epoch
        _point(windows, reporter, seed, epoch, found, result)
        highest = max(highest, result.ndcg)
        wider = (
            best is not None
            and result.coverage > (1 + WIDER) * best[1].coverage
            and result.ndcg >= (1 - recipe.variety) * highest
            and not best[1].better_than(result)
            and recipe.variety > 0
        )
        if best is None or result.better_than(best[1]) or wider:
            best = found, result, epoch
        reporter.done += 1
        reporter.units = reporter.done + max(best[2] + recipe.patience - epoch, 0) + best[2] + 2
        reporter.report(CHOOSE, epoch, recipe.epochs)
        if epoch - best[2] >= recipe.patience:
            break
    assert best is not None
    return best[0], best[2], _reason(best[2], last, recipe)


def _reason(kept: int, last: int, recipe: Hyperparameters) -> str:
    """Why so many passes were kept."""
    rule = "better by more than chance" if recipe.variety == 0 else (
        f"better by more than chance, or wider in range at no more than {recipe.variety:.0%} less accuracy"
    )  # fmt: skip
    if last == kept:
        return f"All {kept} passes were kept: each was {rule} than the one kept before it, or the first."
    later = f"pass {last} was" if last == kept + 1 else f"passes {kept + 1} to {last} were"
    if kept == 0:
        return f"No pass was kept: of {last} tried none was {rule} than the start."
    return f"Pass {kept} of {last} tried is kept: {later} not {rule}."


def _point(
    windows: Sequence[Window], reporter: Reporter, seed: int, epoch: int, found: Sequence[Any], result: Measured
) -> None:
    reporter.curve = (
        *reporter.curve,
        {
            "epoch": epoch,
            "seconds": round(time.monotonic() - reporter.started, 2),
            "ndcg": result.ndcg,
            "coverage": result.coverage,
            "loss": pairwise_loss(found[0], windows[0].period.counts, seed),
        },
    )


def _adapted(
    windows: Sequence[Window],
    recipe: Hyperparameters,
    seed: int,
    tried: list[dict[str, Any]],
    on_try: Callable[[], None],
) -> Hyperparameters:
    """The recipe with the sharing and the regularisation that a few passes say are better by more than chance.

    One after the other goes down, or else up, by a factor, for as long as that helps: there is no edge but that of
    `RANGES`.
    """

    def probe(candidate: Hyperparameters) -> Measured:
        on_try()
        found = []
        for window in windows:
            learner: LinearLearner = linear_learner(
                window.period, window.now, window.items, candidate, window.coefficients, seed
            )
            for _ in range(PROBE_PASSES):
                learner.step()
            found.append(learner.learned(candidate))
        result = measured(windows, found)
        tried.append({name: getattr(candidate, name) for name in NAMES}
                     | {"ndcg": result.ndcg, "coverage": result.coverage})  # fmt: skip
        return result

    best = probe(recipe)
    for name, least in (("sharing", 1.0), ("regularisation", 0.0)):
        if not recipe.adapts(name) or (name == "sharing" and len(windows[0].items.names) < 2):
            continue
        for step in (1 / FACTOR, FACTOR):
            moved = False
            while max(RANGES[name].low, least) <= getattr(recipe, name) * step <= RANGES[name].high:
                candidate = replace(recipe, **{name: getattr(recipe, name) * step})
                result = probe(candidate)
                if not result.better_than(best):
                    break
                recipe, best, moved = candidate, result, True
            if moved:
                break
    return recipe


def _turned(
    windows: Sequence[Window], recipe: Hyperparameters, kept: Sequence[Representations], tried: list[dict[str, Any]]
) -> tuple[Hyperparameters, tuple[Mapping[str, float], ...]]:
    """The recipe with the popularity lift that does best, and what the turns of the popularity dial give from there.

    A turn is taken where it is better by more than chance, or, of those within `recipe.variety` of the best, where it
    shows the widest range. Where the largest turn is the best, larger ones are tried.
    """
    moves = recipe.adapts("popularity_lift")
    scale = 1.0
    while True:
        found = [[window.judged(_at(model, scale * turn), ("ndcg", "novelty"))
                  for window, model in zip(windows, kept, strict=True)] for turn in TURNS]  # fmt: skip
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


def _at(model: Representations, turn: float) -> Factors:
    return Factors(model.user_embeddings, model.item_embeddings, model.item_biases, turn)


def pairwise_loss(model: Representations, counts: sparse.csr_matrix, seed: int) -> float:
    """Mean of log(1 + exp(score of any product - score of a bought one)) over a fixed sample of what is learned.

    The BPR loss of whatever was trained: falling means the purchases are learned, not that they are foreseen.
    """
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, counts.nnz, min(LOSS_SAMPLE, counts.nnz))
    users = np.searchsorted(counts.indptr, pairs, side="right") - 1
    bought, others = counts.indices[pairs], rng.integers(0, counts.shape[1], len(pairs))
    ahead: NDArray[np.float32] = model.item_embeddings[bought] - model.item_embeddings[others]
    margin = np.einsum("ij,ij->i", model.user_embeddings[users], ahead)
    margin += model.item_biases[bought] - model.item_biases[others]
    return float(np.logaddexp(0.0, -margin.astype(np.float64)).mean())


def adapted_words(recipe: Hyperparameters, settled: Hyperparameters) -> str:
    """What the validation periods moved, in a sentence; empty where nothing."""
    moved = [
        f"{title} from {getattr(recipe, name):g} to {getattr(settled, name):g}"
        for name, title in NAMES.items()
        if getattr(recipe, name) != getattr(settled, name)
    ]
    return f"The validation set moved {joined(moved)}." if moved else ""
