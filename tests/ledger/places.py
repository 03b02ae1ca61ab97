"""Places for a ledger on the servers of these tests, each new."""

from __future__ import annotations

import itertools
from typing import Any

from reconciler.clock import TestClock
from reconciler.ledger.postgres import PostgresStore
from reconciler.ledger.s3 import S3Store
from reconciler.secret import Secret
from tests.postgres import Database
from tests.s3 import S3

NUMBERS = itertools.count(1)


class Schema:
    """A schema that nobody has used."""

    def __init__(self, database: Database) -> None:
        self.database, self.schema = database, f"ledger{next(NUMBERS)}"
        self.url = database.own(self.schema)

    def opened(self, project: str = "shop", stack: str = "test", **more: Any) -> PostgresStore:
        return PostgresStore(Secret(self.url), project, stack, **more)

    def ask(self, sql: str) -> str:
        return self.database.ask(f"SET search_path = {self.schema}; {sql}")

    def drop_sessions(self) -> None:
        """As a failover or an administrator does."""
        self.database.ask("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                          "WHERE application_name = 'reconciler'")

    def pass_time(self) -> None:
        """The lease of whoever holds a stack is long over."""
        self.ask("UPDATE reconciler_ledger SET until = until - interval '1 hour'")

    def serial(self) -> int:
        return int(self.ask("SELECT max(serial) FROM reconciler_journal"))


class Folder:
    """A bucket that nobody has used."""

    def __init__(self, server: S3) -> None:
        self.server, self.bucket = server, server.bucket()

    def opened(self, project: str = "shop", stack: str = "test", **more: Any) -> S3Store:
        return S3Store(self.bucket, project, stack, **{"endpoint": self.server.url, "clock": TestClock(), **more})

    def names(self) -> list[str]:
        return self.server.keys(self.bucket)

    def read(self, key: str) -> bytes:
        return self.server.read(self.bucket, key)

    def write(self, key: str, data: bytes) -> None:
        self.server.write(self.bucket, key, data)
