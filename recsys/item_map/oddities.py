"""What is odd in the catalogue: products that seem to stand in the wrong category, alone, or twice."""

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys import columns as c
from recsys.dataset.categories import middle_level
from recsys.item_map.points import ItemMap
from recsys.utils import formatting as fmt
from recsys.utils.title_words import title_words

SMOOTHING = 1.0
TWIN = 0.995
MOST = 200
WHY, STRENGTH, INSTEAD = "why", "strength", "instead"
WRONG, ALONE, TWICE = "Wrong category?", "Stands alone", "Nearly the same"
KINDS = {
    "wrong": WRONG,
    "alone": ALONE,
    "twice": TWICE,
}


def odd(item_map: ItemMap, kind: str, most: int = MOST) -> pd.DataFrame:
    """A ranked list for whoever looks after the catalogue, the oddest first.

    Returns:
        `item_id`, `title`, `category`, `instead` (the category that is suggested, or the other product), `why`,
        `strength` (for "wrong": log odds; else the cosine to the nearest), `popularity`.
    """
    model = item_map.live.model
    level = middle_level(model.category_levels)
    category = model.items[level].astype(str).to_numpy() if level else np.full(len(model.items), "", dtype=object)
    titles = model.items[c.TITLE].astype(str).to_numpy()
    if kind == "wrong":
        if level is None or len(set(category)) < 2:
            return _table(item_map, np.zeros(0, np.int64), category, [], [], np.zeros(0))
        strength, levels_against, suggested = misplaced_on_all_levels(item_map)
        rows = np.lexsort((-strength, -levels_against))[:most]
        rows = rows[(levels_against[rows] > 0) & (strength[rows] > 0)]
        why = [
            f"Its title reads like “{fmt.shortened(suggested[row], 40)}”{_near(item_map, category, suggested, row)}"
            for row in rows
        ]
        return _table(item_map, rows, category, [suggested[row] for row in rows], why, strength[rows])
    if item_map.nearest is None or item_map.likeness is None or item_map.nearest.shape[1] == 0:
        return _table(item_map, np.zeros(0, np.int64), category, [], [], np.zeros(0))
    first, close = item_map.nearest[:, 0], item_map.likeness[:, 0].astype(float)
    if kind == "alone":
        rows = np.argsort(close, kind="stable")[:most]
        why = [f"Nothing is nearer than {fmt.share(max(close[row], 0.0), 0)}" for row in rows]
        return _table(item_map, rows, category, [titles[first[row]] for row in rows], why, close[rows])
    bare = np.array([" ".join(sorted(title_words(title))) for title in titles], dtype=object)
    same = (bare == bare[first]) & (close >= TWIN) & (np.arange(len(first)) < first) & (bare != "")
    rows = np.flatnonzero(same)
    rows = rows[np.argsort(-close[rows], kind="stable")][:most]
    why = ["The same words in the title, bought by the same kind of shopper" for _ in rows]
    return _table(item_map, rows, category, [titles[first[row]] for row in rows], why, close[rows])


def misplaced_on_all_levels(
    item_map: ItemMap,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.object_]]:
    """`misplaced` on every category level: the summed log odds, on how many levels the title speaks against the item's
    own category, and what is suggested on the middle level. What is against it on every level is the gravest."""
    model = item_map.live.model
    titles = model.items[c.TITLE].astype(str).to_numpy()
    total, against = np.zeros(len(titles)), np.zeros(len(titles), dtype=np.int64)
    suggested = np.full(len(titles), "", dtype=object)
    for level in model.category_levels:
        strength, better = misplaced(titles, model.items[level].astype(str).to_numpy(), item_map.nearest)
        against += strength > 0
        total += np.maximum(strength, -50.0)
        if level == middle_level(model.category_levels):
            suggested = better
    return total, against, suggested


def misplaced(
    titles: NDArray[np.object_], category: NDArray[np.object_], nearest: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """How much the words of each title speak for another category than the item's own.

    Naive Bayes over the words of all other titles: log P(words | other) - log P(words | own), where
    P(word | category) = (titles of the category with the word + s P(word)) / (titles of the category + s), and the
    item itself is left out of its own category. Words that no other title has say nothing. What a customer's behaviour
    says is weak beside that (see docs/map.md); the share of true neighbours in the suggested category is added as it
    is, which settles ties.

    Args:
        nearest: (n, k) truly nearest items, or None.

    Returns:
        (n,) log odds of the best other category, and its name.
    """
    codes, found = pd.factorize(pd.Series(category), sort=True)
    n, groups = len(codes), len(found)
    bags = [sorted(set(title_words(str(title)))) for title in titles]
    numbers: dict[str, int] = {}
    columns = [numbers.setdefault(word, len(numbers)) for bag in bags for word in bag]
    rows = np.repeat(np.arange(n), [len(bag) for bag in bags])
    if groups < 2 or not columns:
        return np.full(n, -np.inf), np.full(n, "", dtype=object)
    has = sparse.csr_matrix((np.ones(len(rows)), (rows, np.array(columns))), shape=(n, len(numbers)))
    member = sparse.csr_matrix((np.ones(n), (codes, np.arange(n))), shape=(groups, n))
    size = np.bincount(codes, minlength=groups).astype(float)
    count = (member @ has).tocsr()
    total = np.asarray(has.sum(axis=0)).ravel()
    shared = (total > 1).astype(float)
    share = SMOOTHING * total / n
    # log((count + s p) / (size + s)) = log(1 + count / (s p)) + log(s p) - log(size + s): the first is sparse.
    ratio = count.copy()
    ratio.data = np.log1p(ratio.data / share[ratio.indices]) * shared[ratio.indices]
    length = np.asarray(has @ shared).ravel()
    strength, best = np.full(n, -np.inf), np.zeros(n, dtype=np.int64)
    for start in range(0, n, 4096):
        block = slice(start, min(start + 4096, n))
        scores = np.asarray((has[block] @ ratio.T).todense()) - np.outer(length[block], np.log(size + SMOOTHING))
        scores[np.arange(scores.shape[0]), codes[block]] = -np.inf
        best[block] = scores.argmax(axis=1)
        strength[block] = scores.max(axis=1)
    own_count = np.asarray(count[codes[rows], columns]).ravel() - 1.0
    own = np.bincount(rows, shared[columns] * np.log1p(own_count / share[columns]), minlength=n)
    own -= length * np.log(np.maximum(size[codes] - 1.0, 0.0) + SMOOTHING)
    strength = strength - own
    if nearest is not None and nearest.shape[1]:
        strength += (codes[nearest] == best[:, None]).mean(axis=1) - (codes[nearest] == codes[:, None]).mean(axis=1)
    return strength, np.asarray(found, dtype=object)[best]


def _near(item_map: ItemMap, category: NDArray[np.object_], suggested: NDArray[np.object_], row: int) -> str:
    if item_map.nearest is None:
        return ""
    around = Counter(str(name) for name in category[item_map.nearest[row]])
    there = around[str(suggested[row])]
    return f"; {there} of its {sum(around.values())} nearest products are there" if there else ""


def _table(
    item_map: ItemMap,
    rows: NDArray[np.int64],
    category: NDArray[np.object_],
    instead: list[str],
    why: list[str],
    strength: NDArray[np.float64],
) -> pd.DataFrame:
    points = item_map.points
    return pd.DataFrame(
        {
            c.ITEM: points.item_ids[rows],
            c.TITLE: points.titles[rows],
            c.CATEGORY: category[rows],
            INSTEAD: instead,
            WHY: why,
            STRENGTH: np.round(strength, 2),
            "popularity": points.popularity[rows],
        }
    )
