"""F03 and F15: interrupted, deaf, without room, without rights: the lock is free afterwards, and the journal whole."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest

from reconciler.ledger.sqlite import SqliteStore
from tests.faults.tally import Row, Trial
from tests.faults.warm import APPLY, WRITES, Started, Warm, signalled

BOTH = (signal.SIGINT, signal.SIGTERM)


def shop_for(quick: Path, one: Trial) -> Warm:
    """A fresh shop for each trial."""
    folder = quick / f"{one.row}-{one.seed}"
    folder.mkdir()
    return Warm(folder)


def moment(one: Trial) -> tuple[str, int, bool]:
    """A request of the first apply: its sort, its number, and whether something happens after it."""
    sort = one.rng.choice(["read", "write", "write"])
    return sort, one.rng.randint(1, 2 if sort == "read" else WRITES), one.rng.random() < 0.5


def interrupted(shop: Warm, *numbers: int) -> Callable[[], None]:
    """The process that is being answered gets these signals."""
    def send() -> None:
        for number in numbers:
            signalled(shop.exchange.speaker, number)

    return send


def test_f03_an_interrupt_ends_in_order(row: Row, quick: Path) -> None:
    """SIGINT, SIGTERM, or one after the other, at any request: the right exit code, the lock free, nothing lost or doubled."""
    for one in row.trials(30, 1_200):
        shop, numbers = shop_for(quick, one), one.rng.choice([*((n,) for n in BOTH), *((n,) for n in BOTH), BOTH])
        sort, nth, after = moment(one)
        shop.door.meet(sort, nth, interrupted(shop, *numbers), after=after)
        done = shop.ended(shop.fork(*APPLY))
        assert done.code in {128 + number for number in numbers}, f"{one}: {done}"
        assert "Traceback" not in done.err, f"{one}: {done}"
        assert not shop.unaccounted(), one
        if sort == "write" and len(numbers) == 1:
            assert not shop.ledger().intents, f"{one}: what was under way was not recorded"
        under_way = nth + 3 if sort == "write" else 0
        assert len(shop.stripe.written) <= under_way, f"{one}: more was begun: {shop.stripe.written}"
        shop.settled()


def test_f03_a_reader_that_goes_away_ends_the_run_with_its_journal_whole(row: Row, quick: Path) -> None:
    """`| head` is no crash: in text or NDJSON, at any request, what was sent is recorded, and stderr holds no traceback."""
    for one in row.trials(20, 800):
        shop = shop_for(quick, one)
        sort, nth, after = moment(one)
        started = shop.fork(*APPLY, "--format", one.rng.choice(["text", "json"]))
        shop.door.meet(sort, nth, started.close, after=after)
        done = shop.ended(started)
        assert done.code in (0, 6, 141), f"{one}: {done}"
        assert "Traceback" not in done.err and "Exception ignored" not in done.err, f"{one}: {done}"
        assert not shop.unaccounted(), one
        if sort == "read":
            assert (done.code, shop.stripe.written) == (141, []), f"{one}: {done}"
        else:
            assert not shop.ledger().intents, one
        shop.settled()


def limited(size: int) -> Callable[[], None]:
    """No file may grow over this size."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_f15_a_full_disk_stops_before_the_next_request(row: Row, quick: Path) -> None:
    """Whatever room there is for the ledger: nothing is sent that it has not announced, and the next run goes on."""
    for one in row.trials(12, 40):
        shop, size = shop_for(quick, one), one.rng.randrange(90 * 1024)
        started = shop.fork(*APPLY, before=limited(size))
        done = shop.ended(started)
        assert done.code in (0, 1, 6), f"{one}: {size}: {done}"
        assert "Traceback" not in done.err, f"{one}: {size}: {done}"
        if done.code:
            assert "ledger" in done.err or len(done.err.encode()) >= size, f"{one}: {size}: {done}"
        assert not shop.unaccounted(), f"{one}: {size}"
        shop.settled()


@contextmanager
def broken(what: str, nth: int) -> Iterator[None]:
    """From its nth commit on the disk gives errors: in the journal, or where the note of how far it reaches is kept."""
    count, append, opens = [0], SqliteStore._append, os.open

    def fails(store: SqliteStore, records: object) -> None:
        count[0] += 1
        if count[0] >= nth and what == "journal":
            raise store._failure(sqlite3.OperationalError("disk I/O error"))
        append(store, records)  # type: ignore[arg-type]

    def refuses(path: str | Path, flags: int, *more: int) -> int:
        if count[0] >= nth and what == "head" and str(path).endswith(".head"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return opens(path, flags, *more)

    with patch.object(SqliteStore, "_append", fails), patch.object(os, "open", refuses):
        yield


def test_f15_an_error_of_the_disk_stops_before_the_next_request(row: Row, quick: Path) -> None:
    """From any commit on nothing can be written: one message, nothing sent after it, and the next run goes on."""
    for one in row.trials(8, 20):
        shop = shop_for(quick, one)
        with broken(one.rng.choice(["journal", "head"]), one.rng.randint(1, 14)):
            done = shop.run(*APPLY)
        assert done.code in (0, 1, 6), f"{one}: {done}"
        assert "Traceback" not in done.said, f"{one}: {done}"
        assert not shop.unaccounted(), one
        shop.settled()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who has no rights")
def test_f15_a_folder_that_can_not_be_written_stops_before_any_request(row: Row, quick: Path) -> None:
    """Without the right to write the ledger nothing is sent at all."""
    for one in row.trials(1, 4):
        shop = shop_for(quick, one)
        (shop.dir / ".reconciler").mkdir()
        (shop.dir / ".reconciler").chmod(0o555)
        for path in (quick, shop.dir):
            path.chmod(0o755)
        done = shop.ended(shop.fork(*APPLY, before=lambda: os.setuid(65534)))
        assert done.code == 1, done
        assert "can't be written" in done.err
        assert shop.stripe.written == []
        (shop.dir / ".reconciler").chmod(0o755)
        shop.settled()


def test_f13_the_others_are_told_who_holds_the_stack(row: Row, quick: Path) -> None:
    """The command itself, several at once: exit 7 names the run, the process and since when; a plan is told too."""
    for one in row.trials(3, 50):
        shop, told = shop_for(quick, one), list[str]()
        holder: list[Started] = []

        def crowd(shop: Warm = shop, told: list[str] = told, holder: list[Started] = holder) -> None:
            own, shop.exchange.ends = shop.exchange.ends, {}
            for done in (shop.ended(shop.fork(*APPLY)), shop.run("plan")):
                told.append(f"{done.code} {done.said}")
            shop.exchange.ends = own

        shop.door.meet("write", one.rng.randint(1, WRITES), crowd)
        holder.append(shop.fork(*APPLY))
        assert shop.ended(holder[0]).code == 0
        assert told[0].startswith("7 ") and f"pid {holder[0].pid}" in told[0], told
        assert told[1][0] in "01", told
        assert len(shop.stripe.written) == WRITES
        shop.settled()
