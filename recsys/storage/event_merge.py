"""A dataset together with its log: what the next training learns from."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.storage import event_log
from recsys.storage.event_log import EventLog, Mark
from recsys.storage.new_entries import item_rows

LOG = "log"
"""Where the notes of a dataset, and the manifest of a model, keep the mark up to which the log is in it."""

LONGEST_GAP = pd.Timedelta(days=28)


def merge_log(dataset: Dataset, log: EventLog, through: Mark) -> Dataset:
    """The dataset with all that its log holds up to a mark; the same dataset and mark always give the same.

    * An event that the dataset has already (same user, item and second) counts once: a newer export may contain it.
    * Items and users come in with what was announced of them; those the dataset has keep what it says of them.
    * A dataset without times takes the events without theirs; one with weights takes them with the mean weight.
    """
    if through == Mark():
        return dataset
    added = log.table(dataset.name, through)
    items = log.announced(dataset.name, event_log.ITEM, through=through.announcements)
    users = log.announced(dataset.name, event_log.USER, through=through.announcements)
    base = dataset.events.assign(
        **{
            c.USER: dataset.users[c.USER].to_numpy()[dataset.events[c.USER].to_numpy()],
            c.ITEM: dataset.items[c.ITEM].to_numpy()[dataset.events[c.ITEM].to_numpy()],
        }
    )
    if not dataset.timed:
        added[c.TIMESTAMP] = pd.NaT
    else:
        same = [c.USER, c.ITEM, c.TIMESTAMP]
        known = pd.MultiIndex.from_frame(base.loc[base[c.USER].isin(added[c.USER].unique()), same])
        added = added[~pd.MultiIndex.from_frame(added[same]).isin(known)]
    if c.WEIGHT in base:
        added[c.WEIGHT] = float(base[c.WEIGHT].mean())
    new_items = {name: content for name, content in items.items() if name not in set(dataset.items[c.ITEM])}
    item_table = pd.concat(
        [dataset.items, item_rows(new_items, dataset.category_levels, list(dataset.items.columns))], ignore_index=True
    )
    return Dataset.from_raw(
        dataset.name,
        pd.concat([base, added], ignore_index=True),
        items=item_table if new_items else dataset.items,
        users=_users(dataset, users),
        category_levels=dataset.category_levels,
        user_attributes=dataset.user_attributes,
        notes={**dataset.notes, LOG: list(through), **_cuts(dataset, added)},
    )


def _users(dataset: Dataset, announced: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    known = set(dataset.users[c.USER])
    rows = [{c.USER: name, **attributes} for name, attributes in announced.items() if name not in known]
    if not rows:
        return dataset.users
    new = pd.DataFrame(rows).reindex(columns=dataset.users.columns)
    return pd.concat([dataset.users, new.astype(object).where(new.notna(), None)], ignore_index=True)


def _cuts(dataset: Dataset, added: pd.DataFrame) -> dict[str, str]:
    """Where the log begins long after the data ends (old data, put to use today), the periods held out for
    evaluation stay those of the data: cut by the log, they would lie in the gap and hold nothing."""
    if not dataset.timed or len(added) == 0:
        return {}
    end = dataset.period[1]
    later = added[c.TIMESTAMP][added[c.TIMESTAMP] > end]
    gap = len(later) > 0 and later.min() - end > LONGEST_GAP
    return {"split_end": end.isoformat()} if gap else {}
