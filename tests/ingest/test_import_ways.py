"""The other ways in: databases and the command line; and what is left when an import is killed."""

import json
import shlex
import sqlite3
from importlib import import_module

import pytest
import sqlalchemy as sa

from recsys.errors import InvalidInput
from recsys.ingest.config import ImportPlan
from recsys.ingest.pipeline import import_dataset
from recsys.storage.store import Store
from tests.ingest.test_import import GOOD, lines, run, stored
from tests.postgres import needs_postgresql, server

QUERY = "SELECT who AS customer_id, what AS sku, at AS order_date, n AS qty FROM orders WHERE n > 0"


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (who TEXT, what INTEGER, at TEXT, n INTEGER)")
        rows: list[tuple] = [("x", 1, None, 0), ("07", 1000, "?", 1)]
        times = [(u, i, f"2024-02-{1 + u * 4 + i:02d}T10:00:00") for u in range(4) for i in range(4)]
        rows = [(f"0{u}", 1000 + i, at, 1 + i) for u, i, at in times] + rows
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return path


def query(tmp_path, database: str, sql: str = QUERY):
    return import_dataset(Store(tmp_path / "home"), ImportPlan("sql", events_sql=sql, database=database))


def test_a_query_gives_a_dataset(tmp_path, shop):
    report = query(tmp_path, f"sqlite:///{shop}")
    assert report["rejected"]["by_reason"] == {"no timestamp": 1}
    assert report["rejected"]["first"][0]["line"] == 17
    dataset = stored(tmp_path, "sql")
    assert dataset.users["user_id"].tolist() == ["00", "01", "02", "03"]
    assert dataset.items["item_id"].tolist() == ["1000", "1001", "1002", "1003"]
    assert dataset.events["quantity"].sum() == 4 * (1 + 2 + 3 + 4)


@pytest.mark.parametrize("name", ["g[1].csv", "g*.csv", "g?.csv"])
def test_a_file_whose_name_has_wildcards_is_that_file_and_no_other(tmp_path, name):
    lines(tmp_path / "g1.csv", *(row.replace("u", "other") for row in GOOD))
    lines(tmp_path / name, *GOOD)
    run(tmp_path, tmp_path / name)
    assert not [user for user in stored(tmp_path).users["user_id"] if user.startswith("other")]


@needs_postgresql
def test_a_query_to_postgresql_gives_a_dataset(tmp_path):
    with server() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE o (who TEXT, what BIGINT, at TIMESTAMPTZ, n INT, v NUMERIC(8,2))"))
            connection.execute(
                sa.text(
                    "INSERT INTO o SELECT lpad((i % 50)::text, 3, '0'), 10000000000000000 + i % 37, "
                    "timestamptz '2024-01-01 12:00+02' + i * interval '1 hour', 1, 2.25 FROM generate_series(0, 1999) i"
                )
            )
            connection.execute(sa.text("INSERT INTO o VALUES (NULL, 1, now(), 1, 1)"))
        engine.dispose()
        sql = "SELECT who AS customer, what AS sku, at AS order_date, n AS qty, v AS value FROM o"
        report = query(tmp_path, url, sql)
    assert (report["events"], report["users"], report["items"]) == (2000, 50, 37)
    assert report["rejected"]["by_reason"] == {"no user_id": 1}
    assert report["period"][0] == "2024-01-01T10:00:00"
    dataset = stored(tmp_path, "sql")
    assert dataset.users["user_id"].iloc[0] == "000"
    assert dataset.items["item_id"].iloc[0] == "10000000000000000"
    assert dataset.events["value"].sum() == 2000 * 2.25


@pytest.mark.parametrize(
    ("database", "sql", "message"),
    [
        ("sqlite:////nowhere/x.db", QUERY, "no SQLite file /nowhere/x.db"),
        ("nonsense", QUERY, "no SQLAlchemy URL"),
        ("postgresql+psycopg://joe:secret@127.0.0.1:1/x", QUERY, r"joe:\*\*\*@127.0.0.1:1/x does not answer"),
        ("{shop}", "SELECT lacking FROM orders", "does not answer the query: no such column"),
        ("{shop}", "SELECT who FROM orders WHERE n > 99", "gives no rows"),
        ("{shop}", "SELECT who, what FROM orders", "no column that looks like user_id"),
        ("{shop}", "DELETE FROM orders", "must be a SELECT"),
    ],
)
def test_a_wrong_query_is_told_and_stores_nothing(tmp_path, shop, database, sql, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        query(tmp_path, database.replace("{shop}", f"sqlite:///{shop}"), sql)
    assert "secret" not in str(caught.value)
    assert Store(tmp_path / "home").datasets() == []
    with sqlite3.connect(shop) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (18,)
    connection.close()


def test_the_command_line_imports_shows_and_deletes(tmp_path, monkeypatch, capsys):
    from recsys.cli.app import app

    monkeypatch.setenv("INSIDER_HOME", str(tmp_path / "home"))
    path = lines(tmp_path / "e.csv", *GOOD, "u1,,2024-01-01", header="k,w,t")

    def call(line: str) -> tuple[int, str, str]:
        try:
            app(shlex.split(line), standalone_mode=True)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    code, _, err = call(f"dataset import shop --events {path}")
    assert code == 2
    assert "e.csv has no column that looks like user_id" in err
    mapped = "--map user_id=k --map item_id=w --map timestamp=t"
    code, out, err = call(f"dataset import shop --events {path} {mapped}")
    assert code == 0, err
    assert "Rejected: no item_id" in out
    assert "16 of 17 rows" in out
    code, out, _ = call("dataset show shop --json")
    report = json.loads(out)
    assert (code, report["events"], report["rejected"]["rows"]) == (0, 16, 1)
    assert (
        json.loads(call(f"dataset import again --events {path} {mapped} --json")[1])["fingerprint"]
        == (report["fingerprint"])
    )
    assert call("dataset import ../x --events x.csv")[0] == 2
    assert call(f"dataset import x --events {path} --weight view=much")[0] == 2
    assert json.loads(call("dataset delete shop --json")[1])["deleted"] == "shop"
    assert json.loads(call("dataset list --json")[1])["datasets"][0]["name"] == "again"


def test_an_import_killed_at_any_moment_leaves_all_or_nothing(tmp_path):
    benchmark = import_module("benchmarks.import")
    outcomes = benchmark.killed(tmp_path, 3, events=60_000, seed=1)
    assert set(outcomes) <= set(benchmark.WHOLE), outcomes


def test_a_failed_import_keeps_what_was_stored(tmp_path):
    before = run(tmp_path, lines(tmp_path / "a.csv", *GOOD))["fingerprint"]
    with pytest.raises(InvalidInput):
        run(tmp_path, lines(tmp_path / "b.csv", ",,"))
    assert stored(tmp_path).fingerprint == before
