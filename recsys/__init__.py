"""Personalised recommendations with LightFM: train, evaluate, explain and serve them.

    import recsys

    dataset = recsys.Dataset.from_pandas(events, items)
    model = recsys.fit(dataset)
    recsys.evaluate(model, dataset, baselines=True)
    model.recommend("1001", k=10)

    live = recsys.load()  # the version that the app answers from
    live.recommend_for(history=["1029743"], user={"age": "45-54"})

Names are imported when they are first used, so that `import recsys` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from recsys.version import __version__ as __version__

if TYPE_CHECKING:
    from recsys.dataset.dataset import Dataset
    from recsys.dataset.splitting import time_split
    from recsys.models.hyperparameters import Hyperparameters
    from recsys.notebook import FittedModel, compare, cross_validate, evaluate, fit, load
    from recsys.recommend.recommender import Recommender
    from recsys.services.workspace import Workspace
    from recsys.training.train import train

__all__ = [
    "Dataset",
    "FittedModel",
    "Hyperparameters",
    "Recommender",
    "Workspace",
    "compare",
    "cross_validate",
    "evaluate",
    "fit",
    "load",
    "time_split",
    "train",
]

_HOMES = {
    "Dataset": "recsys.dataset.dataset",
    "FittedModel": "recsys.notebook",
    "Hyperparameters": "recsys.models.hyperparameters",
    "Recommender": "recsys.recommend.recommender",
    "Workspace": "recsys.services.workspace",
    "compare": "recsys.notebook",
    "cross_validate": "recsys.notebook",
    "evaluate": "recsys.notebook",
    "fit": "recsys.notebook",
    "load": "recsys.notebook",
    "time_split": "recsys.dataset.splitting",
    "train": "recsys.training.train",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'recsys' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
