"""Links to the pages that show an example: the page, and its query parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from recsys.models.model import Model
from recsys.services.workbench.rule_sets import OFF
from recsys.services.workspace import Workspace

Page = Literal["shopper", "item", "map"]
PAGES: Mapping[Page, str] = {"shopper": "Shopper", "item": "Product", "map": "Map"}


@dataclass(frozen=True)
class Link:
    """The page that shows an example, and its query parameters."""

    page: Page
    query: Mapping[str, str]

    def words(self) -> str:
        """The page and where to look on it, for a file that has no server to lead to."""
        asked = ", ".join(f"{name} {value}" for name, value in self.query.items() if name in ("shopper", "item"))
        return f"{PAGES[self.page]} page, {asked.replace('item', 'product')}"


class PageLinks:
    """Links about one version. Pages answer from the live model: what they show of another one is said in `seen`."""

    def __init__(self, workspace: Workspace, model: Model) -> None:
        self._id = model.id
        self._live = model.id == workspace.live_id()
        self._map = self._live and workspace.store.has_map(model.id)
        self.seen = (
            "Lists are as they were right after the training: whoever did something since is shown another one."
            if self._live
            else "The pages answer from the live model; the Shopper page shows this one's list beside it."
        )

    def of_shopper(self, user_id: str) -> tuple[Link, ...]:
        """The Shopper page without rules, with what was bought since; for a version that is not live, both lists."""
        query = {"shopper": user_id, "since": "true", "rules": OFF}
        if not self._live:
            query = {"shopper": user_id, "section": "Compare", "against": f"model:{self._id}"}
        return (Link("shopper", query), *((Link("map", {"shopper": user_id}),) if self._map else ()))

    def of_products(self, *item_ids: str) -> tuple[Link, ...]:
        """The Product page of each, and the place of the first on the map."""
        pages = tuple(Link("item", {"item": item_id}) for item_id in item_ids)
        return (*pages, *((Link("map", {"item": item_ids[0]}),) if self._map else ()))
