"""Personalised recommendations with LightFM: train, evaluate, explain and serve them.

    import recsys

    live = recsys.load()
    live.recommend("1001", k=10)
    live.recommend_for(history=["1029743"], user={"age": "45-54"})

Names are imported when they are first used, so that `import recsys` costs nothing.
"""

from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recsys.dataset.dataset import Dataset
    from recsys.dataset.splitting import time_split
    from recsys.models.hyperparameters import Hyperparameters
    from recsys.recommend.recommender import Recommender
    from recsys.services.workspace import Workspace
    from recsys.training.train import train

__version__ = "0.1.0"
__all__ = ["Dataset", "Hyperparameters", "Recommender", "Workspace", "load", "time_split", "train"]

_HOMES = {
    "Dataset": "recsys.dataset.dataset",
    "Hyperparameters": "recsys.models.hyperparameters",
    "Recommender": "recsys.recommend.recommender",
    "Workspace": "recsys.services.workspace",
    "time_split": "recsys.dataset.splitting",
    "train": "recsys.training.train",
}


def load(model_id: str = "live", home: str | PathLike[str] | None = None) -> "Recommender":
    """A stored model version, ready to answer.

    Args:
        model_id: id of the version, or "live".
        home: folder it is stored in; `INSIDER_HOME` by default.

    Raises:
        NoModel, NotFound, Corrupted: from `recsys.errors`, each with what to do.
    """
    from recsys.services.workspace import Workspace
    from recsys.settings import Settings

    return Workspace(Settings.from_environment(home)).load(model_id)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'recsys' has no attribute {name!r}")
