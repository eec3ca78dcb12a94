"""Why one product is recommended to somebody: the parts of its score in words, and what each own product does to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.recommend.explain import Reason, reasons_for, similar_from_history
from recsys.recommend.leave_one_out import Influence
from recsys.recommend.recommender import RankedItem, Recommender, UserState
from recsys.recommend.rules import Rules
from recsys.services.workbench.target_user import TargetUser, known
from recsys.utils import formatting as fmt

LIKE_THEM = "Shoppers like them"
ITSELF = "This product itself"
EVERYBODY = "Liked by everybody"
RULES = "The rules"
LITTLE = 0.05
"""Falls below so many standard deviations of a shopper's scores move hardly anything."""


@dataclass(frozen=True)
class Why:
    """Why one item is recommended.

    Attributes:
        facts: categories, price and popularity of the item on one line.
        sentence: in plain words.
        parts: name and value of the parts of the score that differ between products; [] in the lane "again".
        footnote: what the parts leave out: the constant, and the attributes behind the part `LIKE_THEM`.
        constant: what is added to every product of this shopper alike; `parts` and it make up the score exactly.
        score: the score of the item, boosts of the rules included.
        nearest: `title`, `likeness` (100 times the cosine): the shopper's own products that are most alike.
    """

    title: str
    facts: str
    sentence: str
    parts: tuple[tuple[str, float], ...]
    footnote: str
    constant: float
    score: float
    nearest: pd.DataFrame


@dataclass(frozen=True)
class ItemInfluences:
    """What leaving out each of the shopper's own products does to a score.

    Attributes:
        sentence: the strongest, in words.
        table: `item_id, title, fall` (how far the score falls without it; negative: it speaks against), strongest
            first: the first few for and against, of those whose effect is larger than twice its error.
        tried: how many were left out, one at a time.
        how: how that was found out, in words.
    """

    sentence: str
    table: pd.DataFrame
    tried: int
    how: str

    @property
    def items(self) -> list[tuple[str, str]]:
        """Id and title of each of them."""
        return list(zip(self.table[c.ITEM], self.table[c.TITLE], strict=True))

    @property
    def falls(self) -> list[float]:
        """How much the score falls without each of the items."""
        return [float(fall) for fall in self.table["fall"]]


def why(
    live: Recommender, subject: TargetUser | str, item: RankedItem, currency: str = "", rules: Rules | None = None
) -> Why:
    """The reasons for one line of an answer; `subject` may be a shopper's id."""
    model = live.model
    user_state = (known(live, subject) if isinstance(subject, str) else subject).user_state
    row = int(model.item_rows([item.item_id])[0])
    reasons = reasons_for(model, row, user_state.user_vector)
    own_level, varying = reasons[-1], reasons[:-1]
    likes = [reason for reason in varying if reason.kind == "user"]
    parts = [(_part_name(reason), reason.value) for reason in varying if reason.kind != "user"]
    if likes:
        parts.append((LIKE_THEM, sum(reason.value for reason in likes)))
    compiled = live.compiled_rules(rules)
    lift = float(compiled.lifted(live.scores_for(user_state.user_vector))[row]) if compiled is not None else 0.0
    if lift:
        parts.append((RULES, lift))
    parts.sort(key=lambda part: -abs(part[1]))
    nearest = similar_from_history(model, row, user_state.items[user_state.items != row], most=5)
    again = item.lane == "again"
    return Why(
        title=item.title,
        facts=item_facts(live, row, currency),
        sentence=_bought_sentence(user_state, row) if again else _sentence(parts, nearest),
        parts=() if again else tuple(parts),
        footnote=_footnote(own_level.value, likes),
        constant=own_level.value,
        score=sum(reason.value for reason in reasons) + lift,
        nearest=pd.DataFrame({c.TITLE: [r.name for r in nearest], "likeness": [100 * r.value for r in nearest]}),
    )


def item_influences(live: Recommender, subject: TargetUser, item_id: str, most: int = 5) -> ItemInfluences:
    """Which of their own products speak for (and against) one item: each is left out of the fold-in."""
    model = live.model
    row = int(model.item_rows([item_id])[0])
    found = live.user_states.without_each(
        row, subject.user_state, subject.person.attributes, subject.name if subject.known else None
    )
    shown = _strongest(found, most)
    titles = model.items[c.TITLE].iloc[found.items[shown]].astype(str).to_numpy(dtype=object)
    ids = [model.item_ids[row] for row in found.items[shown]]
    table = pd.DataFrame({c.ITEM: ids, c.TITLE: titles, "fall": found.falls[shown]})
    tried = len(found.items)
    if not tried:
        return ItemInfluences("They have bought nothing that could speak for it.", table, 0, "")
    how = _how(found)
    if not len(table) or table["fall"].iloc[0] <= 0:
        return ItemInfluences(
            "No single product of theirs clearly speaks for it: it rests on many of them together.", table, tried, how
        )
    title, fall = str(table[c.TITLE].iloc[0]), float(table["fall"].iloc[0])
    spread = float(live.scores_for(subject.user_state.user_vector).std())
    if fall < LITTLE * spread:
        sentence = f"It rests on many products together: leaving out the strongest, “{title}”, takes only {fall:.3f}."
    else:
        sentence = f"Without “{title}” its score would be {fall:.2f} lower."
    return ItemInfluences(sentence, table, tried, how)


def _strongest(found: Influence, most: int) -> NDArray[np.int64]:
    """Places of those that speak for it most, and of those that speak against it most, at the end."""
    clear = np.flatnonzero(found.clear)
    speaks_for, against = clear[found.falls[clear] > 0], clear[found.falls[clear] < 0]
    return np.concatenate([speaks_for[:most], against[-most:]])


def _how(found: Influence) -> str:
    tried = len(found.items)
    if found.exact:
        each = "their one product" if tried == 1 else f"each of their {fmt.number(tried)} products"
        return f"Exact: {each} left out of the history, one at a time, and the taste worked out anew without it."
    return (
        f"Measured: {fmt.number(tried)} products were left out, one at a time, and the taste worked out anew. "
        "Only effects larger than the noise of doing so are shown."
    )


def item_facts(live: Recommender, row: int, currency: str = "", *, buyers: bool = True) -> str:
    """Categories, price and, with `buyers`, popularity of the item with this row number, on one line."""
    model = live.model
    facts = [" › ".join(dict.fromkeys(model.categories[row]))] if model.category_levels else []
    price = float(model.items[c.PRICE].to_numpy(dtype=float)[row]) if c.PRICE in model.items else np.nan
    if not np.isnan(price):
        facts.append(fmt.money(price, currency))
    if buyers:
        facts.append(f"bought by {fmt.plural(int(model.popularity[row]), 'shopper')}")
    return " · ".join(facts)


def _sentence(parts: Sequence[tuple[str, float]], nearest: Sequence[Reason]) -> str:
    fixed = {
        LIKE_THEM: "shoppers like them buy it",
        ITSELF: "this very product fits what they buy",
        EVERYBODY: "it is liked by everybody",
        RULES: "the rules push it up",
    }
    sentences = [fixed.get(name, f"they lean towards “{name}”") for name, value in parts if value > 0][:2]
    text = (
        f"Mostly because {fmt.joined(sentences)}."
        if sentences
        else "Nothing speaks for it strongly; little else is left."
    )
    return f"{text} Of what they bought, “{nearest[0].name}” is most like it." if nearest else text


def _bought_sentence(user_state: UserState, row: int) -> str:
    place = int(np.searchsorted(user_state.items, row))
    times = int(user_state.counts[place])
    last = user_state.last[place]
    when = "" if pd.isna(last) else f", last on {fmt.day(last)}"
    return f"Bought {fmt.times(times)} before{when}: what is bought often and lately comes first."


def _footnote(constant: float, likes: Sequence[Reason]) -> str:
    sentences = [f"Every product of this shopper gets {fmt.signed(constant)} on top, which changes no order."]
    if abs(constant) < 0.005:
        sentences = []
    if likes:
        sentences.insert(
            0, f"{LIKE_THEM}: {', '.join(f'{_part_name(reason)} ({fmt.signed(reason.value)})' for reason in likes)}."
        )
    return " ".join(sentences)


def _part_name(reason: Reason) -> str:
    if reason.kind in ("user", "number", "words"):
        name, _, value = reason.name.partition(": ")
        return f"{fmt.label(name)}: {value}"
    return {"item": ITSELF, "bias": EVERYBODY}.get(reason.kind, reason.name)
