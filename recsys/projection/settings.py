"""How a map is to be drawn: what the page asks for, the job gets and the store keeps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from recsys.errors import InvalidInput

METRICS = ("cosine", "euclidean")
PARTS = ("all", "own")
ENGINES = ("fast", "library")


@dataclass(frozen=True)
class MapSettings:
    """How a map is drawn.

    Attributes:
        neighbours: how many neighbours of each item are to stay near; few show detail, many the large picture.
        min_dist: how tight the points may lie, from 0 (clumps) to 1 (spread out), in units of the map's scale.
        metric: "cosine" compares directions, "euclidean" lengths as well, which go with popularity.
        part: "all" of the embedding, or the item's "own" part, without what it shares with its category and brand.
        keep: start from an earlier map, so that people find things again.
        engine: "fast" is UMAP in our own words, "library" the layout of umap-learn over the same neighbours.
    """

    neighbours: int = 15
    min_dist: float = 0.3
    metric: str = "cosine"
    part: str = "all"
    keep: bool = True
    engine: str = "fast"

    def __post_init__(self) -> None:
        if not 2 <= self.neighbours <= 200:
            raise InvalidInput(f"neighbours is {self.neighbours!r}; it must be a whole number from 2 to 200.")
        if not 0.0 <= self.min_dist <= 1.0:
            raise InvalidInput(f"min_dist is {self.min_dist!r}; it must be a number from 0 to 1.")
        if self.metric not in METRICS:
            raise InvalidInput(f"metric is {self.metric!r}; choose one of {', '.join(METRICS)}.")
        if self.part not in PARTS:
            raise InvalidInput(f"part is {self.part!r}; choose one of {', '.join(PARTS)}.")
        if self.engine not in ENGINES:
            raise InvalidInput(f"engine is {self.engine!r}; choose one of {', '.join(ENGINES)}.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "MapSettings":
        """Settings from a mapping; names that are none of ours are left out."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names})

    def to_dict(self) -> Mapping[str, object]:
        """Ready for JSON."""
        return asdict(self)
