"""From a dataset and a recipe to a model: choose on validation, learn from all that lies before the test."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split, make_split
from recsys.errors import InvalidInput
from recsys.evaluation import health
from recsys.evaluation.benchmark import Baselines, benchmark_of
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.learners.histories import HistoriesOf, LocalHistories
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.models.popularity import Forecast
from recsys.models.repurchase import WORTHWHILE_SHARE, BuyAgain, repeat_share
from recsys.progress import OnProgress
from recsys.training.choose import TrainingPlan, choose
from recsys.training.fit import fit
from recsys.training.passes import Reporter
from recsys.training.windows import Window, features_for, windows_of

LEARN = "Learning from everything but the test set"
SIMPLE = "Training the simple methods to compare with"
JUDGE = "Comparing with simple methods on the test set"


def train(
    dataset: Dataset,
    recipe: Hyperparameters,
    *,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
    split: Split | None = None,
    baselines: Callable[[Split], Baselines] | None = None,
    histories: HistoriesOf = LocalHistories,
) -> Model:
    """Train one model version and judge it.

    1. Learn from the fit period; after each pass measure NDCG@10 (products not had before) on the validation period,
       and in the same way on periods before it where the recipe wants several; settle the number of passes and what the
       recipe leaves open (`choose`).
    2. Learn anew, in that way and for so many passes, from everything before the test period. This is the model.
    3. Measure it and the baselines on the test period, which nothing above has looked at.

    Args:
        on_progress: called at every pass and step; an exception it raises ends the training.
        baselines: gives those to judge the model beside; without it that is "most popular" alone.
        histories: where passes of ALS work on everybody's purchases: this process, or the workers of a cluster.

    Raises:
        Diverged: the embeddings stopped being finite numbers.
        InvalidInput: nothing to learn from.
    """
    split = split or make_split(dataset)
    reporter = Reporter(on_progress, units=2.0 * recipe.epochs + 2)
    plan = choose(_windows(dataset, recipe, split), recipe, seed, reporter, histories)
    model = _learned(dataset, recipe, split, plan, seed, reporter, histories)
    if baselines is not None:
        reporter.report(SIMPLE)
    against = None if baselines is None else baselines(split)
    reporter.report(JUDGE)
    model = _judged(model, split, against, reporter.started)
    reporter.done = reporter.units
    reporter.report(JUDGE)
    return model


def _learned(
    dataset: Dataset,
    recipe: Hyperparameters,
    split: Split,
    plan: TrainingPlan,
    seed: int,
    reporter: Reporter,
    histories: HistoriesOf,
) -> Model:
    """The model of everything before the test period, learned as planned; its manifest says nothing of its quality."""
    reporter.units = reporter.done + plan.epochs + 2

    def on_pass(number: int) -> None:
        reporter.done += 1
        reporter.report(LEARN, number, plan.epochs)

    with ThreadPoolExecutor(1) as beside:
        buying_again = beside.submit(_buying_again, dataset, split)
        users, items = features_for(dataset, recipe, split.training)
        forecast = plan.popularity or forecast_for(dataset, split)
        lightfm, fold_in = fit(
            split.training, split.test_start, users, items, plan.settled, plan.epochs,
            start_epochs=plan.start_epochs, forecast=forecast, seed=seed, on_pass=on_pass, histories=histories,
        )  # fmt: skip
        again, again_weights = buying_again.result()
    created = datetime.now(UTC)
    manifest = ModelManifest(
        id=f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        created=created.isoformat(timespec="seconds"),
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        split=split.describe(),
        recipe=recipe,
        seed=seed,
        epochs=plan.epochs,
        curve=reporter.curve,
        plan=plan.decisions(forecast),
        frontier=plan.frontier,
        repeat_share=repeat_share(split.fit, split.validation),
        again=again_weights,
        code_version=code_version(),
        log=dataset.notes.get("log", (0, 0)),
    )
    return Model(
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
        fold_in=fold_in,
    )


def _judged(model: Model, split: Split, against: Baselines | None, started: float) -> Model:
    """The model with its figures on the test period, its health and the seconds since `started` in its manifest."""
    judged = benchmark_of(model, split, baselines=against)
    checks = health.health(model, judged)
    manifest = model.manifest.with_facts(
        metrics=judged.document(),
        embeddings=model.digest,
        health=health.summary(health.worst_first(checks)),
        seconds=round(time.monotonic() - started, 1),
    )
    return replace(model, manifest=manifest)


def validate(
    dataset: Dataset,
    recipe: Hyperparameters,
    *,
    seed: int = 0,
    on_progress: OnProgress = lambda _: None,
    split: Split | None = None,
) -> TrainingPlan:
    """The first step of `train` alone: what the validation periods decide. What a search looks at.

    The test period is not touched.
    """
    split = split or make_split(dataset)
    return choose(_windows(dataset, recipe, split), recipe, seed, Reporter(on_progress, units=float(recipe.epochs)))


def forecast_for(dataset: Dataset, split: Split) -> tuple[float, ...] | None:
    """Coefficients of the popularity expected in the test period; None where it cannot be foretold."""
    if split.kind != "time":
        return None
    days = (split.test_start - split.validation_start) / pd.Timedelta(days=1)
    found = Forecast.fit(dataset, split.test_start, days)
    return None if found is None else found.coefficients


def _windows(dataset: Dataset, recipe: Hyperparameters, split: Split) -> tuple[Window, ...]:
    if split.fit.counts.nnz == 0 or split.validation.counts.nnz == 0:
        raise InvalidInput(f"Dataset {dataset.name!r} has no purchases to learn from, or none to choose by.")
    return windows_of(dataset, split, recipe, recipe.windows)


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
