"""A git ledger that people, disks and other versions have been at: whole or Corrupt, never other, never silently empty."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Corrupt, Failure, Lost
from reconciler.ledger import lines
from reconciler.ledger.git import GitStore
from reconciler.ledger.lines import HEAD, JOURNAL, Torn
from tests.ledger.clones import REF, clone, git, origin
from tests.ledger.suite import ME, YOU, history, intent

SEED = int(os.environ.get("SEED", "20261"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a ledger of two runs."""
    folder = tmp_path_factory.mktemp("sound")
    bare = origin(folder / "origin.git")
    with closing(GitStore(clone(bare, folder / "first"), "shop", "test", clock=TestClock())) as store:
        ledger = store.lock(ME)
        store.commit(history(), (ledger.epoch, ledger.serial))
        store.unlock()
        ledger = store.lock(YOU)
        store.commit([intent("op9", "a.b/c"), {"t": "made", "op": "op9", "id": "9"}], (ledger.epoch, ledger.serial))
    return bare


@pytest.fixture
def bare(sound: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    return Path(shutil.copytree(sound, tmp_path / "origin.git"))


@pytest.fixture
def fresh(bare: Path, tmp_path: Path) -> Callable[[], GitStore]:
    """Stores in clones that have never seen a ledger."""
    count = iter(range(1000))
    return lambda: GitStore(clone(bare, tmp_path / f"fresh{next(count)}"), "shop", "test", clock=TestClock())


def edited(bare: Path, files: Mapping[str, bytes | None], *, parent: str = REF) -> None:
    """Somebody commits other texts of some files, or takes them out, as git lets everybody do who may push."""
    kept = [line for line in git(bare, "ls-tree", REF).splitlines() if line.split("\t")[1] not in files]
    for name, text in files.items():
        if text is not None:
            (bare / "text").write_bytes(text)
            kept.append(f"100644 blob {git(bare, 'hash-object', '-w', 'text')}\t{name}")
    tree = git(bare, "mktree", given="\n".join(kept) + "\n")
    git(bare, "update-ref", REF, git(bare, "commit-tree", "-p", parent, "-m", "by hand", tree))


def text_of(bare: Path, name: str) -> bytes:
    """A file of the last commit."""
    return git(bare, "cat-file", "blob", f"{REF}:{name}").encode() + b"\n"


def shards(bare: Path) -> list[str]:
    """The files of entries in the last commit."""
    return [name for name in git(bare, "ls-tree", "--name-only", REF).splitlines() if name.isdigit()]


# by hand


def test_an_edited_or_torn_file_is_named_and_the_last_good_commit_with_it(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """Whatever file is cut, changed, removed or added: Corrupt to read, to lock and to verify, with the way back."""
    good, serial = git(bare, "rev-parse", REF), fresh().read().serial
    names = [name for name in git(bare, "ls-tree", "--name-only", REF).splitlines() if name not in shards(bare)[1:]]
    ways: list[Callable[[bytes], bytes | None]] = [
        lambda text: text[: len(text) // 2], lambda text: None, lambda text: text.replace(b"1", b"2"), lambda text: b""]
    for n, name in enumerate(names):
        git(bare, "update-ref", REF, good)
        edited(bare, {name: ways[n % 4](text_of(bare, name))} if name != "format" else {name: b"two\n"})
        with closing(fresh()) as store, pytest.raises(Corrupt) as told:
            store.lock(ME)
        assert f"the last good serial is {serial}" in told.value.message, name
        assert f"git push --force origin {good}:{REF}" in told.value.next
    git(bare, "update-ref", REF, good)
    edited(bare, {"99": b"", "\udcff": b""})
    with closing(fresh()) as store:
        assert ["99 does not belong to it" in line for line in store.verify()] == [True]
        with pytest.raises(Corrupt):
            store.read()


def test_a_state_that_was_edited_with_all_its_checksums_is_found_by_verify(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """It has to be what the journal makes."""
    snapshot = lines.read(store_files(fresh(), git(bare, "rev-parse", REF)))
    entries = {address: entry for address, entry in snapshot.ledger.entries.items() if address != "a.b/c"}
    edited(bare, lines.written(replace(snapshot, ledger=replace(snapshot.ledger, entries=entries))), parent=f"{REF}^")
    with closing(fresh()) as store:
        assert set(store.read().entries) == {"stripe.price/a"}
        assert ["its state is not what its journal makes" in line for line in store.verify()] == [True]


def store_files(store: GitStore, commit: str) -> dict[str, bytes]:
    """The files of a commit, fetched as the store does it."""
    with closing(store):
        store.read()
        return store._repository.files(commit)


def test_a_newer_format_is_refused(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """It says which, and what to install; nothing is written over it."""
    edited(bare, {"format": b"9\n"})
    before = git(bare, "rev-parse", REF)
    with closing(fresh()) as store:
        for attempt in (store.read, lambda: store.lock(ME), lambda: store.force_unlock("run-1")):
            with pytest.raises(Failure, match="has format 9") as told:
                attempt()
            assert "install" in told.value.next
    assert git(bare, "rev-parse", REF) == before


def test_a_ledger_that_was_deleted_is_gone_and_not_empty(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """A clone that knows it says up to where, how it comes back, and how to go on without it; both ways work."""
    with closing(fresh()) as store:
        want = store.read()
        commit = git(bare, "rev-parse", REF)
        git(bare, "update-ref", "-d", REF)
        for attempt in (store.read, lambda: store.lock(ME)):
            with pytest.raises(Corrupt, match=f"it is gone; the last good serial is {want.serial}") as told:
                attempt()
        root = store._repository.root
        note = "refs/reconciler-seen/shop/test"
        assert f"git push --force origin {note}:{REF}" in told.value.next
        assert f"git update-ref -d {note}" in told.value.next
        git(root, "push", "--force", "origin", f"{note}:{REF}")
        assert git(bare, "rev-parse", REF) == commit
        assert store.read() == want
        git(bare, "update-ref", "-d", REF)
        git(root, "update-ref", "-d", note)
        with closing(GitStore(root, "shop", "test", clock=TestClock())) as anew:
            assert anew.lock(ME).lineage != want.lineage


def test_a_ledger_that_was_put_back_or_exchanged_is_told(bare: Path, fresh: Callable[[], GitStore], tmp_path: Path) -> None:
    """An older commit, another lineage, or a history in which what was seen is missing is not taken for the newest state."""
    with closing(fresh()) as store:
        want = store.read()
        git(bare, "update-ref", REF, f"{REF}^")
        with pytest.raises(Corrupt, match=rf"put back to serial \d+; the last good serial is {want.serial}"):
            store.read()
        with closing(fresh()) as unaware:
            ledger = unaware.lock(ME)
            at = (ledger.epoch, ledger.serial)
            for n in range(20):
                at = unaware.commit([{"t": "gone", "address": f"a.b/{n}"}], at)
        with pytest.raises(Corrupt, match="its history was rewritten"):
            store.read()
        elsewhere = origin(tmp_path / "elsewhere.git")
        with closing(GitStore(clone(elsewhere, tmp_path / "other"), "shop", "test")) as other:
            other.lock(ME)
        git(bare, "fetch", "-q", str(elsewhere), f"+{REF}:{REF}")
        with pytest.raises(Corrupt, match="another one stands in its place"):
            store.read()


def test_a_run_whose_ledger_was_exchanged_writes_nothing(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """The commit that it would replace is not there any more: Lost, and the other one is left alone."""
    with closing(fresh()) as store:
        ledger = store.lock(ME)
        git(bare, "update-ref", REF, f"{REF}^")
        before = git(bare, "rev-parse", REF)
        with pytest.raises(Lost):
            store.commit([intent("op1", "a.b/d")], (ledger.epoch, ledger.serial))
        assert git(bare, "rev-parse", REF) == before


# by the disk


def test_a_damaged_object_is_never_another_ledger(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """A flipped bit in any object of the remote: a failure, or the ledger as it was."""
    rng = random.Random(SEED)
    print(f"SEED={SEED}")
    want, failed = fresh().read(), 0
    names = git(bare, "rev-list", "--objects", "--max-count=1", "--no-object-names", REF).splitlines()
    for name in rng.sample(names, 5):
        path = bare / "objects" / name[:2] / name[2:]
        whole = path.read_bytes()
        path.chmod(0o644)
        data = bytearray(whole)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with closing(fresh()) as store:
            try:
                assert store.read() == want
            except Failure:
                failed += 1
        path.write_bytes(whole)
    assert failed > 0


def test_a_flipped_bit_in_the_files_is_never_read_as_another_ledger(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """Where git itself does not notice, the checksums of lines and files do."""
    rng = random.Random(SEED)
    print(f"SEED={SEED}")
    store = fresh()
    files = store_files(store, git(bare, "rev-parse", REF))
    want = lines.read(files)
    for _ in range(500):
        name = rng.choice(sorted(files.keys() - {"format"}))
        data = bytearray(files[name])
        if not data:
            continue
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)):]
        else:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        if bytes(data) == files[name]:
            continue
        try:
            got = lines.read({**files, name: bytes(data)})
        except Torn:
            continue
        assert got == want, name


# the files


def test_the_same_ledger_gives_the_same_bytes(bare: Path, fresh: Callable[[], GitStore]) -> None:
    """Written, read and written again; every line of every file carries its own checksum."""
    store = fresh()
    files = store_files(store, git(bare, "rev-parse", REF))
    assert lines.written(lines.read(files)) == files
    for name in files.keys() - {"format", JOURNAL}:
        for line in files[name].splitlines():
            sum, _, body = line.partition(b" ")
            assert len(sum) == 16
            assert json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode() == body


def test_a_change_touches_its_own_files_only(bare: Path, tmp_path: Path) -> None:
    """Of a thousand entries one is changed: its shard, the head, the journal and the run are what a push carries."""
    store = GitStore(clone(bare, tmp_path / "many"), "shop", "test", clock=TestClock())
    ledger = store.lock(ME)
    at = store.commit([intent(f"op{n}", f"a.b/e{n}") for n in range(1000)], (ledger.epoch, ledger.serial))
    store.commit([{"t": "made", "op": f"op{n}", "id": f"e_{n}"} for n in range(1000)], at)
    store.unlock()
    ledger = store.lock(YOU)
    store.commit([intent("op", "a.b/e7", act="update")], (ledger.epoch, ledger.serial))
    store.close()
    changed = git(bare, "diff", "--name-only", f"{REF}^", REF).splitlines()
    assert len(changed) == 3
    assert {HEAD, JOURNAL} <= set(changed)
    assert len(shards(bare)) == lines.SHARDS
