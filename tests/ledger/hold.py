"""A process of its own that works on a ledger: what it shall do comes as arguments, what happened goes to stdout."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from reconciler.errors import Failure
from reconciler.ledger import Holder
from reconciler.ledger.sqlite import SqliteStore


def opened(path: Path, **more: Any) -> SqliteStore:
    """The ledger that these tests share."""
    return SqliteStore(path, "shop", "test", **more)


def say(*words: object) -> None:
    """Tell the test, at once."""
    print(json.dumps(words), flush=True)


def heard() -> str:
    """Wait for the test's next word."""
    return sys.stdin.readline().strip()


def race(store: SqliteStore, run: str, rounds: int) -> None:
    """Take the stack again and again, and leave two records each time."""
    for n in range(rounds):
        ledger = store.lock(Holder(run), timeout=60.0)
        at = (ledger.epoch, ledger.serial)
        at = store.commit([{"t": "run", "run": f"{run}.{n}", "at": 1.0}], at)
        store.check()
        store.commit([{"t": "end", "run": f"{run}.{n}", "at": 2.0, "outcome": {"done": ledger.epoch}}], at)
        store.unlock()
    say("done")


def once(store: SqliteStore, run: str) -> None:
    """Try for the stack a single time and keep it until told."""
    say("ready")
    heard()
    try:
        store.lock(Holder(run))
    except Failure as error:
        say(type(error).__name__, error.message)
    else:
        say("won", run)
    heard()


def hold(store: SqliteStore, run: str) -> None:
    """Take the stack, commit, and after the next word try to go on."""
    ledger = store.lock(Holder(run))
    at = store.commit([{"t": "run", "run": run, "at": 1.0}], (ledger.epoch, ledger.serial))
    say("held", *at)
    heard()
    for attempt in (store.check, store.renew, lambda: store.commit([{"t": "gone", "address": "late"}], at)):
        try:
            attempt()
        except Failure as error:
            say(type(error).__name__)
        else:
            say("went through")


def pour(store: SqliteStore, run: str) -> None:
    """Commit for ever, and say what is confirmed."""
    ledger = store.lock(Holder(run))
    at = (ledger.epoch, ledger.serial)
    while True:
        at = store.commit([{"t": "run", "run": f"{run}.{at[1]}", "at": 1.0}, {"t": "gone", "address": "a.b/c"}], at)
        say(*at)


def fill_up(store: SqliteStore, run: str, most: int) -> None:
    """Commit until the disk (a limit on the size of files) is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    at = (0, 0)
    try:
        ledger = store.lock(Holder(run))
        at = (ledger.epoch, ledger.serial)
        for n in range(5000):
            at = store.commit([{"t": "run", "run": f"r{n}" + "x" * 200, "at": 1.0}], at)
    except Failure as error:
        say(type(error).__name__, error.message, *at)


def main() -> None:
    """Do what the arguments say: verb, path, run, and a number where the verb takes one."""
    verb, path, run, *more = sys.argv[1:]
    store = opened(Path(path))
    {"race": race, "once": once, "hold": hold, "pour": pour, "fill_up": fill_up}[verb](store, run, *map(int, more))
    store.close()


if __name__ == "__main__":
    main()
