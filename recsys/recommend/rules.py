"""What a merchandiser lays over the model: filters, pins, boosts, caps and variety, as one named, frozen value."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from recsys.errors import InvalidInput
from recsys.recommend.conditions import ALWAYS, Conditions

BoostOf = Literal["category", "brand", "item"]
BOOSTED: tuple[BoostOf, ...] = ("category", "brand", "item")
STRONGEST = 10.0


@dataclass(frozen=True)
class Boost:
    """Push every item of a category or brand, or one item, up (or down, when negative).

    `strength` is in standard deviations of the shopper's own scores, so that it means the same for every shopper.
    """

    of: BoostOf
    name: str
    strength: float

    @property
    def target(self) -> str:
        """What is pushed, as one text: "category:Dairy"; the reverse of `boost`."""
        return f"{self.of}:{self.name}"


def boost(target: str, strength: float) -> Boost:
    """The boost of a `Boost.target`."""
    of, _, name = target.partition(":")
    if of not in BOOSTED:
        raise InvalidInput(f"{target!r} cannot be pushed; write one of {', '.join(BOOSTED)}, a colon and a name.")
    return Boost(of, name, strength)


@dataclass(frozen=True)
class Rules:
    """One rule set. The default changes nothing.

    Attributes:
        only_categories, never_categories: names on any category level; never goes before only.
        only_brands, never_brands: brands.
        never_items: item ids.
        min_price, max_price: items without a price are kept.
        available_only: refuse a catalogue that does not say what is available.
        sold_out: also recommend items that the catalogue marks as not available; they are left out otherwise.
        hide_popular: leave out so many bestsellers (lane "discover").
        pins: item ids that come first, in this order, unless the shopper has had them or a filter takes them away.
        boosts: what is pushed up or down.
        popularity: the popularity dial: score = taste + popularity * item bias. 1 leaves the model as it was trained,
            below shows rarer items, above what everybody buys.
        price_weight: boost by price: strength for an item one standard deviation (of the logarithm) above the mean.
        most_per_category: at most so many items of one category in a list.
        category_level: the level that counts for that; the middle one by default.
        most_alike: at most so many products that differ in nothing but their size; 0 for any number, None for what the
            shop has set (`INSIDER_MOST_ALIKE`). A list is never shorter for it.
        diversity: 0 ranks by score alone, 1 by being unlike what stands above (MMR).
        when: when, where and for whom it applies; always by default.
        name, version: where it was stored; "" and 0 before that.
    """

    only_categories: tuple[str, ...] = ()
    never_categories: tuple[str, ...] = ()
    only_brands: tuple[str, ...] = ()
    never_brands: tuple[str, ...] = ()
    never_items: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None
    available_only: bool = False
    sold_out: bool = False
    hide_popular: int = 0
    pins: tuple[str, ...] = ()
    boosts: tuple[Boost, ...] = ()
    popularity: float = 1.0
    price_weight: float = 0.0
    most_per_category: int | None = None
    category_level: str | None = None
    most_alike: int | None = None
    diversity: float = 0.0
    when: Conditions = ALWAYS
    name: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        checks = (
            (0 <= self.diversity <= 1, f"diversity is {self.diversity}; it must lie from 0 to 1."),
            (0 <= self.popularity <= 2, f"popularity is {self.popularity}; it must lie from 0 to 2."),
            (
                not (self.available_only and self.sold_out),
                "available_only and sold_out exclude each other; leave one of them out.",
            ),
            (self.hide_popular >= 0, f"hide_popular is {self.hide_popular}; it must be 0 or more."),
            (
                self.most_per_category is None or self.most_per_category >= 1,
                f"most_per_category is {self.most_per_category}; it must be 1 or more.",
            ),
            (
                self.most_alike is None or self.most_alike >= 0,
                f"most_alike is {self.most_alike}; it must be 0 or more.",
            ),
            (abs(self.price_weight) <= STRONGEST, f"price_weight is {self.price_weight}; at most {STRONGEST:g}."),
            (
                self.min_price is None or self.max_price is None or self.min_price <= self.max_price,
                f"min_price {self.min_price} is above max_price {self.max_price}.",
            ),
        )
        for holds, message in checks:
            if not holds:
                raise InvalidInput(message)
        for boost in self.boosts:
            if not abs(boost.strength) <= STRONGEST:
                raise InvalidInput(f"Boost of {boost.name!r} is {boost.strength}; at most {STRONGEST:g} either way.")

    def without_items(self, item_ids: Collection[str]) -> "Rules":
        """The same rules without what they say of some items: for a model that does not have these."""
        return replace(
            self,
            never_items=tuple(item for item in self.never_items if item not in item_ids),
            pins=tuple(item for item in self.pins if item not in item_ids),
            boosts=tuple(boost for boost in self.boosts if boost.of != "item" or boost.name not in item_ids),
        )

    @property
    def empty(self) -> bool:
        """Whether nothing is changed, whenever it applies."""
        return replace(self, name="", version=0, category_level=None, when=ALWAYS) == Rules()

    @property
    def label(self) -> str | None:
        """ "NAME, version N" once stored."""
        return f"{self.name}, version {self.version}" if self.name else None

    def changed(self, values: Mapping[str, Any]) -> "Rules":
        """The same rules with other values of some attributes, not stored yet."""
        return replace(self, **{**values, "name": "", "version": 0})

    def to_dict(self) -> dict[str, Any]:
        """What JSON can carry; only what differs from the default, without name and version."""
        plain = {key: value for key, value in asdict(self).items() if getattr(self, key) != getattr(Rules(), key)}
        plain.pop("name", None)
        plain.pop("version", None)
        if "when" in plain:
            plain["when"] = self.when.to_dict()
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], *, name: str = "", version: int = 0) -> "Rules":
        """The reverse of `to_dict`; InvalidInput names a key or a value that cannot be used."""
        known = {f.name for f in fields(cls)} - {"name", "version"}
        values: dict[str, Any] = {}
        for key, value in given.items():
            if key not in known:
                raise InvalidInput(f"No rule {key!r}; there are: {', '.join(sorted(known))}.")
            values[key] = _checked(key, value)
        return cls(**values, name=name, version=version)


def _checked(key: str, value: Any) -> Any:
    """One value of a document, in the type that `Rules` wants."""
    default = getattr(Rules(), key)
    if key == "when":
        return Conditions.from_dict(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if key == "boosts":
        try:
            boosts = tuple(Boost(**boost) for boost in value)
        except TypeError:
            raise InvalidInput(f"boosts is {value!r}; each needs of, name and strength.") from None
        for boost in boosts:
            good = isinstance(boost.strength, (int, float)) and isinstance(boost.name, str)
            if boost.of not in BOOSTED or not good:
                raise InvalidInput(f"boosts holds {boost!r}; of is category, brand or item, strength a number.")
        return tuple(replace(boost, strength=float(boost.strength)) for boost in boosts)
    if isinstance(default, tuple):
        if isinstance(value, str) or not all(isinstance(x, str) for x in value):
            raise InvalidInput(f"{key} is {value!r}; it must be a list of texts.")
        return tuple(value)
    if isinstance(default, bool):
        good = isinstance(value, bool)
    elif key in ("hide_popular", "most_per_category", "most_alike"):
        good = (value is None and default is None) or (number and value == int(value))
    elif key == "category_level":
        good = value is None or isinstance(value, str)
    else:
        good = (value is None and default is None) or (number and bool(np.isfinite(value)))
    if not good:
        raise InvalidInput(f"{key} is {value!r}, which it cannot be.")
    if not number:
        return value
    return int(value) if key in ("hide_popular", "most_per_category", "most_alike") else float(value)
