"""The last resort: popularity in the segment, counted by hand, for those of whom the model can use nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from starlette.testclient import TestClient

from recsys.api.app import create_api
from recsys.dataset.dataset import Dataset, Interactions
from recsys.errors import InvalidInput
from recsys.models.segment_popularity import PRIOR
from recsys.recommend.recommender import Recommender
from recsys.services.training_service import train_and_store
from recsys.services.workbench.target_user import Person, described
from recsys.services.workspace import Workspace
from recsys.settings import Settings
from tests.conftest import SMALL_RECIPE


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, small_dataset: Dataset) -> Workspace:
    """A shop whose live model has learned nothing from the attributes of its shoppers."""
    workspace = Workspace(Settings.from_environment(tmp_path_factory.mktemp("home")))
    workspace.store.save_dataset(small_dataset)
    train_and_store(workspace, "small", replace(SMALL_RECIPE, user_attributes=(), epochs=2), seed=1, promote=True)
    return workspace


def by_hand(live: Recommender, age: str | None, category: str | None = None) -> list[tuple[str, float]]:
    """The first five items and their scores, counted from the table of pairs."""
    pairs = live.model.history.counts.tocoo()
    had = [(int(user), int(item)) for user, item in zip(pairs.row, pairs.col, strict=True)]
    ages = live.users["age"].to_numpy(dtype=object)
    shop = {user for user, _ in had}
    inside = {user for user in shop if ages[user] == age}
    scores = np.zeros(len(live.items))
    for item in range(len(live.items)):
        buyers = {user for user, other in had if other == item}
        score = len(buyers) / len(shop)
        if age is not None:
            score = (len(buyers & inside) + PRIOR * score) / (len(inside) + PRIOR)
        scores[item] = score if category in (None, live.items["department"].iloc[item]) else -1
    order = np.argsort(-scores.astype(np.float32), kind="stable")[:5]
    return [(live.model.item_ids[row], float(scores[row])) for row in order]


@pytest.mark.parametrize("category", [None, "Drinks"])
@pytest.mark.parametrize("age", [None, "25-44", "45+"])
def test_the_last_resort_is_what_the_segment_had_most(home: Workspace, age: str | None, category: str | None) -> None:
    live = home.load()
    answer = live.recommend_for(user={"age": age} if age else {}, k=5, category=category)
    assert answer.path == "popular"
    expected = by_hand(live, age, category)
    assert [item.score for item in answer.items] == pytest.approx([score for _, score in expected])
    assert {item.item_id for item in answer.items[:3]} == {name for name, _ in expected[:3]}


def test_segments_differ_and_reasons_add_up(home: Workspace) -> None:
    live = home.load()
    lists = {tuple(i.item_id for i in live.recommend_for(user={"age": age}).items) for age in ("19-24", "25-44", "45+")}
    assert len(lists) == 3
    for item in live.recommend_for(user={"age": "45+"}, explain=True).items:
        assert [reason.kind for reason in item.reasons] == ["user", "bias", "bias"]
        assert item.reasons[0].name == "age: 45+"
        assert sum(reason.value for reason in item.reasons) == pytest.approx(item.score, abs=1e-6)


def test_the_api_says_so_for_somebody_announced_and_page_and_api_agree(home: Workspace) -> None:
    client = TestClient(create_api(home), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    client.post("/v1/events", json={"users": [{"user_id": "young", "attributes": {"age": "19-24"}}]})
    answer = client.get("/v1/users/young/recommendations").json()
    assert answer["path"] == "popular"
    posted = client.post("/v1/recommendations", json={"user": {"age": "19-24"}}).json()
    assert posted["path"] == "popular"
    assert [x["item_id"] for x in answer["items"]] == [x["item_id"] for x in posted["items"]]
    person = described(home.load(), Person((), {"age": "19-24"}))
    assert person.missing == ()
    assert person.user_state.path == "popular"
    history = client.post("/v1/recommendations", json={"history": ["00001"], "user": {"age": "19-24"}}).json()
    assert history["path"] == "folded", "what they had says more than the segment"


def test_attributes_that_nobody_has_are_named(home: Workspace) -> None:
    with pytest.raises(InvalidInput, match="no attribute 'shoe_size'"):
        home.load().recommend_for(user={"shoe_size": "44"})
    with pytest.raises(InvalidInput, match="age"):
        home.load().recommend_for(user={"age": "never heard of"})


def test_a_shopper_of_the_table_without_a_past_gets_the_segment(live: Recommender) -> None:
    """Nothing was learned of them, and no feature says anything."""
    model = live.model
    row = int(np.flatnonzero(model.users["age"].notna())[0])
    features, pairs = model.user_features.matrix.copy(), model.history.counts
    features.data[features.indptr[row] : features.indptr[row + 1]] = 0
    features.eliminate_zeros()
    users = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    kept = users != row
    counts = sparse.csr_matrix((pairs.data[kept], (users[kept], pairs.indices[kept])), shape=pairs.shape)
    times = {name: getattr(model.history, name)[kept] for name in ("first", "last", "value")}
    history = Interactions(counts, **times)
    changed = Recommender(
        replace(model, user_features=replace(model.user_features, matrix=features), history=history, again=None)
    )
    answer = changed.recommend(str(model.users["user_id"].iloc[row]), explain=True)
    assert answer.path == "popular"
    assert answer.items[0].reasons[0].name == f"age: {model.users['age'].iloc[row]}"
