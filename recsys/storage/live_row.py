"""Which version is live, where several hosts share a home and a database server: a row that all of them read."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from recsys.errors import Corrupted, StorageProblem
from recsys.storage.database import Database, utc_now
from recsys.storage.live_pointer import Live, LivePointer
from recsys.storage.tables import live as table
from recsys.utils.waiting import check_may_wait

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0
"""For so long an answer of the database is given again without asking."""

IDENTITY = "home.json"


class LiveRow(LivePointer):
    """A row of the table `live`, under the identity of the home, `home.json`; both are made by the first change.

    Until then, and where the database cannot be asked, `live.json` tells what is live. Every change writes it too, so
    that it holds what was last known here: for a start without the database, and for going back to SQLite.
    """

    def __init__(self, home: Path, database: Database) -> None:
        super().__init__(home)
        self._database = database
        self._own = threading.local()
        self._asking = threading.Lock()
        self._known: tuple[float, Live] | None = None

    def read(self) -> tuple[str | None, list[str]]:
        """The live version, and those before it. Asks the database once in `FRESH_SECONDS`; the last answer stays
        while it is away, and while another thread is asking."""
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            return self._asked(connection)
        known = self._known
        if known is None or time.monotonic() - known[0] >= FRESH_SECONDS:
            known = self._refreshed(known)
        return known[1][0], list(known[1][1])

    def _refreshed(self, known: tuple[float, Live] | None) -> tuple[float, Live]:
        if known is None:
            check_may_wait()
        if not self._asking.acquire(blocking=known is None):
            assert known is not None
            return known
        try:
            try:
                with self._database.read() as connection:
                    answer = self._asked(connection)
            except (StorageProblem, Corrupted) as error:
                if known is None:
                    logger.warning("%s What %s says is live answers until then.", error, self._pointer)
                answer = super().read() if known is None else (known[1][0], list(known[1][1]))
            self._known = time.monotonic(), (answer[0], tuple(answer[1]))
            return self._known
        finally:
            self._asking.release()

    def _asked(self, connection: sa.Connection) -> tuple[str | None, list[str]]:
        identity = self._identity()
        wanted = sa.select(table.c.model, table.c.before).where(table.c.home == identity)
        row = None if identity is None else connection.execute(wanted).first()
        return super().read() if row is None else (row.model, list(row.before))

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One host at a time decides what is live, in one transaction: the database's writers queue up."""
        self._own.written = self._own.settled = False
        try:
            with self._database.begin() as connection:
                self._own.connection = connection
                yield
        finally:
            self._own.connection, self._known = None, None
        if self._own.settled:
            super().settled()
        if self._own.written:
            self._keep(*self.read())

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """While this block runs nobody promotes or deletes; where the database is away, nobody can."""
        with ExitStack() as held:
            try:
                held.enter_context(self.changing())
            except StorageProblem as error:
                logger.warning("%s What is live is taken from %s.", error, self._pointer)
            yield

    @contextmanager
    def transaction(self, database: Database) -> Iterator[sa.Connection]:
        """The transaction of `changing`."""
        yield self._own.connection

    def write(self, model_id: str | None, before: Sequence[str]) -> None:
        """Point to a version, within the transaction of `changing`, or in one of its own."""
        if getattr(self._own, "connection", None) is None:
            with self.changing():
                return self.write(model_id, before)
        identity = self._identity()
        if identity is None:
            identity = uuid.uuid4().hex
            self._put(self.home / IDENTITY, {"id": identity})  # one host at a time is here
        values = {"model": model_id, "before": list(before), "changed": utc_now()}
        changed = self._own.connection.execute(table.update().where(table.c.home == identity).values(**values))
        if not changed.rowcount:
            self._own.connection.execute(table.insert().values(home=identity, **values))
        self._own.written = True
        return None

    def intend(self, line: Mapping[str, Any]) -> None:
        """Note a deletion, which removes files: what is in the database alone happens with its line, or not at all."""
        if line["action"] == "delete":
            super().intend(line)

    def settled(self) -> None:
        """Remove the note once the transaction of `changing` is over: until then it is not known to be stored."""
        if getattr(self._own, "connection", None) is None:
            super().settled()
        else:
            self._own.settled = True

    def _keep(self, model_id: str | None, before: Sequence[str]) -> None:
        try:
            super().write(model_id, before)
        except StorageProblem as error:
            logger.warning("%s What is live is in the database all the same.", error)

    def _identity(self) -> str | None:
        path = self.home / IDENTITY
        try:
            return str(json.loads(path.read_text())["id"])
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StorageProblem(f"Cannot read {path}: {error.strerror}. Check its permissions.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Corrupted(f"{path} is damaged; delete it, and promote a model again.") from error
