"""Is the recipe ahead of simple methods on several datasets?

    python -m benchmarks quality [DATASET ...] [fast|default|best ...] [--validation] [--packages FOLDER]

Each dataset (all of `benchmarks/_datasets.py` without a name) is trained with each preset named (`default` without one)
and judged once on its test period beside every baseline. "theirs" is the strongest of them, so a ratio of ours to
theirs above 1 is what is wanted; the note has the catalogue coverage, passes kept and seconds. A dataset whose package
is not there is said to be left out.

With `--validation` the test period is not touched: "ours" is NDCG@10 on the validation periods with what they moved in
the recipe, "theirs" with nothing moved but how popularity counts; the note has the values that were taken.
"""

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchmarks._datasets import DATASETS, NotInstalled, without_packages
from recsys.dataset.dataset import Dataset
from recsys.models.hyperparameters import ADAPTABLE, PRESETS, preset

if TYPE_CHECKING:
    from recsys.evaluation.documents import BenchmarkDocument

COVERAGE_TARGET, AGAIN_TARGET = 2.0, 1.1


def run(options: list[str]) -> list[dict[str, Any]]:
    """Results for the datasets and presets named in `options`."""
    options = without_packages(options)
    of = on_validation if "--validation" in options else judged
    options = [x for x in options if x != "--validation"]
    unknown = [x for x in options if x not in DATASETS and x not in PRESETS]
    if unknown:
        raise SystemExit(f"No dataset or preset {unknown[0]!r}; there are {', '.join((*DATASETS, *PRESETS))}.")
    names = [x for x in options if x in DATASETS] or list(DATASETS)
    presets = [x for x in options if x in PRESETS] or ["default"]
    lines = []
    for name in names:
        try:
            dataset = DATASETS[name]()
        except NotInstalled as error:
            print(f"{name} is left out: {error}.", file=sys.stderr)
            continue
        lines += of(dataset, presets)
    return lines


def judged(dataset: Dataset, presets: list[str]) -> list[dict[str, Any]]:
    """Train with every preset, judge beside the baselines, which are fitted once, and compare with the strongest."""
    from recsys.dataset.splitting import make_split
    from recsys.evaluation.benchmark import benchmark_of, judge_baselines
    from recsys.training.train import train

    split = make_split(dataset)
    baselines = judge_baselines(split, dataset.items, dataset.category_levels)
    lines = []
    for name in presets:
        model = train(dataset, preset(name), split=split)
        found = benchmark_of(model, split, baselines=baselines).document()
        lines += _lines(f"{dataset.name}, {name}", found, model.manifest)
    return lines


def on_validation(dataset: Dataset, presets: list[str]) -> list[dict[str, Any]]:
    """Choose with every preset, and with it where only popularity moves."""
    from recsys.training.train import validate

    lines = []
    for name in presets:
        recipe = preset(name)
        plans = [validate(dataset, one) for one in (recipe, replace(recipe, adapt=("popularity_lift",)))]
        ours, theirs = (next(x for x in plan.frontier if x["popularity"] == 1.0) for plan in plans)
        taken = ", ".join(f"{x} {getattr(plans[0].settled, x):.4g}" for x in ADAPTABLE[recipe.learner])
        title = f"{dataset.name}, {name}: NDCG@10 on {plans[0].windows} validation periods, moved by them and not"
        note = f"coverage {ours['coverage']:.2%}, {plans[0].epochs} passes, {taken}"
        lines.append(_line(title, ours["ndcg"], theirs["ndcg"], "NDCG@10", 1.0) | {"note": note})
    return lines


def _lines(where: str, found: "BenchmarkDocument", manifest: Any) -> list[dict[str, Any]]:
    discover = found["lanes"]["discover"]
    value = {name: x["ndcg"]["value"] or 0.0 for name, x in discover.items()}
    if not found["users"]:
        print(f"{where}: nobody to judge.", file=sys.stderr)
        return []
    strongest = max((name for name in value if name != "model"), key=lambda name: value[name])
    verdict = found["comparisons"]["discover"][strongest]
    title = (
        f"{where}: NDCG@10 of new products against {strongest}, difference {verdict['difference']:+.4f} "
        f"(95% {verdict['low']:+.4f} to {verdict['high']:+.4f}): {verdict['verdict']}"
    )
    note = f"coverage {discover['model']['coverage']['value']:.2%}, {manifest.epochs} passes, {manifest.seconds:g} s"
    lines = [_line(title, value["model"], value[strongest], "NDCG@10", 1.0) | {"note": note}]
    if "ease" in discover:
        sides = (discover[name]["coverage"]["value"] for name in ("model", "ease"))
        lines.append(_line(f"{where}: range shown against EASE", *sides, "of all products", COVERAGE_TARGET))
    if "again" in found["lanes"]:
        sides = (found["lanes"]["again"][name]["ndcg"]["value"] for name in ("model", "own_frequency"))
        lines.append(_line(f"{where}: buy again against own frequency", *sides, "NDCG@10", AGAIN_TARGET))
    return lines


def _line(name: str, ours: float, theirs: float, unit: str, target: float) -> dict[str, Any]:
    ratio = ours / theirs if theirs else float("inf")
    return {
        "name": name, "ours": ours, "theirs": theirs, "unit": unit, "ratio": ratio, "target": target,
        "met": ratio >= target, "runs": 1,
    }  # fmt: skip
