"""What one user did: the events of the dataset and those that were logged since, one line for each item."""

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.dataset.splitting import timestamp
from recsys.services.workspace import Workspace
from recsys.storage.new_entries import with_new_activity
from recsys.storage.unlearned_events import mark_of


def user_history(
    workspace: Workspace, user_id: str, *, model_id: str = "live", limit: int | None = None
) -> pd.DataFrame:
    """What a user did, most recent first.

    Returns:
        `item_id`, `title`, the category levels, `count`, `first`, `last`, `value`, and `after_cut`: whether the
        first of it lies in the held-out part, so that the model has not learned from it.
    """
    answers = workspace.load(model_id)
    model = answers.model
    opened = workspace.open_dataset(model.manifest.dataset, mark_of(model.manifest))
    dataset = opened.dataset
    pairs = opened.interactions
    new_activity = answers.activity.new_activity(user_id) if answers.activity is not None else None
    known = new_activity is None or user_id in dataset.user_index
    span = pairs.of_user(dataset.user_row(user_id)) if known else slice(0, 0)
    rows = pairs.counts.indices[span]
    table = dataset.items.iloc[rows][[c.ITEM, c.TITLE, *dataset.category_levels]].reset_index(drop=True)
    table[c.COUNT] = pairs.counts.data[span].astype(int)
    table[c.FIRST] = pairs.first[span]
    table[c.LAST] = pairs.last[span]
    table[c.VALUE] = pairs.value[span]
    cut = timestamp(model.manifest.split.test_start)
    if pd.isna(cut):
        learned = model.history.counts.indices[model.history.of_user(model.user_row(user_id))] if known else []
        table["after_cut"] = ~np.isin(rows, learned)
    else:
        table["after_cut"] = table[c.FIRST] >= cut
    if new_activity is not None:
        table = with_new_activity(table, new_activity, model)
    table = table.sort_values([c.LAST, c.COUNT, c.ITEM], ascending=[False, False, True], ignore_index=True)
    return table if limit is None else table.head(limit)
