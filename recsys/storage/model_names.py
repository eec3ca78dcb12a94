"""Names that people give to models, in the database: "Spring, more variety". One without is called by its id."""

from recsys.errors import InvalidInput
from recsys.storage import audit
from recsys.storage.database import Database

SUBJECT = "name of model "
LONGEST = 60


class ModelNames:
    """The names of the models of one database, read once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = {
            subject.removeprefix(SUBJECT): note.text
            for subject, note in audit.notes(database).items()
            if subject.startswith(SUBJECT) and note.text
        }

    def of(self, model_id: str | None) -> str:
        """The name of a model, or its id; "none" for None."""
        return "none" if model_id is None else self._names.get(model_id, model_id)

    def given(self, model_id: str) -> str:
        """The name that was given to a model; "" where there is none."""
        return self._names.get(model_id, "")

    def with_id(self, model_id: str) -> str:
        """Name and id of a model, or its id alone."""
        return f"{given} ({model_id})" if (given := self.given(model_id)) else model_id

    def give(self, model_id: str, name: str, *, who: str = "") -> None:
        """Name a model; an empty name takes it away.

        Raises:
            InvalidInput: another model has this name, or it is too long.
        """
        wanted = " ".join(name.split())
        if len(wanted) > LONGEST:
            raise InvalidInput(f"A name has at most {LONGEST} characters; this one has {len(wanted)}.")
        other = next((x for x, there in self._names.items() if there.casefold() == wanted.casefold()), model_id)
        if wanted and other != model_id:
            raise InvalidInput(f"Model {other} is called {wanted!r} already; choose another name.")
        audit.set_note(self._database, f"{SUBJECT}{model_id}", audit.Note(wanted), who=who)
        self._names = {**self._names, model_id: wanted}
