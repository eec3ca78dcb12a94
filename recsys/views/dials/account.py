"""What a training says of itself, in sentences: the page, the command line and the API read it from here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from recsys.models.hyperparameters import ADAPTABLE, Hyperparameters
from recsys.models.manifest import Changes, DialEffect, ModelManifest
from recsys.utils import formatting as fmt
from recsys.views.dials.recipe_form import DIALS, LEARNER_MEANINGS, WEIGHTS, step_label

TITLES: Mapping[str, str] = {dial.name: dial.title for dial in DIALS} | {
    "learner": "Learner", "start": "Begin", "identity": "Each product by itself", "brand": "Brand",
    "bands": "Bands of numbers", "words": "Words of titles", **WEIGHTS,
    "category_levels": "Category levels", "user_attributes": "Shopper attributes", "seed": "Seed",
    "windows": "Validation periods", "learning_schedule": "Learning schedule",
}  # fmt: skip

MOVED: Mapping[str, str] = {
    "regularisation": "regularisation", "sharing": "sharing", "half_life_days": "half-life", "damping": "damping",
    "popularity_penalty": "popularity penalty", "popularity_lift": "popularity lift",
}  # fmt: skip
"""What the validation periods may move, in a sentence."""


@dataclass(frozen=True)
class Account:
    """How a training went.

    Attributes:
        passes_kept, passes_tried: how many passes the model kept, of how many that were tried on validation.
        stopped: why so many, in a sentence.
        same_as: the version with equal embeddings that was there before; None without one.
        changes: how it differs from the model that was live then; None where they cannot be held together.
        told: all of it in sentences, in the order to read them.
    """

    passes_kept: int
    passes_tried: int
    stopped: str
    same_as: str | None
    changes: Changes | None
    told: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        changes = None if self.changes is None else self.changes.model_dump(mode="json")
        return vars(self) | {"told": list(self.told), "changes": changes}


def account(manifest: ModelManifest, called: Callable[[str], str] = str) -> Account:
    """What a version says of its training; `called` gives the name of another one."""
    plan, tried = manifest.plan, [point for point in manifest.curve if point["epoch"] > 0]
    told = [plan.stopped]
    if plan.settled is not None:
        told.append(moved_words(manifest.recipe, plan.settled))
    if manifest.same_as:
        told.append(f"It is the same model as {called(manifest.same_as)}: nothing that you changed matters here.")
    elif manifest.changes is not None:
        told += changes_words(manifest.changes)
    return Account(
        manifest.epochs, len(tried), plan.stopped, manifest.same_as, manifest.changes, tuple(x for x in told if x)
    )


def moved_words(recipe: Hyperparameters, settled: Hyperparameters) -> str:
    """What the validation periods moved, in a sentence; empty where nothing."""
    moved = [
        f"{MOVED.get(name, TITLES[name].lower())} from {getattr(recipe, name):g} to {getattr(settled, name):g}"
        for name in ADAPTABLE[recipe.learner]
        if getattr(recipe, name) != getattr(settled, name)
    ]
    return f"The validation set moved {fmt.joined(moved)}." if moved else ""


def changes_words(changes: Changes) -> list[str]:
    """What every changed dial did on validation, and all of them together, in sentences."""
    if not changes.dials:
        return [f"No dial stands otherwise than in the live model of then, {changes.against}."]
    alone = [effect for effect in changes.dials if effect.ndcg is not None and effect.coverage is not None]
    found = [_effect_words(effect, changes) for effect in alone]
    if others := [_turned(effect) for effect in changes.dials if effect not in alone]:
        which, by_itself = ("this", "it") if len(others) == 1 else ("one of these", "each")
        found.append(
            f"{'; '.join(others)}: no other training differs in {which} alone, so what {by_itself} did by itself is "
            "not known."
        )
    if len(changes.dials) > 1 or changes.dials[0].model != changes.against:
        many = "All changes together" if len(changes.dials) > 1 else "This change"
        figures = _figures(changes.ndcg, changes.coverage, changes.noise)
        found.append(f"{many}, against the live model: {figures}.")
    return found


def _turned(effect: DialEffect) -> str:
    """From where to where a dial was turned."""
    title = TITLES.get(effect.name, fmt.label(effect.name))
    before, after = (_value(effect.name, value) for value in (effect.before, effect.after))
    return f"{title} held at {after}" if before == after else f"{title} from {before} to {after}"


def _effect_words(effect: DialEffect, changes: Changes) -> str:
    """What a dial did, where a training differs from this one in nothing else."""
    assert effect.ndcg is not None and effect.coverage is not None
    against = "the live model" if effect.model == changes.against else f"training {effect.against}"
    noise = None if effect.name == "seed" else changes.noise
    said = _figures(effect.ndcg, effect.coverage, noise)
    chance = "; another seed is nothing but chance" if effect.name == "seed" else ""
    return f"{_turned(effect)}, against {against}, which differs in nothing else: {said}{chance}."


def _figures(ndcg: tuple[float, float], coverage: tuple[float, float], noise: float | None) -> str:
    """ "NDCG@10 on validation 0.0508 to 0.0531 (+0.0023, more than two seeds differ), coverage 2.1% to 1.8%"."""
    before, after = (fmt.measured(value, is_share=False) for value in ndcg)
    change = fmt.difference(ndcg[1] - ndcg[0], is_share=False)
    if noise is not None:
        within = abs(ndcg[1] - ndcg[0]) <= noise
        change += ", no more than two seeds differ" if within else ", more than two seeds differ"
    shown = " to ".join(fmt.measured(value, is_share=True) for value in coverage)
    return f"NDCG@10 on validation {before} to {after} ({change}), catalogue coverage {shown}"


def _value(name: str, value: Any) -> str:
    """A value of a dial as people read it."""
    dial = next((dial for dial in DIALS if dial.name == name), None)
    if name == "learner":
        return LEARNER_MEANINGS[value].partition(":")[0]
    if isinstance(value, list):
        return fmt.joined([fmt.label(str(x)) for x in value]) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if dial is not None and isinstance(value, (int, float)):
        return step_label(dial, value)
    return str(value)
