"""What is stored of a map beside its arrays, as JSON holds it."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict


class MapFacts(TypedDict, total=False):
    """How a map was drawn, and how faithful it is; older maps lack some of it.

    Keys:
        settings: a `MapSettings`.
        since: the model whose map it started from. `moved`: mean distance from there, relative to the map's size.
        trustworthiness, kept: as `projection.fidelity` gives them, over `sample` items and `k` neighbours.
        found: share of the true neighbours that the search found.
        purity: share of near products of the same category on level `purity_level`.
        seconds: "arranging" and "all".
    """

    settings: Mapping[str, object]
    seed: int
    since: str | None
    moved: float | None
    trustworthiness: float | None
    kept: float | None
    k: int
    sample: int
    found: float | None
    purity: float | None
    purity_level: str | None
    seconds: NotRequired[Mapping[str, float]]


class MapManifest(TypedDict):
    """The manifest of a map; `checksum` changes when it is drawn again."""

    model: str
    facts: MapFacts
    files: Mapping[str, str]
    checksum: str
