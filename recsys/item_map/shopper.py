"""One shopper on the map: what they bought, what they are recommended, and where their taste lies; what if they
bought something else."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.item_map.points import ItemMap
from recsys.projection.projection import prepared
from recsys.recommend.recommender import RankedItem, Recommender
from recsys.recommend.rules import Rules
from recsys.services.workbench.target_user import known
from recsys.utils import formatting as fmt
from recsys.views.what_if import what_if

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


def shopper_on_map(
    item_map: ItemMap, live: Recommender, user_id: str, plus: Sequence[str] = (), rules: Rules | None = None
) -> ShopperOnMap:
    """A shopper's layers. The taste is where the fold-in over their history puts them; with `plus`, over those items
    as well, and what they would be recommended then is what the Shopper page says, too.

    Args:
        live: the answers of the same model as they are now; of them, the map shows the items that it has.
        rules: what is laid over the model.

    Raises:
        NotFound: an unknown shopper or item.
    """
    model = item_map.live.model
    subject = known(item_map.live, user_id)
    history, attributes = subject.user_state.items, subject.person.attributes
    answer = live.recommend(user_id, RECOMMENDED, rules=rules).items
    shown = _rows(item_map, answer)
    extra = model.item_rows(list(plus)) if plus else np.zeros(0, np.int64)
    now = item_map.live.user_states.user_vector(history, attributes).vector
    moved, then, question = None, np.zeros(0, np.int64), ""
    if len(extra):
        later = item_map.live.user_states.user_vector(np.union1d(history, extra), attributes).vector
        moved = place_of(item_map, later)
        asked = what_if(live, known(live, user_id), plus=plus, k=RECOMMENDED, rules=rules)
        then = _rows(item_map, asked.answer.items)
        new = int((asked.moves.table["move"] == "new").sum())
        question = (
            f" With {fmt.number(len(extra))} more {'product' if len(extra) == 1 else 'products'}, "
            f"{new} of {len(asked.answer.items)} recommendations would be others."
        )
    missing = len(answer) - len(shown)
    newer = f" ({missing} of them newer than the map)" if missing else ""
    return ShopperOnMap(
        user_id,
        history,
        shown,
        place_of(item_map, now),
        moved,
        then,
        f"{fmt.number(len(history))} products bought, {len(answer)} recommended{newer}.{question}",
    )


def _rows(item_map: ItemMap, items: Sequence[RankedItem]) -> NDArray[np.int64]:
    """Rows on the map of the items that it has."""
    model = item_map.live.model
    return model.item_rows([item.item_id for item in items if item.item_id in model.rows_of_items])


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
