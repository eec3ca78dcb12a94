"""The popularity dial: score = taste + b x bias. Turning b trades accuracy for variety without training anew."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from recsys.access import require
from recsys.dataset.splitting import split_again
from recsys.errors import InvalidInput
from recsys.evaluation.benchmark import benchmark_of
from recsys.models import lightfm_wrapper
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress, silent
from recsys.services import promotion
from recsys.services.workspace import Workspace


def turned(model: Model, popularity: float) -> Model:
    """A new version of a model with its dial at `popularity`; nothing is trained.

    Its `lightfm` holds the scaled biases, so that every answer, reason and fold-in obeys. Its metrics are not carried
    over: they belong to another dial.

    Raises:
        InvalidInput: `popularity` outside its range, or the dial of `model` stands at 0 and its biases are lost.
    """
    now = model.recipe.popularity
    recipe = replace(model.recipe, popularity=float(popularity))
    if now == 0:
        raise InvalidInput(
            f"Model {model.id!r} was stored with its popularity dial at 0, so its biases are gone; "
            "turn the dial of the version it came from."
        )
    arrays = {name: part.copy() for name, part in lightfm_wrapper.state(model.lightfm).items()}
    arrays["item_biases"] *= np.float32(popularity / now)
    created = datetime.now(UTC)
    manifest = model.manifest.with_facts(
        id=f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        created=created.isoformat(timespec="seconds"),
        recipe=recipe,
        parent=model.id,
        same_as=None,
        changes=None,
        files={},
        checksum="",
    )
    made = replace(
        model,
        id=manifest.id,
        recipe=recipe,
        lightfm=lightfm_wrapper.restore(recipe, model.seed, arrays),
        manifest=manifest,
    )
    return replace(made, manifest=manifest.with_facts(embeddings=made.digest))


def turn_and_store(
    workspace: Workspace, model_id: str, popularity: float, *, promote: bool = False, on_progress: OnProgress = silent
) -> Model:
    """`turned`, measured on the test period, stored, and promoted if asked to; gives the new version.

    Raises:
        InvalidInput: as `turned`, or the dataset has changed since the training.
    """
    require("admin" if promote else "merchandiser", "Training and promoting" if promote else "Making a model")
    on_progress(Progress("Turning the dial", 0.0))
    old = workspace.load(model_id).trained
    model = turned(old, popularity)
    on_progress(Progress("Measuring the new model on the test set", 0.2))
    judged = benchmark_of(model, split_again(workspace.dataset_of(old.id), old.manifest.split))
    model = replace(model, manifest=model.manifest.with_facts(metrics=judged.document()))
    on_progress(Progress("Storing it", 0.9))
    workspace.store.save_model(model)
    if promote:
        promotion.promote(workspace, model.id)
    return model
