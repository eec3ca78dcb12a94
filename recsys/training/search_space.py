"""Where a search looks: which hyperparameters it varies, within what limits, and which matter only beside others."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    check_distribution_compatibility,
)

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.dataset.item_columns import number_columns
from recsys.models.hyperparameters import ACTS, ALL, LEARNERS, RANGES, STARTS, Hyperparameters
from recsys.storage.trials.trial_parameters import Parameter

LEVEL = "level "
ALWAYS: Mapping[str, BaseDistribution] = {
    "components": IntDistribution(8, int(RANGES["components"].high), log=True),
    "half_life_days": FloatDistribution(7, 730, log=True),
}
WHERE_THEY_ACT: Mapping[str, BaseDistribution] = {
    "regularisation": FloatDistribution(0.1, 100.0, log=True),
    "sharing": FloatDistribution(1.0, 3000.0, log=True),
    "damping": FloatDistribution(0.0, 0.5),
    "popularity_penalty": FloatDistribution(-0.4, 0.4),
    "popularity_lift": FloatDistribution(0.1, 10.0, log=True),
    "drift": FloatDistribution(0.0, 0.5),
    "dropout": FloatDistribution(0.1, 0.8),
    "learning_rate": FloatDistribution(0.002, 0.3, log=True),
    "item_alpha": FloatDistribution(1e-7, 1e-3, log=True),
    "user_alpha": FloatDistribution(1e-7, 1e-3, log=True),
    "max_sampled": IntDistribution(5, 500, log=True),
    "start": CategoricalDistribution(STARTS),
}
"""Drawn for the learners that they act for (`ACTS`)."""

MANY_WORDS = 1000
"""Words of titles that a search tries, beside none."""

YES_OR_NO = CategoricalDistribution((True, False))
ATTRIBUTES = CategoricalDistribution(("base", "none"))


@dataclass(frozen=True)
class Space:
    """The recipes that a search may propose, around a base: what is not varied stays as it is there.

    Learner (ALS, softmax, and that of the base), components and half-life are always varied; everything else with the
    learners that it acts for; each category level of the base, brand, bands of numbers, words of titles and user
    attributes on and off, as far as the data have them and a product is left with something to be known by. What is
    drawn is not moved by the validation periods.
    """

    base: Hyperparameters
    levels: tuple[str, ...] = ()
    brand: bool = False
    user_attributes: bool = False
    bands: bool = False
    words: bool = False

    @classmethod
    def of(cls, base: Hyperparameters, dataset: Dataset) -> "Space":
        """The space around a base on a dataset."""
        levels = dataset.category_levels if ALL in base.category_levels else base.category_levels
        return cls(
            base,
            levels=levels if base.identity else (),
            brand=c.BRAND in dataset.items and (base.identity or bool(levels)),
            user_attributes=bool(base.user_attributes and dataset.user_attributes),
            bands=bool(number_columns(dataset.items)) and base.identity,
            words=base.identity and bool((dataset.items[c.TITLE] != dataset.items[c.ITEM]).any()),
        )

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """By name, those that depend on others among them."""
        learners = tuple(x for x in LEARNERS if x in ("als", "softmax", self.base.learner))
        found = {"learner": CategoricalDistribution(learners), **ALWAYS, **WHERE_THEY_ACT}
        found |= {**{LEVEL + level: YES_OR_NO for level in self.levels}}
        found |= {"brand": YES_OR_NO} if self.brand else {}
        found |= {"bands": ATTRIBUTES} if self.bands else {}
        found |= {"words": CategoricalDistribution((0, MANY_WORDS))} if self.words else {}
        return found | ({"user_attributes": ATTRIBUTES} if self.user_attributes else {})

    def propose(self, trial: optuna.Trial) -> Hyperparameters:
        """The recipe that a trial draws."""
        found = {name: self._draw(trial, name) for name in ("learner", *ALWAYS)}
        found |= {name: self._draw(trial, name) for name in WHERE_THEY_ACT if name in ACTS[found["learner"]]}
        found["adapt"] = ()
        if self.levels:
            kept = tuple(level for level in self.levels if self._draw(trial, LEVEL + level))
            found["category_levels"] = self.base.category_levels if kept == self.levels else kept
        if self.brand:
            found["brand"] = self._draw(trial, "brand")
        if self.bands:
            found["bands"] = () if self._draw(trial, "bands") == "none" else self.base.bands or (ALL,)
        if self.words:
            found["words"] = self._draw(trial, "words")
        if self.user_attributes and self._draw(trial, "user_attributes") == "none":
            found["user_attributes"] = ()
        return replace(self.base, **found)

    def nearest(self, recipe: Hyperparameters) -> dict[str, Parameter]:
        """The point of the space that is nearest to a recipe, as parameters of a trial."""
        point: dict[str, Parameter] = {}
        for name, distribution in self.distributions.items():
            if name.startswith(LEVEL):
                point[name] = ALL in recipe.category_levels or name.removeprefix(LEVEL) in recipe.category_levels
            elif name in ("user_attributes", "bands"):
                point[name] = "base" if getattr(recipe, name) else "none"
            elif name == "words":
                point[name] = MANY_WORDS if recipe.words else 0
            elif isinstance(distribution, (IntDistribution, FloatDistribution)):
                point[name] = min(max(getattr(recipe, name), distribution.low), distribution.high)
            else:
                point[name] = getattr(recipe, name)
        return point

    def clashes(self, study: optuna.Study) -> list[str]:
        """Parameters that the trials of a study drew in another way, as those of another version of this program may
        have: no trial of this space can be added to them."""
        found = []
        for trial in study.get_trials(deepcopy=False):
            for name, drawn in trial.distributions.items():
                try:
                    check_distribution_compatibility(drawn, self.distributions.get(name, drawn))
                except ValueError:
                    found.append(name)
        return sorted(set(found))

    def _draw(self, trial: optuna.Trial, name: str) -> Any:
        match self.distributions[name]:
            case IntDistribution(low=low, high=high, log=log):
                return trial.suggest_int(name, low, high, log=log)
            case FloatDistribution(low=low, high=high, log=log):
                return trial.suggest_float(name, low, high, log=log)
            case CategoricalDistribution(choices=choices):
                return trial.suggest_categorical(name, choices)
        raise TypeError(f"No way to draw {name!r}.")
