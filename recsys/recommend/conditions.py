"""When, where and for whom a rule set applies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from recsys.errors import InvalidInput

BETWEEN = ": "
"""Between the name of an attribute and its value in a segment: "age: 45-54"."""


@dataclass(frozen=True)
class Situation:
    """What is known of one request.

    Attributes:
        attributes: of the shopper, name to value.
        placement: where the list will stand, as the shop calls it; "" when it does not say.
        categories: names on any level of the item that is looked at; () when there is none.
        day: of the request, in UTC; today by default.
    """

    attributes: Mapping[str, str] = field(default_factory=dict)
    placement: str = ""
    categories: tuple[str, ...] = ()
    day: date = field(default_factory=lambda: datetime.now(UTC).date())


@dataclass(frozen=True)
class Conditions:
    """When a rule set applies; without any of them always.

    Attributes:
        starts, ends: first and last day, "2024-12-24", in UTC.
        segments: "attribute: value". Of several values of one attribute the shopper needs one; of every attribute named
            they need one.
        placements: where the list stands, as the shop's request calls it.
        beside: categories of the item that is looked at, on any level.
    """

    starts: str | None = None
    ends: str | None = None
    segments: tuple[str, ...] = ()
    placements: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        days = [_day(name, value) for name in ("starts", "ends") if (value := getattr(self, name)) is not None]
        if len(days) == 2 and days[0] > days[1]:
            raise InvalidInput(f"starts {self.starts} lies after ends {self.ends}.")
        for segment in self.segments:
            if BETWEEN not in segment:
                raise InvalidInput(f"segments holds {segment!r}; write attribute{BETWEEN}value.")

    def hold(self, asked: Situation) -> bool:
        """Whether the rules apply to a request."""
        if self.starts is not None and asked.day < date.fromisoformat(self.starts):
            return False
        if self.ends is not None and asked.day > date.fromisoformat(self.ends):
            return False
        if self.placements and asked.placement not in self.placements:
            return False
        if self.beside and not set(self.beside) & set(asked.categories):
            return False
        return self.includes(asked.attributes)

    def includes(self, attributes: Mapping[str, str]) -> bool:
        """Whether a shopper is in the segments."""
        wanted: dict[str, set[str]] = {}
        for segment in self.segments:
            name, _, value = segment.partition(BETWEEN)
            wanted.setdefault(name, set()).add(value)
        return all(attributes.get(name) in values for name, values in wanted.items())

    @property
    def words(self) -> str:
        """In words, for people: "from 2024-12-01, for age: 45-54"; "always" without conditions."""
        parts = [
            f"from {self.starts}" if self.starts else "",
            f"until {self.ends}" if self.ends else "",
            f"for {' or '.join(self.segments)}" if self.segments else "",
            f"in {' or '.join(self.placements)}" if self.placements else "",
            f"beside {' or '.join(self.beside)}" if self.beside else "",
        ]
        return ", ".join(part for part in parts if part) or "always"

    def to_dict(self) -> dict[str, Any]:
        """What JSON can carry; only what is set."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items() if value
        }

    @classmethod
    def from_dict(cls, given: object) -> "Conditions":
        """The reverse of `to_dict`; InvalidInput names what cannot be used."""
        if not isinstance(given, Mapping):
            raise InvalidInput(f"when is {given!r}; it must be an object.")
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name in ("starts", "ends"):
                if value is not None and not isinstance(value, str):
                    raise InvalidInput(f"{name} is {value!r}; it must be a day such as 2024-12-24.")
                values[name] = value
            elif name in ("segments", "placements", "beside"):
                if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
                    raise InvalidInput(f"{name} is {value!r}; it must be a list of texts.")
                values[name] = tuple(value)
            else:
                raise InvalidInput(f"No condition {name!r}; there are: beside, ends, placements, segments, starts.")
        return cls(**values)


ALWAYS = Conditions()
"""No condition at all."""


def _day(name: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InvalidInput(f"{name} is {value!r}; it must be a day such as 2024-12-24.") from None
