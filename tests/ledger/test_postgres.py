"""The PostgreSQL store, over a real server: the common suite, many stacks in one database, and tables that somebody edits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from reconciler.errors import Corrupt, Failure, Locked
from reconciler.ledger import Store
from reconciler.ledger.postgres import PostgresStore
from reconciler.secret import Secret
from tests.ledger.places import Schema
from tests.ledger.suite import ME, YOU, StoreSuite, history
from tests.postgres import ROOT_PASSWORD, Database


@pytest.fixture
def place(database: Database) -> Schema:
    return Schema(database)


@pytest.fixture
def store(place: Schema) -> Iterator[PostgresStore]:
    with closing(place.opened()) as store:
        yield store


class TestPostgres(StoreSuite):
    """PostgreSQL passes the suite that every store must pass."""

    @pytest.fixture
    def open_store(self, place: Schema) -> Callable[..., Store]:
        def open_(project: str, stack: str, **more: object) -> Store:
            store = place.opened(project, stack, **more)
            store.place = "shop/test"  # stacks have rows of their own; here they meet at one
            return store

        return open_


# one database, many stacks


def test_reading_makes_no_tables(store: PostgresStore, place: Schema) -> None:
    """`plan` with a role that may only read works before there is anything to read."""
    assert not store.read().entries
    assert store.holder() is None
    assert not store.verify()
    assert place.ask("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()") == "0"


def test_stacks_of_one_database_do_not_see_each_other(place: Schema) -> None:
    """Each has its own lock, epoch, serial and entries."""
    with closing(place.opened()) as one, closing(place.opened("shop", "prod")) as two:
        first = one.lock(ME)
        one.commit(history(), (first.epoch, first.serial))
        second = two.lock(YOU)
        assert (second.epoch, second.serial, second.entries) == (1, 2, {})
        assert one.read().entries
        assert first.lineage != second.lineage


def test_a_renamed_stack_takes_its_row_along(place: Schema) -> None:
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


def test_a_role_that_may_only_read_reads(place: Schema, store: PostgresStore) -> None:
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


def test_a_role_that_may_write_needs_no_more_than_the_docs_say(place: Schema, store: PostgresStore) -> None:
    """Once the tables are there it makes none, alters none, and removes nothing from the journal."""
    store.lock(ME)
    store.unlock()
    role = f"writer_{place.schema}"
    place.ask(f"CREATE ROLE {role} LOGIN PASSWORD 'w'; GRANT USAGE ON SCHEMA {place.schema} TO {role}; "
              f"GRANT SELECT, INSERT, UPDATE, DELETE ON reconciler_ledger TO {role}; "
              f"GRANT SELECT, INSERT ON reconciler_journal TO {role}")
    url = place.url.replace(f"owner:{ROOT_PASSWORD}", f"{role}:w")
    with closing(PostgresStore(Secret(url), "shop", "prod", formerly=(("shop", "test"),))) as writer:
        ledger = writer.lock(YOU)
        at = writer.commit(history(), (ledger.epoch, ledger.serial))
        writer.renew()
        assert (writer.read().epoch, writer.read().serial) == at
        writer.unlock()


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


# damage


@pytest.mark.parametrize(("sql", "last"), [
    ("UPDATE reconciler_journal SET body = replace(convert_from(body, 'UTF8'), 'stripe', 'shripe')::bytea WHERE serial = 7", 6),
    ("DELETE FROM reconciler_journal WHERE serial = 9", 8),
    ("DELETE FROM reconciler_journal WHERE serial > 9", 9),
    ("DELETE FROM reconciler_journal", 0),
    ("UPDATE reconciler_ledger SET serial = serial - 1", 13),
    ("UPDATE reconciler_ledger SET epoch = 9", 13),
])
def test_an_edited_table_is_never_another_ledger(store: PostgresStore, place: Schema, sql: str, last: int) -> None:
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


def test_a_stacks_row_can_not_be_removed_from_its_journal(store: PostgresStore, place: Schema) -> None:
    """What would look like an empty ledger is refused by the database itself."""
    store.lock(ME)
    place.ask("DELETE FROM reconciler_ledger WHERE NOT EXISTS (SELECT 1 FROM reconciler_journal)")
    with pytest.raises(Exception, match="exit status 1"):
        place.ask("DELETE FROM reconciler_ledger")
    assert place.serial() == 2


# formats


def test_an_older_format_is_upgraded_and_a_newer_one_refused(store: PostgresStore, place: Schema) -> None:
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
