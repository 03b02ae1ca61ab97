"""F01, F03, F13 and F18 with the command itself, started cold: killed, interrupted, deaf, crowded, overtaken."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from reconciler.contract.http import Api
from reconciler.contract.owner import ADDRESS
from reconciler.ledger import Ledger
from reconciler.ledger.sqlite import SqliteStore
from tests.cli.project import Account, Project, ended
from tests.faults.conftest import SHOP
from tests.faults.tally import Row
from tests.faults.warm import APPLY, WRITES, Doorman


@pytest.fixture
def door(stripe: Account) -> Doorman:
    return Doorman(stripe)


def ledger_of(shop: Project) -> Ledger:
    """What its file says; the file has to be sound and free."""
    path = shop.dir / ".reconciler" / "default" / "ledger.db"
    with closing(SqliteStore(path, "shop", "default")) as store:
        assert not store.verify()
        assert store.holder() is None
        return store.read()


def unaccounted(shop: Project, stripe: Account) -> list[str]:
    """Objects of ours that neither the ledger nor an open create knows."""
    ledger = ledger_of(shop)
    known = {entry.id for entry in ledger.entries.values()}
    pending = {intent.address for intent in ledger.intents.values() if intent.act == "create"}
    return [id for id, one in {**stripe.products(), **stripe.prices()}.items()
            if id not in known and one["metadata"][ADDRESS] not in pending]


def settled(shop: Project, stripe: Account) -> None:
    """Two clean runs at most, then an empty plan, one object per address, all in the ledger, nothing open."""
    if shop.run(*APPLY).code != 0:
        shop.ok(*APPLY)
    shop.ok("plan", "--detailed-exitcode")
    owners = Counter(one["metadata"][ADDRESS] for one in (*stripe.products().values(), *stripe.prices().values()))
    assert set(owners.values()) == {1}, owners
    assert len(owners) == 5
    assert not unaccounted(shop, stripe)
    assert not ledger_of(shop).intents


def victim(started: list[subprocess.Popen[str]], number: signal.Signals) -> Callable[[], None]:
    """Signals the last process that was started."""
    def send() -> None:
        started[-1].send_signal(number)
        if number is signal.SIGKILL:
            started[-1].wait()
            raise ConnectionError("killed")

    return send


@pytest.mark.parametrize("trial", range(10))
def test_f01_the_command_itself_may_be_killed_anywhere(row: Row, shop: Project, stripe: Account, door: Doorman,
                                                       trial: int) -> None:
    """Ten cold trials: `apply` is killed at a random request, its recovery too; nothing is doubled, nothing lost."""
    for one in row.trials(10, 10, trial, 10):
        started: list[subprocess.Popen[str]] = []
        for most in (WRITES, 2)[: one.rng.randint(1, 2)]:
            sort = one.rng.choice(["read", "write", "write"])
            door.meet(sort, one.rng.randint(1, most), victim(started, signal.SIGKILL), after=one.rng.random() < 0.5)
            started.append(shop.start(*APPLY))
            done = ended(started[-1])
            assert done.code in (-signal.SIGKILL, 0), done
            if (shop.dir / ".reconciler").exists():
                assert not unaccounted(shop, stripe), one
        settled(shop, stripe)


@pytest.mark.parametrize(("sort", "nth", "number"), [("read", 1, signal.SIGINT), ("write", 3, signal.SIGTERM)])
def test_an_interrupt_finishes_what_is_under_way_and_records_it(shop: Project, stripe: Account, door: Doorman, sort: str,
                                                                nth: int, number: signal.Signals) -> None:
    """Exit 130 or 143, the lock free, the journal whole, no object lost, and no request begun that was not under way."""
    started: list[subprocess.Popen[str]] = []
    door.meet(sort, nth, victim(started, number))
    started.append(shop.start(*APPLY))
    done = ended(started[-1])
    assert done.code == 128 + number, done
    assert "Traceback" not in done.err
    if sort == "write":
        assert not ledger_of(shop).intents
        assert not unaccounted(shop, stripe)
    settled(shop, stripe)


@pytest.mark.parametrize(("form", "when"), [("text", "at once"), ("json", "under way")])
def test_a_closed_stdout_ends_the_run_with_its_journal_whole(shop: Project, stripe: Account, door: Doorman, form: str,
                                                             when: str) -> None:
    """`| head` is no crash: nothing more is begun, what was sent is recorded, and no traceback is left on stderr."""
    started: list[subprocess.Popen[str]] = []

    def close() -> None:
        assert started[-1].stdout is not None
        started[-1].stdout.close()

    door.meet("read" if when == "at once" else "write", 1, close)
    started.append(shop.start(*APPLY, "--format", form))
    assert started[-1].stderr is not None
    with started[-1].stderr as stderr:
        err = stderr.read()
    code = started[-1].wait(timeout=60)
    assert "Traceback" not in err, err
    assert "Exception ignored" not in err, err
    assert code in ((141,) if when == "at once" else (0, 6, 141)), (code, err)
    if when == "at once":
        assert not stripe.written
    else:
        assert not ledger_of(shop).intents
    settled(shop, stripe)


@pytest.mark.parametrize("crowd", [4])
def test_of_many_that_apply_at_once_one_wins_and_the_others_are_told(shop: Project, stripe: Account, door: Doorman,
                                                                     crowd: int) -> None:
    """Exit 7 names the run, the process and since when; the winner's writes are the only ones."""
    begun, on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert on.wait(120)

    door.meet("write", 1, wait)
    everyone = [shop.start(*APPLY) for _ in range(crowd)]
    assert begun.wait(120)
    holder: dict[str, Any] = json.loads((shop.dir / ".reconciler/default/ledger.db.holder").read_text())
    for loser in (one for one in everyone if one.pid != holder["pid"]):
        done = ended(loser)
        assert done.code == 7, done
        assert f"pid {holder['pid']}" in done.err
        assert str(holder["run"]) in done.err
    assert len(shop.run("plan").out) > 0
    on.set()
    assert ended(next(one for one in everyone if one.pid == holder["pid"])).code == 0
    assert len(stripe.written) == WRITES
    settled(shop, stripe)


@pytest.mark.parametrize("nth", [1, 3, WRITES])
@pytest.mark.parametrize("after", [False, True])
def test_f04_a_socket_that_is_reset_leaves_exactly_one_object(row: Row, shop: Project, stripe: Account, door: Doorman,
                                                              monkeypatch: pytest.MonkeyPatch, nth: int, *,
                                                              after: bool) -> None:
    """SO_LINGER 0 on a real connection, before the vendor did it or after: the key is sent again, and it is made once."""
    def reset() -> None:
        raise ConnectionResetError("reset")

    monkeypatch.setattr(Api, "_backoff", staticmethod(lambda attempt: 0.0))
    for _ in row.each([nth]):
        door.meet("write", nth, reset, after=after)
        assert shop.run(*APPLY).code == 0
        settled(shop, stripe)


def test_what_somebody_edits_while_the_apply_runs_is_seen_and_not_overwritten(shop: Project, stripe: Account,
                                                                              door: Doorman) -> None:
    """The object is read once more right before its update: stale, this step only; everything else is done."""
    shop.ok(*APPLY)
    shop.manifest(SHOP.replace("name: Pro", "name: Pro 2").replace("name: Team", "name: Team 2"))
    door.meet("write", 1, lambda: stripe.products()["team"].update(name="Theirs"), after=True)
    done = shop.run(*APPLY, "--parallelism", "1")
    assert done.code == 6, done
    assert stripe.products()["team"]["name"] == "Theirs"
    assert stripe.products()["pro"]["name"] == "Pro 2"
    assert "changed at the vendor after the plan was made" in done.said


@pytest.mark.parametrize("what", ["live object", "ledger entry", "format version"])
def test_a_saved_plan_of_another_world_is_refused_before_the_first_write(shop: Project, stripe: Account, what: str) -> None:
    """The live object, the ledger's entry or the file's format is not what it was: exit 5, and nothing is written."""
    shop.ok(*APPLY)
    shop.manifest(SHOP.replace("name: Pro", "name: Pro 2"))
    shop.run("plan", "--out", "plan.json")
    match what:
        case "live object":
            stripe.products()["pro"]["name"] = "Theirs"
        case "ledger entry":
            shop.ok("ledger", "forget", "stripe.product/pro")
        case _:
            path = shop.dir / "plan.json"
            path.write_text(path.read_text().replace('"format_version": "1.0"', '"format_version": "9.0"'))
    before = len(stripe.written)
    done = shop.run("apply", "plan.json")
    assert done.code == 5, done
    assert stripe.written[before:] == []
