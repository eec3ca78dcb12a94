"""Long lists in pages: a cursor says where to go on, and in the list of which model."""

from typing import TypeVar

from recsys.errors import InvalidInput

Row = TypeVar("Row")


class Page:
    """One page of a list whose order belongs to a model.

    Args:
        cursor: `next` of the page before, or None for the first.

    Raises:
        InvalidInput: a cursor that is none, or one of another model, whose list has another order.
    """

    def __init__(self, model_id: str, limit: int, cursor: str | None) -> None:
        self._model_id = model_id
        self._limit = limit
        self._start = 0
        self.next: str | None = None
        if cursor is not None:
            start, _, model = cursor.partition("-")
            if not (start.isascii() and start.isdecimal() and len(start) < 12 and model):
                raise InvalidInput(f"cursor is {cursor!r}; send `next` of the page before, or nothing to begin.")
            if model != model_id:
                raise InvalidInput(f"cursor {cursor!r} is of another model than the live one; begin anew without it.")
            self._start = int(start)

    @property
    def most(self) -> int:
        """How many rows to ask for: up to one beyond this page, which tells whether there is another."""
        return self._start + self._limit + 1

    def cut(self, rows: list[Row]) -> list[Row]:
        """The rows of this page out of the first `most`; sets `next`."""
        end = self._start + self._limit
        self.next = f"{end}-{self._model_id}" if len(rows) > end else None
        return rows[self._start : end]
