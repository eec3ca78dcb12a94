"""The compiled parts of importing beside plain Python and pandas: texts as numbers; rows sorted, counted and hashed."""

from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys import columns as c
from recsys.dataset.dataset import Hashed, fingerprint_of
from recsys.ingest.duckdb_session import DuckSession
from recsys.ingest.events import event_sort, event_writer
from recsys.ingest.events.event_sort import KeptRows, RowBuffers
from recsys.ingest.events.event_writer import write_events
from recsys.ingest.events.filtering import Filtered
from recsys.ingest.events.statistics import ImportStatistics
from recsys.ingest.ids.text_encoder import TextEncoder

middles = st.sampled_from(["", "a", "b", "same eight", "ö"])
alike = st.builds(lambda *parts: "12345678" + "".join(parts) + "87654321", middles, middles, middles)
texts = st.one_of(st.none(), alike, st.text(max_size=40), st.text("ab\0", max_size=20))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(texts, max_size=40), min_size=1, max_size=6), st.integers(0, 9))
def test_texts_get_numbers_to_the_letter(lists, cut):
    numbering, known = TextEncoder(), {}
    for rows in lists:
        got = numbering.numbers(pa.array(rows, pa.string()).slice(cut)).tolist()
        expected = [-1 if x is None else known.setdefault(x, len(known)) for x in rows[cut:]]
        assert got == expected
    assert len(numbering) == len(known)
    assert numbering.texts().to_pylist() == list(known)
    assert numbering.texts(len(known) // 2).to_pylist() == list(known)[len(known) // 2 :]


def test_many_texts_outgrow_every_table():
    numbering = TextEncoder()
    rows = [f"{n * 7919 % 30_011}{'x' * (n % 40)}" for n in range(60_000)]
    known: dict[str, int] = {}
    expected = [known.setdefault(x, len(known)) for x in rows]
    assert numbering.numbers(pa.array(rows)).tolist() == expected
    assert numbering.numbers(pa.array(rows)).tolist() == expected
    assert numbering.texts().to_pylist() == list(known)


def as_events(rows: pd.DataFrame, user_places, item_places, weights, once: bool) -> pd.DataFrame:
    """What pandas makes of staged rows."""
    n = len(rows)
    found = pd.DataFrame(
        {
            c.USER: np.array(user_places, np.int32)[rows["u"]],
            c.ITEM: np.array(item_places, np.int32)[rows["i"]],
            c.TIMESTAMP: rows["ts"].to_numpy().astype("datetime64[s]") if "ts" in rows else np.full(n, "NaT", "M8[s]"),
            c.QUANTITY: rows["q"] if "q" in rows else np.full(n, 1, np.float32),
            c.VALUE: rows["v"] if "v" in rows else np.full(n, 0, np.float32),
            **({c.WEIGHT: np.array(weights, np.float32)[rows["heavy"]]} if "heavy" in rows else {}),
        }
    )
    found = found[(found[c.USER] >= 0) & (found[c.ITEM] >= 0)].sort_values(list(found.columns), kind="stable")
    return (found.drop_duplicates() if once else found).reset_index(drop=True)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.sets(st.sampled_from(["ts", "q", "v", "heavy"])), st.booleans(),
    st.sampled_from([(7, 400 << 20), (1000, 300), (64, 2000)]), st.sampled_from([1, 40, 3000]),
)  # fmt: skip
def test_rows_are_sorted_counted_and_hashed_as_pandas_does(tmp_path_factory, seed, names, once, sizes, n):
    folder: Path = tmp_path_factory.mktemp("rows")
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"u": rng.integers(0, 9, n) ** 2 // 8, "i": rng.integers(0, 5, n)}, dtype=np.int32)
    made = {
        "ts": rng.integers(0, 2**32 - 1, 3)[rng.integers(0, 3, n)].astype(np.uint32),
        "q": rng.choice(np.array([0.5, 1, 2.25, 1e6], np.float32), n),
        "v": rng.choice(np.array([-1e9, -2.5, 0, -0.0, 3e-8, 7], np.float32), n),
        "heavy": rng.integers(0, 3, n).astype(np.uint8),
    }
    columns = {name: name for name in made if name in names}
    for name in columns:
        rows[name] = made[name]
    user_places, item_places = [3, 0, -1, 1, 2, 4, 5, 6, 7], [1, 2, -1, 0, 3]
    weights = (0.5, 1.0, 5.0)
    expected = as_events(rows, user_places, item_places, weights, once)
    db = DuckSession(folder / "duck", memory_mb=200)
    survey = ImportStatistics(8, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_writer, "PIECE", sizes[0])
        patch.setattr(event_sort, "HELD", sizes[1])
        db.insert("staged", pa.Table.from_pandas(rows, preserve_index=False), create=True)
        kept = Filtered("true", n, columns, weights, (), {}, None, 0)
        places = (np.array(x, np.int32) for x in (user_places, item_places))
        path = folder / "events.parquet"
        buffers: Future[RowBuffers] = Future()
        buffers.set_result(RowBuffers.of(kept, folder))
        pieces = list(write_events(KeptRows(db, kept, *places, 8, buffers), survey, path, once=once))
    db.close()
    assert survey.events == len(expected)
    if len(expected) == 0:
        return
    assert fingerprint_of([pieces], (), ()) == fingerprint_of([[expected]], (), ())
    assert all(isinstance(piece, Hashed) for piece in pieces)
    stored = pq.read_table(path).to_pandas()
    stored[c.TIMESTAMP] = stored[c.TIMESTAMP].astype("datetime64[s]")
    pd.testing.assert_frame_equal(stored, expected)
    pairs = expected.groupby([c.USER, c.ITEM]).size()
    assert (survey.pairs, survey.repeated) == (len(pairs), int((pairs > 1).sum()))
    assert survey.duplicates == int(expected.duplicated().sum())
    assert survey.users_of_item.tolist() == np.bincount(pairs.index.get_level_values(1), minlength=4).tolist()
    assert survey.items_of_user.tolist() == np.bincount(pairs.index.get_level_values(0), minlength=8).tolist()
    assert survey.events_of_user.tolist() == np.bincount(expected[c.USER], minlength=8).tolist()
    times = expected[c.TIMESTAMP]
    assert (survey.first, survey.last) == ((times.min(), times.max()) if "ts" in columns else (None, None))
