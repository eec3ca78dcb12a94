"""The recipe of a training: a frozen value, checked when it is made."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self

from recsys.errors import InvalidInput

LOSSES = ("warp", "bpr", "logistic", "warp-kos")
SCHEDULES = ("adagrad", "adadelta")
ENGINES = ("fast", "library")
STARTS = ("svd", "random")
WHOLE = ("components", "epochs", "max_sampled", "patience", "threads", "start_views")
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
    "learning_rate": Range(0.0001, 1.0, "Size of each correction: too small learns slowly, too large jumps about."),
    "max_sampled": Range(1, 1000, "WARP: how many products are tried to find one that is wrongly ranked higher."),
    "item_alpha": Range(0.0, 0.1, "Pulls item embeddings towards zero, so that single purchases count less."),
    "user_alpha": Range(0.0, 0.1, "Pulls shopper embeddings towards zero."),
    "patience": Range(1, 50, "Epochs without a better validation NDCG@10 before training stops."),
    "half_life_days": Range(0, 3650, "A purchase counts half after this many days; 0 counts all alike."),
    "start_views": Range(
        1,
        6,
        "How many views of the past the start averages: each forgets at another pace. More is steadier and slower.",
    ),
    "start_power": Range(
        0.0, 0.5, "Damping of popular products in the start: 0 follows the crowd, 0.5 gives every product the same say."
    ),
    "start_popularity": Range(0.0, 2.0, "How much the start favours products that many shoppers first bought lately."),
    "variety": Range(
        0.0,
        0.5,
        "How much of the best validation NDCG@10 may be given for a wider range of products: 0.02 is "
        "2%, 0 takes the most accurate.",
    ),
    "popularity": Range(
        0.0,
        3.0,
        "The popularity dial b, score = taste + b × bias: below 1 shows rarer products, above 1 what everybody "
        "buys. Needs no new training.",
    ),
    "threads": Range(1, 64, "Threads that train together; 1 repeats to the bit with the same seed."),
}


@dataclass(frozen=True)
class Hyperparameters:
    """Everything that decides what is trained, apart from the data and the seed.

    `category_levels` and `user_attributes` are `("all",)` for those of the dataset, `()` for none, or names.
    """

    loss: Literal["warp", "bpr", "logistic", "warp-kos"] = "warp"
    components: int = 160
    epochs: int = 10
    learning_rate: float = 0.02
    learning_schedule: Literal["adagrad", "adadelta"] = "adagrad"
    max_sampled: int = 100
    item_alpha: float = 0.0
    user_alpha: float = 0.0
    patience: int = 1
    half_life_days: float = 30.0
    start: Literal["svd", "random"] = "svd"
    start_views: int = 2
    start_power: float = 0.25
    start_popularity: float = 0.3
    variety: float = 0.02
    popularity: float = 1.0
    identity: bool = True
    category_levels: tuple[str, ...] = (ALL,)
    brand: bool = True
    user_attributes: tuple[str, ...] = (ALL,)
    threads: int = 2
    engine: Literal["fast", "library"] = "fast"

    def __post_init__(self) -> None:
        for name, options in (
            ("loss", LOSSES),
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
        if not self.identity and not self.category_levels and not self.brand:
            raise InvalidInput("No item features are left: keep identity, a category level or brand.")

    def to_dict(self) -> dict[str, Any]:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; unknown names are refused. Recipes that name no start began at random."""
        _refuse_unknown(values)
        if values and "start" not in values:
            values = {**values, "start": "random"}
        arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**arguments)

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """A copy with `settings` (text, as from `--set key=value`) parsed by the type of each field."""
        _refuse_unknown(settings)
        return replace(self, **{key: _parse(key, text, getattr(self, key)) for key, text in settings.items()})


PRESETS: Mapping[str, Hyperparameters] = {
    "fast": Hyperparameters(components=32, start_views=1, epochs=1, max_sampled=20),
    "default": Hyperparameters(),
    "best": Hyperparameters(components=192, start_views=4, variety=0.0, epochs=20, patience=2),
}
"""What they leave to the data is settled by the validation period: the shape of the start, and epochs after it."""


def preset(name: str) -> Hyperparameters:
    """The named preset; InvalidInput for a name that is none."""
    if name not in PRESETS:
        raise InvalidInput(f"No preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    known = [field.name for field in fields(Hyperparameters)]
    for key in values:
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
