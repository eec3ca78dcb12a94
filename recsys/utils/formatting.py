"""Numbers, times and names as people read them. Everything here returns plain text."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import pandas as pd

NOTHING = "–"


@dataclass(frozen=True)
class Measure:
    """What a metric is called and says. `share` ones lie from 0 to 1 and read best as percentages."""

    title: str
    meaning: str
    share: bool = False


METHODS = {
    "model": "This model",
    "popular": "Bestsellers",
    "popular_lately": "Popular lately",
    "popular_in_categories": "Popular in own categories",
    "item_knn": "Nearest items (item-kNN)",
    "user_knn": "Nearest shoppers (user-kNN)",
    "rp3beta": "Random walk (RP3beta)",
    "als": "ALS",
    "ease": "EASE",
    "slim": "SLIM",
    "own_frequency": "What they bought most",
    "lightfm": "Taste alone (LightFM)",
    "trained": "Trained on their history",
    "fallback": "Popular lately",
}


def method(name: str) -> str:
    """What a method of an evaluation is called."""
    return METHODS.get(name, name)


def method_in_sentence(name: str) -> str:
    """The same within a sentence: "popular lately", but "EASE"."""
    title = method(name)
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def measures(k: int = 10) -> dict[str, Measure]:
    """Every metric of an evaluation with lists of length k, most telling first."""
    return {
        "ndcg": Measure(
            f"NDCG@{k}",
            f"How near the top of the list of {k} the products stand that shoppers then bought for the first time: "
            "1 is perfect, 0 is none. The figure to choose models by.",
        ),
        "hit_rate": Measure(
            f"Shoppers with a hit in {k}",
            f"Share of shoppers who went on to buy at least one of the {k} new products shown.",
            share=True,
        ),
        "precision": Measure(
            f"Hits among the {k} shown", f"Share of the {k} products shown that were then bought.", share=True
        ),
        "recall": Measure(
            "New purchases foreseen", f"Share of a shopper's new purchases that stood among the {k} shown.", share=True
        ),
        "map": Measure(
            f"MAP@{k}", f"Mean average precision: like NDCG@{k}, but stricter about the first places. From 0 to 1."
        ),
        "mrr": Measure("First hit (MRR)", "Mean of 1 / place of the first hit: 0.1 means about tenth place."),
        "auc": Measure(
            "AUC", "Chance that a new purchase ranks above a product not bought: 0.5 is guessing, 1 is perfect."
        ),
        "coverage": Measure(
            "Catalogue coverage", "Share of all products that stand in at least one shopper's list.", share=True
        ),
        "diversity": Measure(
            "Variety within a list", "Share of the pairs in a list that are of different categories.", share=True
        ),
        "novelty": Measure(
            "Novelty",
            "How unusual the products shown are, in bits: each bit means half as many shoppers have had them.",
        ),
        "gini": Measure(
            "Concentration (Gini)", "0: every product is shown equally often; 1: only a handful are ever shown."
        ),
    }


def number(value: float) -> str:
    """27955 gives "27,955"."""
    return f"{value:,.0f}"


def share(value: float, digits: int = 1) -> str:
    """0.0541 gives "5.4%"."""
    return f"{100 * value:.{digits}f}%"


def measured(value: float | None, *, is_share: bool) -> str:
    """A metric's value: percentages for shares, three significant digits for scores."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if is_share:
        return share(value, 1 if value >= 0.01 else 2)
    return f"{value:#.3g}".rstrip(".") if value >= 0.1 else f"{value:.4f}"


def signed(value: float, digits: int = 2) -> str:
    """ "+0.12" or "−0.12", with a true minus sign; "0.00" for what rounds to nothing."""
    text = f"{abs(value):.{digits}f}"
    sign = "" if float(text) == 0 else "+" if value > 0 else "−"
    return f"{sign}{text}"


def signed_share(value: float, digits: int = 1) -> str:
    """ "+3.2%" or "−3.2%"."""
    return f"{signed(100 * value, digits)}%"


def decimal(value: float, digits: int = 3) -> str:
    """A number without an exponent, with so many significant digits: 3e-06 gives "0.000003", 1234.5 gives "1,234"."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else NOTHING
    places = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{abs(value):,.{places}f}"
    return ("−" if value < 0 else "") + (text.rstrip("0").rstrip(".") if "." in text else text)


def difference(value: float, *, is_share: bool) -> str:
    """The difference of two values of a metric: "+0.0021", or "+1.2 points" for shares."""
    return f"{100 * value:+z.1f} points" if is_share else f"{value:+z.4f}"


def interval(metric: dict[str, float | None], *, is_share: bool) -> str:
    """ "0.0429 (0.0394 to 0.0468)", or the value alone where there is no interval."""
    value = measured(metric.get("value"), is_share=is_share)
    low, high = metric.get("low"), metric.get("high")
    if low is None or high is None:
        return value
    return f"{value} ({measured(low, is_share=is_share)} to {measured(high, is_share=is_share)})"


def change(value: float | None, other: float | None) -> str:
    """How much `value` is above or below `other`: "22% better", "3% worse", "the same"."""
    if value is None or not other:
        return NOTHING
    percent = round(100 * (value / other - 1))
    return "the same" if percent == 0 else f"{abs(percent)}% {'better' if percent > 0 else 'worse'}"


def money(value: float, currency: str) -> str:
    """1234.5 gives "$1,234.50"; without a currency "1,234.50"."""
    return f"{currency}{value:,.2f}"


def times(count: int) -> str:
    """ "once", "twice", "12 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def duration(seconds: float | None) -> str:
    """80 gives "1 min 20 s"; None gives a dash."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, rest = divmod(whole, 3600)
    return f"{hours} h {rest // 60} min"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago a moment was: "just now", "5 minutes ago", "3 days ago"."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def day(moment: Any, *, year: bool = True) -> str:
    """ "3 Dec 2017", or "3 Dec"; a dash where there is no time."""
    time: Any = pd.Timestamp(moment)
    if pd.isna(time):
        return NOTHING
    return f"{time.day} {time:%b %Y}" if year else f"{time.day} {time:%b}"


def plural(count: int, noun: str) -> str:
    """ "1 row", "27,955 rows", "3 categories", "2 passes"."""
    if count == 1:
        return f"1 {noun}"
    if noun[-1:] == "y" and noun[-2:-1] not in "aeiou":
        return f"{number(count)} {noun[:-1]}ies"
    return f"{number(count)} {noun}{'es' if noun[-1:] == 's' else 's'}"


def period(moments: Any) -> str:
    """ "1 Jan 2017 to 31 Dec 2017" from two moments; "no times in the data" from None."""
    return "no times in the data" if moments is None else " to ".join(day(moment) for moment in moments)


def label(column: str) -> str:
    """A column name as a heading: "household_size" gives "Household size"."""
    text = column.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def shortened(text: str, length: int = 42) -> str:
    """The text, cut at a word with an ellipsis when it is longer than `length`."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    head = cut.rsplit(" ", 1)[0] if " " in cut[length // 2 :] else cut
    return head.rstrip(" ,·-/&") + "…"


def distinct(texts: Sequence[str], length: int = 42, keys: Sequence[str] = ()) -> list[str]:
    """Every text cut to about `length` letters, so that two that differ still do.

    Where plain cutting would make several the same, what they share at their beginning is cut instead. Those that are
    the same uncut keep their key behind them, where there are keys.
    """
    found = [shortened(text, length) for text in texts]
    for label in [label for label, count in Counter(found).items() if count > 1]:
        places = [place for place, other in enumerate(found) if other == label]
        if len({texts[place] for place in places}) == 1:
            continue
        for place, better in zip(places, _told_apart([texts[place] for place in places], length), strict=True):
            found[place] = better
    if keys:
        counts = Counter(found)
        for place, label in enumerate(found):
            if counts[label] > 1:
                found[place] = f"{shortened(label, max(length - len(keys[place]) - 3, 8))} ({keys[place]})"
    return found


def _told_apart(texts: Sequence[str], length: int) -> list[str]:
    """The texts with what they share at the beginning cut away, as far as there is need."""
    letters = zip(*texts, strict=False)
    same = sum(1 for _ in takewhile(lambda alike: len(set(alike)) == 1, letters))
    same = texts[0].rfind(" ", 0, same + 1) + 1
    ends = [text[same:] for text in texts]
    room = max(length - min(max(map(len, ends)), length // 2) - 2, length // 3)
    head = shortened(texts[0][:same], room).rstrip("… ")
    labels = [f"{head} … {shortened(end, length - len(head) - 3)}" if end else head for end in ends]
    if len(set(labels)) == len(set(texts)):
        return labels
    return [f"{head} … {end}" for end in ends]


def joined(parts: list[str]) -> str:
    """ "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
