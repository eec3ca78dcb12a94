"""Figures of two models over the same shoppers, with verdicts: for all and by segment, and whose lists change most."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import columns as c
from recsys.evaluation.evaluate import Evaluation
from recsys.evaluation.significance import LEVEL, SAMPLES, Verdict, paired
from recsys.models.model import Model
from recsys.progress import OnProgress, Progress
from recsys.utils import formatting as fmt

MIN_SEGMENT = 50
"""Shoppers below which a segment is left out: it says too little."""

SHOWN = 30
ACTIVITY = ("few purchases", "some purchases", "many purchases")


@dataclass(frozen=True)
class Row:
    """One figure of both models over the same shoppers: the interval of the paired difference, and the verdict of the
    paired randomisation test, as `significance.paired` has them. `share`: the figure reads best as a percentage."""

    group: str
    name: str
    users: int
    live: float
    candidate: float
    difference: float
    low: float
    high: float
    p_value: float
    verdict: Verdict
    share: bool = False

    def texts(self) -> dict[str, str]:
        """`live`, `candidate`, `difference` and its `interval` as people read them: shares as percentages."""
        low, high = (fmt.difference(x, is_share=self.share) for x in (self.low, self.high))
        return {
            "live": fmt.measured(self.live, is_share=self.share),
            "candidate": fmt.measured(self.candidate, is_share=self.share),
            "difference": fmt.difference(self.difference, is_share=self.share),
            "interval": f"{low.removesuffix(' points')} to {high}",
        }


def row(group: str, name: str, live: NDArray[np.float64], candidate: NDArray[np.float64], level: float = LEVEL) -> Row:
    """A figure of both models, (n,) values of the same shoppers each, with what chance alone explains."""
    found = paired(candidate, live, metric=name, level=level, samples=max(SAMPLES, int(6 / level)))
    return Row(
        group, name, found.users, float(live.mean()), float(candidate.mean()), found.difference, found.low, found.high,
        found.p_value, found.verdict,
    )  # fmt: skip


def segments(model: Model, old: Evaluation, new: Evaluation, on_progress: OnProgress) -> tuple[Row, ...]:
    """NDCG@10 by how much people buy and by attribute, largest first; `LEVEL` is shared among them (Bonferroni)."""
    groups = [(title, name, mask) for title, name, mask in _groups(model, new.users) if mask.sum() >= MIN_SEGMENT]
    live, candidate = old.values["ndcg"], new.values["ndcg"]
    rows = []
    for number, (title, name, mask) in enumerate(groups):
        on_progress(Progress(f"Comparing segment {number + 1} of {len(groups)}", number / len(groups)))
        rows.append(row(title, name, live[mask], candidate[mask], LEVEL / len(groups)))
    return tuple(sorted(rows, key=lambda row: -row.users))


def _groups(model: Model, users: NDArray[np.int64]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    bought = np.diff(model.history.counts.indptr)[users]
    edges = np.quantile(bought, [1 / 3, 2 / 3])
    level = np.searchsorted(edges, bought, side="right")
    for number, name in enumerate(ACTIVITY):
        yield "Activity", name, level == number
    for attribute in model.user_attributes:
        values = model.users[attribute].to_numpy(dtype=object)[users]
        for value in sorted({str(x) for x in values if isinstance(x, str)}):
            yield fmt.label(attribute), value, values == value


def shared(old: Evaluation, new: Evaluation) -> NDArray[np.float64]:
    """(n,) share of each user's list that both models show."""
    there = (new.lists[:, :, None] == old.lists[:, None, :]).any(axis=2) & (new.lists >= 0)
    return there.sum(axis=1) / np.maximum((new.lists >= 0).sum(axis=1), 1)


def shoppers(model: Model, old: Evaluation, new: Evaluation, shared: NDArray[np.float64]) -> pd.DataFrame:
    """The shoppers whose lists change most: `user_id`, `shared`, `ndcg_live`, `ndcg_candidate`."""
    order = np.lexsort((-np.abs(new.values["ndcg"] - old.values["ndcg"]), shared))[:SHOWN]
    return pd.DataFrame(
        {
            c.USER: model.users[c.USER].to_numpy()[new.users[order]],
            "shared": shared[order],
            "ndcg_live": old.values["ndcg"][order],
            "ndcg_candidate": new.values["ndcg"][order],
        }
    )


def items(model: Model, old: Evaluation, new: Evaluation) -> pd.DataFrame:
    """The items that come into, or leave, most lists: `item_id`, `title`, `live`, `candidate`, `change`."""
    change = new.shown.astype(np.int64) - old.shown
    order = np.argsort(-np.abs(change), kind="stable")[:SHOWN]
    order = order[change[order] != 0]
    return pd.DataFrame(
        {
            c.ITEM: model.items[c.ITEM].to_numpy()[order],
            c.TITLE: model.items[c.TITLE].to_numpy()[order],
            "live": old.shown[order],
            "candidate": new.shown[order],
            "change": change[order],
        }
    )


def warning(row: Row) -> str:
    """What a row that is worse means, in a sentence."""
    who = (
        "all shoppers" if row.group == "All shoppers" else f"{row.group.lower()} “{row.name}” ({row.users:,} shoppers)"
    )
    what = row.name if row.group == "All shoppers" else "NDCG@10"
    return f"Worse for {who}: {what} {fmt.change(row.candidate, row.live)}, more than chance explains."
