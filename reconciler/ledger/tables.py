"""The SQL of the ledger in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reconciler.ledger.chain import FORMAT, Row
from reconciler.ledger.store import Holder

MAKE = f"""
CREATE TABLE IF NOT EXISTS reconciler_ledger (
    place text PRIMARY KEY, lineage text UNIQUE, format integer NOT NULL DEFAULT {FORMAT},
    epoch bigint NOT NULL DEFAULT 0, serial bigint NOT NULL DEFAULT 0, sum bytea NOT NULL DEFAULT '',
    token text NOT NULL DEFAULT '', holder text NOT NULL DEFAULT '', until timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS reconciler_journal (
    lineage text NOT NULL REFERENCES reconciler_ledger (lineage), serial bigint NOT NULL, body bytea NOT NULL,
    sum bytea NOT NULL, PRIMARY KEY (lineage, serial))
"""
"""`token` is the holder's, empty when nobody holds the stack; `until` ends its lease by the database's clock.

The journal refers to the stack's row, so that nobody can remove that one and leave what looks like an empty ledger.
"""

ONE_AT_A_TIME = 0x52434E4C  # "RCNL": the advisory lock under which tables are made, or two first runs would collide

_THERE = "SELECT to_regclass('reconciler_ledger') IS NOT NULL"
_ROW = "INSERT INTO reconciler_ledger (place) VALUES (%s) ON CONFLICT DO NOTHING"
_HEAD = """SELECT place, lineage, format, epoch, serial, sum FROM reconciler_ledger
    WHERE place = ANY(%(places)s) AND serial > 0 ORDER BY array_position(%(places)s, place) LIMIT 1"""
_JOURNAL = "SELECT serial, body, sum FROM reconciler_journal WHERE lineage = %s AND serial >= %s ORDER BY serial"
_HELD = """SELECT token, holder, extract(epoch FROM until - clock_timestamp())::float8 FROM reconciler_ledger
    WHERE place = %s"""
_HELD_STILL = f"{_HELD} FOR UPDATE"
_ALIVE = "SELECT NOT pg_try_advisory_xact_lock(%s)"
_CLAIM = """UPDATE reconciler_ledger SET token = %(token)s, holder = %(holder)s,
    until = clock_timestamp() + make_interval(secs => %(lease)s) WHERE place = %(place)s"""
_ATTEND = "SELECT pg_try_advisory_lock(%s)"
_LEAVE = "SELECT pg_advisory_unlock_all()"
_RENEW = """UPDATE reconciler_ledger SET holder = %(holder)s, until = clock_timestamp() + make_interval(secs => %(lease)s)
    WHERE place = %(place)s AND token = %(token)s"""
_FENCE = "UPDATE reconciler_ledger SET token = %(token)s WHERE place = %(place)s AND token = %(old)s"
_OURS = "SELECT 1 FROM reconciler_ledger WHERE place = %s AND token = %s"
_FREE = "UPDATE reconciler_ledger SET token = '', holder = '' WHERE place = %s AND token = %s"
_UNBEGUN = """DELETE FROM reconciler_ledger WHERE place = %(place)s AND serial = 0
    AND EXISTS (SELECT 1 FROM reconciler_ledger WHERE place = %(former)s AND serial > 0)"""
_RENAME = """UPDATE reconciler_ledger SET place = %(place)s WHERE place = %(former)s AND serial > 0
    AND NOT EXISTS (SELECT 1 FROM reconciler_ledger WHERE place = %(place)s)"""
_MOVE = """UPDATE reconciler_ledger SET lineage = %(lineage)s, format = %(format)s, epoch = %(now_epoch)s,
    serial = %(now_serial)s, sum = %(now_sum)s
    WHERE place = %(place)s AND token = %(token)s AND epoch = %(epoch)s AND serial = %(serial)s AND sum = %(sum)s"""
_DONE = """SELECT 1 FROM reconciler_ledger WHERE place = %(place)s AND token = %(token)s AND epoch = %(now_epoch)s
    AND serial = %(now_serial)s AND sum = %(now_sum)s"""
_ADD = "INSERT INTO reconciler_journal (lineage, serial, body, sum) VALUES (%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Head:
    """A stack's row: whose journal it is, and where it ends."""

    place: str
    lineage: str
    format: int
    epoch: int
    serial: int
    sum: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a stack; `rest` are the seconds of its lease that are left, `alive` whether its session is."""

    token: str
    holder: Holder
    rest: float
    alive: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What a commit moves: a row from one epoch, serial and checksum to the next."""

    place: str
    token: str
    lineage: str
    epoch: int
    serial: int
    sum: bytes
    now_epoch: int
    now_serial: int
    now_sum: bytes


@contextmanager
def moment(db: Any) -> Iterator[None]:
    """Everything that is read inside is of one moment."""
    with db.transaction():
        db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def make(db: Any) -> None:
    """The tables, where they are missing."""
    if not _there(db):
        with db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (ONE_AT_A_TIME,))
            db.execute(MAKE)


def read(db: Any, places: Sequence[str], known: int) -> tuple[Head | None, list[Row]]:
    """The row of the first of these places that has a ledger, and its journal from a serial on."""
    with moment(db):
        row = db.execute(_HEAD, {"places": list(places)}).fetchone() if _there(db) else None
        if row is None:
            return None, []
        head = Head(*row)
        return head, db.execute(_JOURNAL, (head.lineage, known)).fetchall()


def held(db: Any, place: str, *, lock: bool = False) -> Held | None:
    """Who holds a place; with `lock` nobody else can change that before the transaction's end."""
    if not lock and not _there(db):
        return None
    row = db.execute(_HELD_STILL if lock else _HELD, (place,)).fetchone()
    if row is None or not row[0]:
        return None
    token, holder, rest = row
    return Held(token, Holder(**json.loads(holder)), rest, db.execute(_ALIVE, (_number(token),)).fetchone()[0])


def claim(db: Any, place: str, token: str, holder: str, lease: float) -> None:
    """Put a token into a place's row; its session shows by an advisory lock that it is alive."""
    db.execute(_CLAIM, {"place": place, "token": token, "holder": holder, "lease": lease})
    attend(db, token)


def attend(db: Any, token: str) -> None:
    """Show from now on that the token's session is alive."""
    db.execute(_ATTEND, (_number(token),))


def row(db: Any, place: str) -> None:
    """A place's row, where it is missing; who makes it at the same time waits for this transaction's end."""
    db.execute(_ROW, (place,))


def rename(db: Any, former: str, place: str) -> None:
    """Give a former place's ledger to one that has none."""
    values = {"place": place, "former": former}
    db.execute(_UNBEGUN, values)
    db.execute(_RENAME, values)


def renew(db: Any, place: str, token: str, holder: str, lease: float) -> bool:
    """Prolong a lease; False when the token is not there any more."""
    attend(db, token)  # a session that was lost without a word may have stood in the way when this one began
    return bool(db.execute(_RENEW, {"place": place, "token": token, "holder": holder, "lease": lease}).rowcount)


def fence(db: Any, place: str, old: str, token: str) -> bool:
    """Put another token in the place of a holder's, which ends what it can write."""
    done = db.execute(_FENCE, {"place": place, "old": old, "token": token}).rowcount
    return bool(done or db.execute(_OURS, (place, token)).fetchone())


def free(db: Any, place: str, token: str) -> None:
    """Nobody holds the place, if it was held under this token."""
    db.execute(_FREE, (place, token))
    db.execute(_LEAVE)


def write(db: Any, step: Step, rows: Sequence[Row]) -> bool:
    """Add rows and move the place's row on, both or none; False when the row is not where the step begins.

    True also where exactly this was done before, by a try whose answer was lost.
    """
    values = {name: getattr(step, name) for name in Step.__slots__} | {"format": FORMAT}
    with db.transaction():
        if not db.execute(_MOVE, values).rowcount:
            return db.execute(_DONE, values).fetchone() is not None
        with db.cursor() as cursor:
            cursor.executemany(_ADD, [(step.lineage, *row) for row in rows])
    return True


def _number(token: str) -> int:
    """The number of a token's advisory lock."""
    return int(token[:15], 16)


def _there(db: Any) -> bool:
    return bool(db.execute(_THERE).fetchone()[0])
