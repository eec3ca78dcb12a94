"""What a model learned, told by examples that are chosen from purchases it has not seen and from its embeddings."""

from dataclasses import dataclass

from recsys.dataset.splitting import held_out, split_again
from recsys.errors import InsiderError
from recsys.progress import OnProgress, Progress, silent
from recsys.recommend.recommender import Recommender
from recsys.services.model_card.page_links import Link, PageLinks
from recsys.services.model_card.shopper_examples import ShopperExamples, shopper_examples
from recsys.services.model_card.surprising_pairs import SurprisingPair, surprising_pairs
from recsys.services.workspace import Workspace


@dataclass(frozen=True)
class PairExample:
    """Two products, and the pages that show them."""

    pair: SurprisingPair
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Story:
    """What a model learned.

    Attributes:
        shoppers: how it serves them beside bestsellers; None without held-out purchases.
        note: why there are no shoppers to tell of; "" otherwise.
        pairs: products it places side by side though nobody would guess it.
        looked_at: among how many products these were looked for, in a sentence.
        seen: where the pages behind the links show something else, in a sentence.
    """

    model_id: str
    shoppers: ShopperExamples | None
    note: str
    pairs: tuple[PairExample, ...]
    looked_at: str
    seen: str


def story(workspace: Workspace, model_id: str = "live", *, on_progress: OnProgress = silent) -> Story:
    """The story of a version.

    Raises:
        NotFound, NoModel, Corrupted: from `workspace.load`.
    """
    on_progress(Progress("Reading the model", 0.05))
    side = workspace.load(model_id).without_announced
    links = PageLinks(workspace, side.model)
    on_progress(Progress("Looking for pairs that nobody would guess", 0.15))
    found = surprising_pairs(side.model)
    pairs = tuple(PairExample(x, links.of_products(x.one.item_id, x.other.item_id)) for x in found.pairs)
    on_progress(Progress("Holding lists against what was bought", 0.5))
    shoppers, note = _shoppers(workspace, side, links)
    return Story(side.model.id, shoppers, note, pairs, found.words(), links.seen)


def _shoppers(workspace: Workspace, side: Recommender, links: PageLinks) -> tuple[ShopperExamples | None, str]:
    """Examples of shoppers, or else why there are none."""
    described = side.model.manifest.split
    try:
        split = split_again(workspace.dataset_of(side.model.id), described)
    except InsiderError as error:
        return None, f"No shoppers can be told of. {error}"
    if (found := shopper_examples(side, split, links)) is not None:
        return found, ""
    period = "what was set aside" if split.kind == "leave-k-out" else held_out(described)
    return None, f"No shoppers can be told of: in {period} nobody with a history bought anything for the first time."
