"""From a dataset and a recipe to a model: choose the epochs on validation, learn from all that lies before the test."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from lightfm import LightFM
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.dataset import Dataset, Interactions
from recsys.dataset.decay import recency_weights
from recsys.dataset.splitting import Split, make_split
from recsys.errors import InvalidInput
from recsys.evaluation import health
from recsys.evaluation.benchmark import Baselines, K, benchmark_of
from recsys.evaluation.evaluate import ndcg_and_coverage
from recsys.evaluation.popularity_frontier import dial_frontier
from recsys.models import lightfm_wrapper
from recsys.models.features import Features, item_features, user_features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.models.repurchase import WORTHWHILE_SHARE, BuyAgain, repeat_share
from recsys.models.svd_init import Shape, Source, begin
from recsys.progress import OnProgress, Progress
from recsys.training.init_selection import choose_start, without_borrowing

CHOOSE = "Choosing the number of epochs on the validation set"
START = "Decomposing the purchases for a start"
LEARN = "Learning from everything but the test set"
SIMPLE = "Training the simple methods to compare with"
JUDGE = "Comparing with simple methods on the test set"
LOSS_SAMPLE = 20_000
"""Pairs of which the training loss is estimated at every epoch."""


@dataclass
class _Reporter:
    """Turns epochs into fractions: choosing and learning cost one unit an epoch, judging two."""

    on_progress: OnProgress
    units: float
    started: float = field(default_factory=time.monotonic)
    done: float = 0.0
    curve: tuple[Mapping[str, float], ...] = ()

    def report(self, step: str, epoch: int = 0, epochs: int = 0) -> None:
        fraction = min(self.done / self.units, 1.0)
        elapsed = time.monotonic() - self.started
        left = elapsed * (1 - fraction) / fraction if self.done >= 1 else None
        self.on_progress(Progress(step, fraction, epoch, epochs, left, self.curve))


def train(
    dataset: Dataset,
    recipe: Hyperparameters,
    *,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
    split: Split | None = None,
    baselines: Callable[[Split], Baselines] | None = None,
) -> Model:
    """Train one model version and judge it.

    1. Learn from the fit period, from the start that does best on the validation period; after each epoch measure
       NDCG@10 (products not had before) there; stop after `recipe.patience` epochs without a better value.
    2. Learn anew, from that kind of start and for the best number of epochs, from everything before the test period.
       This is the model.
    3. Measure it and the baselines on the test period, which nothing above has looked at.

    Args:
        on_progress: called at every epoch and step; an exception it raises ends the training.
        baselines: gives those to judge the model beside; without it that is "most popular" alone.

    Raises:
        Diverged: the embeddings stopped being finite numbers.
        InvalidInput: nothing to learn from.
    """
    split = split or make_split(dataset)
    reporter = _Reporter(on_progress, units=2.0 * recipe.epochs + 2)
    users, items = features_for(dataset, recipe, split.training)
    plan = _choose(dataset, recipe, seed, split, reporter)
    epochs = plan.epochs
    reporter.units = reporter.done + epochs + 2
    if plan.shape:
        reporter.report(LEARN, 0, epochs)
    lightfm = lightfm_wrapper.new(recipe, seed)
    for epoch, _ in enumerate(
        learning(lightfm, split.training, split.test_start, users, items, recipe, plan, seed), start=1
    ):
        reporter.done += 1
        reporter.report(LEARN, epoch, epochs)
    turn_dial(lightfm, recipe.popularity)

    again, again_weights = _buying_again(dataset, split)
    created = datetime.now(UTC)
    manifest = ModelManifest(
        id=f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        created=created.isoformat(timespec="seconds"),
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        split=split.describe(),
        recipe=recipe,
        seed=seed,
        epochs=epochs,
        curve=reporter.curve,
        start=plan.to_dict(),
        frontier=plan.frontier,
        repeat_share=repeat_share(split.fit, split.validation),
        again=again_weights,
        code_version=code_version(),
        log=dataset.notes.get("log", (0, 0)),
    )
    model = Model(
        id=manifest.id,
        recipe=recipe,
        seed=seed,
        lightfm=lightfm,
        items=dataset.items,
        users=dataset.users,
        category_levels=dataset.category_levels,
        user_attributes=dataset.user_attributes,
        item_features=items,
        user_features=users,
        history=split.training,
        manifest=manifest,
        again=again,
    )
    if baselines is not None:
        reporter.report(SIMPLE)
    against = None if baselines is None else baselines(split)
    reporter.report(JUDGE)
    judged = benchmark_of(model, split, baselines=against)
    checks = health.health(model, judged)
    manifest = manifest.with_facts(
        metrics=judged.document(),
        health=health.summary(health.worst_first([*checks, *plan.checks])),
        seconds=round(time.monotonic() - reporter.started, 1),
    )
    reporter.done = reporter.units
    reporter.report(JUDGE)
    return replace(model, manifest=manifest)


def validate(
    dataset: Dataset,
    recipe: Hyperparameters,
    *,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
    split: Split | None = None,
) -> tuple[int, tuple[Mapping[str, float], ...]]:
    """The first step of `train` alone: the best number of epochs, and the curve. What a search looks at.

    The test period is not touched.
    """
    split = split or make_split(dataset)
    plan = _choose(dataset, recipe, seed, split, _Reporter(on_progress, units=float(recipe.epochs)))
    return plan.epochs, plan.curve


def _buying_again(dataset: Dataset, split: Split) -> tuple[NDArray[np.float32] | None, dict[str, Any] | None]:
    """The chance of every known pair to be bought again, and the weights it comes from; None where that is idle."""
    if split.kind != "time" or repeat_share(split.fit, split.validation) < WORTHWHILE_SHARE:
        return None, None
    days = (split.test_start - split.validation_start) / pd.Timedelta(days=1)
    rule = BuyAgain.fit(dataset, split.fit, split.validation_start, split.validation, days)
    if rule is None:
        return None, None
    return rule.chances(dataset, split.training, split.test_start), rule.to_dict()


def code_version() -> str:
    """Versions of the libraries that decide what a training gives."""
    return f"lightfm-next {version('lightfm-next')}, numpy {version('numpy')}"


@dataclass(frozen=True)
class TrainingPlan:
    """What the validation period decided.

    Attributes:
        shape: of the start; None for a random one.
        epochs: passes after the start.
        curve: points of the learning curve, epoch 0 being the start.
        tried: every start that was tried, with its "ndcg" and "coverage".
        frontier: `{"popularity", "ndcg", "coverage", "novelty", "mean_popularity"}` for turns of the popularity dial.
        checks: what can be said of the training's health on the validation period.
    """

    shape: Shape | None = None
    epochs: int = 0
    curve: tuple[Mapping[str, float], ...] = ()
    tried: tuple[Mapping[str, Any], ...] = ()
    frontier: tuple[Mapping[str, float], ...] = ()
    checks: tuple[health.Check, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For manifests."""
        shape = {"lengths": []} if self.shape is None else self.shape.to_dict()
        return shape | {"tried": [dict(one) for one in self.tried]}


def learning(
    lightfm: LightFM,
    period: Interactions,
    now: pd.Timestamp,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    plan: TrainingPlan,
    seed: int,
) -> Iterator[int]:
    """Begin as the plan says, then give control back after every epoch; `plan.epochs` of them."""
    if plan.shape:
        begin(lightfm, Source(period, now, recipe, items, seed=seed).start(plan.shape), users, items)
    elif plan.epochs == 0:
        lightfm_wrapper.prepare(lightfm, users, items)
    yield from _epochs(lightfm, period, now, users, items, recipe, plan.epochs)


def turn_dial(lightfm: LightFM, popularity: float) -> None:
    """Scale the biases of items in place: score = taste + popularity x bias, for whoever uses the model."""
    lightfm.item_biases *= np.float32(popularity)


def _choose(dataset: Dataset, recipe: Hyperparameters, seed: int, split: Split, reporter: _Reporter) -> TrainingPlan:
    """The start and the number of epochs with the best validation NDCG@10."""
    if split.fit.counts.nnz == 0 or split.validation.counts.nnz == 0:
        raise InvalidInput(f"Dataset {dataset.name!r} has no purchases to learn from, or none to choose by.")
    users, items = features_for(dataset, recipe, split.fit)
    lightfm = lightfm_wrapper.new(recipe, seed)
    best, best_epoch, best_scorer = -1.0, 1, None
    shape: Shape | None = None
    tried: list[dict[str, Any]] = []
    checks: tuple[health.Check, ...] = ()

    def measure_epoch(epoch: int) -> None:
        nonlocal best, best_epoch, best_scorer
        scorer = _Scorer(*lightfm_wrapper.representations(lightfm, items, users))
        ndcg, coverage = ndcg_and_coverage(scorer, split.fit.counts, split.validation.counts, K)
        ndcg = 0.0 if ndcg is None or np.isnan(ndcg) else float(ndcg)
        point = {
            "epoch": epoch,
            "seconds": round(time.monotonic() - reporter.started, 2),
            "ndcg": ndcg,
            "coverage": coverage,
            "loss": scorer.pairwise_loss(split.fit.counts, seed),
        }
        reporter.curve = (*reporter.curve, point)
        if ndcg > best:
            best, best_epoch, best_scorer = ndcg, epoch, scorer

    if recipe.start == "svd":
        reporter.report(START)
        source = Source(split.fit, split.validation_start, recipe, items, seed=seed)
        shape, tried = choose_start(source, split, recipe.components, recipe.variety)
        if len(items.names) > 1:
            checks = (without_borrowing(source, split, shape),)
        begin(lightfm, source.start(shape), users, items)
        measure_epoch(0)
        reporter.report(CHOOSE, 0, recipe.epochs)
    for epoch, _ in enumerate(
        _epochs(lightfm, split.fit, split.validation_start, users, items, recipe, recipe.epochs), start=1
    ):
        measure_epoch(epoch)
        reporter.done += 1
        reporter.units = reporter.done + max(best_epoch + recipe.patience - epoch, 0) + best_epoch + 2
        reporter.report(CHOOSE, epoch, recipe.epochs)
        if epoch - best_epoch >= recipe.patience:
            break
    frontier = () if best_scorer is None else dial_frontier(best_scorer, split)
    return TrainingPlan(shape, best_epoch, reporter.curve, tuple(tried), frontier, checks)


def _epochs(
    lightfm: LightFM,
    period: Interactions,
    now: pd.Timestamp,
    users: Features,
    items: Features,
    recipe: Hyperparameters,
    epochs: int,
) -> Iterator[int]:
    positives = sparse.csr_matrix(
        (np.ones_like(period.counts.data), period.counts.indices, period.counts.indptr), shape=period.counts.shape
    )
    weights = recency_weights(period, now, recipe.half_life_days)
    yield from lightfm_wrapper.train_epochs(lightfm, positives, weights, users, items, recipe, epochs)


@dataclass(frozen=True)
class _Scorer:
    item_embeddings: NDArray[np.float32]
    item_biases: NDArray[np.float32]
    user_embeddings: NDArray[np.float32]
    user_biases: NDArray[np.float32]

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        """User biases are left out: they do not change the order of a user's items."""
        block = self.user_embeddings[users] @ self.item_embeddings.T
        block += self.item_biases
        return block

    def pairwise_loss(self, counts: sparse.csr_matrix, seed: int) -> float:
        """Mean of log(1 + exp(score of any product - score of a bought one)) over a fixed sample of what is learned.

        The BPR loss of whatever was trained: falling means the purchases are learned, not that they are foreseen.
        """
        rng = np.random.default_rng(seed)
        pairs = rng.integers(0, counts.nnz, min(LOSS_SAMPLE, counts.nnz))
        users = np.searchsorted(counts.indptr, pairs, side="right") - 1
        bought, others = counts.indices[pairs], rng.integers(0, counts.shape[1], len(pairs))
        ahead = self.item_embeddings[bought] - self.item_embeddings[others]
        margin = np.einsum("ij,ij->i", self.user_embeddings[users], ahead)
        margin += self.item_biases[bought] - self.item_biases[others]
        return float(np.logaddexp(0.0, -margin.astype(np.float64)).mean())


def features_for(dataset: Dataset, recipe: Hyperparameters, period: Interactions) -> tuple[Features, Features]:
    """User and item features; who or what has no event in the period goes without identity, which nothing trains."""
    pairs = period.counts
    users = user_features(dataset, recipe).without_identity_of(np.diff(pairs.indptr) == 0)
    items = item_features(dataset, recipe).without_identity_of(
        np.bincount(pairs.indices, minlength=pairs.shape[1]) == 0
    )
    return users, items
