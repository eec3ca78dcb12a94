"""The dials of a recipe: what can be turned, between what, and the recipe that they show."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from recsys import columns as c
from recsys.models.hyperparameters import ALL, RANGES, Hyperparameters, dials_of
from recsys.services.workspace import Workspace
from recsys.utils import formatting as words

LEARNER_MEANINGS: Mapping[str, str] = {
    "als": "ALS: alternating least squares, with products that borrow from their categories. The best here, and fast.",
    "softmax": "Softmax: a linear autoencoder that tells from a part of the purchases which they all are.",
    "warp": "WARP: ranks bought products above others, hardest at the top of the list. LightFM's usual choice.",
    "bpr": "BPR: ranks bought products above others, anywhere in the list. Faster, usually less exact at the top.",
    "logistic": "Logistic: predicts bought or not, each pair by itself. Seldom best for lists.",
    "warp-kos": "k-OS WARP: like WARP, from a shopper's k-th best purchase. Learns from each shopper once a pass.",
}

START_MEANINGS: Mapping[str, str] = {"random": "At random", "als": "From ALS"}

WEIGHTS: Mapping[str, str] = {
    "category_weight": "Weight of categories", "brand_weight": "Weight of the brand", "bands_weight": "Weight of bands",
    "words_weight": "Weight of words",
}  # fmt: skip
WEIGHT_STEPS = (0.1, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0)
WORD_STEPS = (0, 200, 500, 1000, 2000, 5000)

Scale = Literal["whole", "steps"]


@dataclass(frozen=True)
class Dial:
    """One slider: `steps` are the values to choose from where the scale is not even."""

    name: str
    title: str
    meaning: str
    scale: Scale
    low: int = 0
    high: int = 0
    step: int = 1
    steps: tuple[float, ...] = ()
    unit: str = ""


def _dial(name: str, title: str, unit: str = "", **where: Any) -> Dial:
    scale: Scale = "steps" if "steps" in where else "whole"
    return Dial(name, title, RANGES[name].meaning, scale, unit=unit, **where)


_ALPHAS = (0.0, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1)
DIALS: tuple[Dial, ...] = (
    _dial("components", "Components", low=2, high=256, step=2),
    _dial("epochs", "Passes at most", low=1, high=200),
    _dial("regularisation", "Regularisation", steps=(0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
    _dial("sharing", "Sharing within categories", "purchases", steps=(0, 3, 10, 30, 100, 300, 1000, 3000, 10_000)),
    _dial("popularity_lift", "Lift of what is popular", steps=(0.0, 0.3, 0.6, 0.9, 1.2, 1.8, 2.7, 3.6, 5.4, 10.0)),
    _dial("popularity_penalty", "Penalty on many buyers", steps=(-0.4, -0.2, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
    _dial("damping", "Damping of popular products", steps=(0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5)),
    _dial("drift", "Favour for new buyers", steps=(0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)),
    _dial("dropout", "Purchases hidden", steps=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)),
    _dial(
        "learning_rate",
        "Learning rate",
        steps=(0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0),
    ),
    _dial("max_sampled", "Products tried per purchase", steps=(1, 3, 5, 10, 20, 30, 50, 100, 150, 200, 300, 500, 1000)),
    _dial("item_alpha", "Regularisation of products", steps=_ALPHAS),
    _dial("user_alpha", "Regularisation of shoppers", steps=_ALPHAS),
    _dial(
        "half_life_days",
        "Purchases count half after",
        "days",
        steps=(0, 7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 730, 1095, 3650),
    ),
    _dial("patience", "Patience", "passes", low=1, high=50),
    _dial("variety", "Accuracy given for variety", steps=(0.0, 0.01, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5)),
)


def dials_for(learner: str) -> tuple[Dial, ...]:
    """The dials that act for a learner: all others would change nothing."""
    acting = dials_of(learner)
    return tuple(dial for dial in DIALS if dial.name in acting)


def choices_for(learner: str, columns: "Columns | None" = None) -> tuple[str, ...]:
    """What else may be chosen for a learner, beside its dials; with columns, only what the data have."""
    there = {} if columns is None else {
        "brand": columns.brand,
        "category_levels": bool(columns.category_levels),
        "user_attributes": bool(columns.user_attributes),
        "bands": bool(columns.bands),
        "words": columns.titled,
        "category_weight": bool(columns.category_levels),
        "brand_weight": columns.brand,
        "bands_weight": bool(columns.bands),
        "words_weight": columns.titled,
    }  # fmt: skip
    names = ("start", "identity", "brand", "category_levels", "bands", "words", "user_attributes", *WEIGHTS)
    return tuple(x for x in names if x in dials_of(learner) and there.get(x, True))


def weights_for(recipe: Hyperparameters, columns: "Columns") -> tuple[str, ...]:
    """The weights of groups that products share anything by: none where there is one group alone, which a weight does
    not change."""
    used = {
        "category_weight": bool(chosen(recipe.category_levels, columns.category_levels)),
        "brand_weight": recipe.brand and columns.brand,
        "bands_weight": bool(bands_chosen(recipe, columns)),
        "words_weight": recipe.words > 0 and columns.titled,
    }
    found = tuple(name for name, there in used.items() if there)
    return found if len(found) > 1 else ()


def adapted_words(recipe: Hyperparameters) -> str:
    """What the validation set may still move, in a sentence; empty where nothing."""
    titles = [dial.title.lower() for dial in DIALS if recipe.adapts(dial.name)]
    return f"Validation may move {words.joined(titles)}; a dial that you turn stays where you put it." if titles else ""


def steps_of(dial: Dial, current: float) -> list[float]:
    """The values of an uneven dial, with the current one among them."""
    return sorted({*dial.steps, current})


def step_label(dial: Dial, value: float) -> str:
    """A value of a dial as people read it."""
    if value == 0:
        return "all alike" if dial.name == "half_life_days" else "none"
    if dial.name == "variety":
        return f"{value:.0%}"
    return f"{value:g} {dial.unit}".strip()


@dataclass(frozen=True)
class Columns:
    """What of a dataset a model may learn from.

    Attributes:
        brand: whether its products have one.
        timed: whether its events have times.
        numbers: columns of numbers of its products.
        titled: whether its products have titles.
    """

    category_levels: tuple[str, ...]
    user_attributes: tuple[str, ...]
    pairs: int
    users: int
    items: int
    brand: bool = True
    timed: bool = True
    numbers: tuple[str, ...] = ()
    titled: bool = True

    @property
    def bands(self) -> tuple[str, ...]:
        """What may be cut into bands: the numbers, and with times when a product was first sold."""
        return (*self.numbers, c.FIRST_SOLD) if self.timed and c.FIRST_SOLD not in self.numbers else self.numbers


def columns_of(workspace: Workspace, dataset: str) -> Columns:
    """The feature columns and sizes of a stored dataset, without reading it."""
    manifest = workspace.store.dataset_manifest(dataset)
    summary = manifest["summary"]
    return Columns(
        tuple(manifest["category_levels"]),
        tuple(manifest["user_attributes"]),
        int(summary["pairs"]),
        int(summary["users"]),
        int(summary["items"]),
        bool(summary.get("brands", True)),
        summary["period"] is not None,
        tuple(summary.get("numbers", ())),
        bool(summary.get("titled", True)),
    )


def idle_dials(recipe: Hyperparameters, columns: Columns) -> dict[str, str]:
    """Dials that act for the learner but change nothing on these data or with these features: name to why."""
    found: dict[str, str] = {}
    if not columns.timed:
        found |= dict.fromkeys(("half_life_days", "drift"), "the data have no times")
    shared = (
        chosen(recipe.category_levels, columns.category_levels), bands_chosen(recipe, columns),
        recipe.brand and columns.brand, recipe.words > 0 and columns.titled,
    )  # fmt: skip
    if not any(shared):
        found["sharing"] = "there is nothing that products share"
    return {name: why for name, why in found.items() if name in dials_of(recipe.learner)}


def idle_words(idle: Mapping[str, str]) -> str:
    """Which dials are left out, and why, in a sentence; empty where none."""
    titles = {dial.name: dial.title for dial in DIALS}
    told = [f"{titles[name]} ({why})" for name, why in idle.items()]
    return f"Idle here and not shown: {words.joined(told)}." if told else ""


def chosen(names: tuple[str, ...], available: tuple[str, ...]) -> list[str]:
    """Which of the available columns a recipe uses: `("all",)` written out."""
    return list(available) if ALL in names else [name for name in available if name in names]


def bands_chosen(recipe: Hyperparameters, columns: Columns) -> list[str]:
    """Which columns of numbers a recipe cuts into bands; `("all",)` has not when a product was first sold."""
    return chosen(recipe.bands, columns.numbers if ALL in recipe.bands else columns.bands)


def recipe_of(start: Hyperparameters, dials: Mapping[str, Any], columns: Columns) -> Hyperparameters:
    """The recipe that the dials show; what has no dial stays as it was, what was turned is not moved by validation.

    Raises:
        InvalidInput: a value that cannot be, or no item feature left.
    """
    settings = dict(dials)
    for name, available in (
        ("category_levels", columns.category_levels), ("user_attributes", columns.user_attributes),
        ("bands", columns.numbers),
    ):  # fmt: skip
        if name not in settings:
            continue
        picked = tuple(settings[name])
        settings[name] = (ALL,) if picked and picked == available else picked
    turned = [name for name, value in settings.items() if value != getattr(start, name)]
    return replace(start, **settings).fixing(turned)


def learner_title(learner: object) -> str:
    """What a learner is called: "ALS"; one that is not known here keeps its name, none is ""."""
    return LEARNER_MEANINGS.get(str(learner), str(learner or "")).partition(":")[0]


def recipe_words(recipe: Hyperparameters) -> str:
    """A recipe in a line: "ALS · 32 components · at most 20 passes"."""
    passes = "1 pass" if recipe.epochs == 1 else f"{recipe.epochs} passes"
    return f"{learner_title(recipe.learner)} · {recipe.components} components · at most {passes}"
