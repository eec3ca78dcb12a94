"""The card of an item that is shown where the pointer is over its point."""

from functools import lru_cache
from html import escape

import numpy as np

from recsys.item_map.points import Points
from recsys.item_map.thumbnails import written
from recsys.utils import formatting as fmt


class Hover:
    """What stands in `customdata`: id, title, category, price, popularity and, where there are any, the address of the
    picture; and the template that shows it."""

    def __init__(self, points: Points, currency: str) -> None:
        titles = [written(title) for title in points.titles]
        prices = ["" if np.isnan(price) else escape(fmt.money(price, currency)) for price in points.price]
        self.data = np.empty((len(points), 5 if points.images is None else 6), dtype=object)
        self.data[:, 0] = points.item_ids
        self.data[:, 1] = titles
        self.data[:, 2] = [written(name) for name in points.categories]
        self.data[:, 3] = prices
        self.data[:, 4] = points.popularity.tolist()
        if points.images is not None:
            self.data[:, 5] = points.images
        price = "" if np.isnan(points.price).all() else "price %{customdata[3]} · "
        self.template = (
            f"<b>%{{customdata[1]}}</b><br>%{{customdata[2]}}<br>{price}%{{customdata[4]}} shoppers<extra>{{}}</extra>"
        )

    def named(self, name: str) -> str:
        """The template with a name beside the card."""
        return self.template.replace("{}", escape(fmt.shortened(name, 30)))


@lru_cache(maxsize=3)
def hover_of(points: Points, currency: str) -> Hover:
    """The cards of all items of a map; those of the last maps are kept."""
    return Hover(points, currency)
