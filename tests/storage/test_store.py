"""The store: whole or not at all. Every damaged byte is noticed and named; half-written things are never listed."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.dataset.dataset import Dataset
from recsys.errors import Corrupted, InsiderError, InvalidInput, NotFound, StorageProblem
from recsys.models import lightfm_wrapper
from recsys.recommend.recommender import Recommender
from recsys.services.workspace import Workspace
from recsys.settings import PROJECT_ROOT, Settings
from recsys.storage.artifacts import MANIFEST
from recsys.storage.event_log import Event
from recsys.storage.live_pointer import LivePointer
from recsys.storage.store import Store
from tests.homes import copy_home, everything_below, read_only_copy
from tests.shops import planted_shop
from tests.strategies import PROPERTY


@pytest.fixture
def own_home(trained_home: Path, tmp_path: Path) -> Path:
    """A home of one test's own, to be changed."""
    return copy_home(trained_home, tmp_path / "home")


def only_model(home: Path) -> Path:
    (folder,) = (home / "models").iterdir()
    return folder


# What is written comes back


def test_a_dataset_comes_back_as_it_was(small_dataset: Dataset, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_dataset(small_dataset)
    back = store.load_dataset("small")
    for table in ("users", "items", "events"):
        pd.testing.assert_frame_equal(getattr(back, table), getattr(small_dataset, table), check_dtype=False)
    assert back.fingerprint == small_dataset.fingerprint
    assert (back.category_levels, back.user_attributes) == (("department", "shelf"), ("age",))
    assert back.notes == small_dataset.notes
    assert store.dataset_manifest("small")["summary"]["events"] == len(small_dataset.events)


def test_a_dataset_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_dataset(planted_shop())
    other = planted_shop(seed=5)
    store.save_dataset(other)
    assert store.datasets() == ["small"]
    assert store.load_dataset("small").fingerprint == other.fingerprint
    assert [path.name for path in (tmp_path / "datasets").iterdir()] == ["small"]


def test_a_model_comes_back_to_the_bit_and_can_go_on_training(live: Recommender, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save_model(live.model)
    back = store.load_model(live.model.id)
    before, after = lightfm_wrapper.state(live.lightfm), lightfm_wrapper.state(back.lightfm)
    for name in before:
        assert before[name].dtype == after[name].dtype
        assert np.array_equal(before[name], after[name]), name
    assert back.recipe == live.model.recipe
    assert back.seed == live.model.seed
    pd.testing.assert_frame_equal(back.items, live.items)
    pd.testing.assert_frame_equal(back.users, live.users)
    assert abs(back.history.counts - live.model.history.counts).sum() == 0
    assert list(lightfm_wrapper.train_epochs(
        back.lightfm, (back.history.counts > 0).astype(np.float32), None, back.user_features, back.item_features,
        back.recipe, 1,
    ))  # fmt: skip
    assert not np.array_equal(back.lightfm.item_embeddings, before["item_embeddings"])


def test_nothing_stored_is_pickled(trained_home: Path) -> None:
    files = [path for path in only_model(trained_home).iterdir() if path.name != MANIFEST]
    assert {path.suffix for path in files} == {".npy", ".parquet"}
    for path in files:
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)


def test_the_manifest_says_what_a_model_is(trained_home: Path, live: Recommender) -> None:
    manifest = json.loads((only_model(trained_home) / MANIFEST).read_text())
    assert manifest["recipe"] == live.model.recipe.to_dict()
    assert manifest["fingerprint"] == Store(trained_home).load_dataset("small").fingerprint
    assert "lightfm" in manifest["code_version"]
    assert manifest["metrics"]["lanes"]["discover"]["model"]["ndcg"]["value"] > 0
    assert set(manifest["files"]) == {path.name for path in only_model(trained_home).iterdir()} - {MANIFEST}


# What is damaged is noticed


def model_files(home: Path) -> list[str]:
    return sorted(path.name for path in only_model(home).iterdir())


def test_every_file_of_a_model_with_one_byte_changed_is_refused_by_name(own_home: Path) -> None:
    folder = only_model(own_home)
    store = Store(own_home)
    for name in model_files(own_home):
        content = (folder / name).read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 0x01
            (folder / name).write_bytes(changed)
            with pytest.raises(Corrupted, match=f"Model '{folder.name}' is damaged: .*{name} was changed or cut short"):
                store.load_model(folder.name)
        (folder / name).write_bytes(content)
    store.load_model(folder.name)


def test_a_manifest_that_still_means_the_same_but_was_changed_is_noticed_too(own_home: Path) -> None:
    path = only_model(own_home) / MANIFEST
    text = path.read_text()
    start = text.index('"seed"')
    path.write_text(f"{text[:start]} {text[start:]}")
    with pytest.raises(Corrupted, match="was changed or cut short"):
        Store(own_home).load_model(path.parent.name)
    path.write_text(text)
    Store(own_home).load_model(path.parent.name)


def test_every_file_cut_short_or_empty_is_refused_by_name(own_home: Path) -> None:
    folder = only_model(own_home)
    for name in model_files(own_home):
        content = (folder / name).read_bytes()
        for length in (0, len(content) // 2, len(content) - 1):
            (folder / name).write_bytes(content[:length])
            with pytest.raises(Corrupted, match=f"{name} was changed or cut short"):
                Store(own_home).load_model(folder.name)
        (folder / name).write_bytes(content)


def test_a_file_that_is_gone_is_named(own_home: Path) -> None:
    folder = only_model(own_home)
    (folder / "user_embeddings.npy").unlink()
    with pytest.raises(Corrupted, match=r"user_embeddings\.npy is missing"):
        Store(own_home).load_model(folder.name)


def test_a_dataset_or_map_with_one_byte_changed_is_refused_by_name(own_home: Path) -> None:
    store = Store(own_home)
    (map_folder,) = (own_home / "maps").iterdir()
    for path, load in (
        (own_home / "datasets" / "small" / "events.parquet", lambda: store.load_dataset("small")),
        (map_folder / "map.parquet", lambda: store.load_map(map_folder.name)),
    ):
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 0x80
        path.write_bytes(content)
        with pytest.raises(Corrupted, match=f"{path.name} was changed or cut short"):
            load()


@PROPERTY
@given(place=st.integers(0, 10**9), value=st.integers(1, 255))
def test_any_changed_byte_of_a_manifest_is_noticed(trained_home: Path, place: int, value: int) -> None:
    """Whatever the change says, it is refused: also a change of white space or of a digit in a metric."""
    store = Store(trained_home)
    path = only_model(trained_home) / MANIFEST
    content = path.read_bytes()
    changed = bytearray(content)
    changed[place % len(content)] ^= value
    try:
        path.write_bytes(changed)
        try:
            manifest = store.model_manifest(path.parent.name)
        except Corrupted:
            return
        assert json.loads(content) == manifest.to_dict()
    finally:
        path.write_bytes(content)


def test_a_model_of_a_later_format_is_refused(own_home: Path) -> None:
    from recsys.storage import artifacts

    path = only_model(own_home) / MANIFEST
    manifest = json.loads(path.read_text()) | {"format_version": artifacts.FORMAT_VERSION + 1}
    manifest["checksum"] = artifacts._checksum(manifest)
    path.write_text(json.dumps(manifest))
    with pytest.raises(Corrupted, match="written by a newer version"):
        Store(own_home).load_model(path.parent.name)


def test_a_damaged_model_can_be_deleted(own_home: Path) -> None:
    """Otherwise it would be in the way for ever."""
    store = Store(own_home)
    damaged = only_model(own_home).name
    second = shutil.copytree(own_home / "models" / damaged, own_home / "models" / "second")
    (second / MANIFEST).write_text("{")
    store.delete_model("second")
    assert store.models() == [damaged]


# What is half-written does not exist


CHILD = """
import os, signal, sys
from pathlib import Path
from recsys.storage import artifacts as folders, live_pointer
from recsys.storage.store import Store
from tests.shops import planted_shop

home, what, deadly = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
count = 0
sync = folders.sync
def die_at(path):
    global count
    count += 1
    if count == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(path)
folders.sync = live_pointer.sync = die_at
if what == "model":
    live, _ = Store(home).live()
    model = Store(home).load_model(live)
    from dataclasses import replace
    Store(home).save_model(replace(model, id="new"))
elif what == "dataset":
    Store(home).save_dataset(planted_shop("new"))
elif what == "replace":
    Store(home).save_dataset(planted_shop("small", seed=3))
elif what == "live":
    Store(home).set_live("second")
print("survived")
"""


def run_child(*arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def restrict() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], cwd=PROJECT_ROOT, capture_output=True, text=True, preexec_fn=restrict
    )


@pytest.mark.parametrize("what, deadly", [("model", 1), ("model", 20), ("dataset", 4), ("replace", 3), ("live", 1)])
def test_a_process_killed_while_writing_leaves_all_as_it_was(own_home: Path, what: str, deadly: int) -> None:
    store = Store(own_home)
    model = only_model(own_home).name
    if what == "live":
        shutil.copytree(own_home / "models" / model, own_home / "models" / "second")
    before = (store.models(), store.datasets(), store.live(), store.load_dataset("small").fingerprint)
    assert run_child(str(own_home), what, str(deadly)).returncode == -signal.SIGKILL
    assert (store.models(), store.datasets(), store.live(), store.load_dataset("small").fingerprint) == before
    store.load_model(model)
    done = run_child(str(own_home), what, "0")
    assert "survived" in done.stdout, done.stderr


@pytest.mark.parametrize("what", ["model", "dataset", "replace", "live"])
def test_a_full_disk_is_said_and_leaves_all_as_it_was(own_home: Path, what: str) -> None:
    """A limit on the size of files stands for the full disk: writing fails in the same place in the same way."""
    if what == "live":
        shutil.copytree(only_model(own_home), own_home / "models" / "second")
    before = everything_below(own_home)
    done = run_child(str(own_home), what, "0", limit=10 if what == "live" else 2000)
    assert "survived" not in done.stdout
    assert f"StorageProblem: Cannot write below {own_home}: there is no space left; free some" in done.stderr
    assert everything_below(own_home) == before


def small_file_system(folder: Path) -> bool:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)], capture_output=True)
    return mounted.returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_file_system_that_is_really_full_is_said(live: Recommender, tmp_path: Path) -> None:
    home = tmp_path / "small"
    if not small_file_system(home):
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(StorageProblem, match="there is no space left"):
            Store(home).save_model(live.model)
        assert Store(home).models() == []
        assert not [path for path in home.rglob("*") if path.is_file()]
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_what_others_left_half_written_is_neither_listed_nor_loaded(own_home: Path) -> None:
    store = Store(own_home)
    model = only_model(own_home)
    (own_home / "models" / "no-manifest").mkdir()
    shutil.copytree(model, own_home / "models" / ".writing-1")
    (own_home / "models" / "a file").write_text("x")
    assert store.models() == [model.name]
    for name in ("no-manifest", ".writing-1", "a file"):
        with pytest.raises(NotFound, match=f"No model '{name}'"):
            store.load_model(name)


# What cannot be written is said


def test_a_read_only_home_is_said_and_still_answers(trained_home: Path, live: Recommender) -> None:
    with read_only_copy(trained_home) as home:
        store = Store(home)
        assert store.load_model(live.model.id).id == live.model.id
        for write in (
            lambda: store.save_dataset(planted_shop("new")),
            lambda: store.save_model(live.model),
            lambda: store.save_map(live.model.id, pd.DataFrame({"item_id": ["a"], "x": [0.0], "y": [0.0]})),
            lambda: LivePointer(home).write("x", []),
        ):
            with pytest.raises(StorageProblem, match=f"Cannot write below {home}: it is read-only"):
                write()


def test_a_read_only_home_after_a_clean_stop_is_read(trained_home: Path) -> None:
    with read_only_copy(trained_home) as home:
        assert not list(home.glob("*-wal"))  # SQLite would have to make it again
        found = Workspace(Settings.from_environment(home))
        before = found.load().recommend("u001", k=5).to_dict()
        assert found.training_runs.all("small")
        with pytest.raises(StorageProblem, match="write permission"):
            found.event_log.append("small", [Event("1", "u002", "00001", datetime(2024, 1, 1))])
        assert found.load().recommend("u001", k=5).to_dict() == before


def test_a_home_below_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageProblem, match=r"Cannot write below .*file/home"):
        Store(tmp_path / "file" / "home").save_dataset(planted_shop())


def test_a_pointer_that_cannot_be_read_is_said(own_home: Path) -> None:
    (own_home / "live.json").unlink()
    (own_home / "live.json").mkdir()
    with pytest.raises(StorageProblem, match=r"Cannot read .*live\.json: Is a directory"):
        Store(own_home).live()


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "a b", "x" * 61, "ü", "a\n"])
def test_names_that_are_no_folder_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="is no name for a folder"):
        Store(tmp_path / "home").save_dataset(planted_shop(name, n_users=10, n_items=20))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("name", ["../models", "nothing", "", "."])
def test_unknown_names_are_listed_beside_those_there_are(trained_home: Path, name: str) -> None:
    with pytest.raises(NotFound, match="there are: small"):
        Store(trained_home).load_dataset(name)
    with pytest.raises(NotFound, match="No model"):
        Store(trained_home).load_model(name)


def test_an_empty_home_has_nothing_and_stays_empty(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    assert (store.models(), store.datasets(), store.live()) == ([], [], (None, []))
    with pytest.raises(NotFound, match="there are: none"):
        store.load_dataset("demo")
    assert not (tmp_path / "none").exists()


# Which version is live


@pytest.fixture
def three(own_home: Path) -> Store:
    """A store with the versions `a`, `b` and `c`, all whole, and nothing live."""
    store = Store(own_home)
    first = only_model(own_home)
    from dataclasses import replace

    model = store.load_model(first.name)
    for name in "abc":
        store.save_model(replace(model, id=name))
    (own_home / "live.json").unlink()
    return store


def test_the_pointer_moves_and_goes_back(three: Store) -> None:
    for name in "abc":
        three.set_live(name)
    assert three.live() == ("c", ["b", "a"])
    three.set_live("c")
    assert three.live() == ("c", ["b", "a"])
    assert three.roll_back() == "b"
    assert three.live() == ("b", ["a"])
    three.set_live("c")
    three.set_live("b")
    assert three.live() == ("b", ["c", "a"])
    three.delete_model("c")
    assert three.live() == ("b", ["a"])
    assert three.roll_back() == "a"
    with pytest.raises(InvalidInput, match="No earlier model to roll back to"):
        three.roll_back()
    assert three.live() == ("a", [])


def test_the_live_version_cannot_be_deleted_and_what_is_not_there_cannot_be_live(three: Store) -> None:
    three.set_live("a")
    with pytest.raises(InvalidInput, match="'a' is live; promote another one before deleting it"):
        three.delete_model("a")
    with pytest.raises(NotFound, match="No model 'nothing'; there are"):
        three.set_live("nothing")
    assert three.live() == ("a", [])


@PROPERTY
@given(st.binary(max_size=40) | st.sampled_from([b"null", b"[]", b"{}", b'{"model": 5}', b'"a"', b'{"model": "a"}']))
def test_a_damaged_pointer_is_said_and_mended_by_promoting(trained_home: Path, content: bytes) -> None:
    store = Store(trained_home)
    pointer = trained_home / "live.json"
    intact = pointer.read_bytes()
    try:
        pointer.write_bytes(content)
        with pytest.raises(Corrupted, match=r"live\.json is damaged; promote a model again"):
            store.live()
        (model,) = store.models()
        store.set_live(model)
        assert store.live() == (model, [])
    finally:
        pointer.write_bytes(intact)


def test_readers_see_the_old_or_the_new_version_while_writers_compete(three: Store) -> None:
    three.set_live("a")
    seen, troubles = set(), []
    end = threading.Event()

    def read() -> None:
        while not end.is_set():
            try:
                seen.add(three.live()[0])
            except InsiderError as error:
                troubles.append(error)

    def write(names: str) -> None:
        for name in names * 30:
            three.set_live(name)

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(names,)) for names in ("abc", "cab")]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    end.set()
    for thread in readers:
        thread.join()
    assert not troubles
    assert seen <= {"a", "b", "c"}
    assert {path.name for path in three.home.iterdir() if path.name.startswith(".")} == set()


def test_readers_of_a_dataset_see_the_old_or_the_new_one_while_it_is_replaced(own_home: Path) -> None:
    store = Store(own_home)
    shops = [planted_shop(seed=seed, n_users=20, n_items=30) for seed in (1, 2)]
    store.save_dataset(shops[0])
    allowed = {shop.fingerprint for shop in shops}
    seen, troubles = set(), []
    end = threading.Event()

    def read() -> None:
        while not end.is_set():
            try:
                seen.add(store.load_dataset("small").fingerprint)
            except InsiderError as error:
                troubles.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for turn in range(40):
        store.save_dataset(shops[turn % 2])
    end.set()
    for thread in readers:
        thread.join()
    assert not troubles
    assert seen <= allowed


def test_a_model_can_be_deleted_on_a_full_disk(
    trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deleting is how space is freed: nothing is written before it has been."""
    store = Store(copy_home(trained_home, tmp_path / "home"))
    live = str(store.live()[0])
    for old in ("old-1", "old-2"):
        shutil.copytree(store.home / "models" / live, store.home / "models" / old)
    (store.home / "live.json").write_text(json.dumps({"model": live, "before": ["old-1"]}))
    write = LivePointer.write

    def needs_room(pointer: LivePointer, *args: object) -> None:
        if (store.home / "models" / "old-1").exists():
            raise StorageProblem("There is no space left.")
        write(pointer, *args)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(LivePointer, "write", needs_room)
    store.delete_model("old-2")
    store.delete_model("old-1")
    assert store.models() == [live] and store.live() == (live, [])
