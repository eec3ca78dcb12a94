"""Imports from an object store that speaks S3, and from folders whose names hold columns; as exact as from one file."""

import json
import logging
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer

from recsys.errors import Cancelled, InvalidInput, StorageProblem
from recsys.ingest.config import ImportPlan
from recsys.ingest.files.remote_files import RemoteFile, check_room, fetch, listed
from recsys.ingest.pipeline import FETCH, import_dataset
from recsys.storage.store import Store

SECRET = "not-to-be-shown-4711"
DAYS = 14


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def s3(server, monkeypatch):
    """A client of the store, with the environment that an import needs."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "importer", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1",
        "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    yield client
    ask(server, "reset")


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A folder of events by day and country in Parquet, beside a catalogue in CSV and shoppers by country."""
    folder = tmp_path_factory.mktemp("shop")
    with duckdb.connect() as db:
        db.execute(
            f"""COPY (SELECT printf('%04d', i * 7919 % 211) AS customer, printf('SKU-%03d', i * i % 97) AS sku,
                1 + i % 3 AS quantity, (DATE '2024-03-01' + (i % {DAYS})::INT)::VARCHAR AS date,
                CASE WHEN i % 5 = 0 THEN 'cart' ELSE 'purchase' END AS event FROM range(7000) t(i))
                TO '{folder}/events' (FORMAT parquet, PARTITION_BY (date, event))"""
        )
    (folder / "events" / "_SUCCESS").write_text("")
    lines = [f"SKU-{n:03d},Product {n},{'Tea' if n % 2 else 'Cups'}" for n in range(97)]
    (folder / "items.csv").write_text("\n".join(["item_id,title,category", *lines]))
    for country in ("DE", "Z%C3%BCrich"):
        users = [f"{n:04d},{20 + n % 9}" for n in range(211) if (n % 2 == 0) == (country == "DE")]
        (folder / "users" / f"land={country}").mkdir(parents=True)
        (folder / "users" / f"land={country}" / "u.csv").write_text("\n".join(["user_id,age", *users]))
    return folder


def ask(server: str, what: str, content: bytes = b"") -> None:
    """Tell the store itself: "reset" empties it, "reset-auth" says after how many calls it asks for credentials."""
    address, headers = f"{server}/moto-api/{what}", {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(address, content, headers, method="POST")).close()


def command(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`dataset import` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "recsys", "dataset", "import", "shop", *arguments, "--json"],
        env=os.environ | {"INSIDER_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def upload(s3, shop: Path) -> None:
    s3.create_bucket(Bucket="shop")
    s3.put_object(Bucket="shop", Key="export/events/", Body=b"")
    for path in shop.rglob("*"):
        if path.is_file():
            s3.upload_file(str(path), "shop", f"export/{path.relative_to(shop)}")


def plan(root: str, **options) -> ImportPlan:
    paths = {"events": (f"{root}/events",), "items": (f"{root}/items.csv",), "users": (f"{root}/users/*/*.csv",)}
    return ImportPlan("shop", **(paths | options))


def test_what_is_stored_from_a_bucket_is_what_is_stored_from_the_folder(s3, shop, tmp_path):
    upload(s3, shop)
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    steps = []
    local = import_dataset(here, plan(str(shop)))
    remote = import_dataset(there, plan("s3://shop/export"), steps.append, addresses=True)
    assert remote == local
    one, other = here.load_dataset("shop"), there.load_dataset("shop")
    assert one.fingerprint == other.fingerprint
    for table in ("events", "items", "users"):
        assert getattr(one, table).equals(getattr(other, table))
    assert len(one.events) == 7000
    assert [kind["kind"] for kind in local["kinds"]] == ["purchase", "cart"]
    assert local["period"] == ["2024-03-01T00:00:00", "2024-03-14T00:00:00"]
    assert set(one.users["land"]) == {"DE", "Zürich"}
    assert local["files"][0]["written"] == f"Parquet, {2 * DAYS} files"
    fractions = [step.fraction for step in steps]
    assert steps[0].step == FETCH and fractions == sorted(fractions)
    assert not list(there.home.glob("importing/*"))


def test_rows_of_a_partitioned_folder_are_those_of_one_table(shop, tmp_path):
    flat = tmp_path / "flat.parquet"
    with duckdb.connect() as db:
        db.execute(
            f"COPY (FROM read_parquet('{shop}/events/**/*.parquet', hive_partitioning=true, "
            f"hive_types_autocast=false)) TO '{flat}'"
        )
    found = {}
    for name, events in (("parts", f"{shop}/events"), ("flat", str(flat)), ("days", f"{shop}/events/date=*")):
        store = Store(tmp_path / name)
        import_dataset(store, plan(str(shop), events=(events,), mapping={"timestamp": ("date",)}))
        found[name] = store.load_dataset("shop").fingerprint
    assert len(set(found.values())) == 1


def test_the_command_line_imports_from_a_bucket(s3, shop, tmp_path):
    upload(s3, shop)
    paths = ["--events", "s3://shop/export/events/date=2024-03-0*", "--items", "s3://shop/export/items.csv"]
    told = command(tmp_path, *paths)
    assert told.returncode == 0, told.stderr
    report = json.loads(told.stdout)
    assert report["rows"]["used"] == 4500
    assert {x["column"]: x["taken_as"] for x in report["columns"] if x["part"] == "events"} == {
        "customer": "user_id", "sku": "item_id", "quantity": "quantity", "date": "timestamp", "event": "event",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://shopp/export/events", "There is no bucket 'shopp' at http://127.0.0.1:"),
        ("s3://shopp/export/*.csv", "There is no bucket 'shopp' at http://127.0.0.1:"),
        ("s3://shop/export/orders.csv", "There is no file or folder s3://shop/export/orders.csv; check the address."),
        ("s3://shop/export/orders-*.csv", "No file matches s3://shop/export/orders-*.csv; check the address."),
        ("s3://shop/empty", "The folder s3://shop/empty holds no file of data"),
        ("s3://shop/delta", "s3://shop/delta is a Delta Lake table"),
        ("gs://shop/events.csv", "Reading gs://shop/events.csv needs the package gcsfs: pip install gcsfs."),
        ("az://shop/events.csv", "Reading az://shop/events.csv needs the package adlfs: pip install adlfs."),
        ("ftpx://me:pw@shop/events.csv", "ftpx:// is no kind of address known here"),
        ("https://me:pw@127.0.0.1:9/events.csv?sig=pw", "https://127.0.0.1:9/events.csv cannot be reached"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_in_one_sentence(s3, shop, tmp_path, address, said):
    upload(s3, shop)
    s3.put_object(Bucket="shop", Key="empty/_SUCCESS", Body=b"")
    s3.put_object(Bucket="shop", Key="delta/_delta_log/00.json", Body=b"{}")
    s3.put_object(Bucket="shop", Key="delta/part-0.parquet", Body=b"PAR1")
    with pytest.raises(InvalidInput) as told:
        import_dataset(Store(tmp_path), ImportPlan("x", events=(address,)), addresses=True)
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value) and "pw" not in str(told.value)
    assert not Store(tmp_path).datasets()


def test_no_credentials_wrong_ones_and_an_endpoint_that_is_away(s3, server, shop, tmp_path, monkeypatch):
    upload(s3, shop)

    def told(*addresses: str) -> str:
        found = command(tmp_path, "--events", *addresses)
        assert found.returncode == 2 and not found.stdout
        assert SECRET not in found.stderr and len(found.stderr.strip().splitlines()) == 2, found.stderr
        return found.stderr

    ask(server, "reset-auth", b"0")
    try:
        assert "s3://shop/export/items.csv may not be read; check the credentials" in told("s3://shop/export/items.csv")
    finally:
        ask(server, "reset-auth", b"1000000000")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert "items.csv cannot be reached at http://127.0.0.1:9; check the address" in told("s3://shop/export/items.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:hidden@127.0.0.1:9")
    assert "hidden" not in told("s3://shop/export/items.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9")
    assert "AWS_ENDPOINT_URL is no address" in told("s3://shop/export/items.csv")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "There are no credentials for s3://shop/export/items.csv; set AWS_ACCESS_KEY_ID" in told(
        "s3://shop/export/items.csv"
    )


def test_an_import_is_cancelled_while_files_come_and_leaves_nothing(s3, shop, tmp_path):
    upload(s3, shop)
    seen = []

    def stop(progress) -> None:
        seen.append(progress)
        if progress.fraction > 0:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        import_dataset(Store(tmp_path), plan("s3://shop/export"), stop, addresses=True)
    assert {progress.step for progress in seen} == {FETCH} and seen[-1].fraction < 0.1
    assert not list(tmp_path.glob("importing/*")) and not Store(tmp_path).datasets()


def test_files_that_would_fill_the_disk_are_refused_before_they_come(tmp_path):
    huge = [RemoteFile(None, f"shop/{n}", 10**15, f"s3://shop/{n}") for n in range(3)]
    with pytest.raises(StorageProblem, match=r"The files hold 3\.0 PB, and importing them needs 6\.0 PB"):
        check_room(huge, tmp_path)


def test_a_file_that_is_cut_short_is_refused(s3, shop, tmp_path):
    upload(s3, shop)
    (file,) = listed("s3://shop/export/items.csv")
    whole = fetch(file, tmp_path / "whole")
    assert whole.path.read_bytes() == (shop / "items.csv").read_bytes()
    longer = RemoteFile(file.files, file.key, (file.size or 0) + 5, file.address)
    with pytest.raises(InvalidInput, match="cut short"):
        fetch(longer, tmp_path / "short")


def test_only_the_command_line_reads_addresses(s3, shop, tmp_path):
    """What pages and jobs call has no way to say that addresses are allowed; see also `allowed_path`."""
    upload(s3, shop)
    with pytest.raises(InvalidInput, match=r"s3://shop/export/items\.csv is no path of this machine\. Addresses are"):
        import_dataset(Store(tmp_path), ImportPlan("x", events=("s3://shop/export/items.csv",)))
    callers = [p for p in Path("recsys").rglob("*.py") if "addresses=True" in p.read_text()]
    assert callers == [Path("recsys/cli/dataset.py")]


def test_rejected_rows_of_many_files_are_told_by_file_and_row(tmp_path):
    with duckdb.connect() as db:
        for n in range(12):
            (tmp_path / f"part={n}").mkdir()
            db.execute(
                f"""COPY (SELECT CASE WHEN i = 40 + {n} THEN NULL ELSE 'u' || (i % 30) END AS user_id,
                    'i' || (i * {n + 3} % 41) AS item_id,
                    TIMESTAMP '2024-01-01' + to_hours((i * {n + 1})::INT) AS timestamp
                    FROM range(100) t(i)) TO '{tmp_path}/part={n}/x.parquet' (ROW_GROUP_SIZE 2048)"""
            )
    store = Store(tmp_path / "home")
    report = import_dataset(store, ImportPlan("x", events=(f"{tmp_path}/part=*",)))
    assert report["rows"] == {"read": 1200, "used": 1188, "rejected": 12, "left_out": 0}
    places = {(x["file"], x["line"]) for x in report["rejected"]["first"]}
    assert places == {(f"part={n}/x.parquet", 41 + n) for n in range(12)}


def test_a_column_of_the_file_goes_before_one_of_its_folder(tmp_path):
    folder = tmp_path / "user_id=nobody" / "event=__HIVE_DEFAULT_PARTITION__"
    folder.mkdir(parents=True)
    rows = [f"u{n % 20},i{n * 7 % 23},2024-01-{1 + n % 28:02d}" for n in range(400)]
    (folder / "x.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    store = Store(tmp_path / "home")
    report = import_dataset(store, ImportPlan("x", events=(str(folder / "x.csv"),)))
    assert report["users"] == 20
    assert [(x["column"], x["taken_as"]) for x in report["columns"]][-1] == ("event", None)
