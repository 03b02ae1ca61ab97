"""The PostgreSQL store when sessions end: killed, frozen and dropped, in the middle of a commit too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Locked, Lost
from reconciler.ledger import tables
from reconciler.ledger.postgres import PostgresStore
from reconciler.secret import Secret
from tests.ledger.places import Schema
from tests.ledger.processes import helper, tell, told
from tests.ledger.suite import ME, YOU, history
from tests.postgres import Database


@pytest.fixture
def place(database: Database) -> Schema:
    return Schema(database)


@pytest.fixture
def store(place: Schema) -> Iterator[PostgresStore]:
    with closing(place.opened()) as store:
        yield store


def refused(store: PostgresStore) -> str:
    """What is told once the server has seen that the holder's session is gone."""
    said = ""
    for _ in range(10_000):
        with pytest.raises(Locked, match="r1") as told_:
            store.lock(YOU)
        said = told_.value.next
        if "unlock" not in said:
            break
    return said


def test_a_killed_holder_frees_the_stack_once_its_last_request_must_be_over(place: Schema) -> None:
    """SIGKILL ends the session: the next one is told when the stack is free, waits for it, and needs no `unlock`."""
    clock = TestClock()
    with helper("hold", place.url, "r1") as process, closing(place.opened(clock=clock)) as store:
        assert told(process)[0] == "held"
        with pytest.raises(Locked, match="r1") as alive:
            store.lock(YOU)
        assert "unlock --run r1" in alive.value.next
        process.kill()
        process.wait()
        assert "the stack is free in" in refused(store)
        held = store.holder()
        assert held is not None
        place.pass_time()
        assert store.holder() is None
        ledger = store.lock(YOU)
        assert (ledger.epoch, [run.run for run in ledger.runs]) == (2, ["r1"])


def test_a_lost_session_is_waited_for(place: Schema) -> None:
    """With --lock-timeout the next run sleeps until the lease and the grace are over, and takes the stack then."""
    class Passing(TestClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            place.pass_time()

    clock = Passing()
    with closing(place.opened(clock=clock)) as dead, closing(place.opened(clock=clock)) as next_:
        dead.lock(ME)
        dead._session.close()
        assert next_.lock(YOU, 300.0).epoch == 2
        [waited] = clock.slept
        assert 60 < waited <= 120
        with pytest.raises(Lost):
            dead.commit(history(), (1, 2))


def test_a_frozen_holder_that_wakes_writes_nothing(place: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, unlocked by a person after its lease and woken again, a run is Lost at check, renewal and commit."""
    monkeypatch.setenv("LEASE", "0.001")
    with helper("hold", place.url, "r1") as process, closing(place.opened(clock=TestClock())) as store:
        assert told(process) == ["held", 1, 3]
        process.send_signal(signal.SIGSTOP)
        store.force_unlock("r1")
        ledger = store.lock(YOU)
        process.send_signal(signal.SIGCONT)
        tell(process)
        assert [told(process) for _ in range(3)] == [["Lost"]] * 3
        assert store.read() == ledger


def test_a_dropped_session_does_not_end_a_run(store: PostgresStore, place: Schema) -> None:
    """As long as nobody took over, a run goes on under its own lock on a new session, which holds the stack as before."""
    ledger = store.lock(ME)
    place.drop_sessions()
    at = store.commit(history(), (ledger.epoch, ledger.serial))
    place.drop_sessions()
    store.commit([{"t": "gone", "address": "a.b/c"}], at)
    with closing(place.opened()) as other, pytest.raises(Locked) as told:
        other.lock(YOU)
    assert "unlock --run run-1" in told.value.next
    store.unlock()
    assert not store.verify()


def test_a_dropped_session_whose_stack_was_taken_writes_nothing(place: Schema) -> None:
    """Under the old token, epoch and serial nothing is written any more, by commit or renewal."""
    clock = TestClock()
    with closing(place.opened(clock=clock)) as store, closing(place.opened()) as other:
        ledger = store.lock(ME)
        store._session.close()
        place.pass_time()
        taken = other.lock(YOU)
        with pytest.raises(Lost, match="run-1 no longer holds"):
            store.commit(history(), (ledger.epoch, ledger.serial))
        for attempt in (store.check, store.renew, lambda: store.commit(history(), (taken.epoch, taken.serial))):
            with pytest.raises(Lost):
                attempt()
        store.unlock()
        assert other.read() == taken
        other.commit(history(), (taken.epoch, taken.serial))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_whose_answer_is_lost_is_settled_by_reading(
        store: PostgresStore, place: Schema, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """The session dies before the transaction or right after it: either way the records are there once."""
    write, tries = tables.write, []

    def cut(db: Any, step: tables.Step, rows: Any) -> bool:
        tries.append(step)
        if moment == "after" or len(tries) > 1:
            assert write(db, step, rows)
        if len(tries) == 1:
            place.drop_sessions()
            db.execute("SELECT 1")
        return True

    ledger = store.lock(ME)
    monkeypatch.setattr(tables, "write", cut)
    at = store.commit(history(), (ledger.epoch, ledger.serial))
    assert len(tries) == 2
    assert at == (ledger.epoch, ledger.serial + len(history()))
    assert place.serial() == at[1]
    assert not store.verify()


def test_a_database_that_stays_away_ends_the_run(store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost, before the next call: whether the last records arrived is not known, and the next run reads it."""
    ledger = store.lock(ME)
    store._session.close()
    monkeypatch.setattr(store._session, "_url", Secret("host=127.0.0.1 port=1"))
    with pytest.raises(Lost, match="whether the last records arrived is not known"):
        store.commit(history(), (ledger.epoch, ledger.serial))
