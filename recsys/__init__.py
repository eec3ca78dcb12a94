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
    from recsys.dataset import Dataset
    from recsys.hyperparameters import Hyperparameters
    from recsys.recommender import Recommender
    from recsys.split import time_split
    from recsys.training import train
    from recsys.workspace import Workspace

__version__ = "0.1.0"
__all__ = ["Dataset", "Hyperparameters", "Recommender", "Workspace", "load", "time_split", "train"]

_HOMES = {
    "Dataset": "recsys.dataset",
    "Hyperparameters": "recsys.hyperparameters",
    "Recommender": "recsys.recommender",
    "Workspace": "recsys.workspace",
    "time_split": "recsys.split",
    "train": "recsys.training",
}


def load(model_id: str = "live", home: str | PathLike[str] | None = None) -> "Recommender":
    """A stored model version, ready to answer.

    Args:
        model_id: id of the version, or "live".
        home: folder it is stored in; `INSIDER_HOME` by default.

    Raises:
        NoModel, NotFound, Corrupted: from `recsys.errors`, each with what to do.
    """
    from recsys.settings import Settings
    from recsys.workspace import Workspace

    return Workspace(Settings.from_environment(home)).load(model_id)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'recsys' has no attribute {name!r}")
