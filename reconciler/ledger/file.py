"""The SQLite file of a ledger: made whole, opened with care, and a note beside it of how far it reached."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from reconciler.ledger.chain import FORMAT, Row, readable

APPLICATION = 0x52434E4C  # "RCNL" in the file's header

_TABLE = "CREATE TABLE journal (serial INTEGER PRIMARY KEY, body BLOB NOT NULL, sum BLOB NOT NULL) STRICT"
_REFUSED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM,
            sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM}


class NotALedger(Exception):
    """The file is something else, or only part of one."""


def identity(path: Path) -> tuple[int, int] | None:
    """Which file stands at a path; None where there is none, OSError where that can't be told."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    return there.st_dev, there.st_ino


def damaged(error: sqlite3.Error) -> bool:
    """Whether an error tells of a broken file, and not of a system that refused to read or write."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _REFUSED


def create(path: Path, rows: Sequence[Row]) -> None:
    """Make the file with its first rows under another name and move it here whole, so that it is never seen half made.

    Raises OSError and sqlite3.Error as they come.
    """
    fresh = path.with_name(path.name + ".new")
    for left in path.parent.glob(fresh.name + "*"):
        left.unlink()
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(_connect(fresh, "mode=rw")) as db:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"application_id={APPLICATION}",
                       f"user_version={FORMAT}"):
            db.execute(f"PRAGMA {pragma}")
        db.execute(_TABLE)
        db.execute("BEGIN")
        db.executemany("INSERT INTO journal VALUES (?, ?, ?)", rows)
        db.execute("COMMIT")
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def connect(path: Path) -> sqlite3.Connection:
    """Open the file; what is not a whole ledger is NotALedger and stays untouched, because SQLite would tidy it up."""
    with path.open("rb") as file:
        if file.read(16) != b"SQLite format 3\0":
            raise NotALedger("it is empty or not a ledger")
    try:
        return _checked(_connect(path, "mode=rw"), path)
    except sqlite3.OperationalError:
        wal = wal_of(path)
        if os.access(path.parent, os.W_OK, effective_ids=True) or (wal.exists() and wal.stat().st_size):
            raise
        return _checked(_connect(path, "mode=ro&immutable=1"), path)  # no right to make SQLite's own files, and no need


def upgrade(db: sqlite3.Connection) -> None:
    """Say that the file is of the present format from now on; under the lock, before something new is written."""
    if db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        db.execute(f"PRAGMA user_version={FORMAT}")


def _checked(db: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        application = db.execute("PRAGMA application_id").fetchone()[0]
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION:
            raise NotALedger("it is not a ledger")
        if not version:
            raise NotALedger("its format is not noted")
        readable(version, f"the ledger {path}")
        for pragma in ("synchronous=FULL", "fullfsync=ON", "cell_size_check=ON", "trusted_schema=OFF"):
            db.execute(f"PRAGMA {pragma}")
    except BaseException:
        db.close()
        raise
    return db


def wal_of(path: Path) -> Path:
    """The write-ahead log that SQLite keeps beside a file."""
    return path.with_name(path.name + "-wal")


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, isolation_level=None, timeout=5.0,
                           check_same_thread=False)


class Head:
    """A note in `<ledger>.head` of the serial and checksum that the journal was known to reach.

    SQLite takes a damaged end of its write-ahead log for the end of the file and would lose durable records without
    a word; this tells. It is written after each commit without waiting for the disk, so it is never ahead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".head")

    def read(self) -> tuple[int, bytes] | None:
        """The serial and checksum; None where they are not known."""
        try:
            serial, sum, check = self.path.read_text("ascii").split()
            whole = zlib.crc32(f"{serial} {sum}".encode()) == int(check, 16)
            return (int(serial), bytes.fromhex(sum)) if whole else None
        except (OSError, ValueError):
            return None

    def write(self, serial: int, sum: bytes) -> None:
        """Note it; one that lags behind only warns of less, so a failure here is no failure."""
        line = f"{serial:020d} {sum.hex()}"
        with suppress(OSError):
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(fd, f"{line} {zlib.crc32(line.encode()):08x}\n".encode(), 0)
            finally:
                os.close(fd)
