"""How good a model is, in one report: beside the baselines, by segment, cold, against noise, and in good health."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import Split, split_again
from recsys.evaluation import health
from recsys.evaluation.benchmark import Baselines, K, benchmark_of
from recsys.evaluation.documents import QualityReport
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.segments import segments
from recsys.evaluation.significance import compare
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress
from recsys.training.cold_start import cold_start
from recsys.training.refit import refit
from recsys.training.seed_variance import noise
from recsys.utils.json_values import jsonable

STEPS = (
    "Fitting and judging the baselines",
    "Measuring the segments",
    "Training anew from other seeds: the noise floor",
    "Training without features",
    "Training without a tenth of products and shoppers: cold start",
)


def report_on(
    model: Model,
    dataset: Dataset,
    *,
    baselines: Callable[[Split], Baselines],
    on_progress: OnProgress = lambda _: None,
) -> QualityReport:
    """Find out all of it.

    Args:
        baselines: the baselines fitted and judged for a split.
    """

    def step(number: int) -> None:
        on_progress(Progress(STEPS[number], number / len(STEPS)))

    split = split_again(dataset, model.manifest.split)
    step(0)
    judged = benchmark_of(model, split, k=K, baselines=baselines(split))
    discover = judged.lanes["discover"]
    step(1)
    found = segments(model, split, discover["model"], discover["popular"])
    checks = health.health(model, judged)
    step(2)
    floor = noise(model, dataset, split)
    step(3)
    checks = health.worst_first([*checks, _ablation(model, dataset, split)])
    step(4)
    cold = cold_start(model, dataset, split)
    return {
        "model": model.id,
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint,
        "made": pd.Timestamp.now("UTC").isoformat(timespec="seconds"),
        "split": split.describe().to_dict(),
        "evaluation": judged.document(),
        "segments": jsonable(found),
        "noise": jsonable(floor),
        "health": health.summary(checks),
        "cold_start": cold,
    }


def _ablation(model: Model, dataset: Dataset, split: Split) -> health.Check:
    bare = replace(model.recipe, category_levels=(), brand=False, bands=(), words=0, user_attributes=(), identity=True)
    sides = [
        evaluate(
            refit(model, dataset, split.fit, split.validation_start, recipe=recipe),
            split.fit.counts,
            split.validation.counts,
            k=min(K, dataset.n_items),
            only=("ndcg",),
        )
        for recipe in (model.recipe, bare)
    ]
    means = [float(side.values["ndcg"].mean()) if len(side.users) else 0.0 for side in sides]
    return health.ablation(means[0], means[1], compare(sides[0], sides[1]))
