"""A process of its own that works on a ledger: what it shall do comes as arguments, what happened goes to stdout."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from reconciler.errors import Failure
from reconciler.ledger import Holder, Intent, Store
from reconciler.ledger.sqlite import SqliteStore
from reconciler.secret import Secret


def opened(path: Path, **more: Any) -> SqliteStore:
    """The ledger that these tests share."""
    return SqliteStore(path, "shop", "test", **more)


def reached(place: str) -> Store:
    """The same in whatever place an argument names: a database or a bucket by its url, or a file. LEASE shortens the lease."""
    more = {"lease": float(os.environ["LEASE"])} if "LEASE" in os.environ else {}
    if place.startswith("postgresql:"):
        from reconciler.ledger.postgres import PostgresStore

        return PostgresStore(Secret(place), "shop", "test", **more)
    if place.startswith("http:"):
        from reconciler.ledger.s3 import S3Store

        endpoint, _, bucket = place.rpartition("/")
        return S3Store(bucket, "shop", "test", endpoint=endpoint, region="us-east-1", **more)
    if (Path(place) / ".git").is_dir():
        from reconciler.ledger.git import GitStore

        return GitStore(Path(place), "shop", "test", **more)
    return opened(Path(place), **more)


def say(*words: object) -> None:
    """Tell the test, at once."""
    print(json.dumps(words), flush=True)


def heard() -> str:
    """Wait for the test's next word."""
    return sys.stdin.readline().strip()


def race(store: Store, run: str, rounds: int) -> None:
    """Take the stack again and again, and leave two records each time."""
    for n in range(rounds):
        ledger = store.lock(Holder(run), timeout=60.0)
        at = (ledger.epoch, ledger.serial)
        at = store.commit([{"t": "run", "run": f"{run}.{n}", "at": 1.0}], at)
        store.check()
        store.commit([{"t": "end", "run": f"{run}.{n}", "at": 2.0, "outcome": {"done": ledger.epoch}}], at)
        store.unlock()
    say("done")


def once(store: Store, run: str) -> None:
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


def hold(store: Store, run: str) -> None:
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


def pour(store: Store, run: str) -> None:
    """Commit for ever, and say what is confirmed."""
    ledger = store.lock(Holder(run))
    at = (ledger.epoch, ledger.serial)
    while True:
        at = store.commit([{"t": "run", "run": f"{run}.{at[1]}", "at": 1.0}, {"t": "gone", "address": "a.b/c"}], at)
        say(*at)


def announce(store: Store, run: str) -> None:
    """Commit intents for ever, and say what is confirmed."""
    ledger = store.lock(Holder(run))
    at = (ledger.epoch, ledger.serial)
    while True:
        op = f"{run}.{at[1]}"
        at = store.commit([Intent(op, "a.b/c", "create", "POST", "/c", "d", "key", at[0], run, 1.0).record()], at)
        say(*at)


def fill_up(store: Store, run: str, most: int) -> None:
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
    """Do what the arguments say: verb, place, run, and a number where the verb takes one."""
    verb, place, run, *more = sys.argv[1:]
    store = reached(place)
    {"race": race, "once": once, "hold": hold, "pour": pour, "announce": announce,
     "fill_up": fill_up}[verb](store, run, *map(int, more))
    store.close()


if __name__ == "__main__":
    main()
