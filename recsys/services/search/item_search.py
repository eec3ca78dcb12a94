"""Items found by their words."""

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.services.workspace import Workspace


def find_items(workspace: Workspace, query: str = "", limit: int = 20) -> pd.DataFrame:
    """Items whose id is `query` or whose title and categories hold all its words, bestsellers first.

    Returns:
        `item_id`, `title`, the category levels, `brand`, `price`, `popularity` (how many users have had it).
    """
    model = workspace.load().model
    keep = [x for x in (c.ITEM, c.TITLE, *model.category_levels, c.BRAND, c.PRICE) if x in model.items]
    table = model.items[keep].assign(popularity=model.popularity)
    found = table[model.items_with_words(query)]
    order = np.lexsort((-found["popularity"].to_numpy(), ~(found[c.ITEM] == query).to_numpy(dtype=bool)))
    return found.iloc[order[:limit]].reset_index(drop=True)
