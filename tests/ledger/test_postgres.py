"""The PostgreSQL store, over a real server: the common suite, and what only sessions and databases can do to it."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Corrupt, Failure, Locked, Lost
from reconciler.ledger import Store, tables
from reconciler.ledger.postgres import PostgresStore
from reconciler.secret import Secret
from tests.ledger.processes import helper, tell, told
from tests.ledger.suite import ME, YOU, StoreSuite, history
from tests.postgres import ROOT_PASSWORD, Database

NUMBERS = itertools.count(1)


class Place:
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


@pytest.fixture
def place(database: Database) -> Place:
    return Place(database)


@pytest.fixture
def store(place: Place) -> Iterator[PostgresStore]:
    with closing(place.opened()) as store:
        yield store


class TestPostgres(StoreSuite):
    """PostgreSQL passes the suite that every store must pass."""

    @pytest.fixture
    def open_store(self, place: Place) -> Callable[..., Store]:
        def open_(project: str, stack: str, **more: object) -> Store:
            store = place.opened(project, stack, **more)
            store.place = "shop/test"  # stacks have rows of their own; here they meet at one
            return store

        return open_


# one database, many stacks


def test_reading_makes_no_tables(store: PostgresStore, place: Place) -> None:
    """`plan` with a role that may only read works before there is anything to read."""
    assert not store.read().entries
    assert store.holder() is None
    assert not store.verify()
    assert place.ask("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()") == "0"


def test_stacks_of_one_database_do_not_see_each_other(place: Place) -> None:
    """Each has its own lock, epoch, serial and entries."""
    with closing(place.opened()) as one, closing(place.opened("shop", "prod")) as two:
        first = one.lock(ME)
        one.commit(history(), (first.epoch, first.serial))
        second = two.lock(YOU)
        assert (second.epoch, second.serial, second.entries) == (1, 2, {})
        assert one.read().entries
        assert first.lineage != second.lineage


def test_a_renamed_stack_takes_its_row_along(place: Place) -> None:
    """Under `formerly` it is read where it was; the first lock moves it, unless a run is at it under the old name."""
    former = (("shop", "test"),)
    with closing(place.opened()) as old, closing(place.opened("shop", "prod", formerly=former)) as new:
        ledger = old.lock(ME)
        old.commit(history(), (ledger.epoch, ledger.serial))
        assert new.read().entries
        with pytest.raises(Locked, match="run-1"):
            new.lock(YOU)
        old.unlock()
        assert new.lock(YOU).lineage == ledger.lineage
        new.unlock()
    with closing(place.opened("shop", "prod")) as plain, closing(place.opened()) as gone:
        assert plain.read().entries
        assert not gone.read().lineage


def test_a_role_that_may_only_read_reads(place: Place, store: PostgresStore) -> None:
    """What it may not do is told in the server's words; nothing of the url is in them."""
    ledger = store.lock(ME)
    store.commit(history(), (ledger.epoch, ledger.serial))
    store.unlock()
    role = f"reader_{place.schema}"
    place.ask(f"CREATE ROLE {role} LOGIN PASSWORD 'canary-of-the-reader'; GRANT USAGE ON SCHEMA {place.schema} TO {role}; "
              f"GRANT SELECT ON ALL TABLES IN SCHEMA {place.schema} TO {role}")
    url = place.url.replace(f"owner:{ROOT_PASSWORD}", f"{role}:canary-of-the-reader")
    with closing(PostgresStore(Secret(url), "shop", "test")) as reader:
        assert reader.read() == store.read()
        with pytest.raises(Failure, match="refuses: permission denied") as told:
            reader.lock(YOU)
    assert "canary" not in f"{told.value.message}{told.value.next}"


@pytest.mark.parametrize("url", [
    "postgresql://ada:canary-pass@127.0.0.1:1/ledger", "host=127.0.0.1 port=1 password=canary-pass user=ada",
    "postgresql://ada:canary-pass@127.0.0.1:1/ledger?nonsense=canary-pass", "canary-pass", "postgresql://[canary-pass",
])
def test_the_url_is_never_shown(url: str) -> None:
    """A database that is not there, or a url that is none, is a failure without the url, its cause included."""
    store = PostgresStore(Secret(url), "shop", "test")
    with pytest.raises(Failure, match=r"can't be reached|not one that PostgreSQL understands") as told:
        store.read()
    said: BaseException | None = told.value
    assert "canary-pass" not in f"{told.value.message}{told.value.next}{store!r}"
    while said is not None and not (said.__suppress_context__ and said.__cause__ is None):
        said = said.__cause__
        assert "canary-pass" not in str(said)


# sessions


def test_a_killed_holder_frees_the_stack_once_its_last_request_must_be_over(place: Place) -> None:
    """SIGKILL ends the session: the next one is told when the stack is free, waits for it, and needs no `unlock`."""
    clock = TestClock()
    with helper("hold", place.url, "r1") as process, closing(place.opened(clock=clock)) as store:
        assert told(process)[0] == "held"
        with pytest.raises(Locked, match="r1") as alive:
            store.lock(YOU)
        assert "unlock --run r1" in alive.value.next
        process.kill()
        process.wait()
        with pytest.raises(Locked, match="r1") as gone:
            store.lock(YOU)
        assert "the stack is free in 1" in gone.value.next
        held = store.holder()
        assert held is not None
        place.pass_time()
        assert store.holder() is None
        ledger = store.lock(YOU)
        assert (ledger.epoch, [run.run for run in ledger.runs]) == (2, ["r1"])


def test_a_lost_session_is_waited_for(place: Place) -> None:
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
        assert 119 < waited <= 120
        with pytest.raises(Lost):
            dead.commit(history(), (1, 2))


def test_a_frozen_holder_that_wakes_writes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_dropped_session_does_not_end_a_run(store: PostgresStore, place: Place) -> None:
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


def test_a_dropped_session_whose_stack_was_taken_writes_nothing(place: Place) -> None:
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
        store: PostgresStore, place: Place, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
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


# damage


@pytest.mark.parametrize(("sql", "last"), [
    ("UPDATE reconciler_journal SET body = replace(convert_from(body, 'UTF8'), 'stripe', 'shripe')::bytea WHERE serial = 7", 6),
    ("DELETE FROM reconciler_journal WHERE serial = 9", 8),
    ("DELETE FROM reconciler_journal WHERE serial > 9", 9),
    ("DELETE FROM reconciler_journal", 0),
    ("UPDATE reconciler_ledger SET serial = serial - 1", 13),
    ("UPDATE reconciler_ledger SET epoch = 9", 13),
])
def test_an_edited_table_is_never_another_ledger(store: PostgresStore, place: Place, sql: str, last: int) -> None:
    """A record that is changed or missing is Corrupt with the last good serial, to who reads, locks and verifies."""
    ledger = store.lock(ME)
    store.commit(history(), (ledger.epoch, ledger.serial))
    store.unlock()
    assert place.serial() == 13
    place.ask(sql)
    with closing(place.opened()) as other:
        for attempt in (other.read, lambda: other.lock(YOU)):
            with pytest.raises(Corrupt, match=f"the last good serial is {last}"):
                attempt()
        assert f"the last good serial is {last}" in other.verify()[0]
        assert other.holder() is None


def test_a_stacks_row_can_not_be_removed_from_its_journal(store: PostgresStore, place: Place) -> None:
    """What would look like an empty ledger is refused by the database itself."""
    store.lock(ME)
    place.ask("DELETE FROM reconciler_ledger WHERE NOT EXISTS (SELECT 1 FROM reconciler_journal)")
    with pytest.raises(Exception, match="exit status 1"):
        place.ask("DELETE FROM reconciler_ledger")
    assert place.serial() == 2


# formats


def test_an_older_format_is_upgraded_and_a_newer_one_refused(store: PostgresStore, place: Place) -> None:
    """The next lock writes today's format; what a later version wrote is neither read nor locked."""
    store.lock(ME)
    store.unlock()
    place.ask("UPDATE reconciler_ledger SET format = 1")
    assert store.lock(ME).epoch == 2
    store.unlock()
    assert place.ask("SELECT format FROM reconciler_ledger") == "2"
    place.ask("UPDATE reconciler_ledger SET format = 3")
    with closing(place.opened()) as other:
        for attempt in (other.read, lambda: other.lock(YOU)):
            with pytest.raises(Failure, match="has format 3, and this version of reconciler reads formats up to 2"):
                attempt()
    assert place.ask("SELECT format, epoch FROM reconciler_ledger") == "3|2"
