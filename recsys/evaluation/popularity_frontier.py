"""The popularity dial: score = taste + b x bias. Turning b trades accuracy for variety without training anew."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recsys.dataset.splitting import Split
from recsys.errors import InvalidInput
from recsys.evaluation.evaluate import evaluate
from recsys.models import lightfm_wrapper
from recsys.models.model import Model

if TYPE_CHECKING:
    from recsys.services.workspace import Workspace

TURNS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Values of b at which the frontier is measured."""

K = 10


class Representations(Protocol):
    """Embeddings and biases of all users and items."""

    @property
    def item_embeddings(self) -> NDArray[np.float32]: ...

    @property
    def item_biases(self) -> NDArray[np.float32]: ...

    @property
    def user_embeddings(self) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class _Turned:
    of: Representations
    popularity: float

    def scores(self, users: NDArray[np.int_]) -> NDArray[np.float32]:
        block = self.of.user_embeddings[users] @ self.of.item_embeddings.T
        block += np.float32(self.popularity) * self.of.item_biases
        return block


def dial_frontier(
    of: Representations, split: Split, *, turns: Sequence[float] = TURNS
) -> tuple[Mapping[str, float], ...]:
    """What every turn of the dial gives on the validation period, for a model that has learned from the fit period.

    Returns:
        For each b `{"popularity": b, "ndcg", "coverage", "novelty", "mean_popularity"}`; `mean_popularity` is the mean
        number of users who have had a product shown. Empty when the validation period has no user to judge.
    """
    train, later = split.fit.counts, split.validation.counts
    buyers = np.bincount(train.indices, minlength=train.shape[1])
    found = []
    for b in turns:
        result = evaluate(
            _Turned(of, b), train, later, k=min(K, train.shape[1]), popularity=buyers, only=("ndcg", "novelty")
        )
        if len(result.users) == 0:
            return ()
        shown = result.lists[result.lists >= 0]
        found.append({
            "popularity": float(b),
            "ndcg": float(result.values["ndcg"].mean()),
            "coverage": float((result.shown > 0).mean()),
            "novelty": float(result.values["novelty"].mean()),
            "mean_popularity": float(buyers[shown].mean()) if len(shown) else 0.0,
        })  # fmt: skip
    return tuple(found)


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
    manifest: dict[str, Any] = {key: value for key, value in model.manifest.items() if key not in _OF_THE_FILES}
    manifest |= {"created": created.isoformat(timespec="seconds"), "parent": model.id}
    return replace(
        model,
        id=f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        recipe=recipe,
        lightfm=lightfm_wrapper.restore(recipe, model.seed, arrays),
        manifest=manifest,
    )


_OF_THE_FILES = ("id", "recipe", "seed", "files", "checksum", "format_version")


def turn_and_store(workspace: "Workspace", model_id: str, popularity: float, *, promote: bool = False) -> Model:
    """`turned`, measured on the test period, stored, and promoted if asked to; gives the new version.

    Raises:
        InvalidInput: as `turned`, or the dataset has changed since the training.
    """
    from recsys.dataset.splitting import split_again
    from recsys.evaluation.benchmark import measure
    from recsys.training.quality_report import same_data

    old = workspace.load(model_id).model
    model = turned(old, popularity)
    dataset = same_data(workspace.dataset(str(old.manifest["dataset"])), old)
    metrics = measure(model, split_again(dataset, old.manifest["split"]))
    model = replace(model, manifest={**model.manifest, "metrics": metrics})
    workspace.store.save_model(model)
    if promote:
        workspace.promote(model.id)
    return model
