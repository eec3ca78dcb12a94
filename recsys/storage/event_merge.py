"""A dataset together with its log: what the next training learns from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from recsys import columns as c
from recsys.dataset.dataset import Dataset
from recsys.dataset.event_kinds import KIND_WEIGHTS, PURCHASE, weight_of
from recsys.storage import event_log
from recsys.storage.event_log import EventLog, Mark
from recsys.storage.new_entries import item_rows

LOG = "log"
"""Where the notes of a dataset, and the manifest of a model, keep the mark up to which the log is in it."""

LONGEST_GAP = pd.Timedelta(days=28)
ENOUGH_GAPS, ENOUGH_SHARE = 5, 0.1
"""What follows a gap has to last so many times as long, and to be such a share of all events, to be judged on."""


def merge_log(dataset: Dataset, log: EventLog, through: Mark) -> Dataset:
    """The dataset with all that its log holds up to a mark; the same dataset and mark always give the same.

    * An event that the dataset has already (same user, item and second) counts once: a newer export may contain it.
    * Items and users come in with what was announced of them; those the dataset has keep what it says of them.
    * A dataset without times takes the events without theirs.
    * An event weighs what an import would give its kind; one that takes something back (a refund) weighs nothing and
      is left out. Where all kinds weigh alike, there are no weights.
    """
    if through == Mark():
        return dataset
    added = _weighted(dataset, log.table(dataset.name, through))
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
    common = _common_weight(dataset.notes)
    if c.WEIGHT not in base and (added[c.WEIGHT] == common).all():
        added = added.drop(columns=c.WEIGHT)
    elif c.WEIGHT not in base:
        base[c.WEIGHT] = np.float32(common)
    new_items = {name: content for name, content in items.items() if name not in set(dataset.items[c.ITEM])}
    item_table = pd.concat(
        [dataset.items, item_rows(new_items, dataset.category_levels, dataset.items)], ignore_index=True
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


def _weighted(dataset: Dataset, added: pd.DataFrame) -> pd.DataFrame:
    """Logged events with the weight of their kind in place of it, without those that weigh nothing."""
    given = dataset.notes.get(KIND_WEIGHTS, {})
    weights = {kind: weight_of(kind, given)[0] for kind in added[c.EVENT].unique()}
    found = added.assign(**{c.WEIGHT: added[c.EVENT].map(weights).astype(np.float32)}).drop(columns=c.EVENT)
    return found[found[c.WEIGHT] > 0].reset_index(drop=True)


def _common_weight(notes: Mapping[str, Any]) -> float:
    """What each event of a dataset weighs whose events all weigh alike: purchases, unless its import said otherwise."""
    found = {weight for weight in notes.get(KIND_WEIGHTS, {}).values() if weight > 0}
    return float(next(iter(found))) if len(found) == 1 else PURCHASE


def _users(dataset: Dataset, announced: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    known = set(dataset.users[c.USER])
    rows = [{c.USER: name, **attributes} for name, attributes in announced.items() if name not in known]
    if not rows:
        return dataset.users
    new = pd.DataFrame(rows).reindex(columns=dataset.users.columns)
    return pd.concat([dataset.users, new.astype(object).where(new.notna(), None)], ignore_index=True)


def _cuts(dataset: Dataset, added: pd.DataFrame) -> dict[str, str]:
    """Where logged events lie far from the data (old data, put to use today; a clock that was wrong), the periods held
    out for evaluation stay those of the data: cut by such events, they would lie in a gap and hold nothing.

    Returns:
        `split_start` and `split_end`, as notes of the dataset, each where it is needed.
    """
    if not dataset.timed or len(added) == 0:
        return {}
    start, end = dataset.period
    found = {} if added[c.TIMESTAMP].min() >= start - LONGEST_GAP else {"split_start": start.isoformat()}
    later = np.sort(added[c.TIMESTAMP][added[c.TIMESTAMP] > end].to_numpy())
    gaps = np.flatnonzero(np.diff(later, prepend=end.to_datetime64()) > LONGEST_GAP.to_timedelta64())
    if len(gaps):
        since = later[gaps[-1] :]
        enough = len(since) >= ENOUGH_SHARE * (len(dataset.events) + len(added))
        if not enough or since[-1] - since[0] < ENOUGH_GAPS * LONGEST_GAP.to_timedelta64():
            before = later[gaps[0] - 1] if gaps[0] else end
            found["split_end"] = pd.Timestamp(before).isoformat()
    return found
