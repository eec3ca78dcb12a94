"""Colours of the charts. All are of middling lightness, so that they read on white and on near-black alike."""

from collections import Counter
from collections.abc import Iterable, Sequence

OURS = "#1B9974"
"""The model, the recommendations: what this program brings."""

OTHER = "#E0912F"
"""What it is held against: the live model, the shopper's own history."""

NEUTRAL = "#8A9691"
"""Bestsellers, the shop as a whole, everything in the background."""

AGAINST = "#D25B7E"
"""Parts that pull a score down."""

CATEGORIES = (
    "#1B9974", "#E0912F", "#4F7FD6", "#D25B7E", "#8B6CCF", "#2AA3BC",
    "#B3773D", "#7FA53B", "#E0694A", "#5A93A8", "#C265B4", "#B59B1E",
)  # fmt: skip
"""For up to twelve groups, in order of size; everything else is `NEUTRAL`, or `shade` of these where all are named."""

DIVERGING = ("#4F63D6", "#8E9BD0", "#B4BCB8", "#DDA36B", "#DB5A2B")
"""For numbers that can lie on either side of a middle: the middle is quiet, both ends are loud."""

BOUGHT, RECOMMENDED, RECOMMENDED_THEN, FOUND, TASTE = "#FFD400", "#FF1F8F", "#00C8FF", "#FF3B30", "#8A2BFF"
OF_CATEGORY = "#0091FF"
"""What is drawn over a map, apart from all `CATEGORIES`, which are dimmed then."""

SCALE = ("#5B62C9", "#8D5BC0", "#C25A9B", "#E0694A", "#E8A93A")
"""For numbers, from low to high."""


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """A colour for each name, by its place: the first twelve have `CATEGORIES`, the next ones deeper shades of them.

    Give the names in an order that belongs to the whole catalogue (`names_by_size`), and a group has the same colour
    wherever it is drawn.
    """
    return {name: shade(CATEGORIES[place % 12], 1 - 0.28 * (place // 12 % 3)) for place, name in enumerate(names)}


def names_by_size(values: Iterable[object]) -> list[str]:
    """Names of the groups that values stand for, the most frequent first, equally frequent ones by name."""
    counts = Counter(str(value) for value in values)
    return sorted(counts, key=lambda name: (-counts[name], name))


def towards(colour: str, ground: str, share: float) -> str:
    """The colour mixed with so much (0 to 1) of another one."""
    pairs = ((int(one[i : i + 2], 16) for one in (colour, ground)) for i in (1, 3, 5))
    return "#" + "".join(f"{round((1 - share) * own + share * other):02X}" for own, other in pairs)


def shade(colour: str, light: float) -> str:
    """The colour with its red, green and blue multiplied by `light` (0 to 1)."""
    return "#" + "".join(f"{round(int(colour[i : i + 2], 16) * light):02X}" for i in (1, 3, 5))


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour; one of them has at least 4.5 : 1 on any (WCAG 2.2)."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in
              (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))]  # fmt: skip
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#FFFFFF"


def with_alpha(colour: str, alpha: float) -> str:
    """ "#1B9974" and 0.3 give "rgba(27,153,116,0.3)"."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
