"""The S3 store over a network that loses answers, and with holders that died or froze."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Failure, Locked, Lost
from reconciler.ledger.s3 import S3Store
from tests.ledger.places import Folder
from tests.ledger.processes import helper, tell, told
from tests.ledger.suite import ME, YOU, history
from tests.s3 import CREDENTIALS, S3, after


@pytest.fixture
def place(buckets: S3) -> Folder:
    return Folder(buckets)


@pytest.fixture
def store(place: Folder) -> Iterator[S3Store]:
    with closing(place.opened()) as store:
        yield store


@pytest.mark.parametrize("fate", ["lose", "drop", "500", "503", "409"])
@pytest.mark.parametrize("part", ["head.json", "lock.json"])
def test_a_write_whose_answer_is_lost_is_settled_by_reading(place: Folder, fate: str, part: str) -> None:
    """Each write in turn, of lock, begin, commit, renewal and unlock: what went through counts once, the rest is repeated."""
    for nth in (1, 2, 3):
        clock = TestClock()
        with closing(place.opened("shop", f"t{part[0]}{nth}", clock=clock)) as store:
            place.server.faults[:] = [after(nth, fate, part=part), after(nth, "drop", "GET", part)]
            ledger = store.lock(ME)
            clock.sleep(60)
            store.renew()
            at = store.commit(history(), (ledger.epoch, ledger.serial))
            assert at == (1, 2 + len(history()))
            store.unlock()
            place.server.faults.clear()
            assert store.holder() is None
            assert [record["t"] for record in store.history()] == ["lineage", "epoch", *[r["t"] for r in history()]]


def test_our_own_412_is_no_defeat(store: S3Store, place: Folder) -> None:
    """A commit went through, its answer and the look for it were lost, and the repetition is refused: it is ours."""
    ledger = store.lock(ME)
    place.server.asked.clear()
    place.server.faults.extend([after(1, "lose"), after(1, "drop", "GET")])
    at = store.commit(history(), (ledger.epoch, ledger.serial))
    assert [line.split()[0] for line in place.server.asked] == ["PUT", "GET", "PUT", "GET"]
    store.commit([{"t": "gone", "address": "a.b/c"}], at)
    assert not store.verify()


def test_a_bucket_that_stays_away_ends_the_run(store: S3Store, place: Folder) -> None:
    """After a few tries, which wait on the clock, the failure is clear; what was committed is there."""
    ledger = store.lock(ME)
    at = store.commit(history(), (ledger.epoch, ledger.serial))
    place.server.faults.append(lambda method, path: "drop")
    with pytest.raises(Failure, match=r"bucket ledgers-\d+ can't be used"):
        store.commit([{"t": "gone", "address": "a.b/c"}], at)
    place.server.faults.clear()
    with closing(place.opened()) as other:
        assert (other.read().epoch, other.read().serial) == at


def test_a_lock_that_can_not_be_given_back_is_told(place: Folder) -> None:
    """The run says that it still holds the stack and how to end that, instead of leaving the next one to find out."""
    with closing(place.opened()) as store, closing(place.opened()) as other:
        store.lock(ME)
        place.server.faults.append(lambda method, path: "drop")
        with pytest.raises(Failure, match="run run-1 still holds the stack") as told_:
            store.unlock()
        assert "ledger unlock --run run-1" in told_.value.next
        place.server.faults.clear()
        other.force_unlock("run-1")
        assert other.lock(YOU).epoch > 1


@pytest.mark.parametrize("fate", ["403", "401", "429"])
def test_what_may_not_be_seen_is_not_absent(store: S3Store, place: Folder, fate: str) -> None:
    """No right to look, or to list, is a failure and never an empty ledger."""
    place.server.faults.append(lambda method, path: fate)
    with pytest.raises(Failure, match="can't be used"):
        store.read()


def test_a_bucket_that_is_not_there_and_credentials_that_are_not_there(
        place: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are told in a sentence with a next step."""
    with closing(S3Store("no-such-bucket", "shop", "test", endpoint=place.server.url)) as store, \
            pytest.raises(Failure, match="NoSuchBucket"):
        store.read()
    monkeypatch.setattr(place.server.session, "get_credentials", lambda: None)
    monkeypatch.setattr(place.server.session._session, "get_credentials", lambda: None)
    with closing(place.opened()) as store, pytest.raises(Failure, match="NoCredentials") as told_:
        store.read()
    assert "boto3" in told_.value.next


def test_a_bucket_that_ignores_conditions_is_refused(store: S3Store, place: Folder) -> None:
    """Where two runs could write over each other no ledger begins."""
    place.server.heedless = True
    with pytest.raises(Failure, match="ignores conditions of writes"):
        store.lock(ME)
    assert "shop/test/head.json" not in place.names()


# holders


def test_a_dead_holder_is_unlocked_by_a_person(place: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed or frozen, a run keeps the stack until `unlock --run`, which waits for its lease; woken, it writes nothing."""
    monkeypatch.setenv("LEASE", "0.001")
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    clock = TestClock()
    with helper("hold", f"{place.server.url}/{place.bucket}", "r1") as process, closing(place.opened(clock=clock)) as store:
        assert told(process) == ["held", 1, 3]
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(Locked, match="r1"):
            store.lock(YOU)
        store.force_unlock("r1")
        assert 0 < clock.slept[-1] < 31
        ledger = store.lock(YOU)
        process.send_signal(signal.SIGCONT)
        tell(process)
        assert [told(process) for _ in range(3)] == [["Lost"]] * 3
        assert store.read() == ledger


def test_an_unlock_that_was_killed_can_be_done_again(place: Folder) -> None:
    """It had taken the lock and waited: the run is locked out already, and the second one ends the hold."""
    class Killed(Exception):
        pass

    class Mortal(TestClock):
        def sleep(self, seconds: float) -> None:
            raise Killed

    with closing(place.opened()) as store, closing(place.opened(clock=Mortal())) as first, closing(place.opened()) as second:
        ledger = store.lock(ME)
        with pytest.raises(Killed):
            first.force_unlock("run-1")
        with pytest.raises(Lost):
            store.commit(history(), (ledger.epoch, ledger.serial))
        held = second.holder()
        assert held is not None
        assert held.run == "run-1"
        second.force_unlock("run-1")
        assert second.lock(YOU).epoch > ledger.epoch
