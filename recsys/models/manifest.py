"""The facts of a model version: what it was trained on, how, and how good it is; as stored in its `manifest.json`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, InstanceOf, PlainSerializer, ValidationError

from recsys.dataset.splitting import SplitDescription
from recsys.errors import Corrupted
from recsys.models.hyperparameters import Hyperparameters


def _recipe(given: object) -> object:
    return Hyperparameters.from_dict(given) if isinstance(given, Mapping) else given


Recipe = Annotated[
    InstanceOf[Hyperparameters], BeforeValidator(_recipe), PlainSerializer(lambda recipe: recipe.to_dict())
]


class Lineage(BaseModel):
    """Where a version came from.

    Attributes:
        training: number of the training run.
        source: who asked for it: "page", "command line", "search NAME", ...
        run: number of the job that did it.
        parent: the version that was live at that time.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    training: int | None = None
    source: str = ""
    run: int | None = None
    parent: str | None = None


class Decisions(BaseModel):
    """What the validation periods decided of a training.

    Attributes:
        settled: the recipe with the values that were taken for what it left open; None for the recipe itself.
        start_epochs: passes of ALS before the first, for a gradient learner that starts from it.
        forecast: coefficients of the expected popularity; None where popularity is that of late.
        tried: what was tried besides the recipe, each with its "ndcg" and "coverage".
        stopped: why so many passes were kept, in a sentence.
        windows: how many periods decided.
        counted: how popularity is counted where that is not by a forecast, in words.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    settled: Recipe | None = None
    start_epochs: int = 0
    forecast: tuple[float, ...] | None = None
    tried: tuple[Mapping[str, float], ...] = ()
    stopped: str = ""
    windows: int = 1
    counted: str = ""


class DialEffect(BaseModel):
    """What one changed dial did, on the validation periods.

    Attributes:
        name: the hyperparameter, or "seed".
        before, after: its values.
        against, model: number of the training that differs in this alone, and its version; None where there is none.
        ndcg, coverage: before and after; None without such a training.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str
    before: Any
    after: Any
    against: int | None = None
    model: str | None = None
    ndcg: tuple[float, float] | None = None
    coverage: tuple[float, float] | None = None


class Changes(BaseModel):
    """How a version differs from the one that was live when it was trained, on the validation periods.

    Attributes:
        against: that version.
        dials: what was changed, one after the other.
        ndcg, coverage: before and after all changes together.
        noise: how far NDCG@10 lies apart between two seeds of one recipe on these data; None where nobody tried.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    against: str
    dials: tuple[DialEffect, ...] = ()
    ndcg: tuple[float, float]
    coverage: tuple[float, float]
    noise: float | None = None


VALIDATED = ("ndcg", "coverage", "recent_ndcg", "recent_coverage")


def validated(
    curve: Sequence[Mapping[str, float]], epochs: int, frontier: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """ "ndcg" and "coverage" on all validation periods of what was settled, and "recent_ndcg" and "recent_coverage" on
    the last of them, which trainings with other numbers of periods have in common; {} where nothing was measured.

    That is the popularity dial as it stands, or else the pass that was kept.
    """
    found = [turn for turn in frontier if turn["popularity"] == 1.0 and "ndcg" in turn]
    found = found or [point for point in curve if point["epoch"] == epochs and "coverage" in point]
    return {name: float(found[0][name]) for name in VALIDATED if name in found[0]} if found else {}


class ModelManifest(BaseModel):
    """What is known of a version without its arrays. Facts that an older version did not store have their defaults.

    `manifest["split"]` gives a part of the stored document, as JSON holds it: for notebooks and other programs.

    Attributes:
        id: name of the version.
        created: when it was trained, ISO 8601 with a zone.
        dataset, fingerprint: name of what it was trained on, and the hash of it.
        split: what was held out.
        recipe, seed: what it was trained with.
        epochs: passes over the data that the model kept.
        seconds: how long the training took.
        curve: points of the learning curve, `{"epoch", "seconds", "ndcg", "coverage", "loss"}`, and "recent_ndcg" and
            "recent_coverage" on the last validation period alone.
        plan: what the validation periods decided.
        fold_in: the learner's own formula for the embedding of anybody, without its arrays; None where it has none.
        embeddings: the same for versions with equal embeddings and biases; "" where an older version did not say.
        same_as: the version with equal embeddings that was there before; None without one.
        changes: how it differs from the version that was live then; None where they cannot be held together.
        frontier: `{"popularity", "ndcg", "coverage", ...}` for settings of the popularity dial.
        repeat_share: share of products bought before in a list of the lane "all".
        again: weights of the repurchase model; None without one.
        metrics: as `evaluate --json` gives them; {} until the version is judged.
        health: `{"worst", "checks": [{"name", "state", "sentence", ...}]}`.
        log: up to where the event log was part of the dataset: events, announcements.
        lineage: where it came from; None for one trained outside a home.
        parent: the version whose popularity dial was turned.
        code_version: of the libraries that decide what a training gives.
        category_levels, user_attributes: columns of the tables, widest level first.
        files: file to SHA-256; checksum: SHA-256 of the document. {} and "" until it is stored.
    """

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=(), ser_json_inf_nan="constants")

    id: str
    created: str
    dataset: str
    fingerprint: str
    split: SplitDescription
    recipe: Recipe
    seed: int
    epochs: int = 0
    seconds: float = 0.0
    curve: tuple[Mapping[str, float], ...] = ()
    plan: Decisions = Decisions()
    fold_in: Mapping[str, Any] | None = None
    embeddings: str = ""
    same_as: str | None = None
    changes: Changes | None = None
    frontier: tuple[Mapping[str, float], ...] = ()
    repeat_share: float = 0.5
    again: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] = {}
    health: Mapping[str, Any] = {}
    log: tuple[int, ...] = (0, 0)
    lineage: Lineage | None = None
    parent: str | None = None
    code_version: str = ""
    category_levels: tuple[str, ...] = ()
    user_attributes: tuple[str, ...] = ()
    files: Mapping[str, str] = {}
    checksum: str = ""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "ModelManifest":
        """The manifest of a stored document; Corrupted names the fact that is missing or of another kind."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise Corrupted(f"The manifest of model {document.get('id')!r}: {place}: {first['msg']}.") from error

    def to_dict(self) -> dict[str, Any]:
        """The document, ready for JSON: what was given or stored, without defaults."""
        return self.model_dump(exclude_unset=True, mode="json")

    def with_facts(self, **facts: Any) -> "ModelManifest":
        """The same with some facts added or changed."""
        known = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate(known | facts)

    @property
    def created_at(self) -> datetime:
        """`created` as a time."""
        return datetime.fromisoformat(self.created)

    def measured(self, lane: str = "discover", method: str = "model") -> Mapping[str, Any]:
        """Metric to `{"value", "low", "high"}` of a method in a lane; {} where it was not measured."""
        found: Mapping[str, Any] = self.metrics.get("lanes", {}).get(lane, {}).get(method, {})
        return found

    @property
    def validated(self) -> Mapping[str, float]:
        """ "ndcg" and "coverage" on the validation periods, as the function `validated` gives them."""
        return validated(self.curve, self.epochs, self.frontier)

    @cached_property
    def _document(self) -> dict[str, Any]:
        return self.to_dict()

    def __getitem__(self, name: str) -> Any:
        return self._document[name]
