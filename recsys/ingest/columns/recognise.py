"""Which column of a file holds which field: by what a user said, by its name, by its content; each with the reason."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest.columns.column_content import MOST_KINDS, MOSTLY, Content
from recsys.ingest.files.sources import Source
from recsys.ingest.schema import FIELDS, NEEDED, GivenMapping, Mapped, NoColumn, columns_there, given_here

SAME = 0.9
"""A column of events tells something of an item (or user) when this share of the rows of each agree on it."""

BY_NAME, BY_CONTENT, BY_USER, BY_POSITION = (
    "by its name",
    "by its content",
    "as you said",
    "by its position and content",
)
FIRST_VALUES = 5
HALF = 0.5
_STRONG_TIMES = 50
_NUMBERS = (c.RATING, c.QUANTITY, c.PRICE, c.VALUE)


@dataclass(frozen=True)
class Column:
    """A column of a file: what it was taken for and why.

    Attributes:
        taken_as: the field, or None when it is not used.
        because: the reason, in words.
        values: its first different values.
    """

    name: str
    taken_as: str | None
    because: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recognised:
    """A file with its columns recognised.

    Attributes:
        mapped: field to columns.
        columns: all columns of the file, in order.
        whole: columns of ids that are whole numbers with zeros behind a point, which are no part of the id.
        contents: the first values of each column.
        stated: fields that the user settled.
    """

    source: Source
    part: str
    mapped: Mapped
    columns: tuple[Column, ...]
    whole: frozenset[str] = frozenset()
    contents: Mapping[str, Content] = field(default_factory=dict)
    stated: frozenset[str] = frozenset()

    def with_field(self, name: str, columns: tuple[str, ...], because: str) -> "Recognised":
        """The same with a field held by other columns."""
        before = self.mapped.get(name, ())
        told = tuple(
            replace(x, taken_as=name, because=because) if x.name in columns
            else replace(x, taken_as=None, because=f"not used: {self.contents[x.name].describe()}") if x.name in before
            else x
            for x in self.columns
        )  # fmt: skip
        return replace(
            self,
            mapped=self.mapped | {name: columns},
            columns=told,
            whole=_whole(columns, self.contents) | (self.whole - set(before)),
        )


def recognise(
    source: Source, part: str, contents: Mapping[str, Content], given: GivenMapping, *, named: bool
) -> Recognised:
    """The fields of a file; a needed one may be lacking, see `check_needed`.

    Args:
        contents: the first values of each column.
        given: the mapping that a user gave.
        named: whether what is said without a part may concern this file though it does not name its columns.
    """
    said = given_here(given, part, source.columns, named=named)
    return _Finder(source, part, contents, said).run()


def check_needed(entry: Recognised) -> None:
    """Refuse a file without a field that is needed.

    Raises:
        NoColumn: lists the columns there are and the nearest names.
    """
    for needed in NEEDED[entry.part]:
        if not entry.mapped.get(needed):
            there = _what_is_there(entry.source, entry.contents, needed)
            raise NoColumn(entry.source.shown, needed, there, entry.part)


def _what_is_there(source: Source, contents: Mapping[str, Content], wanted: str) -> str:
    seen = [
        f"{name!r} (such as {contents[name].different[0]!r})"
        for name in source.columns[:12]
        if contents[name].different
    ]
    return columns_there(source.columns, wanted) + (f" Their values: {', '.join(seen)}." if seen else "")


class _Finder:
    """Takes columns for fields, one field after the other; a column is taken once."""

    def __init__(self, source: Source, part: str, contents: Mapping[str, Content], said: Mapped) -> None:
        self.source, self.part, self.contents, self.said = source, part, contents, said
        self.mapped: Mapped = {name: columns for name, columns in said.items() if columns}
        self.why: dict[str, tuple[str, str]] = {x: (name, BY_USER) for name, cols in self.mapped.items() for x in cols}
        self.hints: dict[str, str] = {}

    def run(self) -> Recognised:
        if self.part == "events" and self.source.dialect is not None and not self.source.dialect.header:
            self._by_position()
        steps: dict[str, Callable[[], None]] = {
            c.USER: self._user, c.ITEM: self._item, c.TIMESTAMP: self._time, c.EVENT: self._event,
            c.RATING: lambda: self._number(c.RATING), c.QUANTITY: lambda: self._number(c.QUANTITY),
            c.PRICE: self._price, c.VALUE: self._value, c.TITLE: self._title,
            c.BRAND: lambda: self._text(c.BRAND), c.IMAGE_URL: self._image, c.AVAILABLE: self._available,
            c.CATEGORY: self._category, c.ATTRIBUTE: self._attributes,
        }  # fmt: skip
        for name, step in steps.items():
            if name in FIELDS[self.part] and name not in self.said and name not in self.mapped:
                step()
        told = tuple(self._told(name) for name in self.source.columns)
        ids = (*self.mapped.get(c.USER, ()), *self.mapped.get(c.ITEM, ()))
        return Recognised(
            self.source, self.part, self.mapped, told, _whole(ids, self.contents), self.contents, frozenset(self.said)
        )

    def _told(self, name: str) -> Column:
        content = self.contents[name]
        taken, because = self.why.get(name, (None, ""))
        if taken is None:
            because = f"not used: {self.hints.get(name, content.describe())}"
        return Column(name, taken, because, tuple(content.different[:FIRST_VALUES]))

    @property
    def left(self) -> list[str]:
        return [x for x in self.source.columns if x not in self.why]

    def take(self, name: str, columns: Sequence[str], because: str = BY_NAME) -> None:
        if columns:
            self.mapped[name] = tuple(columns)
        self.why |= dict.fromkeys(columns, (name, because))

    def named(self, name: str) -> list[str]:
        """Columns left whose name is one of a field, the likeliest first."""
        ranked = [(place, x) for x in self.left if (place := names.rank(x, name)) is not None]
        return [x for _, x in sorted(ranked, key=lambda entry: entry[0])]

    def _ids(self, name: str) -> list[str]:
        found = []
        for x in self.named(name):
            content = self.contents[x]
            sold = content.money and not content.integers and not self._id_like_name(x)
            if content.times > MOSTLY or sold:
                continue
            found.append(x)
        return found

    def _user(self) -> None:
        found = self._ids(c.USER)
        if not found and self.part == "users":
            found = [x for x in self.left if names.simple(x) == "id"]
        if found:
            self._with_second(c.USER, found)

    def _with_second(self, name: str, found: Sequence[str]) -> None:
        """Take the likeliest column; where it is often empty and another one is not, that one too, for those rows."""
        first = found[0]
        share = self.contents[first].share_filled
        second = next((x for x in found[1:] if self.contents[x].share_filled > max(share, 0.5) + 0.3), None)
        if share == 0 and second:
            self.take(name, (second,), f"{BY_NAME}; {first!r} is empty")
        elif second and share < 0.9:
            self.take(name, (first, second), BY_NAME)
            self.why[second] = (name, f"{BY_NAME}, where {first!r} is empty")
        else:
            self.take(name, (first,))

    def _item(self) -> None:
        found = self._ids(c.ITEM)
        if self.part == "items":
            found += [x for x in self.left if names.simple(x) == "id" and x not in found]
            found.sort(key=lambda x: self.contents[x].empty)
        if not found and self.part == "events":
            found = [x for x in self.named(c.TITLE) if not self.contents[x].unique]
        if self.part == "events":
            unlike = [x for x in found if not self._new_each_row(x)]
            found = unlike or found
        if not found and self.part == "items" and not self._has_header():
            self.take(c.ITEM, [x for x in self.left if self.contents[x].unique][:1], BY_CONTENT)
        elif found:
            self._with_second(c.ITEM, found)

    def _has_header(self) -> bool:
        return self.source.dialect is None or self.source.dialect.header

    def _new_each_row(self, name: str) -> bool:
        content = self.contents[name]
        return len(content.filled) >= 50 and len(content.different) == len(content.filled)

    def _time(self) -> None:
        likely: list[tuple[int, str]] = []
        for x in self.left:
            content, place = self.contents[x], names.time_rank(x)
            if content.empty or place >= 900:
                continue
            timely = content.times > MOSTLY or (content.epochs and not self._id_like(x))
            if names.is_time_name(x):
                timely = timely or content.compact_days or content.epochs or content.serials
            strong = place < _STRONG_TIMES and not content.clocks
            if timely or (strong and (not content.plain_numbers or names.simple(x) not in ("time", "date"))):
                likely.append((place + (0 if timely else 100), x))
        if not likely:
            return
        place, best = min(likely, key=lambda entry: entry[0])
        content = self.contents[best]
        day = content.times > MOSTLY and not content.with_clock
        clock = next((x for x in self.left if x != best and self.contents[x].clocks), None)
        because = BY_NAME if names.rank(best, c.TIMESTAMP) is not None else BY_CONTENT
        if day and clock:
            self.take(c.TIMESTAMP, (best, clock), because)
            self.why[clock] = (c.TIMESTAMP, f"the time of the day, beside the day in {best!r}")
        else:
            self.take(c.TIMESTAMP, (best,), because)
        for _, x in likely:
            if x not in self.why:
                self.hints[x] = f"times, but {best!r} is likelier when the event was"

    def _id_like(self, name: str) -> bool:
        known = names.rank(name, c.ITEM) is not None or names.rank(name, c.USER) is not None
        return known or self._id_like_name(name)

    def _id_like_name(self, name: str) -> bool:
        return names.simple(name).endswith(("id", "nr", "no", "code", "number", "phone", "ean", "isbn", "key"))

    def _event(self) -> None:
        for x in self.named(c.EVENT):
            content = self.contents[x]
            weak = names.simple(x) in ("type", "kind", "activity", "action", "event", "evento")
            if content.empty or content.times > MOSTLY:
                continue
            if (
                not weak
                or content.kinds >= 0.5
                or (names.simple(x) != "type" and len(content.different) > 1 and not content.plain_numbers)
            ):
                self.take(c.EVENT, (x,))
                return
        for x in self.left:
            content = self.contents[x]
            if (
                2 <= len(content.different) <= MOST_KINDS
                and content.kinds > 0.7
                and content.few
                and not content.plain_numbers
            ):
                self.take(c.EVENT, (x,), BY_CONTENT)
                return

    def _number(self, name: str) -> None:
        for x in self.named(name):
            content = self.contents[x]
            if content.rows_with_numbers <= HALF:
                if not content.empty:
                    self.hints[x] = f"no numbers, such as {content.different[0]!r}"
                continue
            if name == c.QUANTITY and names.simple(x) in ("amount", "count") and content.money:
                continue
            if name == c.RATING and (content.money and len(content.different) > 50):
                continue
            self.take(name, (x,))
            return

    def _price(self) -> None:
        self._number(c.PRICE)
        if c.PRICE not in self.mapped and self.part == "items":
            found = [x for x in self.left if self.contents[x].money and not self._id_like(x)]
            if len(found) == 1:
                self.take(c.PRICE, found, BY_CONTENT)

    def _value(self) -> None:
        before = set(self.why)
        self._number(c.VALUE)
        taken = next((x for x in self.mapped.get(c.VALUE, ()) if x not in before), None)
        if taken is None:
            return
        if self.said.get(c.PRICE):
            self._untake(c.VALUE, taken, f"money, but you named the price: {self.said[c.PRICE][0]!r}")
        elif c.PRICE in self.mapped and names.simple(taken) in names.ORDER_TOTALS:
            self._untake(c.VALUE, taken, f"it may be of a whole order; {self.mapped[c.PRICE][0]!r} is of one line")

    def _untake(self, name: str, column: str, hint: str) -> None:
        del self.mapped[name], self.why[column]
        self.hints[column] = hint

    def _tells(self, name: str, of: str) -> bool:
        """Whether rows of the same item (or user) agree on a column of the events."""
        if self.part != "events":
            return True
        keys = [self.contents[x].values for x in self.mapped.get(of, ())[:1]]
        if not keys:
            return False
        told: dict[str, Counter[str]] = {}
        for key, value in zip(keys[0], self.contents[name].values, strict=False):
            if key is not None and value is not None:
                told.setdefault(key, Counter())[value] += 1
        several = [found for found in told.values() if found.total() > 1]
        seen = sum(found.total() for found in several)
        same = sum(found.most_common(1)[0][1] for found in several)
        if same < SAME * seen:
            self.hints[name] = f"it differs from row to row of the same {of.removesuffix('_id')}"
            return False
        return True

    def _text(self, name: str) -> None:
        for x in self.named(name):
            content = self.contents[x]
            if content.empty or content.times > MOSTLY or content.plain_numbers or not self._tells(x, c.ITEM):
                continue
            self.take(name, (x,))
            return

    def _title(self) -> None:
        self._text(c.TITLE)
        if c.TITLE in self.mapped or self.part == "events":
            return
        found = [x for x in self.left if self.contents[x].titles and not names.is_category(names.simple(x))]
        if not found and not self._has_header():
            found = [x for x in self.left if self.contents[x].texts and self.contents[x].unique]
        if found:
            self.take(c.TITLE, found[:1], BY_CONTENT)

    def _image(self) -> None:
        for x in self.named(c.IMAGE_URL):
            if self.contents[x].addresses and self._tells(x, c.ITEM):
                self.take(c.IMAGE_URL, (x,))
                return

    def _available(self) -> None:
        for x in self.named(c.AVAILABLE):
            content = self.contents[x]
            vague = names.simple(x) in ("status", "stan", "active", "published", "enabled", "productstatus")
            if content.empty or (vague and content.availability < 1) or (self.part == "events" and vague):
                continue
            if self._tells(x, c.ITEM):
                self.take(c.AVAILABLE, (x,))
                return

    def _category(self) -> None:
        found = []
        for x in self.named(c.CATEGORY):
            content = self.contents[x]
            if content.empty or content.times > MOSTLY or content.addresses or not self._tells(x, c.ITEM):
                continue
            if all(value.strip().lower() in names.NO_CATEGORIES for value in content.different):
                self.hints[x] = f"no categories: {content.different[0]!r}"
                continue
            found.append(x)
        words = [x for x in found if not self.contents[x].plain_numbers]
        for x in found:
            if words and x not in words:
                self.hints[x] = f"numbers of categories; {words[0]!r} names them"
        found = words or found
        if not found and self.part == "items":
            found = [
                x
                for x in self.left
                if self.contents[x].few and self.contents[x].texts and len(self.contents[x].filled) >= 10
            ]
            self.take(c.CATEGORY, found, BY_CONTENT) if found else None
            return
        if found:
            order = sorted(found, key=_width)
            self.take(c.CATEGORY, order)

    def _attributes(self) -> None:
        if self.part == "users":
            found = [x for x in self.left if not self.contents[x].empty]
            because = "everything told of users"
        else:
            found = [
                x
                for x in self.left
                if names.simple(x) in names.ATTRIBUTES and not self.contents[x].empty and self._tells(x, c.USER)
            ]
            because = BY_NAME
        if found:
            self.take(c.ATTRIBUTE, found, because)

    def _by_position(self) -> None:
        """Without a header: the first column of ids is the user, the next the item, beside times or ratings."""
        if {c.USER, c.ITEM} & set(self.said):
            return
        time = next((x for x in self.left if self.contents[x].times > MOSTLY or self.contents[x].epochs), None)
        rating = next((x for x in reversed(self.left) if x != time and self._rates(x)), None)
        if time is None and rating is None:
            return
        ids = [x for x in self.left if x not in (time, rating) and self._an_id(x)]
        if len(ids) < 2:
            return
        self.take(c.USER, ids[:1], BY_POSITION)
        self.take(c.ITEM, ids[1:2], BY_POSITION)
        if time:
            self.take(c.TIMESTAMP, (time,), BY_CONTENT)
        if rating:
            self.take(c.RATING, (rating,), BY_CONTENT)

    def _an_id(self, name: str) -> bool:
        content = self.contents[name]
        plain = sum(" " not in x.strip() for x in content.looked_at) >= MOSTLY * len(content.looked_at)
        return (
            not content.empty
            and plain
            and not content.money
            and not (content.kinds > 0.7)
            and len(content.different) > 1
        )

    def _rates(self, name: str) -> bool:
        content = self.contents[name]
        if not content.plain_numbers or not 2 <= len(content.different) <= 21:
            return False
        found = [float(x.replace(",", ".")) for x in content.different]
        return min(found) >= 0 and max(found) <= 10 and len(content.filled) > 4 * len(found)


def _width(header: str) -> int:
    simple = names.simple(header)
    return next((n for n, level in enumerate(names.WIDTHS) if simple in level), len(names.WIDTHS))


def _whole(columns: Sequence[str], contents: Mapping[str, Content]) -> frozenset[str]:
    return frozenset(x for x in columns if contents[x].whole)
