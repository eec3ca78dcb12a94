"""What the table of items holds beside names and categories: columns of numbers, and texts."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c


def number_columns(items: pd.DataFrame) -> tuple[str, ...]:
    """The columns of numbers, the price among them, that are known of some item."""
    return tuple(
        str(name)
        for name, column in items.items()
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) and column.notna().any()
    )


def texts_of(items: pd.DataFrame) -> NDArray[np.object_]:
    """(n,) title and description of each item; a title that is but the id says nothing."""
    titles = items[c.TITLE].astype(object).where(items[c.TITLE] != items[c.ITEM], "").fillna("").astype(str)
    if c.DESCRIPTION in items:
        titles = titles + " " + items[c.DESCRIPTION].astype(object).fillna("").astype(str)
    return titles.to_numpy(dtype=object)
