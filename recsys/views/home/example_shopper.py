"""An example for the Home page: one shopper, what they had bought, what their list was, and what they bought of it."""

from dataclasses import dataclass

import numpy as np

from recsys.dataset.splitting import split_again
from recsys.errors import InsiderError
from recsys.models.rank.top_k import top_k_block
from recsys.services.workspace import Workspace

SAMPLE = 300
BEFORE = 3
K = 10


@dataclass(frozen=True)
class Example:
    """One shopper.

    Attributes:
        before: titles of what they had bought most often, most often first.
        shown: titles of their list, best first, each with whether they then bought it for the first time.
        words: the same in a sentence.
        other: a shopper of whose list nothing was bought, or None.
    """

    user_id: str
    before: tuple[str, ...]
    shown: tuple[tuple[str, bool], ...]
    words: str
    other: str | None


def example(workspace: Workspace, *, seed: int = 0) -> Example | None:
    """The shopper with the second most hits of a sample (the most would be a rare exception); None without any.

    The list is that of the lane "discover", made from what the model learned from, and held against the test period.
    """
    live = workspace.load()
    model = live.trained
    try:
        split = split_again(workspace.dataset_of(model.id), model.manifest.split)
    except InsiderError:
        return None
    had, later = split.training.counts, split.test.counts
    relevant = (later.astype(bool) - later.astype(bool).multiply(had.astype(bool))).tocsr()
    relevant.eliminate_zeros()
    users = np.flatnonzero(np.diff(relevant.indptr))
    users = np.sort(np.random.default_rng(seed).permutation(users)[:SAMPLE])
    if not len(users):
        return None
    lists, _ = top_k_block(model.scores(users), K, had[users])
    hit = np.array([np.isin(row, relevant.indices[slice(*relevant.indptr[u : u + 2])])
                    for u, row in zip(users, lists, strict=True)])  # fmt: skip
    order = np.argsort(-hit.sum(axis=1), kind="stable")
    chosen = order[min(1, len(order) - 1)]

    def shown_to(user: int) -> list[tuple[int, bool]]:
        """The list as it is answered: without what is sold out, or nearly the same as another product of it."""
        bought = relevant.indices[slice(*relevant.indptr[user : user + 2])]
        return [(int(item), bool(item in bought)) for item in live.top_k_of(np.array([user]), K)[0][0] if item >= 0]

    user = int(users[chosen])
    listed = shown_to(user)
    if not any(x for _, x in listed):
        return None
    titles = model.titles
    own = slice(*had.indptr[user : user + 2])
    most = had.indices[own][np.argsort(-had.data[own], kind="stable")][:BEFORE]
    shown = tuple((titles[item], x) for item, x in listed)
    missed = (int(other) for other in users[~hit.any(axis=1)])
    other = next((other for other in missed if not any(x for _, x in shown_to(other))), None)
    names = [str(name) for name in model.user_index]
    bought = sum(x for _, x in listed)
    return Example(
        names[user],
        tuple(titles[item] for item in most),
        shown,
        f"{bought} of these {len(shown)} they bought for the first time in the weeks after it.",
        None if other is None else names[other],
    )
