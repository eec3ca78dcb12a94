"""What is to be imported and how it is to be read: a frozen value that a job can carry."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from recsys import columns as c
from recsys.dataset.event_kinds import weight_of
from recsys.errors import InvalidInput
from recsys.ingest.files.encoding import named
from recsys.ingest.files.sources import Reading
from recsys.ingest.schema import check_given

MOST_QUANTITY = 1_000_000.0
MOST_VALUE = 1_000_000_000.0
RETURNS = ("cancel", "ignore")


@dataclass(frozen=True)
class ImportPlan:
    """Everything that decides what an import stores.

    Attributes:
        name: the dataset is stored under it; one of the same name is replaced.
        events, items, users: paths, folders, globs, or addresses such as `s3://bucket/folder`.
        events_sql, database: a query for the events instead of files, and the SQLAlchemy URL it goes to.
        mapping: field to columns, on top of what names and contents tell; no columns leaves the field out; a key
            such as `items.item_id` concerns one part.
        weights: kind of event to weight, on top of `event_kinds.DEFAULT_WEIGHTS`.
        min_rating: ratings below are left out; None takes the middle of the scale found.
        min_users, min_items: items with fewer users, and users with fewer items, are left out, until all that remain
            have enough.
        timestamp_format: settles what the data do not: a strptime format, "iso", "s", "ms", "us" or "ns".
        returns: "cancel" takes away what came back in full, "ignore" only the rows with a negative quantity.
        drop_duplicates: count rows that are equal in everything once.
        header, separator, encoding, skip, sheet: how files are written, where that is not to be found out; see
            `sources.Reading`.
        anyway: store it although the catalogue, or the customers, have nothing in common with the events.
    """

    name: str
    events: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    events_sql: str | None = None
    database: str | None = None
    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    min_rating: float | None = None
    min_users: int = 1
    min_items: int = 1
    timestamp_format: str | None = None
    returns: Literal["cancel", "ignore"] = "cancel"
    drop_duplicates: bool = False
    header: bool | None = None
    separator: str | None = None
    encoding: str | None = None
    skip: int | None = None
    sheet: str | None = None
    anyway: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths, globs and addresses of all parts."""
        return (*self.events, *self.items, *self.users)

    @property
    def reading(self) -> Reading:
        """What is said of how the files are written."""
        return Reading(self.header, self.separator, self.encoding, self.skip, self.sheet)

    def __post_init__(self) -> None:
        if bool(self.events) == bool(self.events_sql):
            raise InvalidInput("Name files of events (--events FILE), or a query for them (--events-sql), not both.")
        if self.events_sql and not self.database:
            raise InvalidInput("--events-sql needs the database it goes to: --database sqlite:////folder/shop.db")
        for label, value in (("min-users", self.min_users), ("min-items", self.min_items)):
            if value < 1:
                raise InvalidInput(f"--{label} {value}: it must be 1 or more.")
        if self.returns not in RETURNS:
            raise InvalidInput(f"--returns {self.returns!r}: it is one of {', '.join(RETURNS)}.")
        for kind, weight in self.weights.items():
            if not 0 <= weight <= 1000:
                raise InvalidInput(f"--weight {kind}={weight:g}: it must lie from 0 to 1000.")
        if self.skip is not None and self.skip < 0:
            raise InvalidInput(f"--skip {self.skip}: it must be 0 or more.")
        if self.encoding is not None:
            named(self.encoding)
        check_given(self.mapping)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The plan that `to_dict` wrote."""
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {
            key: tuple(x) if isinstance(x, list) else x for key, x in values.items() if key in known
        }
        given["mapping"] = {key: tuple(x) for key, x in values.get("mapping", {}).items()}
        return cls(**given)

    def weight_of(self, kind: str) -> tuple[float, bool]:
        """The weight of a kind of event, and whether anybody or anything settles it; 1 otherwise."""
        return weight_of(kind, self.weights)


def parse_mapping(texts: list[str]) -> dict[str, tuple[str, ...]]:
    """`FIELD=COLUMN` from the command line, repeatable for fields of several columns; `FIELD=` leaves a field out; a
    part may stand before the field, as in `items.item_id=id`."""
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, column = text.partition("=")
        if not equals:
            raise InvalidInput(f"--map {text}: write it as FIELD=COLUMN, for example --map {c.USER}=CustomerID")
        found[name.strip()] = (*found.get(name.strip(), ()), *([column] if column else []))
    return found


def parse_weights(texts: list[str]) -> dict[str, float]:
    """`KIND=NUMBER` from the command line."""
    found = {}
    for text in texts:
        kind, _, number = text.rpartition("=")
        try:
            found[kind.strip()] = float(number)
        except ValueError:
            kind = ""
        if not kind:
            raise InvalidInput(f"--weight {text}: write it as KIND=NUMBER, for example --weight purchase=5")
    return found
