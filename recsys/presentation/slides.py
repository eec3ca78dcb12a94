"""Presentations: slides in an order, under a name, saved in the database."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recsys import access
from recsys.errors import InvalidInput
from recsys.services.workspace import Workspace
from recsys.storage.documents import DocumentStore

Kind = Literal["words", "result", "shopper", "map", "comparison", "training"]
KINDS: dict[Kind, str] = {
    "words": "Words",
    "result": "How good the live model is",
    "shopper": "A shopper: bought and recommended",
    "map": "The map of all products",
    "comparison": "Two models side by side",
    "training": "A training, pass by pass",
}
"""What a slide can show, as people read it."""

MOST_SLIDES = 60


class Slide(BaseModel):
    """One slide. What a kind does not need stays empty.

    Attributes:
        kind: what it shows.
        title, text: shown large; an empty title is made from what is shown.
        notes: for the speaker; shown only when asked for.
        shopper: a user id, for the kinds "shopper" and "map".
        colour: what the map is coloured by; empty for the widest category level.
        first, second: model ids, for "comparison".
        training: number of a training, for "training".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    kind: Kind
    title: str = Field(default="", max_length=120)
    text: str = Field(default="", max_length=2000)
    notes: str = Field(default="", max_length=5000)
    shopper: str = Field(default="", max_length=500)
    colour: str = Field(default="", max_length=100)
    first: str = Field(default="", max_length=100)
    second: str = Field(default="", max_length=100)
    training: int | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needs = {
            "shopper": {"shopper": "a shopper"}, "comparison": {"first": "a model", "second": "a second model"},
            "training": {"training": "a training"},
        }  # fmt: skip
        for name, words in needs.get(self.kind, {}).items():
            if getattr(self, name) in ("", None):
                raise ValueError(f"a slide “{KINDS[self.kind]}” needs {words}")
        if self.kind == "words" and not (self.title or self.text):
            raise ValueError("a slide of words needs a title or a text")
        return self


class Presentation(BaseModel):
    """Slides in the order in which they are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slides: tuple[Slide, ...] = Field(default=(), max_length=MOST_SLIDES)

    def with_slide(self, slide: Slide) -> "Presentation":
        """With one more slide at the end; InvalidInput when there are `MOST_SLIDES` already."""
        if len(self.slides) >= MOST_SLIDES:
            raise InvalidInput(f"A presentation has {MOST_SLIDES} slides at most; delete one first.")
        return Presentation(slides=(*self.slides, slide))

    def without(self, place: int) -> "Presentation":
        """Without the slide at a place, counted from 0."""
        return Presentation(slides=self.slides[:place] + self.slides[place + 1 :])

    def moved(self, place: int, by: int) -> "Presentation":
        """With a slide moved; one that would leave the row stays at its end."""
        rest = list(self.slides)
        slide = rest.pop(place)
        rest.insert(min(max(place + by, 0), len(rest)), slide)
        return Presentation(slides=tuple(rest))

    def changed(self, place: int, slide: Slide) -> "Presentation":
        """With another slide at a place."""
        return Presentation(slides=(*self.slides[:place], slide, *self.slides[place + 1 :]))


def make_slide(**values: object) -> Slide:
    """A slide from what a form holds; InvalidInput says in words what is missing."""
    try:
        return Slide.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        text = str(first["msg"]).removeprefix("Value error, ")
        raise InvalidInput(f"{where}: {text}" if where else f"{text[0].upper()}{text[1:]}.") from error


class Presentations:
    """The presentations of one home. Every change is kept as a version."""

    def __init__(self, workspace: Workspace) -> None:
        self._store = DocumentStore(workspace.database, "presentation")

    def names(self) -> list[str]:
        """Names of the saved presentations."""
        return [document.name for document in self._store.all()]

    def get(self, name: str) -> Presentation:
        """A presentation by its name; NotFound names those there are."""
        return Presentation.model_validate(self._store.get(name).content)

    def save(self, name: str, presentation: Presentation) -> str:
        """Store it under a name; gives the name as it is kept.

        Raises:
            NotAllowed: the visitor may only look.
            InvalidInput: a name that cannot be used.
        """
        access.require("merchandiser", "Saving a presentation")
        return self._store.save(name, presentation.model_dump(mode="json")).name

    def delete(self, name: str) -> None:
        """Delete a presentation."""
        access.require("merchandiser", "Deleting a presentation")
        self._store.delete(name)
