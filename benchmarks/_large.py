"""A stored shop of any size with a live model, both random: for what depends on size alone."""

from pathlib import Path

import numpy as np
import pandas as pd

from recsys.dataset.dataset import Dataset
from recsys.dataset.splitting import time_split
from recsys.models import lightfm_wrapper
from recsys.models.features import item_features, user_features
from recsys.models.hyperparameters import Hyperparameters
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.services.workspace import Workspace
from recsys.settings import Settings

COMPONENTS = 32


def make(home: Path, n_users: int, n_items: int, n_events: int, n_kinds: int = 300) -> None:
    """Store it in a home as the dataset `large` and the model `random`; items of one kind lie near each other."""
    rng = np.random.default_rng(0)
    item = (n_items * rng.random(n_events) ** 2).astype(np.int32)
    user = np.sort(rng.integers(0, n_users, n_events, dtype=np.int32))
    order = np.lexsort((item, user))
    start = np.datetime64("2024-01-01", "s")
    events = pd.DataFrame(
        {
            "user_id": user[order], "item_id": item[order],
            "timestamp": start + rng.integers(0, 300 * 86400, n_events).astype("timedelta64[s]"),
            "quantity": np.ones(n_events, np.float32), "value": rng.random(n_events, dtype=np.float32) * 9,
        }
    ).sort_values(["user_id", "item_id", "timestamp"], ignore_index=True)  # fmt: skip
    kinds = rng.integers(0, n_kinds, n_items)
    items = pd.DataFrame(
        {
            "item_id": [f"i{i:07d}" for i in range(n_items)],
            "title": [f"Product {i} of kind {kind}" for i, kind in enumerate(kinds)],
            "department": [f"Department {kind % 20}" for kind in kinds], "kind": [f"Kind {kind}" for kind in kinds],
        }
    )  # fmt: skip
    users = pd.DataFrame(
        {"user_id": [f"u{i:07d}" for i in range(n_users)], "age": rng.choice(["young", "old"], n_users).astype(object)}
    )
    workspace = Workspace(Settings.from_environment(home))
    workspace.store.save_dataset(Dataset("large", users, items, events, ("department", "kind"), ("age",)))
    dataset = workspace.dataset("large")
    split = time_split(dataset)
    recipe = Hyperparameters(components=COMPONENTS)
    of_items, of_users = item_features(dataset, recipe), user_features(dataset, recipe)
    shapes = {"item": of_items.matrix.shape[1], "user": of_users.matrix.shape[1]}
    arrays = {}
    for name in lightfm_wrapper.STATE:
        count = shapes[name.partition("_")[0]]
        size = (count, COMPONENTS) if "embedding" in name else (count,)
        kept = name.endswith(("embeddings", "biases"))
        arrays[name] = rng.normal(0, 0.5, size).astype(np.float32) if kept else np.zeros(size, np.float32)
    manifest = ModelManifest(
        id="random", created="2024-12-01T00:00:00+00:00", dataset="large", fingerprint=dataset.fingerprint,
        split=split.describe(), recipe=recipe, seed=0,
    )  # fmt: skip
    model = Model(
        "random", recipe, 0, lightfm_wrapper.restore(recipe, 0, arrays), dataset.items, dataset.users,
        dataset.category_levels, dataset.user_attributes, of_items, of_users, split.training, manifest,
    )  # fmt: skip
    workspace.store.save_model(model)
    workspace.store.set_live("random")
