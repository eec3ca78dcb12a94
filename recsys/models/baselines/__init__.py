"""What a model must beat: well-known methods, fitted to the same interactions and judged by the same protocol."""

from recsys.models.baselines.als import ALS
from recsys.models.baselines.ease import EASE
from recsys.models.baselines.neighbours import ItemKNN, RP3Beta, UserKNN
from recsys.models.baselines.popularity import OwnFrequency, Popular, PopularInCategories
from recsys.models.baselines.slim import SLIM

__all__ = [
    "ALS", "EASE", "SLIM", "ItemKNN", "OwnFrequency", "Popular", "PopularInCategories", "RP3Beta", "UserKNN",
]  # fmt: skip
