"""One session with PostgreSQL, opened when it is needed and once more when it is lost; its url is never shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

from reconciler.errors import Failure
from reconciler.secret import Secret

T = TypeVar("T")

DEFAULTS = {"connect_timeout": "10", "application_name": "reconciler", "tcp_user_timeout": "30000"}
"""What the url may say otherwise: seconds to connect, the name in the server's lists, milliseconds until silence is loss."""

SETTINGS = """SELECT set_config('lock_timeout', '30s', false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
               ELSE current_setting('synchronous_commit') END, false)"""
"""Nobody waits for ever, and a commit that has returned survives a power cut whatever the database's default is."""


class Unreachable(Failure):
    """The database does not answer; whether what was just sent to it was done is not known."""


class Session:
    """`do` runs work on the open connection; ImportError at once where psycopg is not installed."""

    def __init__(self, url: Secret) -> None:
        self._pg = import_module("psycopg")
        self._url = url
        self._db: Any = None

    def do(self, work: Callable[[Any], T], again: Callable[[Any], object]) -> T:
        """What the work gives; on a lost connection it is done once more on a new one, which `again` prepares.

        So work has to be right also when all of it happened before. Failure when the database refuses.
        """
        fresh = self._db is None
        try:
            return self._done(work)
        except Unreachable:
            if fresh:
                raise
        self._open()
        return self._done(lambda db: (again(db), work(db))[1])

    def close(self) -> None:
        """End it; a transaction under way is rolled back."""
        db, self._db = self._db, None
        if db is not None:
            with suppress(self._pg.Error):
                db.close()

    def _done(self, work: Callable[[Any], T]) -> T:
        try:
            return work(self._db or self._open())
        except self._pg.Error as error:
            if self._db is None or self._db.closed:
                self.close()
                raise Unreachable(f"the ledger's database went away: {self._why(error)}",
                                  "run it again when it is there; what is open is settled by reads first") from error
            raise Failure(f"the ledger's database refuses: {self._why(error)}",
                          "give the role of its url what it needs: docs/configuration.md, The ledger") from error

    def _open(self) -> Any:
        try:
            given = self._pg.conninfo.conninfo_to_dict(self._url.reveal())
        except self._pg.Error:
            raise Failure("the ledger's url is not one that PostgreSQL understands",
                          "it reads postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None  # the cause quotes it
        try:
            self._db = self._pg.connect(**{**DEFAULTS, **given}, autocommit=True)
            self._db.execute(SETTINGS)
        except self._pg.Error as error:
            self.close()
            raise Unreachable(f"the ledger's database can't be reached: {self._why(error)}",
                              "check the url that ledger: in reconciler.yaml names, and that the database is up") from error
        return self._db

    def _why(self, error: Any) -> str:
        """What the server said, in a line, without the address that it was said at."""
        said = str(error.diag.message_primary or error).strip() or type(error).__name__
        return said.rpartition("failed: ")[2].splitlines()[0]
