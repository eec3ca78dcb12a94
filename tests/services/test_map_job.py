"""The map job: exact neighbours, coordinates that stay put, and figures that other programs agree with."""

from pathlib import Path

import numpy as np
import pytest
from numba import get_num_threads, set_num_threads
from scipy.spatial.distance import cdist
from sklearn.manifold import trustworthiness

from recsys.errors import InvalidInput
from recsys.projection import knn_graph
from recsys.projection.fidelity import fidelity, found_share, movement, near_on_map
from recsys.projection.knn_graph import cells, nearest
from recsys.projection.projection import aligned, item_map, prepared
from recsys.projection.settings import MapSettings
from recsys.projection.umap_layout import curve, forces, graph, layout
from recsys.recommend.recommender import Recommender
from recsys.services.map_job import draw, exposure, own_part
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.homes import copy_home


def clouds(n: int = 600, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(6, 8))[np.arange(n) % 6] * 2 + rng.normal(size=(n, 8))).astype(np.float32)


def sorted_neighbours(rows: np.ndarray, k: int) -> np.ndarray:
    gaps = cdist(rows, rows)
    np.fill_diagonal(gaps, np.inf)
    return np.argsort(gaps, axis=1, kind="stable")[:, :k]


def test_nearest_are_those_that_sorting_finds() -> None:
    rows = prepared(clouds(300), "cosine")
    found, distances = nearest(rows, 7)
    order = sorted_neighbours(rows, 7)
    np.testing.assert_allclose(distances, np.take_along_axis(cdist(rows, rows), order, axis=1), atol=1e-5)
    assert (found == order).mean() > 0.999
    ones = np.ones((5, 3), np.float32)
    assert nearest(ones, 2)[0].tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]], "ties go to the lower number"
    assert nearest(ones, 0)[0].shape == (5, 0)


def test_near_cells_hold_nearly_all_that_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn_graph, "EXACT_BELOW", 100)
    rows = clouds(3000, seed=2)
    gathered = cells(rows, seed=1)
    assert gathered is not None
    found, distances = nearest(rows, 14, gathered)
    assert (found != np.arange(3000)[:, None]).all()
    np.testing.assert_allclose(distances, np.linalg.norm(rows[:, None] - rows[found], axis=2), atol=1e-4)
    hits = np.mean([len(np.intersect1d(a, b)) / 14 for a, b in zip(found, sorted_neighbours(rows, 14), strict=True)])
    assert 0.9 < hits == pytest.approx(found_share(rows, found, sample=3000), abs=1e-3)
    assert found_share(rows, sorted_neighbours(rows, 14)) == 1.0
    many, _ = nearest(rows, 2500, gathered)
    assert (np.sort(many, axis=1) >= 0).all(), "as many cells are searched as it takes"
    assert all(len(np.unique(row)) == 2500 for row in many[:20])


def test_graph_and_curve_are_those_of_umap_learn() -> None:
    from umap.umap_ import find_ab_params, fuzzy_simplicial_set

    rows = clouds()
    rows[5] = rows[6] = rows[7]
    indices, distances = nearest(rows, 14)
    itself = np.arange(600)[:, None]
    theirs, *_ = fuzzy_simplicial_set(
        rows, 15, np.random.RandomState(0), "euclidean",
        knn_indices=np.hstack([itself, indices]), knn_dists=np.hstack([0.0 * itself, distances]),
    )  # fmt: skip
    assert abs(graph(indices, distances) - theirs.tocsr()).max() < 1e-4
    for min_dist in (0.0, 0.1, 1.0):
        assert curve(min_dist) == pytest.approx(find_ab_params(1.0, min_dist))


def test_forces_are_the_gradients_of_the_objective() -> None:
    a, b = curve(0.1)
    pull, push = forces(a, b)
    for distance in (0.05, 0.4, 2.0, 17.0):
        place = np.float32(distance**2).view(np.int32) >> 17

        def near(d: float) -> float:
            return 1.0 / (1.0 + a * d ** (2 * b))

        step = 1e-4
        attraction = (np.log(near(distance + step)) - np.log(near(distance - step))) / (2 * step)
        repulsion = (np.log(1 - near(distance + step)) - np.log(1 - near(distance - step))) / (2 * step)
        assert pull[place] * distance == pytest.approx(attraction, rel=0.03)
        assert push[place] * distance == pytest.approx(repulsion * distance**2 / (distance**2 + 0.001), rel=0.03)


def test_the_layout_does_not_depend_on_the_number_of_threads() -> None:
    indices, distances = nearest(clouds(), 14)
    begin = clouds()[:, :2] * 5
    found = []
    before = get_num_threads()
    for threads in {1, before}:
        set_num_threads(threads)
        found.append(layout(graph(indices, distances), begin, 30, 1.0, curve(0.1), seed=7))
    set_num_threads(before)
    for other in found:
        np.testing.assert_array_equal(found[0], other)
    assert not np.array_equal(found[0], layout(graph(indices, distances), begin, 30, 1.0, curve(0.1), seed=8))


def test_a_map_of_many_starts_from_its_cells_and_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn_graph, "EXACT_BELOW", 500)
    rows, ids = clouds(2000), [str(i) for i in range(2000)]
    shares: list[float] = []
    for engine in ("fast", "library"):
        places = item_map(ids, rows, settings=MapSettings(engine=engine), on_share=shares.append)[["x", "y"]].to_numpy()
        near = near_on_map(places, 10)
        assert (near % 6 == np.arange(2000)[:, None] % 6).mean() > 0.85, engine
    assert shares == sorted(shares)
    assert len(shares) > 10


def test_trustworthiness_is_that_of_scikit_learn() -> None:
    rows = clouds()
    places = rows[:, :2].copy()
    found = fidelity(rows, places, k=15)
    assert found["trustworthiness"] == pytest.approx(trustworthiness(rows, places, n_neighbors=15), abs=1e-6)
    assert fidelity(places, places, k=15)["kept"] == 1.0
    assert fidelity(rows[:3], places[:3])["trustworthiness"] is None


@pytest.fixture(scope="module")
def first_map() -> np.ndarray:
    return item_map([str(i) for i in range(600)], clouds(), seed=3)[["x", "y"]].to_numpy()


def test_the_map_keeps_clouds_together_and_is_the_same_for_the_same_seed(first_map: np.ndarray) -> None:
    near = near_on_map(first_map, 10)
    assert (near % 6 == np.arange(600)[:, None] % 6).mean() > 0.85
    assert np.abs(first_map).max() == pytest.approx(1.0)
    again = item_map([str(i) for i in range(600)], clouds(), seed=3)[["x", "y"]].to_numpy()
    np.testing.assert_array_equal(first_map, again)


def test_a_map_from_an_earlier_one_stays_put(first_map: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    turned = (clouds() @ np.linalg.qr(rng.normal(size=(8, 8)))[0]).astype(np.float32)
    ids = [str(i) for i in range(600)]
    earlier = first_map[:, ::-1] * [1, -1]
    start = earlier.astype(np.float32).copy()
    start[590:] = np.nan
    kept = item_map(ids, turned, seed=4, start=start)[["x", "y"]].to_numpy()
    anew = item_map(ids, turned, seed=4)[["x", "y"]].to_numpy()
    assert np.isfinite(kept).all(), "items that the earlier map did not have are placed too"
    assert movement(kept, earlier) < 0.1 < 0.3 < movement(anew, earlier)
    near = near_on_map(kept, 10)
    assert (near[590:] % 6 == np.arange(590, 600)[:, None] % 6).mean() > 0.8


def test_procrustes_undoes_turning_mirroring_and_scaling() -> None:
    there = clouds()[:, :2] / 10
    there = there / np.abs(there).max()
    turned = (there * [1, -1]) @ np.array([[0.6, -0.8], [0.8, 0.6]]) * 3 + 5
    found = aligned(turned.astype(np.float32), there.astype(np.float32), np.ones(len(there), bool))
    off = found - there
    np.testing.assert_allclose(off, 0.0, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_fewer_items_than_neighbours(n: int) -> None:
    table = item_map([str(i) for i in range(n)], clouds(n), seed=0)
    assert np.isfinite(table[["x", "y"]].to_numpy()).all()


def test_equal_embeddings_lie_on_a_circle() -> None:
    table = item_map([str(i) for i in range(50)], np.ones((50, 8), np.float32))
    np.testing.assert_allclose(np.hypot(table.x, table.y), 1.0, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "word"),
    [({"neighbours": 1}, "neighbours is 1"), ({"min_dist": 2.0}, "min_dist is 2.0"), ({"metric": "dot"}, "cosine"),
     ({"part": "half"}, "own"), ({"engine": "slow"}, "library")],
)  # fmt: skip
def test_settings_that_cannot_be_are_named(values: dict, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        MapSettings.from_dict(values)


def test_the_job_stores_coordinates_facts_neighbours_and_details(
    trained_home: Path, tmp_path: Path, live: Recommender
) -> None:
    workspace = Workspace(Settings.from_environment(copy_home(trained_home, tmp_path / "home")))
    steps = []
    draw(workspace, live.model.id, MapSettings(part="own"), seed=1, on_progress=steps.append,
         reduce=lambda rows, _: rows[:, :2])  # fmt: skip
    facts = workspace.store.map_manifest(live.model.id)["facts"]
    assert facts["settings"]["part"] == "own"
    assert 0.5 < facts["trustworthiness"] <= 1.0
    assert 0.0 < facts["kept"] < 1.0
    assert facts["purity_level"] == "shelf"
    assert facts["found"] == 1.0
    details, arrays = workspace.store.load_map_details(live.model.id)
    first = [live.model.item_rows([x.item_id for x in live.similar(item, 15)]) for item in ("00000", "00033")]
    np.testing.assert_array_equal(arrays["nearest"][[0, 33]], first)
    np.testing.assert_allclose(details["exposure"].sum(), 10.0, rtol=1e-5)
    assert details["trend"].gt(0).all()
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)


def test_the_own_part_leaves_categories_out(live: Recommender) -> None:
    model = live.model
    features = model.item_features
    shared_part = features.matrix[:, features.kinds != "identity"] @ model.lightfm.item_embeddings[
        features.kinds != "identity"
    ]  # fmt: skip
    sold = model.popularity > 0
    np.testing.assert_allclose((own_part(model) + shared_part)[sold], model.item_embeddings[sold], atol=1e-5)
    np.testing.assert_array_equal(own_part(model)[~sold], model.item_embeddings[~sold])


def test_exposure_counts_the_lists_of_everybody(live: Recommender) -> None:
    lists, _ = live.top_k_for_all(10)
    counts = np.bincount(lists.ravel(), minlength=len(live.items)) / len(live.users)
    np.testing.assert_allclose(exposure(live.model), counts, atol=1e-6)
