"""Databases of other versions: an older one is migrated forward, a newer one refused in words."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from recsys.errors import StorageProblem
from recsys.storage import audit, schema
from recsys.storage.database import Database
from recsys.storage.documents import DocumentStore
from recsys.storage.event_log import EventLog
from recsys.storage.jobs import JobStore
from recsys.storage.tables import metadata

OLD = Path(__file__).parent / "database_before_versions.sql"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database from before versions were kept."""
    path = tmp_path / "insider.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD.read_text())
    return path


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def differences(database: Database) -> list[object]:
    """What lies between a database and the tables of this version."""
    with database.read() as connection:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_an_old_database_opens_with_all_that_is_in_it(file: Path) -> None:
    database = Database(url(file))
    job = JobStore(database).get(1)
    assert (job.kind, job.state, job.seed, job.model) == ("train", "done", 3, "20250102-030405-abcd")
    assert [entry.action for entry in audit.entries(database)] == ["note", "promote"]
    assert audit.notes(database)["model 20250102-030405-abcd"] == audit.Note("good one", ("spring",))
    assert DocumentStore(database, "persona").get("Ann").content["user"] == {"age": "45-54"}
    assert EventLog(database).size("demo")["events"] == 1
    with database.read() as connection:
        assert schema.version(connection) == schema.NEWEST
    assert differences(database) == []


def test_an_old_database_that_lacks_tables_gets_them(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.executescript("DROP TABLE api_keys; DROP TABLE documents;")
    database = Database(url(file))
    assert DocumentStore(database, "persona").all() == [] and differences(database) == []


def test_a_new_database_is_as_one_that_was_migrated(tmp_path: Path) -> None:
    database = Database(url(tmp_path / "new.sqlite"))
    with database.begin() as connection:
        assert schema.version(connection) == schema.NEWEST
    assert differences(database) == []


def test_the_versions_are_those_of_the_migrations() -> None:
    folder = Path(schema.__file__).parent / "migrations"
    script = ScriptDirectory(str(folder))
    assert [x.revision for x in script.walk_revisions()] == list(reversed(schema.KNOWN))


def test_several_who_open_an_old_database_at_once_all_get_it(file: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: len(JobStore(Database(url(file))).newest()), range(6)))
    assert found == [1] * 6


def test_a_newer_database_is_refused_in_words_and_left_alone(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.executescript("CREATE TABLE insider_schema (version_num VARCHAR(32) PRIMARY KEY);"
                                 "INSERT INTO insider_schema VALUES ('0999');")  # fmt: skip
    before = file.read_bytes()
    with pytest.raises(StorageProblem, match=r"insider\.sqlite has schema 0999; .* up to 0003\..*Use that version"):
        JobStore(Database(url(file))).newest()
    assert file.read_bytes()[100:] == before[100:], "beyond the head of the file, which says how it is journalled"


def test_a_migration_that_fails_leaves_the_database_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(connection: sa.Connection, to: str) -> None:
        connection.exec_driver_sql("CREATE TABLE half_done (id INTEGER)")
        connection.exec_driver_sql("nonsense")

    monkeypatch.setattr(schema, "migrate", fail)
    with pytest.raises(StorageProblem, match="nonsense"):
        JobStore(Database(url(file))).newest()
    monkeypatch.undo()
    assert len(JobStore(Database(url(file))).newest()) == 1
    with sqlite3.connect(file) as connection:
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half_done'").fetchall()


def test_jobs_are_asked_for_by_kind_model_and_whether_they_are_under_way(file: Path) -> None:
    jobs = JobStore(Database(url(file)))
    drawing = jobs.create("map", "demo", {}, seed=0, promote=False, model="one")
    training = jobs.create("train", "demo", {}, seed=0, promote=True)

    def ids(**wanted: object) -> list[int]:
        return [job.id for job in jobs.newest(**wanted)]  # type: ignore[arg-type]

    assert ids() == [training, drawing, 1] and ids(limit=1) == [training]
    assert ids(kinds=("train",)) == [training, 1] and ids(kinds=("train",), active=True) == [training]
    assert ids(model="one") == [drawing] and ids(model="one", kinds=("quality",)) == []
