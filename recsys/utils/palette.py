"""Colours of the charts. All are of middling lightness, so that they read on white and on near-black alike."""

OURS = "#1B9974"
"""The model, the recommendations: what this program brings."""

OTHER = "#E0912F"
"""What it is held against: the live model, the shopper's own history."""

NEUTRAL = "#8A9691"
"""Most popular, the shop as a whole, everything in the background."""

AGAINST = "#D25B7E"
"""Parts that pull a score down."""

CATEGORIES = (
    "#1B9974", "#E0912F", "#4F7FD6", "#D25B7E", "#8B6CCF", "#2AA3BC",
    "#B3773D", "#7FA53B", "#E0694A", "#5A93A8", "#C265B4", "#B59B1E",
)  # fmt: skip
"""For up to twelve groups, in order of size; everything else is `NEUTRAL`."""

SCALE = ("#5B62C9", "#8D5BC0", "#C25A9B", "#E0694A", "#E8A93A")
"""For numbers, from low to high."""


def with_alpha(colour: str, alpha: float) -> str:
    """ "#1B9974" and 0.3 give "rgba(27,153,116,0.3)"."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
