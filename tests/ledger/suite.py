"""What every ledger store must hold; a store's own tests inherit `StoreSuite` and say how one is opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import Clock, SystemClock, TestClock
from reconciler.errors import Failure, Locked, Lost
from reconciler.ledger import Entry, Fold, Holder, Intent, Record, Store
from reconciler.ledger.sqlite import SqliteStore

Open = Callable[..., Store]
ME, YOU = Holder("run-1", "host-a", 11, who="ada"), Holder("run-2", "host-b", 22, who="bob")


def intent(op: str, address: str, epoch: int = 1, **more: Any) -> Record:
    """The record of a create that is about to be sent."""
    values: dict[str, Any] = {"act": "create", "method": "POST", "path": "/v1/prices", "digest": "d1",
                              "key": f"key-{op}", "run": "run-1", "at": 1.0, "prints": {"unit_amount": "hmac:1"}} | more
    return Intent(op, address, epoch=epoch, **values).record()


class Hasty(SystemClock):
    """Waits for others a short moment at a time."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))


def history() -> list[Record]:
    """One run with every type of record that an apply leaves."""
    a, b = "stripe.price/a", "stripe.price/b"
    return [
        {"t": "run", "run": "run-1", "at": 1.0, "who": "ada", "digest": "sha256:1", "approved": {a: "sha256:2"}},
        intent("op1", a), {"t": "sent", "op": "op1"}, {"t": "made", "op": "op1", "id": "price_1"},
        Entry(a, "price_1", {"unit_amount": "hmac:1"}, ("stripe.product/p",), protect=True).record(),
        {"t": "finished", "run": "run-1", "address": a},
        intent("op2", b), {"t": "unknown", "op": "op2"},
        intent("op3", "stripe.price/c"), {"t": "rejected", "op": "op3"},
        {"t": "end", "run": "run-1", "at": 2.0, "outcome": {"done": 1, "unknown": 1}},
    ]


class StoreSuite:
    """Inherit it in a class called Test…, with a fixture `open_store(project, stack, clock, lease)` over one place."""

    @pytest.fixture
    def clock(self) -> TestClock:
        return TestClock()

    @pytest.fixture
    def store(self, open_store: Open, clock: Clock) -> Iterator[Store]:
        with closing(open_store("shop", "test", clock=clock)) as store:
            yield store

    @pytest.fixture
    def other(self, open_store: Open, clock: Clock) -> Iterator[Store]:
        with closing(open_store("shop", "test", clock=clock)) as store:
            yield store

    def test_a_ledger_that_never_was_is_empty_and_reading_makes_none(self, store: Store) -> None:
        """Looking leaves no trace: two reads of nothing are two empty ledgers of this stack."""
        for _ in range(2):
            ledger = store.read()
            assert (ledger.project, ledger.stack, ledger.serial, ledger.epoch) == ("shop", "test", 0, 0)
            assert ledger.lineage == ""
            assert not ledger.entries

    def test_what_is_committed_is_what_is_read(self, store: Store, other: Store, open_store: Open) -> None:
        """The ledger is the fold of its journal, for the writer, another reader, and one that opens it later."""
        ledger = store.lock(ME)
        at = store.commit(history(), (ledger.epoch, ledger.serial))
        want = Fold.of(ledger).add(history()).ledger()
        assert at == (want.epoch, want.serial)
        assert store.read() == other.read() == want
        store.close()
        with closing(open_store("shop", "test")) as later:
            assert later.read() == want

    def test_a_reader_sees_each_commit_and_no_half_of_one(self, store: Store, other: Store) -> None:
        """A look between two commits shows the first whole."""
        ledger = store.lock(ME)
        at = (ledger.epoch, ledger.serial)
        for n in range(5):
            made = {"t": "made", "op": f"op{n}", "id": f"price_{n}"}
            at = store.commit([intent(f"op{n}", f"stripe.price/p{n}"), made], at)
            seen = other.read()
            assert (seen.epoch, seen.serial) == at
            assert set(seen.entries) == {f"stripe.price/p{i}" for i in range(n + 1)}
            assert not seen.intents

    def test_a_commit_goes_on_from_its_own_serial_only(self, store: Store) -> None:
        """Compare-and-swap: an older serial, a later one and another epoch are all Lost and leave nothing behind."""
        ledger = store.lock(ME)
        epoch, serial = store.commit([{"t": "gone", "address": "a.b/c"}], (ledger.epoch, ledger.serial))
        assert (epoch, serial) == (ledger.epoch, ledger.serial + 1)
        for expect in ((epoch, serial - 1), (epoch, serial + 1), (epoch - 1, serial), (epoch + 1, serial)):
            with pytest.raises(Lost):
                store.commit([{"t": "gone", "address": "a.b/c"}], expect)
        assert store.read().serial == serial
        assert store.commit([{"t": "gone", "address": "a.b/d"}], (epoch, serial)) == (epoch, serial + 1)

    def test_a_commit_without_the_lock_is_lost(self, store: Store, other: Store) -> None:
        """Nobody writes who does not hold the stack, however right the serial is."""
        ledger = store.lock(ME)
        with pytest.raises(Lost):
            other.commit([{"t": "gone", "address": "a.b/c"}], (ledger.epoch, ledger.serial))
        store.unlock()
        with pytest.raises(Lost):
            store.commit([{"t": "gone", "address": "a.b/c"}], (ledger.epoch, ledger.serial))
        assert other.read() == ledger

    def test_a_record_that_can_not_be_kept_is_refused_whole(self, store: Store) -> None:
        """A record of an unknown type, or with a value that is not JSON, leaves the journal as it was."""
        ledger = store.lock(ME)
        at = (ledger.epoch, ledger.serial)
        for bad in ({"t": "no such thing"}, {"t": "gone", "address": object()}, {"t": "gone", "address": float("nan")}):
            with pytest.raises((AttributeError, TypeError, ValueError)):
                store.commit([{"t": "run", "run": "r", "at": 1.0}, bad], at)
        assert store.read() == ledger
        store.commit([{"t": "run", "run": "r", "at": 1.0}], at)

    def test_the_second_applier_is_told_who_has_the_stack(self, store: Store, other: Store, clock: TestClock) -> None:
        """Locked names run, host and pid, at once or after the timeout; when it is free the epoch has moved on."""
        first = store.lock(ME)
        for timeout in (0.0, 3.0):
            before = clock.now()
            with pytest.raises(Locked, match=r"run-1.*ada.*host-a.*11"):
                other.lock(YOU, timeout)
            assert timeout <= clock.now() - before < timeout + 1
        held = other.holder()
        assert held is not None
        assert (held.run, held.host, held.pid, held.who) == ("run-1", "host-a", 11, "ada")
        store.unlock()
        assert other.holder() is None
        assert other.lock(YOU).epoch == first.epoch + 1

    def test_eight_writers_take_turns(self, open_store: Open) -> None:
        """All want the stack at once: no epoch twice, no run inside another, from the very first lock on."""
        def turns(run: str) -> None:
            with closing(open_store("shop", "test", clock=Hasty())) as store:
                for n in range(2):
                    ledger = store.lock(Holder(run), timeout=120.0)
                    at = store.commit([{"t": "run", "run": f"{run}.{n}", "at": 1.0}], (ledger.epoch, ledger.serial))
                    store.check()
                    store.commit([{"t": "end", "run": f"{run}.{n}", "at": 2.0, "outcome": {}}], at)
                    store.unlock()

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(turns, f"r{n}") for n in range(8)]:
                done.result()
        with closing(open_store("shop", "test")) as store:
            first, *records = store.history()
        assert first["t"] == "lineage"
        for n, (epoch, begin, end) in enumerate(zip(*[iter(records)] * 3, strict=True), 1):
            assert (epoch["t"], epoch["epoch"], begin["run"]) == ("epoch", n, end["run"])
        assert len(records) == 3 * 16

    def test_a_lease_ends_by_itself_and_is_renewed(self, store: Store, clock: TestClock) -> None:
        """`check` passes while the lease runs, raises Lost after it, and passes again once it was renewed in time."""
        store.lock(ME)
        held = store.holder()
        assert held is not None
        lease = held.until - clock.now()
        for _ in range(5):
            clock.sleep(lease * 0.9)
            store.check()
            store.renew()
        clock.sleep(lease)
        with pytest.raises(Lost):
            store.check()
        store.renew()
        store.check()

    def test_unlocking_takes_the_stack_from_a_run(self, store: Store, other: Store, clock: TestClock) -> None:
        """After `force_unlock` the former holder can send nothing and write nothing; its lease was waited out first."""
        ledger = store.lock(ME)
        held = store.holder()
        assert held is not None
        with pytest.raises(Locked, match="run-1"):
            other.force_unlock("run-9")
        store.check()
        other.force_unlock("run-1")
        assert clock.now() > held.until
        for attempt in (store.check, store.renew, lambda: store.commit(history(), (ledger.epoch, ledger.serial))):
            with pytest.raises(Lost):
                attempt()
        taken = other.lock(YOU)
        assert taken.epoch > ledger.epoch
        with pytest.raises(Lost):
            store.commit(history(), (taken.epoch, taken.serial))
        store.unlock()
        other.check()
        assert other.read() == taken

    def test_unlocking_what_nobody_holds_is_no_error(self, store: Store, clock: TestClock) -> None:
        """A run that has died leaves nothing that must be unlocked, and asking for it anyway does no harm."""
        before = clock.now()
        store.force_unlock("run-1")
        store.lock(ME)
        store.unlock()
        store.force_unlock("run-1")
        assert clock.now() == before

    def test_another_stacks_ledger_is_refused(self, store: Store, open_store: Open) -> None:
        """The lineage says whose journal it is: another stack or project neither reads nor takes it."""
        ledger = store.lock(ME)
        store.commit(history(), (ledger.epoch, ledger.serial))
        store.unlock()
        want = store.read()
        for project, stack in (("shop", "production"), ("office", "test")):
            with closing(open_store(project, stack)) as foreign:
                for attempt in (foreign.read, lambda: foreign.lock(YOU)):
                    with pytest.raises(Failure, match="shop/test"):
                        attempt()
                assert foreign.holder() is None
        assert store.read() == want

    def test_a_renamed_stack_keeps_its_ledger(self, store: Store, open_store: Open) -> None:
        """With `formerly` the old name is accepted, and the first lock writes the new one."""
        ledger = store.lock(ME)
        store.commit(history(), (ledger.epoch, ledger.serial))
        store.close()
        with closing(open_store("shop", "prod", formerly=(("shop", "test"),))) as renamed:
            assert renamed.read().entries
            after = renamed.lock(YOU)
            assert (after.stack, after.lineage) == ("prod", ledger.lineage)
        with closing(open_store("shop", "prod")) as plain:
            assert plain.read().entries == after.entries

    def test_a_sound_ledger_has_nothing_to_say(self, store: Store) -> None:
        """`verify` is silent before there is a ledger, in a run and after it, and the run goes on."""
        assert not store.verify()
        ledger = store.lock(ME)
        at = store.commit(history(), (ledger.epoch, ledger.serial))
        assert not store.verify()
        store.commit([{"t": "gone", "address": "stripe.price/a"}], at)
        store.unlock()
        assert not store.verify()

    # moving

    def test_the_history_is_all_that_was_written(self, store: Store, other: Store) -> None:
        """Its fold is the ledger, for the writer and for a reader; there is none before the first lock."""
        assert list(store.history()) == []
        ledger = store.lock(ME)
        store.commit(history(), (ledger.epoch, ledger.serial))
        found = list(store.history())
        assert found[-len(history()):] == history()
        assert Fold().add(found).ledger() == store.read()
        assert list(other.history()) == found

    def test_a_ledger_begins_with_anothers_history(self, store: Store, other: Store, tmp_path: Path) -> None:
        """Lineage, serial and every record are taken over whole, and only where there is no ledger yet."""
        with closing(SqliteStore(tmp_path / "elsewhere.db", "shop", "test")) as source:
            ledger = source.lock(ME)
            source.commit(history(), (ledger.epoch, ledger.serial))
            records, before = source.history(), source.read()
        after = store.lock(ME, 0.0, records)
        assert (after.lineage, after.entries, after.serial) == (before.lineage, before.entries, before.serial + 1)
        assert list(other.history())[:-1] == list(records)
        store.unlock()
        with pytest.raises(Failure, match="holds a ledger already"):
            other.lock(YOU, 0.0, records)
        assert other.read() == after
        assert not other.verify()
        assert other.lock(YOU).epoch == after.epoch + 1

    def test_a_ledger_that_was_moved_away_names_its_new_place(self, store: Store, other: Store) -> None:
        """Nobody goes on with the old copy: it is neither read nor locked, and says where the ledger is."""
        ledger = store.lock(ME)
        store.commit([*history(), {"t": "left", "to": "store: git", "at": 1_700_000_000.0}], (ledger.epoch, ledger.serial))
        store.unlock()
        for attempt in (other.read, store.read, lambda: other.lock(YOU), other.history):
            with pytest.raises(Failure, match="moved to store: git on 2023-11-14"):
                attempt()
        assert other.holder() is None
