"""The recipe of a training: a frozen value, checked when it is made."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

from recsys.errors import InvalidInput

Learner = Literal["als", "softmax", "warp", "bpr", "logistic", "warp-kos"]
LOSSES = ("warp", "bpr", "logistic", "warp-kos")
"""Learners that are LightFM's own: gradient steps on each purchase."""

LEARNERS: tuple[Learner, ...] = ("als", "softmax", "warp", "bpr", "logistic", "warp-kos")
SCHEDULES = ("adagrad", "adadelta")
ENGINES = ("fast", "library")
STARTS = ("als", "random")
WHOLE = ("components", "epochs", "max_sampled", "patience", "threads", "windows", "words")
ALL = "all"


@dataclass(frozen=True)
class Range:
    """Where a hyperparameter may lie, and one sentence on what it does."""

    low: float
    high: float
    meaning: str


RANGES: Mapping[str, Range] = {
    "components": Range(2, 256, "Length of each embedding: more can say finer things and takes longer to learn."),
    "epochs": Range(1, 200, "The most passes over the purchases; training stops earlier when validation says so."),
    "patience": Range(1, 50, "Passes without a better validation NDCG@10 before training stops."),
    "regularisation": Range(
        0.001,
        1000.0,
        "Strength of the ridge that holds shoppers back, in multiples of the mean square of a component. "
        "Low learns single purchases, high only the broad lines.",
    ),
    "sharing": Range(
        0.0, 100_000.0, "How many purchases the categories and brand of a product are worth: rare products follow them."
    ),
    "damping": Range(
        0.0, 0.5, "Damping of popular products in what is learned: 0 follows the crowd, 0.5 gives all the same say."
    ),
    "popularity_penalty": Range(
        -0.5,
        0.5,
        "Makes products with many buyers smaller in the lists: higher raises catalogue coverage. Below 0 it makes them "
        "larger.",
    ),
    "popularity_lift": Range(
        0.0, 10.0, "How much the score favours products that many shoppers are expected to buy for the first time soon."
    ),
    "drift": Range(0.0, 1.0, "How much the score favours products whose buyers are mostly new of late."),
    "half_life_days": Range(0, 3650, "A purchase counts half after this many days; 0 counts all alike."),
    "learning_rate": Range(0.0001, 1.0, "Size of each correction: too small learns slowly, too large jumps about."),
    "dropout": Range(0.0, 0.9, "Softmax: share of a shopper's purchases hidden at each step, to be guessed."),
    "max_sampled": Range(1, 1000, "WARP: how many products are tried to find one that is wrongly ranked higher."),
    "item_alpha": Range(0.0, 0.1, "Pulls item embeddings towards zero, so that single purchases count less."),
    "user_alpha": Range(0.0, 0.1, "Pulls shopper embeddings towards zero."),
    "variety": Range(
        0.0,
        0.5,
        "How much of the best validation NDCG@10 may be given for a higher catalogue coverage: 0.02 is "
        "2%, 0 takes the most accurate.",
    ),
    "popularity": Range(
        0.0,
        3.0,
        "How much of what everybody likes counts beside the shopper's own taste: below 1 shows rarer products, above 1 "
        "what everybody buys. Needs no new training.",
    ),
    "words": Range(0, 5000, "The most words of titles and descriptions that products share; 0 leaves them out."),
    "category_weight": Range(0.05, 20.0, "How much each category of a product counts among what it shares."),
    "brand_weight": Range(0.05, 20.0, "How much the brand of a product counts among what it shares."),
    "bands_weight": Range(0.05, 20.0, "How much each band of numbers of a product counts among what it shares."),
    "words_weight": Range(0.05, 20.0, "How much all words of a product together count among what it shares."),
    "windows": Range(1, 4, "How many validation periods, one before the other, the choices are made on."),
    "threads": Range(1, 64, "Threads that train together; 1 repeats to the bit with the same seed."),
}

_SHARED = (
    "components", "epochs", "patience", "variety", "half_life_days", "category_levels", "brand", "user_attributes",
    "bands", "words", "category_weight", "brand_weight", "bands_weight", "words_weight",
)  # fmt: skip
_LINEAR = ("damping", "popularity_penalty", "popularity_lift", "drift", "windows")
_STEPS = ("learning_rate", "learning_schedule", "item_alpha", "user_alpha", "start", "threads", "engine")
_GRADIENT = (*_SHARED, *_STEPS, "identity")
ACTS: Mapping[Learner, tuple[str, ...]] = {
    "als": (*_SHARED, *_LINEAR, "regularisation", "sharing", "identity"),
    "softmax": (*_SHARED, *_LINEAR, "learning_rate", "dropout", "identity"),
    "warp": (*_GRADIENT, "max_sampled"),
    "bpr": _GRADIENT,
    "logistic": _GRADIENT,
    "warp-kos": (*(name for name in _GRADIENT if name != "half_life_days"), "max_sampled"),
}
"""Which hyperparameters change what a learner learns; `popularity` turns the biases of any, and all others are idle."""


def acting(recipe: Mapping[str, Any], name: str) -> Any:
    """The value of a hyperparameter in a recipe as stored; None where it is idle for the recipe's learner."""
    acts = ACTS.get(recipe.get("learner", ""))
    return recipe.get(name) if acts is None or name in (*acts, "learner", "popularity") else None


ADAPTABLE: Mapping[Learner, tuple[str, ...]] = {
    "als": ("regularisation", "sharing", "half_life_days", "damping", "popularity_penalty", "popularity_lift"),
    "softmax": ("popularity_lift",),
    "warp": (),
    "bpr": (),
    "logistic": (),
    "warp-kos": (),
}
"""Which of them the validation periods may move."""


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that decides what is trained, apart from the data and the seed.

    `category_levels`, `user_attributes` and `bands` (columns of numbers of the products, cut into bands) are `("all",)`
    for those of the dataset, `()` for none, or names; `first_sold` is a band where it is named. `words` is how many
    words of titles are learned at most. `adapt` names what the validation periods may move, where that is better by
    more than chance: see `ADAPTABLE`.
    """

    learner: Learner = "als"
    components: int = 128
    epochs: int = 10
    patience: int = 1
    regularisation: float = 3.0
    sharing: float = 300.0
    damping: float = 0.25
    popularity_penalty: float = 0.2
    popularity_lift: float = 1.2
    drift: float = 0.15
    half_life_days: float = 30.0
    learning_rate: float = 0.02
    learning_schedule: Literal["adagrad", "adadelta"] = "adagrad"
    dropout: float = 0.5
    max_sampled: int = 100
    item_alpha: float = 0.0
    user_alpha: float = 0.0
    start: Literal["als", "random"] = "random"
    variety: float = 0.02
    popularity: float = 1.0
    windows: int = 2
    adapt: tuple[str, ...] = (ALL,)
    identity: bool = True
    category_levels: tuple[str, ...] = (ALL,)
    brand: bool = True
    user_attributes: tuple[str, ...] = (ALL,)
    bands: tuple[str, ...] = (ALL,)
    words: int = 0
    category_weight: float = 1.0
    brand_weight: float = 1.0
    bands_weight: float = 1.0
    words_weight: float = 1.0
    threads: int = 2
    engine: Literal["fast", "library"] = "fast"

    def __post_init__(self) -> None:
        for name, options in (
            ("learner", LEARNERS),
            ("learning_schedule", SCHEDULES),
            ("engine", ENGINES),
            ("start", STARTS),
        ):
            if getattr(self, name) not in options:
                raise InvalidInput(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(options)}.")
        for name, limits in RANGES.items():
            value = getattr(self, name)
            kind = "be a whole number" if name in WHOLE else "lie"
            wanted = int if name in WHOLE else (int, float)
            if (
                isinstance(value, bool)
                or not isinstance(value, wanted)
                or not math.isfinite(value)
                or not limits.low <= value <= limits.high
            ):
                raise InvalidInput(f"{name} is {value!r}; it must {kind} between {limits.low:g} and {limits.high:g}.")
        named = self.bands != (ALL,) and self.bands
        if not (self.identity or self.category_levels or self.brand or named or self.words):
            raise InvalidInput("No item features are left: keep identity, a category level, brand or words.")
        names = {name for found in ADAPTABLE.values() for name in found}
        for name in self.adapt:
            if name != ALL and name not in names:
                raise InvalidInput(f"adapt names {name!r}; choose from {ALL}, {', '.join(sorted(names))}, or none.")

    @property
    def loss(self) -> str:
        """The loss of LightFM's that the learner is, or that a LightFM made by another would go on training with."""
        return self.learner if self.learner in LOSSES else "warp"

    @property
    def linear(self) -> bool:
        """Whether the learner places a shopper by a formula over their history."""
        return self.learner in ("als", "softmax")

    @property
    def with_als(self) -> bool:
        """Whether a training makes passes of ALS: as its learner, or for its start."""
        return self.learner == "als" or (not self.linear and self.start == "als")

    def adapts(self, name: str) -> bool:
        """Whether the validation periods may move this hyperparameter."""
        return name in ADAPTABLE[self.learner] and (ALL in self.adapt or name in self.adapt)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; unknown names are refused, names of earlier versions are understood."""
        values = renamed(values)
        _refuse_unknown(values)
        arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**arguments)

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """A copy with `settings` (text, as from `--set key=value`) parsed by the type of each field.

        What is set is no longer moved by the validation periods, unless `adapt` is set as well.
        """
        _refuse_unknown(settings)
        found = {key: _parse(key, text, getattr(self, key)) for key, text in settings.items()}
        return replace(self, **found) if "adapt" in found else replace(self, **found).fixing(found)

    def fixing(self, names: Iterable[str]) -> Self:
        """A copy in which the validation periods may not move what is named."""
        fixed = [name for name in names if self.adapts(name)]
        if not fixed:
            return self
        return replace(self, adapt=tuple(x for x in ADAPTABLE[self.learner] if self.adapts(x) and x not in fixed))


PRESETS: Mapping[str, Hyperparameters] = {
    "fast": Hyperparameters(components=64, epochs=2, patience=1, windows=1, adapt=()),
    "default": Hyperparameters(),
    "best": Hyperparameters(components=160, patience=2, variety=0.0, windows=3),
}
"""What they leave to the data is settled by the validation periods: passes, and what `adapt` names."""


def preset(name: str) -> Hyperparameters:
    """The named preset; InvalidInput for a name that is none."""
    if name not in PRESETS:
        raise InvalidInput(f"No preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def dials_of(learner: str) -> tuple[str, ...]:
    """The hyperparameters that act for a learner; InvalidInput for a name that is none."""
    if learner not in LEARNERS:
        raise InvalidInput(f"learner is {learner!r}; choose one of {', '.join(LEARNERS)}.")
    return ACTS[learner]


def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe of an earlier version in today's names: it knew no bands, its loss was the learner, a decomposition its
    start."""
    if not values:
        return {}
    found = {"bands": [], **values}
    if "learner" in values:
        return found
    found = {
        name: value for name, value in found.items() if name not in ("start_views", "start_power", "start_popularity")
    }
    found["learner"] = found.pop("loss", "warp")
    found["start"] = "als" if found.get("start") == "svd" else "random"
    return found


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(Hyperparameters)]
    for key in values:
        if key == "loss":
            raise InvalidInput(f"loss is called learner now; choose one of {', '.join(LEARNERS)}.")
        if key not in known:
            raise InvalidInput(f"No hyperparameter {key!r}; the names are {', '.join(known)}.")


def _parse(key: str, text: str, current: Any) -> Any:
    try:
        if isinstance(current, bool):
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if isinstance(current, tuple):
            return tuple(part.strip() for part in text.split(",") if part.strip() and part.strip() != "none")
        return type(current)(text)
    except (ValueError, KeyError) as error:
        kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(type(current), "text")
        raise InvalidInput(f"{key}={text!r} is not {kind}.") from error
