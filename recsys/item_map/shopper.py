"""One shopper on the map: what they bought, what they are recommended, and where their taste lies; what if they
bought something else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.item_map.points import ItemMap
from recsys.models.rank.top_k import top_k
from recsys.projection.projection import prepared
from recsys.recommend.recommender import Recommender
from recsys.services.workbench.target_user import known
from recsys.utils import formatting as fmt

AROUND = 15
RECOMMENDED = 10


@dataclass(frozen=True)
class ShopperOnMap:
    """Where one shopper is at home.

    Attributes:
        history, recommended: rows of items.
        taste: (x, y), or None when there is nothing to go by.
        moved: (x, y) of the taste if they had bought the items of the question as well, or None when none is asked.
        then: rows of what they would be recommended in that case.
        summary: one line.
    """

    user_id: str
    history: NDArray[np.int64]
    recommended: NDArray[np.int64]
    taste: tuple[float, float] | None
    moved: tuple[float, float] | None
    then: NDArray[np.int64]
    summary: str


def shopper_on_map(item_map: ItemMap, live: Recommender, user_id: str, what_if: Sequence[str] = ()) -> ShopperOnMap:
    """A shopper's layers. The taste is where the fold-in over their history puts them; with `what_if`, over those
    items as well.

    Args:
        live: the answers of the same model as they are now; of them, the map shows the items that it has.

    Raises:
        NotFound: an unknown shopper or item.
    """
    model = item_map.live.model
    subject = known(item_map.live, user_id)
    history, attributes = subject.user_state.items, subject.person.attributes
    answer = [item.item_id for item in live.recommend(user_id, RECOMMENDED).items]
    shown = model.item_rows([item for item in answer if item in model.rows_of_items])
    extra = model.item_rows(list(what_if)) if what_if else np.zeros(0, np.int64)
    now = item_map.live.user_states.user_vector(history, attributes).vector
    both = np.union1d(history, extra)
    later = item_map.live.user_states.user_vector(both, attributes).vector if len(extra) else now
    then = _best(item_map, later, both) if len(extra) else np.zeros(0, np.int64)
    new = len(set(then.tolist()) - set(_best(item_map, now, both).tolist()))
    question = (
        f" With {fmt.number(len(extra))} more {'product' if len(extra) == 1 else 'products'}, "
        f"{new} of {len(then)} recommendations would be others."
        if len(extra) else ""
    )  # fmt: skip
    missing = len(answer) - len(shown)
    newer = f" ({missing} of them newer than the map)" if missing else ""
    return ShopperOnMap(
        user_id,
        history,
        shown,
        place_of(item_map, now),
        place_of(item_map, later) if len(extra) else None,
        then,
        f"{fmt.number(len(history))} products bought, {len(answer)} recommended{newer}.{question}",
    )


def _best(item_map: ItemMap, vector: NDArray[np.float32], had: NDArray[np.int64]) -> NDArray[np.int64]:
    model = item_map.live.model
    scores = model.item_embeddings @ vector + model.item_biases
    return top_k(scores, RECOMMENDED, exclude=had)[0].astype(np.int64)


def place_of(item_map: ItemMap, vector: NDArray[np.float32]) -> tuple[float, float] | None:
    """Where a taste lies on the map: the one of the items nearest to it by cosine that is most in their midst.

    A mean would fall between two islands, where nothing is; so it is the medoid of the `AROUND` nearest.
    """
    if not np.linalg.norm(vector) > 0 or not len(item_map.points):
        return None
    likeness = prepared(item_map.live.item_embeddings, "cosine") @ (vector / np.linalg.norm(vector))
    near = np.argsort(-likeness, kind="stable")[:AROUND]
    places = item_map.points.places[near].astype(float)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2).sum(axis=1)
    x, y = places[int(np.argmin(apart))]
    return float(x), float(y)
