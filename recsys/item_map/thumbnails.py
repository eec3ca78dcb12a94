"""What stands beside the words while the pointer lies on a point of the map: a picture, or a tile of its category."""

from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.dataset.categories import middle_level
from recsys.recommend.recommender import Recommender
from recsys.utils import formatting as fmt
from recsys.utils import palette
from recsys.views.product_cards import initial, picture
from recsys.views.shopper_history import category_colours

TITLE_LENGTH = 40


def written(text: str) -> str:
    """A title or a category as the figure carries it: not too long, and no markup."""
    return escape(fmt.shortened(text, TITLE_LENGTH))


def images(live: Recommender) -> NDArray[np.object_] | None:
    """(n_items,) addresses of pictures that a browser may fetch, "" for none; None where no item has one."""
    if c.IMAGE_URL not in live.items:
        return None
    found = np.array([picture(address) or "" for address in live.items[c.IMAGE_URL]], dtype=object)
    return found if (found != "").any() else None


def tiles(live: Recommender) -> dict[str, tuple[str, str, str]]:
    """Category of the middle level, as the figure carries it, to the letter, colour and ink of its tile."""
    level, levels = middle_level(live.model.category_levels), live.model.category_levels
    if not level:
        return {}
    colours = category_colours(live.items[levels[0]])
    pairs = live.items[[level, levels[0]]].astype(object).drop_duplicates(level)
    found = {}
    for name, widest in pairs.itertuples(index=False):
        colour = colours.get(c.UNCATEGORISED if pd.isna(widest) else str(widest), palette.NEUTRAL)
        found[written(str(name))] = initial(str(name)), colour, palette.ink_on(colour)
    return found
