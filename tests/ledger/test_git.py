"""The git store: the common suite over a bare repository, and what only remotes, clones and processes can do to it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Failure, Locked, Lost
from reconciler.ledger import Store
from reconciler.ledger.git import GitStore
from reconciler.ledger.repository import Said
from tests.ledger.clones import REF, clone, git, origin, pushes
from tests.ledger.processes import helper, tell, told
from tests.ledger.suite import ME, YOU, Hasty, StoreSuite, intent
from tests.world import Shop

SEED = int(os.environ.get("SEED", "20261"))
LATE = {"t": "gone", "address": "a.b/c"}
"""A record that may ride with the next push."""


class Place:
    """A bare repository, and as many clones of it as are asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bare, self.clones = folder, origin(folder / "origin.git"), 0

    def clone(self) -> Path:
        self.clones += 1
        return clone(self.bare, self.folder / f"clone{self.clones}")

    def opened(self, project: str = "shop", stack: str = "test", **more: Any) -> GitStore:
        return GitStore(self.clone(), project, stack, **more)

    @property
    def tip(self) -> str:
        return git(self.bare, "rev-parse", REF)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def store(place: Place) -> Iterator[GitStore]:
    with closing(place.opened(clock=TestClock())) as store:
        yield store


class Polite(Hasty):
    """Each look is some processes, so a crowd that looks a hundred times a second would only be in its own way."""

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.3))


class TestGit(StoreSuite):
    """Git passes the suite that every store must pass: each store in a clone of its own."""

    @pytest.fixture
    def open_store(self, place: Place) -> Callable[..., Store]:
        def opened(project: str, stack: str, **more: Any) -> Store:
            if isinstance(more.get("clock"), Hasty):
                more["clock"] = Polite()
            store = place.opened(project, stack, **more)
            if not more.get("formerly") and stack != "prod":
                store.ref = store._published.ref = REF  # one place, whoever asks
            return store

        return opened


# pushes


def test_fifty_creates_cost_three_pushes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock, all intents in one before the first call, and the results with the unlock."""
    shop, sent = Shop(), []
    store = place.opened(clock=shop.clock)
    store.lock(ME)
    shop.store = store  # type: ignore[assignment]
    made = shop.plan({"room": {f"r{n}": {} for n in range(50)}})
    assert pushes(place.bare) == 1
    monkeypatch.setattr(store, "check", lambda: sent.append(pushes(place.bare)))
    shop.run(made)
    assert sent == [2] * 50
    with closing(place.opened()) as other:
        assert len(other.read().intents) == 50
        store.unlock()
        assert pushes(place.bare) == 3
        assert len(other.read().entries) == 50
        assert not other.read().intents


def test_what_was_not_pushed_rides_with_a_renewal(place: Place, store: GitStore) -> None:
    """A result waits for the lease's next third at most."""
    ledger = store.lock(ME)
    store.commit([LATE], (ledger.epoch, ledger.serial))
    with closing(place.opened()) as other:
        store.renew()
        assert other.read().serial == ledger.serial
        store.clock.sleep(31)
        store.renew()
        assert other.read().serial == ledger.serial + 1


def test_what_no_read_could_find_again_is_pushed_at_once(place: Place, store: GitStore) -> None:
    """An object without mark, natural key and foretold id, and the receipt of a secret that is shown only once."""
    ledger = store.lock(ME)
    at = store.commit([intent("op1", "a.b/c"), intent("op2", "a.b/d", entry={"marked": True})], (ledger.epoch, ledger.serial))
    with closing(place.opened()) as other:
        at = store.commit([{"t": "made", "op": "op2", "id": "2"}], at)
        assert set(other.read().entries) == set()
        at = store.commit([{"t": "made", "op": "op1", "id": "1"}], at)
        assert set(other.read().entries) == {"a.b/c", "a.b/d"}
        store.commit([{"t": "delivered", "address": "a.b/c", "output": "secret", "receipt": "r1"}], at)
        assert other.read().entries["a.b/c"].delivered == {"secret": "r1"}


def lossy(store: GitStore, monkeypatch: pytest.MonkeyPatch, *, arrives: bool, answers: int = 0) -> list[str]:
    """The answers of pushes are lost, and so are those of looks after `answers` of them; returns what was asked."""
    asked: list[str] = []
    real = store._repository.git

    def cut(*words: str, **more: Any) -> Said:
        if words[0] not in ("push", "ls-remote"):
            return real(*words, **more)
        asked.append(words[0])
        if words[0] == "push" and arrives:
            assert real(*words, **more).ok
        if words[0] == "push" or asked.count("ls-remote") > answers:
            return Said(128, b"", "fatal: the remote end hung up unexpectedly")
        return real(*words, **more)

    monkeypatch.setattr(store._repository, "git", cut)
    return asked


def test_our_own_commit_at_the_remote_is_success(store: GitStore, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push whose answer is lost, or that is refused because it had arrived already, is known by its commit."""
    ledger = store.lock(ME)
    asked = lossy(store, monkeypatch, arrives=True, answers=9)
    at = store.commit([intent("op1", "a.b/c")], (ledger.epoch, ledger.serial))
    assert asked == ["push", "ls-remote"]
    monkeypatch.undo()
    real = store._repository.git

    def twice(*words: str, **more: Any) -> Said:
        said = real(*words, **more)
        return real(*words, **more) if words[0] == "push" else said

    monkeypatch.setattr(store._repository, "git", twice)
    store.commit([intent("op2", "a.b/d")], at)
    with closing(place.opened()) as other:
        assert set(other.read().intents) == {"op1", "op2"}


def test_a_push_that_did_not_arrive_is_sent_again(store: GitStore, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeating a compare-and-swap does no harm; after some tries the run ends, and the stack can still be given back."""
    ledger = store.lock(ME)
    asked = lossy(store, monkeypatch, arrives=False, answers=9)
    with pytest.raises(Failure, match=r"can't be written at .*hung up"):
        store.commit([intent("op1", "a.b/c")], (ledger.epoch, ledger.serial))
    assert asked.count("push") == 4
    monkeypatch.undo()
    store.unlock()
    with closing(place.opened()) as other:
        assert other.holder() is None


def test_an_outcome_that_stays_unknown_is_settled_by_the_next_push(store: GitStore, place: Place,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    """The network dies with the push and comes back later: our own commit there is not taken for somebody else's."""
    ledger = store.lock(ME)
    lossy(store, monkeypatch, arrives=True)
    with pytest.raises(Failure, match="can't be read"):
        store.commit([intent("op1", "a.b/c")], (ledger.epoch, ledger.serial))
    monkeypatch.undo()
    store.unlock()
    with closing(place.opened()) as other:
        assert other.holder() is None
        assert set(other.read().intents) == {"op1"}


def test_a_stack_that_can_not_be_given_back_says_so(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The remote is gone at the end: the run names itself, and what frees the stack later."""
    store.lock(ME)
    lossy(store, monkeypatch, arrives=False)
    with pytest.raises(Failure, match="run run-1 still holds the stack") as told_:
        store.unlock()
    assert "ledger unlock --run run-1" in told_.value.next
    store.close()


def test_what_was_taken_over_can_not_be_written_at_the_end(place: Place, store: GitStore) -> None:
    """Results that a run could not push before it was unlocked are told as lost; without any it just ends."""
    ledger = store.lock(ME)
    store.commit([LATE], (ledger.epoch, ledger.serial))
    with closing(place.opened(clock=store.clock)) as other:
        other.force_unlock("run-1")
        with pytest.raises(Lost, match="what it recorded last is not in the ledger"):
            store.unlock()
        store.lock(ME)
        other.force_unlock("run-1")
        store.unlock()
        assert other.verify() == ()


# processes


def test_a_killed_holder_keeps_the_stack_until_it_is_unlocked(place: Place) -> None:
    """Nobody can see from afar whether it lives: its own run id frees the stack, after its lease and last request."""
    clock = TestClock()
    with helper("hold", place.clone(), "r1") as process, closing(place.opened(clock=clock)) as store:
        assert told(process)[0] == "held"
        process.kill()
        process.wait()
        with pytest.raises(Locked, match="r1") as gone:
            store.lock(YOU, 6.0)
        assert "ledger unlock --run r1" in gone.value.next
        held = store.holder()
        assert held is not None
        store.force_unlock("r1")
        assert clock.now() >= held.until + store.grace
        assert store.lock(YOU).epoch == 3


def test_a_run_killed_while_it_pushes_loses_nothing_that_was_confirmed(place: Place) -> None:
    """Whatever moment SIGKILL picks: confirmed intents are there, and a push that is still under way then comes too late."""
    rng = random.Random(SEED)
    print(f"SEED={SEED}")
    clock = TestClock(time.time())
    with closing(place.opened(clock=clock)) as store:
        for trial in range(2):
            last = 0
            with helper("announce", place.clone(), f"r{trial}") as process:
                for _ in range(rng.randrange(1, 6)):
                    last = int(str(told(process)[1]))
                process.kill()
                process.wait()
            store.force_unlock(f"r{trial}")
            ledger = store.lock(YOU)
            assert ledger.serial >= last
            assert not store.verify()
            store.unlock()


def test_a_frozen_holder_that_wakes_writes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, unlocked by a person after its lease and woken again, a run is Lost at check, renewal and commit."""
    monkeypatch.setenv("LEASE", "0.001")
    with helper("hold", place.clone(), "r1") as process, closing(place.opened(clock=TestClock())) as store:
        assert told(process) == ["held", 1, 3]
        process.send_signal(signal.SIGSTOP)
        store.force_unlock("r1")
        ledger = store.lock(YOU)
        before = place.tip
        process.send_signal(signal.SIGCONT)
        tell(process)
        assert [told(process) for _ in range(3)] == [["Lost"]] * 3
        assert store.read() == ledger
        assert place.tip == before


def test_two_who_unlock_the_same_run_do_not_disturb_each_other(place: Place) -> None:
    """While the lease is waited out the stack is still the dead run's; a second `unlock` joins, and a third finds it free."""
    class Waiting(TestClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            with closing(place.opened(clock=TestClock(self.time))) as third:
                with pytest.raises(Locked, match="run-1"):
                    third.lock(YOU)
                third.force_unlock("run-1")
                assert third.lock(YOU).epoch == 3

    with closing(place.opened(clock=TestClock())) as dead, closing(place.opened(clock=Waiting())) as person:
        dead.lock(ME)
        person.force_unlock("run-1")
        assert person.read().epoch == 3
        assert person.holder() is None
