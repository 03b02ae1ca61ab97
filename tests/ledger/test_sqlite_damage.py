"""A damaged SQLite ledger: whole or Corrupt, never shorter, never other, never silently empty."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import Corrupt, Failure, Lost
from reconciler.ledger import Ledger
from reconciler.ledger.sqlite import SqliteStore
from tests.faults.tally import DEPTH, WHOLE, Row
from tests.ledger.hold import opened
from tests.ledger.suite import ME, YOU, history, intent

SEED = int(os.environ.get("SEED", "20261"))


def grown(path: Path, commits: int = 60) -> tuple[SqliteStore, Ledger]:
    """A locked ledger of some pages: part in the file, part in its write-ahead log."""
    with closing(opened(path)) as store:
        ledger = store.lock(ME)
        at = store.commit(history(), (ledger.epoch, ledger.serial))
        for n in range(commits):
            made = {"t": "made", "op": f"a{n}", "id": f"price_{n}"}
            at = store.commit([intent(f"a{n}", f"stripe.price/a{n}"), made], at)
    store = opened(path)
    ledger = store.lock(YOU)
    at = (ledger.epoch, ledger.serial)
    for n in range(commits):
        at = store.commit([intent(f"b{n}", f"stripe.price/b{n}")], at)
    return store, store.read()


def parts(folder: Path) -> list[Path]:
    """The files that hold the journal, and the note of how far it reaches."""
    return [folder / "one.db", folder / "one.db-wal", folder / "one.db.head"]


def read_damaged(folder: Path) -> Ledger | Failure:
    """What a new process makes of a damaged ledger."""
    with closing(SqliteStore(folder / "one.db", "shop", "test")) as store:
        try:
            return store.read()
        except Failure as error:
            return error


@pytest.fixture
def sound(tmp_path: Path) -> Iterator[tuple[Path, Ledger]]:
    """The files of a ledger in use, and what it says."""
    (tmp_path / "sound").mkdir()
    store, ledger = grown(tmp_path / "sound" / "one.db")
    with closing(store):
        yield tmp_path / "sound", ledger


def copied(sound: Path, to: Path) -> None:
    """A copy of what a power cut would leave."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir()
    for part in parts(sound):
        shutil.copy(part, to / part.name)


def judge(got: Ledger | Failure, want: Ledger, what: str) -> bool:
    """Whole, or Corrupt with the last good serial; anything between is a loss that nobody was told of."""
    if isinstance(got, Ledger):
        assert got == want, what
        return True
    assert isinstance(got, Corrupt), (what, got)
    assert "serial is" in got.message, (what, got.message)
    return False


def test_a_copy_of_the_files_is_the_ledger(sound: tuple[Path, Ledger], tmp_path: Path) -> None:
    """What the other tests damage is whole before they do."""
    copied(sound[0], tmp_path / "copy")
    assert read_damaged(tmp_path / "copy") == sound[1]


def test_f17_a_flipped_bit_is_never_read_as_another_ledger(row: Row, sound: tuple[Path, Ledger], quick: Path) -> None:
    """In every region of every file: either it does not matter, or the ledger is Corrupt; it is never other."""
    found, tmp_path = 0, quick
    for one in row.trials(200, 16_000):
        rng, trial = one.rng, one.seed
        copied(sound[0], tmp_path / "copy")
        part = parts(tmp_path / "copy")[min(trial % 5 // 2, 2)]
        data = bytearray(part.read_bytes())
        region = len(data) * (trial // 5) // 48  # every region in turn; in each third round the first 120 bytes
        region %= len(data)
        at = rng.randrange(120) if trial % 3 == 0 else region + rng.randrange(len(data) // 48 + 1)
        at = min(at, len(data) - 1)
        data[at] ^= 1 << rng.randrange(8)
        part.write_bytes(data)
        found += not judge(read_damaged(tmp_path / "copy"), sound[1], f"{part.name} byte {at}")
    assert found > 60 or len(row.seeds) < 200


def test_f17_a_truncated_file_is_never_read_as_a_shorter_ledger(row: Row, sound: tuple[Path, Ledger], quick: Path) -> None:
    """Cut at its ends, at page borders and in between, the file and its log are Corrupt, down to nothing at all."""
    rng, found, tmp_path = random.Random(SEED), 0, quick
    some = 2_000 if DEPTH >= WHOLE else 40
    for part in parts(sound[0])[:2]:
        size = part.stat().st_size
        points = {0, 1, 16, 31, 100, 511, 512, size - 1, *range(0, size, 4096), *rng.sample(range(size), some)}
        for point in row.each(sorted(points)):
            copied(sound[0], tmp_path / "copy")
            os.truncate(tmp_path / "copy" / part.name, point)
            found += not judge(read_damaged(tmp_path / "copy"), sound[1], f"{part.name} cut at {point} of {size}")
    assert found > 80


def test_an_unfinished_tail_is_dropped(sound: tuple[Path, Ledger], tmp_path: Path) -> None:
    """What was being written when the power went was never confirmed: the ledger ends before it, and goes on."""
    copied(sound[0], tmp_path / "copy")
    with (tmp_path / "copy" / "one.db-wal").open("ab") as wal:
        wal.write(random.Random(SEED).randbytes(4096 + 24 + 500))
    with closing(opened(tmp_path / "copy" / "one.db")) as store:
        assert store.read() == sound[1]
        assert store.lock(ME).epoch == sound[1].epoch + 1


def test_a_vanished_ledger_is_not_an_empty_one(sound: tuple[Path, Ledger], tmp_path: Path) -> None:
    """Without its file, or as an empty file, it is Corrupt to read and to lock, and nothing is put in its place."""
    for damage in (Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_text("not a ledger" * 99)):
        copied(sound[0], tmp_path / "copy")
        path = tmp_path / "copy" / "one.db"
        damage(path)
        before = path.read_bytes() if path.exists() else None
        with closing(opened(path)) as store:
            for attempt in (store.read, lambda: store.lock(ME)):
                with pytest.raises(Corrupt, match="serial"):
                    attempt()
            assert store.verify()
            assert store.holder() is None
        assert (path.read_bytes() if path.exists() else None) == before


def test_an_edited_record_is_named(sound: tuple[Path, Ledger], tmp_path: Path) -> None:
    """A record changed with SQLite's own means, or one taken out, is Corrupt at the serial before it."""
    for number, sql in ((7, "UPDATE journal SET body = replace(body, 'stripe', 'shripe') WHERE serial = 7"),
                        (9, "DELETE FROM journal WHERE serial = 9"), (1, "DELETE FROM journal")):
        copied(sound[0], tmp_path / "copy")
        with closing(sqlite3.connect(tmp_path / "copy" / "one.db", isolation_level=None)) as db:
            db.execute(sql.replace("replace(body", "CAST(replace(body").replace("'shripe')", "'shripe') AS BLOB)"))
        got = read_damaged(tmp_path / "copy")
        assert isinstance(got, Corrupt)
        last = number - 1
        assert f"the last good serial is {last}" in got.message
        with closing(opened(tmp_path / "copy" / "one.db")) as store:
            assert [f"the last good serial is {last}" in line for line in store.verify()] == [True]


def test_a_ledger_that_was_put_back_from_an_older_copy_says_so(tmp_path: Path) -> None:
    """An old copy in the place of the file is not taken for the newest state."""
    with closing(opened(tmp_path / "one.db")) as store:
        ledger = store.lock(ME)
    shutil.copy(tmp_path / "one.db", tmp_path / "old")
    with closing(opened(tmp_path / "one.db")) as store:
        ledger = store.lock(ME)
        store.commit(history(), (ledger.epoch, ledger.serial))
    shutil.copy(tmp_path / "old", tmp_path / "one.db")
    with closing(opened(tmp_path / "one.db")) as store, pytest.raises(Corrupt, match="the last good serial is 2"):
        store.read()


def test_a_file_that_is_exchanged_under_a_run_ends_it(tmp_path: Path) -> None:
    """A run never writes into a file that nobody will read again."""
    with closing(opened(tmp_path / "other.db")) as store:
        store.lock(ME)
    with closing(opened(tmp_path / "one.db")) as store:
        ledger = store.lock(ME)
        at = store.commit(history(), (ledger.epoch, ledger.serial))
        with closing(sqlite3.connect(tmp_path / "one.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        (tmp_path / "other.db").replace(tmp_path / "one.db")
        with pytest.raises((Lost, Corrupt)):
            store.commit(history(), at)
