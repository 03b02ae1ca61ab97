"""The S3 store, over moto as a server: the common suite, many stacks in one bucket, and objects that somebody damages."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from reconciler.errors import Corrupt, Failure, Locked
from reconciler.ledger import Ledger, Store, segments
from reconciler.ledger.bucket import Object
from reconciler.ledger.s3 import S3Store
from tests.ledger.places import Folder
from tests.ledger.suite import ME, YOU, StoreSuite, history
from tests.s3 import S3, after

SEED = int(os.environ.get("SEED", "20261"))


@pytest.fixture
def place(buckets: S3) -> Folder:
    return Folder(buckets)


@pytest.fixture
def store(place: Folder) -> Iterator[S3Store]:
    with closing(place.opened()) as store:
        yield store


def grown(place: Folder, commits: int = 60) -> Ledger:
    """A ledger of some segments and a tail."""
    with closing(place.opened()) as store:
        ledger = store.lock(ME)
        at = store.commit(history(), (ledger.epoch, ledger.serial))
        for n in range(commits):
            at = store.commit([{"t": "run", "run": f"r{n}" + "x" * 60, "at": 1.0}], at)
        return store.read()


class Here(S3Store):
    """Stacks have places of their own; here they meet at one."""

    def _place(self, project: str, stack: str) -> str:
        return "shop/test"


class TestS3(StoreSuite):
    """S3 passes the suite that every store must pass."""

    @pytest.fixture
    def open_store(self, place: Folder) -> Callable[..., Store]:
        return lambda project, stack, **more: Here(
            place.bucket, project, stack, endpoint=place.server.url, **more)


# one bucket, many stacks


def test_reading_makes_no_objects(store: S3Store, place: Folder) -> None:
    """`plan` with a key that may only read works before there is anything to read."""
    assert not store.read().entries
    assert store.holder() is None
    assert not store.verify()
    assert place.names() == []


def test_stacks_of_one_bucket_do_not_see_each_other(place: Folder) -> None:
    """Each lies below its prefix, project and name."""
    with closing(place.opened(prefix="/ledgers/")) as one, closing(place.opened("shop", "prod")) as two:
        first = one.lock(ME)
        one.commit(history(), (first.epoch, first.serial))
        assert two.lock(YOU).entries == {}
        assert one.read().entries
    assert sorted(place.names()) == ["ledgers/shop/test/head.json", "ledgers/shop/test/lock.json",
                                    "shop/prod/head.json", "shop/prod/lock.json"]


def test_a_commit_is_one_request(store: S3Store, place: Folder) -> None:
    """The newest records ride in the head; what is read again and has not changed is not sent again."""
    ledger = store.lock(ME)
    place.server.asked.clear()
    at = store.commit(history(), (ledger.epoch, ledger.serial))
    store.commit([{"t": "gone", "address": "a.b/c"}], at)
    store.read()
    assert place.server.asked == [f"{verb} /{place.bucket}/shop/test/head.json" for verb in ("PUT", "PUT", "GET")]


def test_a_renamed_stack_takes_its_ledger_along(place: Folder) -> None:
    """Under `formerly` it is read where it was; the first lock goes on in the new place, and the old one says so."""
    former = (("shop", "test"),)
    with closing(place.opened()) as old, closing(place.opened("shop", "prod", formerly=former)) as new:
        ledger = old.lock(ME)
        old.commit(history(), (ledger.epoch, ledger.serial))
        assert new.read().entries
        with pytest.raises(Locked, match="run-1"):
            new.lock(YOU)
        old.unlock()
        assert new.lock(YOU).lineage == ledger.lineage
        with pytest.raises(Failure, match="moved to shop/prod"):
            old.lock(ME)
    with closing(place.opened("shop", "prod")) as plain:
        assert plain.read().entries
        assert [record for record in plain.history() if record["t"] == "left"] == []


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_rename_that_was_cut_off_is_finished_by_the_next_lock(place: Folder, nth: int) -> None:
    """Killed before, between and after its two writes: one ledger goes on, whole, and nobody goes on under the old name."""
    with closing(place.opened()) as old:
        ledger = old.lock(ME)
        old.commit(history(), (ledger.epoch, ledger.serial))
    place.server.faults.append(after(nth, "drop", count=99))
    dead = place.opened("shop", "prod", formerly=(("shop", "test"),))
    with pytest.raises(Failure):
        dead.lock(ME)
    place.server.faults.clear()
    with closing(place.opened("shop", "prod", formerly=(("shop", "test"),))) as new:
        assert new.read().entries
        after_ = new.lock(YOU)
        assert (after_.lineage, set(after_.entries)) == (ledger.lineage, {"stripe.price/a"})
    with closing(place.opened()) as old, pytest.raises(Failure, match="moved to shop/prod"):
        old.lock(ME)


# segments


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tails that soon become segments."""
    monkeypatch.setattr(segments, "SPILL", 1500)


@pytest.mark.usefixtures("small")
def test_a_long_journal_lies_in_few_segments(place: Folder) -> None:
    """Old records move out of the head, small segments become large ones, and nothing of the journal is lost on the way."""
    most = 0
    with closing(place.opened()) as store, closing(place.opened()) as reader:
        ledger = store.lock(ME)
        at, written = (ledger.epoch, ledger.serial), list[Any]()
        for n in range(120):
            record = {"t": "run", "run": f"r{n}" + "x" * 100, "at": 1.0}
            written.append(record)
            at = store.commit([record], at)
            if n % 7 == 0:
                assert reader.read() == store.read()
            most = max(most, len(store._head.segments))
        assert list(reader.history())[2:] == written
    kept = [key for key in place.names() if "/journal/" in key]
    assert 2 <= most <= 4
    assert kept == [one.key for one in segments.Head.load(place.read("shop/test/head.json")).segments]


@pytest.mark.usefixtures("small")
def test_a_reader_survives_a_merge_under_its_hands(place: Folder) -> None:
    """A segment that went between two looks is looked for in the new head."""
    grown(place, 30)
    with closing(place.opened()) as writer, closing(place.opened()) as reader:
        ledger = writer.lock(ME)
        at = (ledger.epoch, ledger.serial)

        def merge(method: str, path: str) -> str:
            if method == "GET" and "/journal/" in path:
                place.server.faults.clear()
                place.server.lock.release()  # the writer's requests come in while the reader's waits
                commits(writer, at)
                place.server.lock.acquire()
            return ""

        place.server.faults.append(merge)
        assert reader.read() == writer.read()


def commits(store: S3Store, at: tuple[int, int]) -> None:
    for n in range(40):
        at = store.commit([{"t": "run", "run": f"m{n}" + "x" * 100, "at": 1.0}], at)


# damage


class Copy:
    """A bucket's objects in memory."""

    def __init__(self, place: Folder) -> None:
        self.name, self.objects = place.bucket, {key: place.read(key) for key in place.names()}

    def get(self, key: str, known: Object | None = None) -> Object | None:
        return Object(self.objects[key], "etag") if key in self.objects else None

    def read(self) -> Ledger | Failure:
        store = S3Store(self.name, "shop", "test")
        store.bucket = store._padlock.bucket = self  # type: ignore[assignment]
        try:
            return store.read()
        except Failure as error:
            return error


@pytest.mark.usefixtures("small")
def test_damaged_objects_are_never_another_ledger(place: Folder) -> None:
    """A flipped bit or a cut anywhere in head or segments: either it does not matter, or the ledger is not read."""
    rng = random.Random(SEED)
    print(f"SEED={SEED}")
    want, found, copy = grown(place), 0, Copy(place)
    keys = [key for key in copy.objects if not key.endswith("lock.json")]
    for trial in range(400):
        key = keys[trial % len(keys)]
        sound = copy.objects[key]
        data = bytearray(sound)
        if trial % 3:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        else:
            del data[rng.randrange(len(data)):]
        copy.objects[key] = bytes(data)
        got = copy.read()
        if isinstance(got, Ledger):
            assert got == want, (trial, key)
        else:
            found += 1
            assert isinstance(got, Corrupt) or "has format" in got.message, (trial, key, got)
        copy.objects[key] = sound
    assert copy.read() == want
    assert found > 300


@pytest.mark.usefixtures("small")
def test_missing_objects_are_never_an_empty_ledger(place: Folder) -> None:
    """Without its head, or without a segment, a ledger is Corrupt to read and to lock; verify says why."""
    want = grown(place)
    for key in [key for key in place.names() if not key.endswith("lock.json")]:
        sound = place.read(key)
        place.server.remove(place.bucket, key)
        with closing(place.opened()) as store:
            for attempt in (store.read, lambda store=store: store.lock(YOU)):
                with pytest.raises(Corrupt, match=r"serial (is|was)"):
                    attempt()
            assert "missing" in store.verify()[0] or "gone" in store.verify()[0]
            assert store.holder() is None
        place.write(key, sound)
    assert Copy(place).read() == want


# formats


def test_an_older_format_is_upgraded_and_a_newer_one_refused(store: S3Store, place: Folder) -> None:
    """The next lock writes today's format; what a later version wrote is neither read nor locked."""
    key = "shop/test/head.json"
    store.lock(ME)
    store.unlock()
    place.write(key, place.read(key).replace(b'"format": 2', b'"format": 1'))
    assert store.lock(ME).epoch == 2
    store.unlock()
    assert b'"format": 2' in place.read(key)
    place.write(key, b'{"format": 3, "anything": "else"}')
    with closing(place.opened()) as other:
        for attempt in (other.read, lambda: other.lock(YOU)):
            with pytest.raises(Failure, match="has format 3, and this version of reconciler reads formats up to 2"):
                attempt()
