"""The SQLite store: the common suite, and what only files, processes and disks can do to it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Failure, Locked
from reconciler.ledger import Holder, Store
from reconciler.ledger.sqlite import SqliteStore
from tests.ledger.hold import opened
from tests.ledger.processes import helper, tell, told
from tests.ledger.suite import ME, YOU, StoreSuite, history, intent

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("SEED", "20261"))


class TestSqlite(StoreSuite):
    """SQLite passes the suite that every store must pass."""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> Callable[..., Store]:
        return lambda project, stack, **more: SqliteStore(tmp_path / "ledger" / "one.db", project, stack, **more)


# formats


def copied_sample(tmp_path: Path) -> Path:
    """A ledger as the format's first form had it."""
    return Path(shutil.copy(ROOT / "tests" / "ledger" / "samples" / "format-1.db", tmp_path / "one.db"))


def format_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_an_older_format_is_upgraded_by_the_next_lock(tmp_path: Path) -> None:
    """A ledger that an earlier version wrote is read as it is, and written in today's format under the lock."""
    path = copied_sample(tmp_path)
    with closing(opened(path)) as store:
        ledger = store.read()
        assert (format_of(path), set(ledger.entries)) == (1, {"stripe.price/a"})
        after = store.lock(ME)
        assert (format_of(path), after.lineage, after.entries) == (2, ledger.lineage, ledger.entries)
        assert not store.verify()


def test_a_newer_format_is_refused_with_both_versions(tmp_path: Path) -> None:
    """What a later version wrote is neither read nor locked nor changed."""
    path = copied_sample(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=3")
    before = path.read_bytes()
    with closing(opened(path)) as store:
        for attempt in (store.read, lambda: store.lock(ME)):
            with pytest.raises(Failure, match="has format 3, and this version of reconciler reads formats up to 2") as told:
                attempt()
            assert "install" in told.value.next
        assert "format 3" in store.verify()[0]
    assert path.read_bytes() == before


# several processes


def test_processes_take_turns(tmp_path: Path) -> None:
    """Four processes that want the same stack hold it one after the other: no epoch twice, no run inside another."""
    path, rounds = tmp_path / "one.db", 6
    with helper("race", path, "r0", rounds) as a, helper("race", path, "r1", rounds) as b, \
            helper("race", path, "r2", rounds) as c, helper("race", path, "r3", rounds) as d:
        assert [told(one) for one in (a, b, c, d)] == [["done"]] * 4
    with closing(sqlite3.connect(path)) as db:
        records = [json.loads(body) for (body,) in db.execute("SELECT body FROM journal ORDER BY serial")]
    assert records[0]["t"] == "lineage"
    turns = [records[n:n + 3] for n in range(1, len(records), 3)]
    assert len(turns) == 4 * rounds
    for n, (epoch, begin, end) in enumerate(turns, 1):
        assert (epoch["t"], epoch["epoch"]) == ("epoch", n)
        assert begin["run"] == end["run"]


def test_one_of_many_wins_and_the_others_are_told(tmp_path: Path) -> None:
    """Of three that start at once without waiting, one gets the stack and the others name it."""
    path = tmp_path / "one.db"
    with helper("once", path, "r0") as a, helper("once", path, "r1") as b, helper("once", path, "r2") as c:
        everyone = (a, b, c)
        assert [told(one) for one in everyone] == [["ready"]] * 3
        for one in everyone:
            tell(one)
        said = [told(one) for one in everyone]
        winners = [words[1] for words in said if words[0] == "won"]
        assert len(winners) == 1
        for kind, message in (words for words in said if words[0] != "won"):
            assert kind == "Locked"
            assert str(winners[0]) in str(message) or "another run" in str(message)


def test_a_killed_holder_frees_the_stack_at_once(tmp_path: Path) -> None:
    """SIGKILL leaves no lock behind, whatever its pid does next; what it had committed is there."""
    clock = TestClock()
    path = tmp_path / "one.db"
    with helper("hold", path, "r1") as process, closing(opened(path, clock=clock)) as store:
        assert told(process)[0] == "held"
        with pytest.raises(Locked, match="r1"):
            store.lock(YOU)
        process.kill()
        process.wait()
        before = clock.now()
        assert store.holder() is None
        ledger = store.lock(YOU)
        assert clock.now() == before
        assert ledger.epoch == 2
        assert [run.run for run in ledger.runs] == ["r1"]


def test_a_run_killed_while_it_writes_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    """Whatever moment SIGKILL picks, confirmed commits are there, each whole, and the next run goes on after them."""
    rng = random.Random(SEED)
    print(f"SEED={SEED}")
    path, last = tmp_path / "one.db", 0
    for trial in range(6):
        with helper("pour", path, f"r{trial}") as process:
            for _ in range(rng.randrange(1, 150)):
                last = int(str(told(process)[1]))
            process.kill()
            process.wait()
        with closing(opened(path)) as store:
            ledger = store.read()
            assert ledger.serial >= last
            assert (ledger.serial - 1 - ledger.epoch) % 2 == 0
            assert not store.verify()


def test_a_frozen_holder_that_wakes_writes_nothing(tmp_path: Path) -> None:
    """Stopped, unlocked by a person and woken again, a run is Lost at the check, the renewal and the commit."""
    clock = TestClock(time.time())
    path = tmp_path / "one.db"
    with helper("hold", path, "r1") as process, closing(opened(path, clock=clock)) as store:
        assert told(process) == ["held", 1, 3]
        process.send_signal(signal.SIGSTOP)
        store.force_unlock("r1")
        ledger = store.lock(YOU)
        process.send_signal(signal.SIGCONT)
        tell(process)
        assert [told(process) for _ in range(3)] == [["Lost"]] * 3
        store.check()
        assert store.read() == ledger
        assert ledger.epoch == 3


# disks


@pytest.mark.parametrize("kilobytes", [0, 1, 8, 64, 200])
def test_a_full_disk_stops_the_run(tmp_path: Path, kilobytes: int) -> None:
    """The failure is clear, comes before the next call, and everything that was confirmed can be read."""
    path = tmp_path / "one.db"
    with helper("fill_up", path, "r1", kilobytes * 1024) as process:
        kind, message, epoch, serial = told(process)
    assert kind == "Failure"
    assert "ledger" in str(message)
    with closing(opened(path)) as store:
        ledger = store.read()
        assert ledger.serial >= int(str(serial))
        assert store.lock(ME).epoch > int(str(epoch))


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody whom the system can refuse."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def test_a_read_only_ledger_is_read_and_not_written(public: Path) -> None:
    """`plan` works without the right to write; `lock` says clearly that there is none."""
    path = public / "one.db"
    with closing(opened(path)) as store:
        ledger = store.lock(ME)
        store.commit(history(), (ledger.epoch, ledger.serial))
        want = store.read()
    for one in public.iterdir():
        one.chmod(0o444)
    public.chmod(0o555)
    with unprivileged(), closing(opened(path)) as store:
        assert store.read() == want
        with pytest.raises(Failure, match="can't be written"):
            store.lock(ME)
    public.chmod(0o777)


def test_a_folder_that_can_not_be_seen_is_not_an_empty_ledger(public: Path) -> None:
    """No permission is a failure, never absence."""
    folder = public / "closed"
    folder.mkdir()
    with closing(opened(folder / "one.db")) as store:
        store.lock(ME)
    folder.chmod(0)
    with unprivileged(), closing(opened(folder / "one.db")) as store, pytest.raises(Failure, match="can't be read"):
        store.read()
    folder.chmod(0o777)


def test_a_commit_adds_its_own_bytes_only(tmp_path: Path) -> None:
    """The thousandth change writes no more than the first: nothing is rewritten."""
    with closing(opened(tmp_path / "one.db")) as store:
        ledger = store.lock(Holder("r1"))
        at = (ledger.epoch, ledger.serial)
        db = store._db
        assert db is not None
        db.execute("PRAGMA wal_autocheckpoint=0")
        wal, grew, before = tmp_path / "one.db-wal", [], 0
        for n in range(1000):
            at = store.commit([intent(f"op{n}", f"stripe.price/p{n}")], at)
            grew.append(wal.stat().st_size - before)
            before = wal.stat().st_size
    assert max(grew[500:]) <= 5 * 4120
    assert sum(grew[900:]) <= 1.2 * sum(grew[100:200])
