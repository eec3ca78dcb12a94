"""A rule set worked out for one model: what it leaves of a list, in what order, and why."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.errors import InvalidInput, NotFound
from recsys.models.model import Model
from recsys.models.rank.top_k import top_k
from recsys.recommend.explain import Reason
from recsys.recommend.rules import Rules
from recsys.utils.arrays import unit_rows

POOL = 100
"""At least so many of the best items are rearranged for variety; ten times k where that is more."""


@dataclass(frozen=True)
class CompiledRules:
    """A rule set worked out for one model.

    Attributes:
        allowed: (n_items,) what the filters leave; None when they leave everything.
        hidden_popular: (n_items,) what is hidden for being popular, or None.
        lift: (n_items,) boosts in standard deviations of a shopper's scores, or None.
        bias: (n_items,) what the popularity dial adds to every score, or None.
        pins: row numbers, in order, each once.
        groups: (n_items,) category numbers for the cap, or None.
        directions: (n_items, components) unit rows for variety, or None.
        alike: (n_items,) equal numbers for near-duplicates, or None.
        most_alike: how many near-duplicates stand in one list.
    """

    rules: Rules
    allowed: NDArray[np.bool_] | None
    hidden_popular: NDArray[np.bool_] | None
    lift: NDArray[np.float32] | None
    bias: NDArray[np.float32] | None
    pins: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    directions: NDArray[np.float32] | None
    alike: NDArray[np.int64] | None = None
    most_alike: int = 0

    def lifted(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n_items,): what boosts and popularity dial add to every item, in the units of these scores."""
        added = np.zeros_like(scores) if self.lift is None else self.lift * np.float32(scores.std())
        return added if self.bias is None else added + self.bias

    def rank(
        self,
        scores: NDArray[np.float32],
        k: int,
        *,
        exclude: NDArray[np.int_] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Item numbers and boosted scores of the list that the rules make, best first; at most k.

        Variety is maximal marginal relevance (Carbonell & Goldstein 1998): of the pool, take again and again the item
        with the highest (1 - d) * relevance - d * likeness, relevance being the score scaled to 0..1 over the pool
        and likeness the largest cosine (at least 0) to an item taken before. Pins come first and count as taken. Where
        near-duplicates alone are left, they fill the list.
        """
        rules = self.rules
        boosted = scores if self.lift is None and self.bias is None else scores + self.lifted(scores)
        open_to = _both(self.allowed, allowed)
        if self.hidden_popular is not None:
            open_to = _both(open_to, ~self.hidden_popular)
        barred = np.zeros(len(scores), dtype=bool)
        if exclude is not None:
            barred[exclude] = True
        pins = self.pins
        if len(pins):
            both = _both(self.allowed, allowed)
            may = ~barred[pins] if both is None else ~barred[pins] & both[pins]
            pins = pins[may][:k]
            barred[pins] = True
        wanted = k - len(pins)
        if wanted == 0 or (rules.most_per_category is None and rules.diversity == 0 and self.alike is None):
            rows = np.zeros(0, np.int32)
            if wanted:
                rows, _ = top_k(boosted, wanted, exclude=np.flatnonzero(barred), allowed=open_to)
            chosen = np.concatenate([pins, rows]).astype(np.int32)
            return chosen, boosted[chosen].astype(np.float32)
        size = max(POOL, 10 * k)
        while True:
            pool, values = top_k(boosted, min(size, len(scores)), exclude=np.flatnonzero(barred), allowed=open_to)
            chosen = self._spread(pins, pool, values, k)
            if len(chosen) < k and size >= len(scores) and self.alike is not None:
                left = ~np.isin(pool, chosen)
                chosen = self._spread(chosen, pool[left], values[left], k, even_alike=True)
            if len(chosen) == k or size >= len(scores):
                return chosen, boosted[chosen].astype(np.float32)
            size *= 10

    def _spread(
        self,
        pins: NDArray[np.signedinteger[Any]],
        pool: NDArray[np.int32],
        values: NDArray[np.float32],
        k: int,
        *,
        even_alike: bool = False,
    ) -> NDArray[np.int32]:
        d, cap = self.rules.diversity, self.rules.most_per_category
        chosen = [int(row) for row in pins]
        if len(pool) == 0:
            return np.array(chosen, dtype=np.int32)
        reach = float(values[0] - values[-1])
        relevance = (values - values[-1]) / reach if reach > 0 else np.ones(len(pool), np.float32)
        left = np.ones(len(pool), dtype=bool)
        likeness = np.zeros(len(pool), dtype=np.float32)
        taken: dict[int, int] = {}
        shown_alike: dict[int, int] = {}

        def take(row: int) -> None:
            if self.directions is not None:
                np.maximum(likeness, self.directions[pool] @ self.directions[row], out=likeness)
            if self.groups is not None and cap is not None:
                group = int(self.groups[row])
                taken[group] = taken.get(group, 0) + 1
                if taken[group] >= cap:
                    left[self.groups[pool] == group] = False
            if self.alike is not None and not even_alike:
                kind = int(self.alike[row])
                shown_alike[kind] = shown_alike.get(kind, 0) + 1
                if shown_alike[kind] >= self.most_alike:
                    left[self.alike[pool] == kind] = False

        for row in chosen:
            take(row)
        while len(chosen) < k and left.any():
            worth = np.where(left, (1 - d) * relevance - d * likeness, -np.inf)
            best = int(np.argmax(worth))
            left[best] = False
            chosen.append(int(pool[best]))
            take(int(pool[best]))
        return np.array(chosen, dtype=np.int32)

    def reasons(self, row: int, lift: float) -> tuple[Reason, ...]:
        """What the rules did to the score or the place of an item; `lift` is its boost in score units."""
        found = [Reason("rule", f"pushed {'up' if lift > 0 else 'down'} by the rules", lift, True)] if lift else []
        if row in self.pins:
            found.append(Reason("rule", "pinned", float(np.flatnonzero(self.pins == row)[0] + 1), False))
        return tuple(found)

    def why_gone(self, model: Model, row: int, shown: NDArray[np.int64]) -> str:
        """Why an item that the model would show is not in the list of items `shown`, in words."""
        rules = self.rules
        names = {str(name) for name in model.categories[row]}
        brand = str(model.items[c.BRAND].iat[row]) if c.BRAND in model.items else ""
        if str(model.items[c.ITEM].iat[row]) in rules.never_items:
            return "never shown"
        if hit := names & set(rules.never_categories):
            return f"category “{sorted(hit)[0]}” is never shown"
        if rules.only_categories and not names & set(rules.only_categories):
            return "not of the categories wanted"
        if brand in rules.never_brands:
            return f"brand “{brand}” is never shown"
        if rules.only_brands and brand not in rules.only_brands:
            return "not of the brands wanted"
        if self.allowed is not None and not self.allowed[row]:
            return "price or availability"
        if self.hidden_popular is not None and self.hidden_popular[row]:
            return f"one of the first {rules.hide_popular:,} bestsellers"
        if self.lift is not None and self.lift[row] < 0:
            return "pushed down"
        cap = rules.most_per_category
        if self.groups is not None and cap is not None and (self.groups[shown] == self.groups[row]).sum() >= cap:
            return f"{cap} of its category are there already"
        if self.alike is not None and (self.alike[shown] == self.alike[row]).sum() >= self.most_alike:
            return "one that differs in nothing but its size is there already"
        by = (("pins", len(self.pins)), ("boosts", self.lift is not None), ("popularity", self.bias is not None),
              ("variety", rules.diversity))  # fmt: skip
        told = ", ".join(what for what, there in by if there)
        return f"outranked: {told}" if told else "outranked"

    def note(self, row: int, place: int, before: int | None) -> str:
        """What the rules did to an item that is shown, in words; "" when nothing.

        Args:
            place: where it stands now, from 1.
            before: where it would stand without rules, None below that list.
        """
        if row in self.pins:
            return "pinned"
        parts = []
        if self.lift is not None and self.lift[row]:
            parts.append(f"pushed {'up' if self.lift[row] > 0 else 'down'} by {abs(float(self.lift[row])):.1f}")
        if self.rules.diversity and place != before:
            parts.append("placed for variety")
        elif place != before and not parts:
            parts.append("moves up where others were taken away" if before is None or place < before else "others pass")
        return ", ".join(parts)


def compile_rules(
    rules: Rules, model: Model, *, alike: NDArray[np.int64] | None = None, most_alike: int = 0
) -> CompiledRules:
    """Work a rule set out for one model.

    Args:
        alike: (n_items,) equal numbers for near-duplicates; without it any number of them may stand in a list.
        most_alike: how many may, where the rules do not say.

    Raises:
        NotFound: a category, brand or item that the model does not know.
        InvalidInput: price, brand, level or availability where the catalogue has none.
    """
    items = model.items
    most = most_alike if rules.most_alike is None else rules.most_alike
    masks: list[NDArray[np.bool_]] = []
    if rules.only_categories:
        masks.append(_in_categories(model, rules.only_categories))
    if rules.never_categories:
        masks.append(~_in_categories(model, rules.never_categories))
    if rules.only_brands:
        masks.append(_of_brands(model, rules.only_brands))
    if rules.never_brands:
        masks.append(~_of_brands(model, rules.never_brands))
    if rules.never_items:
        mask = np.ones(len(items), dtype=bool)
        mask[model.item_rows(rules.never_items)] = False
        masks.append(mask)
    if rules.min_price is not None or rules.max_price is not None:
        price = _prices(model, "min_price and max_price")
        low = -np.inf if rules.min_price is None else rules.min_price
        high = np.inf if rules.max_price is None else rules.max_price
        masks.append(np.isnan(price) | ((price >= low) & (price <= high)))
    if rules.available_only and c.AVAILABLE not in items:
        raise InvalidInput("The catalogue does not say what is available; import it with a column “available”.")
    if not rules.sold_out and (sold_out := not_available(model)).any():
        masks.append(~sold_out)
    hidden = model.popularity_rank <= rules.hide_popular if rules.hide_popular else None
    groups = None
    if rules.most_per_category is not None:
        level = _level(model, rules.category_level)
        groups = pd.factorize(items[level].astype(object))[0].astype(np.int64)
    directions = None
    if rules.diversity > 0:
        directions = unit_rows(model.item_embeddings)
    return CompiledRules(
        rules=rules,
        allowed=np.logical_and.reduce(masks) if masks else None,
        hidden_popular=hidden,
        lift=_lift(rules, model),
        bias=None if rules.popularity == 1 else np.float32(rules.popularity - 1) * model.item_biases,
        pins=model.item_rows(tuple(dict.fromkeys(rules.pins))) if rules.pins else np.zeros(0, np.int64),
        groups=groups,
        directions=directions,
        alike=alike if most else None,
        most_alike=most,
    )


def not_available(model: Model) -> NDArray[np.bool_]:
    """(n_items,) whether the catalogue marks an item as not available."""
    if c.AVAILABLE not in model.items:
        return np.zeros(len(model.items), dtype=bool)
    return model.items[c.AVAILABLE].isin([False, "false", "False", "0", 0, "no"]).to_numpy(dtype=bool)


def _lift(rules: Rules, model: Model) -> NDArray[np.float32] | None:
    if not rules.boosts and not rules.price_weight:
        return None
    lift = np.zeros(len(model.items), dtype=np.float32)
    for boost in rules.boosts:
        if boost.of == "item":
            lift[model.item_rows([boost.name])] += boost.strength
        elif boost.of == "brand":
            lift[_of_brands(model, (boost.name,))] += boost.strength
        else:
            lift[_in_categories(model, (boost.name,))] += boost.strength
    if rules.price_weight:
        price = _prices(model, "price_weight")
        logs = np.log(np.where(price > 0, price, np.nan))
        spread = float(np.nanstd(logs)) or 1.0
        lift += np.nan_to_num(rules.price_weight * (logs - np.nanmean(logs)) / spread).astype(np.float32)
    return lift


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _in_categories(model: Model, names: tuple[str, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(len(model.items), dtype=bool)
    for name in names:
        hit = np.zeros(len(model.items), dtype=bool)
        for level in model.category_levels:
            hit |= (model.items[level] == name).to_numpy(dtype=bool)
        if not hit.any():
            raise NotFound(f"The rules name the category {name!r}, which model {model.id!r} does not know.")
        mask |= hit
    return mask


def _of_brands(model: Model, names: tuple[str, ...]) -> NDArray[np.bool_]:
    if c.BRAND not in model.items:
        raise InvalidInput("The catalogue has no brands; take the brand rules away.")
    brands = model.items[c.BRAND].astype(object)
    for name in names:
        if not (brands == name).any():
            raise NotFound(f"The rules name the brand {name!r}, which model {model.id!r} does not know.")
    return brands.isin(names).to_numpy(dtype=bool)


def _prices(model: Model, rule: str) -> NDArray[np.float64]:
    if c.PRICE not in model.items:
        raise InvalidInput(f"The catalogue has no prices, which {rule} need.")
    return model.items[c.PRICE].to_numpy(dtype=float)


def _level(model: Model, level: str | None) -> str:
    there = model.category_levels
    if not there:
        raise InvalidInput("The catalogue has no categories, so there is nothing to cap.")
    if level is None:
        return there[len(there) // 2]
    if level not in there:
        raise NotFound(f"No category level {level!r}; there are: {', '.join(there)}.")
    return level
