"""The tour of the dashboard: its steps, made of what the home really has, and where a visitor stands in it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from recsys.access import may
from recsys.errors import InsiderError
from recsys.recommend.recommender import Recommender
from recsys.services.workspace import Workspace
from recsys.views.compare import MODEL
from recsys.views.home.example_shopper import Example
from recsys.views.shopper import first_shopper
from recsys.views.shopper_history import truth_words

Value = str | list[str] | bool | None

MINUTES = 5
FIRST = "shopper"
"""Name of the step that the tour begins with; it applies wherever a model is live."""
NO_SECOND = "there is no second model on the same data yet"


@dataclass(frozen=True)
class Step:
    """One step of the tour.

    Attributes:
        name: what it is called in the link.
        text: what to do, and what to notice.
        page: the page it is about, as in its address.
        values: what widgets of that page hold, by their names in the link.
        missing: why it is left out, to end a sentence; empty where it applies.
    """

    name: str
    title: str
    text: str
    page: str
    values: Mapping[str, Value] = field(default_factory=dict)
    missing: str = ""

    @property
    def link(self) -> dict[str, str | list[str]]:
        """The parameters of the link to it."""
        return {name: value for name, value in self.values.items() if value and not isinstance(value, bool)}


@dataclass(frozen=True)
class Standing:
    """Where a visitor stands.

    Attributes:
        place, of: "step 3 of 8", among the steps that apply.
        back, next: the steps beside it; None at the ends.
        note: why it is another step than was asked for; empty where it is that one.
    """

    step: Step
    place: int
    of: int
    back: Step | None
    next: Step | None
    note: str


def steps(workspace: Workspace, example: Example | None) -> tuple[Step, ...]:
    """All steps over the live model, in order, those that are left out as well; NoModel when nothing is live.

    Args:
        example: the shopper that Home shows, if there is one.
    """
    live = workspace.load()
    shopper = first_shopper(live) if example is None else example.user_id
    stored = live.manifest.dataset in workspace.datasets()
    other = second_model(workspace, live)
    return (
        *_about_a_shopper(live, shopper, example is not None),
        Step(
            "rules", "Rules and their price",
            "Press Hide or Boost on a product: the list follows your rule. “Judge these rules”, further down, says "
            "what the rule costs in accuracy, on purchases that the model has not seen. No shopper sees it until you "
            "save and serve it.",
            "shopper", _on_shopper_page(shopper, "Rules"), "" if stored else "the data to judge rules on are gone",
        ),
        Step(
            "map", "The map",
            "Every product is a point; near to each other means bought by the same people. What this shopper bought "
            "and is recommended stands out, the rest is dimmed. Click a point to see what is truly next to it.",
            "map", {"shopper": shopper, "item": "", "present": False},
            "" if workspace.store.has_map(live.model.id) else "this model has no map yet; the Map page draws one",
        ),
        _train(stored, other),
        *_with_second_model(shopper, other),
    )  # fmt: skip


def _on_shopper_page(shopper: str, section: str) -> dict[str, Value]:
    return {"shopper": shopper, "persona": None, "section": section}


def _about_a_shopper(live: Recommender, shopper: str, judged: bool) -> tuple[Step, ...]:
    """What they bought and are shown, why, and what if; `judged`: what they bought later is known."""
    later = (
        f" The mark “Bought” stands on what they really bought and the model has not seen; “{truth_words(live)[0]}” "
        "shows all of that."
    )
    row = live.model.user_index.get_loc(shopper)
    unknown = "" if live.model.history.counts[[row]].nnz else f"the model has seen no purchase of shopper {shopper}"
    return (
        Step(
            FIRST, "A shopper",
            "“Bought so far” is what this shopper had bought, “Recommended” the list that the model makes of it."
            + (later if judged else ""),
            "shopper", _on_shopper_page(shopper, "Recommended"),
        ),
        Step(
            "why", "Why",
            "The bars are the parts of the score of one product of the list; “Product” chooses another. Beside them "
            "stand the shopper's own purchases that speak for it.",
            "shopper", _on_shopper_page(shopper, "Why"),
        ),
        Step(
            "what-if", "What if",
            "Under “Taken away” choose one of their purchases, or find a product and add it: the list follows at once. "
            "The marks say what is new and what moved. Undo takes your change back.",
            "shopper", _on_shopper_page(shopper, "What if"), unknown,
        ),
    )  # fmt: skip


def _train(stored: bool, other: str | None) -> Step:
    """A training; `other`: a second model, if there is one."""
    missing = "" if may("merchandiser") else "training needs the role merchandiser"
    follows = "Compare and promote follow" if may("admin") else "Compare follows"
    return Step(
        "train", "Train and watch",
        "Turn a dial, or choose another preset under “Start from”, and press Train. The curve is the accuracy on "
        "purchases that were set aside, after every pass; the result then stands beside the live model."
        + ("" if other else f" {follows} when it has ended."),
        "train", missing=missing or ("" if stored else "the data that the live model learned from are gone"),
    )  # fmt: skip


def _with_second_model(shopper: str, other: str | None) -> tuple[Step, ...]:
    missing = "" if other else NO_SECOND
    return (
        Step(
            "compare", "Compare",
            "The list of this shopper by the live model, and by the newest other model. “Compare over everybody” says "
            "how far apart the two are for all shoppers, and whether one is more accurate.",
            "shopper", {**_on_shopper_page(shopper, "Compare"), "against": [f"{MODEL}{other}"]} if other else {},
            missing,
        ),
        Step(
            "promote", "Promote",
            "“What would change” shows accuracy, lists and products before anything happens. Promote asks once more; "
            "from then on that model answers. Roll back takes it back.",
            "models", {"model": other} if other else {},
            missing or ("" if may("admin") else "promoting needs the role admin"),
        ),
    )  # fmt: skip


def second_model(workspace: Workspace, live: Recommender) -> str | None:
    """The newest model beside the live one that was trained on the same data; ids begin with the time."""
    for name in sorted(workspace.store.models(), reverse=True):
        with suppress(InsiderError):  # a damaged one is none to show
            if name != live.model.id and workspace.store.model_manifest(name).dataset == live.manifest.dataset:
                return name
    return None


def standing(steps: Sequence[Step], name: str) -> Standing:
    """Where a visitor stands who was last at the step of this name, or asks for it in a link."""
    applying = [step for step in steps if not step.missing]
    names = [step.name for step in steps]
    if name not in names:
        step, note = applying[0], f"The tour has no step “{name}”, so it begins anew."
    elif (asked := steps[names.index(name)]).missing:
        after = [step for step in steps[names.index(name) :] if not step.missing]
        step, note = (after or applying[-1:])[0], f"“{asked.title}” is left out: {asked.missing}."
    else:
        step, note = asked, ""
    at = applying.index(step)
    return Standing(
        step, at + 1, len(applying), applying[at - 1] if at else None,
        applying[at + 1] if at + 1 < len(applying) else None, note,
    )  # fmt: skip
