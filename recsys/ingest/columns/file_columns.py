"""The columns of one file, and which of them were taken for a field so far."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from recsys import columns as c
from recsys.ingest import column_names as names
from recsys.ingest.columns.column_content import Content
from recsys.ingest.files.sources import Source
from recsys.ingest.schema import Mapped

SAME = 0.9
"""A column of events tells something of an item (or user) when this share of the rows of each agree on it."""

BY_NAME, BY_CONTENT, BY_USER, BY_POSITION = (
    "by its name",
    "by its content",
    "as you said",
    "by its position and content",
)

_OF_A_PRODUCT = (c.QUANTITY, c.VALUE, c.PRICE, c.TITLE, c.CATEGORY, c.BRAND, c.IMAGE_URL, c.AVAILABLE)


class FileColumns:
    """The columns of one file. Fields take columns one after the other; a column is taken once.

    Attributes:
        part: what the file is of: events, items or users.
        contents: the first values of each column.
        said: field to columns, as the user settled them.
        mapped: field to columns, as taken so far.
        why: column to the field that it was taken for, and the reason.
        passed_over: columns that no field may take, with the reason.
        hints: column to the reason why it was not taken.
    """

    def __init__(
        self,
        source: Source,
        part: str,
        contents: Mapping[str, Content],
        said: Mapped,
        passed_over: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.source, self.part, self.contents, self.said = source, part, contents, said
        self.mapped: Mapped = {name: columns for name, columns in said.items() if columns}
        self.why: dict[str, tuple[str, str]] = {x: (name, BY_USER) for name, cols in self.mapped.items() for x in cols}
        self.passed_over = passed_over
        self.hints: dict[str, str] = dict(passed_over)

    @property
    def left(self) -> list[str]:
        """Columns that no field has taken, in the order of the file."""
        return [x for x in self.source.columns if x not in self.why and x not in self.passed_over]

    def take(self, name: str, columns: Sequence[str], because: str = BY_NAME) -> None:
        """Take columns for a field."""
        if columns:
            self.mapped[name] = tuple(columns)
        self.why |= dict.fromkeys(columns, (name, because))

    def untake(self, name: str, column: str, hint: str) -> None:
        """Give a column back, with the reason."""
        del self.mapped[name], self.why[column]
        self.hints[column] = hint

    def named(self, name: str) -> list[str]:
        """Columns left whose name is one of a field, the likeliest first; those that begin like the id of the item, as
        `ti_name` does beside `ti_sku`, by the rest of their name."""
        before = names.first_words(self.mapped[c.ITEM][0]) if c.ITEM in self.mapped else ()
        left = self.left if name not in _OF_A_PRODUCT else self._in_list()
        ranked = [(place, x) for x in left if (place := names.rank(x, name)) is not None]
        known = {x for _, x in ranked}
        ranked += [
            (place, x) for x in left if x not in known and (place := names.rank_after(before, x, name)) is not None
        ]
        if name not in (c.USER, c.ITEM):
            ranked += [(place, x) for x in left if (place := self._rank_of_twin(x, name)) is not None]
        return list(dict.fromkeys(x for _, x in sorted(ranked, key=lambda entry: entry[0])))

    def _in_list(self) -> list[str]:
        """The columns left that tell of each product, where a list of products in each object becomes rows; what stands
        outside of it is of all of them."""
        if not self.source.rows_of:
            return self.left
        return [x for x in self.left if (place := self.source.places.get(x)) is not None and place.in_list]

    def _rank_of_twin(self, column: str, name: str) -> int | None:
        """The place of a column that stands twice in the file, and has a number behind its name therefore."""
        base, again, number = column.rpartition("_")
        return names.rank(base, name) if again and number.isdigit() and base in self.source.columns else None

    def has_header(self) -> bool:
        """Whether the file names its columns."""
        return self.source.dialect is None or self.source.dialect.header

    def is_like_id(self, name: str) -> bool:
        """Whether a column is named like an id, of items or users or of anything else."""
        known = names.rank(name, c.ITEM) is not None or names.rank(name, c.USER) is not None
        return known or self.has_id_name(name)

    def has_id_name(self, name: str) -> bool:
        """Whether the name of a column ends like that of some number or id."""
        return names.simple(name).endswith(("id", "nr", "no", "code", "number", "phone", "ean", "isbn", "key"))

    def tells_of(self, name: str, of: str) -> bool:
        """Whether rows of the same item (or user) agree on a column of the events."""
        if self.part != "events":
            return True
        keys = [self.contents[x].values for x in self.mapped.get(of, ())[:1]]
        if not keys:
            return False
        counts: dict[str, Counter[str]] = {}
        for key, value in zip(keys[0], self.contents[name].values, strict=False):
            if key is not None and value is not None:
                counts.setdefault(key, Counter())[value] += 1
        several = [found for found in counts.values() if found.total() > 1]
        seen = sum(found.total() for found in several)
        same = sum(found.most_common(1)[0][1] for found in several)
        if same < SAME * seen:
            self.hints[name] = f"it differs from row to row of the same {of.removesuffix('_id')}"
            return False
        return True
