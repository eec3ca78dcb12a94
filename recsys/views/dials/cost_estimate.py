"""How long a training will take, and how much memory it needs."""

from dataclasses import dataclass

from recsys.models.hyperparameters import PRESETS, Hyperparameters
from recsys.services.stored_models import models_on
from recsys.services.workspace import Workspace
from recsys.storage.model_names import ModelNames
from recsys.utils import formatting as words
from recsys.views.dials.recipe_form import columns_of

BYTES_PER_NUMBER = 4
LINEAR_COST = {"als": 0.5, "softmax": 4.0}
"""Cost of a pass of the linear learners for each pair and component, against a step of WARP's that tries nothing."""

LIBRARY_COST = 3.5
"""How much longer the library's own engine takes for the same pairs, roughly."""

PASS_SECONDS_PER_MILLION = 3.0
"""Seconds of one pass over a million pairs with the default recipe, before anything was trained on this machine."""


@dataclass(frozen=True)
class Estimate:
    """What a training will take: the most seconds, and in words the usual ones and its memory too."""

    seconds: float
    words: str


def estimate(workspace: Workspace, dataset: str, recipe: Hyperparameters) -> Estimate:
    """How long a training will take and how much memory it needs.

    Goes by the newest model on the same data: what it took beside its passes, scaled by the size of the start, and its
    passes, scaled by pairs times work per pair: usually as many as that one needed, at most all.
    Without such a model all passes of a common machine, twice: once to find the best number, once on all purchases.
    """
    columns = columns_of(workspace, dataset)
    work = columns.pairs * _work_per_pair(recipe)
    known = next((model.manifest for model in models_on(workspace, dataset) if model.manifest.curve), None)
    if known is None:
        per_epoch = PASS_SECONDS_PER_MILLION * work / 1e6 / _work_per_pair(PRESETS["default"])
        seconds = usual = 2 * per_epoch * recipe.epochs
        takes = (
            f"At most about {words.duration(max(seconds, 1))} for the passes, and some seconds or minutes for "
            "judging it beside the simple methods; no training on this data to go by yet"
        )
    else:
        before = known.recipe
        first, last = known.curve[0], known.curve[-1]
        total = known.seconds or last["seconds"]
        then = (last["seconds"] - first["seconds"]) / max(last["epoch"] - first["epoch"], 1)
        if first is last:
            then = last["seconds"] / max(last["epoch"], 1)
        then = min(then, total / max(last["epoch"], 1))
        per_epoch = then * work / (columns.pairs * _work_per_pair(before))
        beside = (total - then * last["epoch"]) * _work_beside(recipe) / _work_beside(before)
        usual = beside + per_epoch * min(last["epoch"], recipe.epochs)
        seconds = max(beside + 2 * per_epoch * recipe.epochs, usual)
        takes = (
            f"About {words.duration(max(usual, 1))}, at most {words.duration(max(seconds, 1))} if every pass is "
            f"needed, going by model {ModelNames(workspace.database).of(known.id)}"
        )
    numbers = (columns.users + 2 * columns.items) * (recipe.components + 1) * 3 + 12 * columns.pairs
    size = float(BYTES_PER_NUMBER * numbers)
    return Estimate(
        seconds,
        f"{takes}. {max(size / 1e6, 1):,.0f} MB of memory beside the program itself.",
    )


def search_words(workspace: Workspace, dataset: str, recipe: Hyperparameters, trials: int) -> str:
    """What a search will take, in a sentence."""
    seconds = estimate(workspace, dataset, recipe).seconds / 2 * trials
    return f"{trials} trainings take up to about {words.duration(max(seconds, 1))}; bad ones are stopped early."


def _work_per_pair(recipe: Hyperparameters) -> float:
    """Relative cost of one pair: a fixed part, and one that grows with the components and the products tried."""
    if recipe.linear:
        return LINEAR_COST[recipe.learner] * (8.0 + recipe.components)
    engine = LIBRARY_COST if recipe.engine == "library" else 1.0
    return engine * (8.0 + recipe.components) * (1.0 + recipe.max_sampled / 100.0)


def _work_beside(recipe: Hyperparameters) -> float:
    """Relative cost of everything but passes: a fixed part, and the trainings that settle what is left open."""
    return 200.0 + (recipe.components * recipe.windows if recipe.linear else 0)
