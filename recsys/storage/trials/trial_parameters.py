"""A recipe as the parameters of an Optuna trial: the same for every training, so that any of them can be compared."""

import hashlib
from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)

from recsys.models.hyperparameters import ALL, LEARNERS, RANGES, STARTS, Hyperparameters

COLUMNS_USED = ("all", "some", "none")
"""How `category_levels`, `user_attributes` and `bands` stand among a trial's parameters; the recipe holds the names."""

Parameter = bool | int | float | str
"""A value that Optuna stores of a trial."""

LOGARITHMIC = ("components", "learning_rate", "max_sampled")


def _distribution(name: str) -> BaseDistribution:
    limits, value = RANGES[name], getattr(Hyperparameters(), name)
    if isinstance(value, int):
        return IntDistribution(int(limits.low), int(limits.high), log=name in LOGARITHMIC)
    return FloatDistribution(limits.low, limits.high, log=name in LOGARITHMIC)


DISTRIBUTIONS: Mapping[str, BaseDistribution] = {
    "learner": CategoricalDistribution(LEARNERS),
    "start": CategoricalDistribution(STARTS),
    **{
        name: _distribution(name)
        for name in ("components", "epochs", "learning_rate", "max_sampled", "item_alpha", "user_alpha",
                     "half_life_days", "regularisation", "sharing", "damping", "popularity_penalty", "popularity_lift",
                     "drift", "dropout")
    },
    "identity": CategoricalDistribution((True, False)),
    "brand": CategoricalDistribution((True, False)),
    "category_levels": CategoricalDistribution(COLUMNS_USED),
    "user_attributes": CategoricalDistribution(COLUMNS_USED),
    "bands": CategoricalDistribution(COLUMNS_USED),
    **{name: _distribution(name) for name in ("words", "category_weight", "brand_weight", "bands_weight",
                                              "words_weight")},
}  # fmt: skip
"""What a trial shows as its parameters, the same for every training, so that any of them can be compared."""


def params_of(recipe: Hyperparameters) -> dict[str, Parameter]:
    """A recipe as the parameters of a trial."""
    values = {name: getattr(recipe, name) for name in DISTRIBUTIONS}
    for name in ("category_levels", "user_attributes", "bands"):
        values[name] = "all" if ALL in values[name] else "some" if values[name] else "none"
    return {name: float(x) if isinstance(DISTRIBUTIONS[name], FloatDistribution) else x for name, x in values.items()}


def digest_of(distributions: Mapping[str, BaseDistribution]) -> str:
    """The same for the same distributions, in every process."""
    texts = sorted(f"{name} {distribution_to_json(x)}" for name, x in distributions.items())
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:6]
