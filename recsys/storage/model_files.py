"""A model version as files, and back: arrays without pickle, tables as Parquet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from recsys.dataset.dataset import Interactions
from recsys.models import lightfm_wrapper
from recsys.models.features import Features
from recsys.models.linear_fold_in import LinearFoldIn
from recsys.models.manifest import ModelManifest
from recsys.models.model import Model
from recsys.storage.artifacts import Write, npy_writer, parquet_writer


def parts_of(model: Model) -> tuple[Mapping[str, Any], dict[str, Write]]:
    """The manifest and the files of a version."""
    arrays: dict[str, NDArray[Any]] = dict(lightfm_wrapper.state(model.lightfm))
    for side, features in (("item", model.item_features), ("user", model.user_features)):
        arrays |= _csr_arrays(f"{side}_features", features.matrix)
    arrays |= _csr_arrays("history", model.history.counts)
    arrays["history_first"] = model.history.first.astype("datetime64[s]")
    arrays["history_last"] = model.history.last.astype("datetime64[s]")
    if model.again is not None:
        arrays["again"] = model.again
    arrays["history_value"] = model.history.value
    if model.history.strength is not None:
        arrays["history_strength"] = model.history.strength
    if model.fold_in is not None:
        arrays |= {f"fold_in_{name}": getattr(model.fold_in, name) for name in ("items", "scales", "matrix")}
    files: dict[str, Write] = {f"{name}.npy": npy_writer(array) for name, array in arrays.items()}
    for name, table in (
        ("items", model.items),
        ("users", model.users),
        ("item_features", _feature_table(model.item_features)),
        ("user_features", _feature_table(model.user_features)),
    ):
        files[f"{name}.parquet"] = parquet_writer(table)
    manifest = model.manifest.with_facts(
        id=model.id,
        recipe=model.recipe,
        seed=model.seed,
        fold_in=None if model.fold_in is None else model.fold_in.to_dict(),
        category_levels=model.category_levels,
        user_attributes=model.user_attributes,
    )
    return manifest.to_dict(), files


def model_from(folder: Path, document: Mapping[str, Any]) -> Model:
    """The version in a folder; its arrays are mapped, not read."""
    manifest = ModelManifest.read(document)

    def array(name: str) -> NDArray[Any]:
        # mapped: the processes of one machine share the pages, and a page is copied only if it is written to
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="c", allow_pickle=False))

    def csr(name: str) -> sparse.csr_matrix:
        parts = array(f"{name}_data"), array(f"{name}_indices"), array(f"{name}_indptr")
        return sparse.csr_matrix(parts, shape=tuple(array(f"{name}_shape")))

    def features(side: str) -> Features:
        table = pd.read_parquet(folder / f"{side}_features.parquet")
        plain = "weight" not in table
        return Features(
            csr(f"{side}_features"),
            table["kind"].to_numpy(dtype=object),
            table["value"].to_numpy(dtype=object),
            None if plain else table["weight"].to_numpy(dtype=np.float32),
            None if plain else table["measure"].to_numpy(dtype=np.float64),
        )

    def fold_in() -> LinearFoldIn | None:
        if manifest.fold_in is None:
            return None
        names = ("items", "scales", "matrix")
        return LinearFoldIn.from_parts(manifest.fold_in, *(array(f"fold_in_{name}") for name in names))

    recipe, seed = manifest.recipe, manifest.seed
    return Model(
        id=manifest.id,
        recipe=recipe,
        seed=seed,
        lightfm=lightfm_wrapper.restore(recipe, seed, {name: array(name) for name in lightfm_wrapper.STATE}),
        items=pd.read_parquet(folder / "items.parquet"),
        users=pd.read_parquet(folder / "users.parquet"),
        category_levels=manifest.category_levels,
        user_attributes=manifest.user_attributes,
        item_features=features("item"),
        user_features=features("user"),
        history=Interactions(
            csr("history"),
            array("history_first"),
            array("history_last"),
            array("history_value"),
            array("history_strength") if "history_strength.npy" in manifest.files else None,
        ),
        manifest=manifest,
        again=array("again") if "again.npy" in manifest.files else None,
        fold_in=fold_in(),
    )


def _csr_arrays(name: str, matrix: sparse.csr_matrix) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_data": matrix.data,
        f"{name}_indices": matrix.indices,
        f"{name}_indptr": matrix.indptr,
        f"{name}_shape": np.array(matrix.shape),
    }


def _feature_table(features: Features) -> pd.DataFrame:
    found = pd.DataFrame({"kind": features.kinds, "value": features.values})
    return found if features.weights is None else found.assign(weight=features.weights, measure=features.measures)
