"""A real PostgreSQL on loopback: made in a folder of its own, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

ROOT_PASSWORD = "root-of-the-tests"
NAME = "db.sql2.ai:5432"
"""What manifests call it."""

RULES = """local all all trust
host all vault 127.0.0.1/32 trust
host all other 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""
"""Who opens a connection for the server is believed, so that every trial may write any password; all others log in."""


@dataclass(frozen=True)
class Database:
    """A running server; `ask` runs SQL as its owner, `enter` as whoever has a password."""

    folder: Path
    port: int
    psql: str

    @property
    def url(self) -> str:
        """As a connection's url says it."""
        return f"postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def own(self, schema: str) -> str:
        """A url under which a schema of its own is all that is seen; it is made when it is missing."""
        self.ask(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        return f"postgresql://owner:{ROOT_PASSWORD}@/postgres?host={self.folder}&port={self.port}&options=-csearch_path%3D{schema}"

    def ask(self, sql: str) -> str:
        """What a statement answers."""
        return self._run(["-h", str(self.folder), "-U", "owner"], sql, {}).stdout.strip()

    def enter(self, username: str, password: str, sql: str = "SELECT 1") -> str | None:
        """What a statement answers to this account; None where it may not log in."""
        done = self._run(["-h", "127.0.0.1", "-U", username], sql, {"PGPASSWORD": password}, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    def _run(self, way: list[str], sql: str, more: dict[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [self.psql, *way, "-p", str(self.port), "-d", "postgres", "-Atqc", sql]
        return subprocess.run(command, env={**os.environ, **more}, capture_output=True, text=True, check=check)


def programs() -> Path | None:
    """Where PostgreSQL's programs are; the newest, as Debian keeps them."""
    beside = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return Path(beside).resolve().parent if beside else found[-1].parent if found else None


@contextmanager
def running() -> Iterator[Database]:
    """A server until the block ends; the test is skipped where PostgreSQL is not installed."""
    bin = programs()
    if bin is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql brings it")
    with TemporaryDirectory(prefix="pg") as temporary, socket.socket() as probe:
        folder = Path(temporary)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        somebody = _somebody(folder)
        options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **somebody}
        subprocess.run([bin / "initdb", "-D", folder / "data", "-U", "owner", "-A", "trust", "--no-sync", "-E", "UTF8",
                        "--locale=C"], check=True, **options)
        (folder / "data" / "pg_hba.conf").write_text(RULES)
        control = [bin / "pg_ctl", "-D", folder / "data", "-w"]
        settings = f"-F -h 127.0.0.1 -p {port} -k {folder}"
        subprocess.run([*control, "-l", folder / "log", "-o", settings, "start"], check=True, **options)
        try:
            database = Database(folder, port, str(bin / "psql"))
            database.ask(f"CREATE ROLE vault SUPERUSER LOGIN PASSWORD '{ROOT_PASSWORD}'; CREATE ROLE other SUPERUSER LOGIN; "
                         f"CREATE ROLE boss SUPERUSER LOGIN PASSWORD '{ROOT_PASSWORD}'")
            for name in ("app", "worker"):
                database.ask(f"CREATE ROLE {name} LOGIN PASSWORD 'old'")
            yield database
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **options)


def _somebody(folder: Path) -> dict[str, Any]:
    """PostgreSQL does not run as root: there it runs as the account that Debian makes for it, or as nobody."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
