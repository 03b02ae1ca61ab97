"""The git store and what is around it: repositories of every sort, remotes that refuse, and work that must not be touched."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Corrupt, Failure, Locked
from reconciler.ledger.git import GitStore
from tests.ledger.clones import REF, clone, git, origin
from tests.ledger.suite import ME, YOU, history, intent


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    return origin(tmp_path / "origin.git")


@pytest.fixture
def here(bare: Path, tmp_path: Path) -> Path:
    """A clone with a commit."""
    folder = clone(bare, tmp_path / "here")
    (folder / "a.yaml").write_text("a\n")
    git(folder, "add", "a.yaml")
    git(folder, "commit", "-qm", "a")
    return folder


def one_run(store: GitStore) -> None:
    """Lock, commit, unlock."""
    ledger = store.lock(ME)
    store.commit(history(), (ledger.epoch, ledger.serial))
    store.unlock()


def test_work_tree_index_and_head_are_never_touched(here: Path) -> None:
    """Half-done work, staged and not, is the same after a run, and no hook of the clone was run."""
    (here / "a.yaml").write_text("b\n")
    git(here, "add", "a.yaml")
    (here / "a.yaml").write_text("c\n")
    (here / "new.yaml").write_text("n\n")
    for hook in ("pre-push", "reference-transaction", "post-commit", "pre-auto-gc"):
        path = here / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {here}/ran-{hook}\nexit 1\n")
        path.chmod(0o755)

    def state() -> list[str]:
        return [git(here, "status", "--porcelain", "-uall"), git(here, "ls-files", "--stage"), git(here, "rev-parse", "HEAD"),
                git(here, "branch", "-a"), git(here, "diff")]

    before = state()
    with closing(GitStore(here, "shop", "test", clock=TestClock())) as store:
        one_run(store)
        store.force_unlock("run-1")
        assert not store.verify()
    assert state() == before
    assert git(here, "for-each-ref", "--format=%(refname)", "refs/reconciler", "refs/reconciler-seen") == \
        "refs/reconciler-seen/shop/test"


def test_a_folder_below_the_root_shares_its_repository(here: Path, bare: Path) -> None:
    """The project may lie anywhere in the repository, and in another work tree of it."""
    (here / "infra").mkdir()
    with closing(GitStore(here / "infra", "shop", "test", clock=TestClock())) as store:
        one_run(store)
    git(here, "worktree", "add", "-q", str(here.parent / "tree"))
    with closing(GitStore(here.parent / "tree", "shop", "test")) as other:
        assert other.read().entries
    assert git(bare, "rev-parse", REF)


def test_what_a_hook_of_git_has_set_leads_nowhere_else(here: Path, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run from a hook, the ledger is still that of the project's repository."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(here.parent / "elsewhere"))
    with closing(GitStore(here, "shop", "test", clock=TestClock())) as store:
        one_run(store)
    monkeypatch.undo()
    assert git(bare, "rev-parse", REF)


def test_a_repository_without_a_remote_keeps_it_itself(tmp_path: Path) -> None:
    """There the ref is this clone's own: swapped, locked and remembered in the same way."""
    folder = tmp_path / "alone"
    folder.mkdir()
    git(folder, "init", "-q")
    with (closing(GitStore(folder, "shop", "test", clock=TestClock())) as store,
          closing(GitStore(folder, "shop", "test", clock=TestClock())) as other):
        assert store.read().serial == 0
        one_run(store)
        assert other.read().entries
        other.lock(YOU)
        with pytest.raises(Locked, match="run-2"):
            store.lock(ME)
        other.unlock()
        tip = git(folder, "rev-parse", REF)
        lost = folder / ".git" / "objects" / tip[:2] / tip[2:]
        lost.rename(folder / "lost")
        with pytest.raises(Failure, match="can't be used in this repository: git ls-tree"):
            store.read()
        (folder / "lost").rename(lost)
        assert store.read().epoch == 2
        git(folder, "update-ref", "-d", REF)
        with pytest.raises(Corrupt, match="in this repository is not the one that this clone knows: it is gone") as told:
            store.read()
        assert f"git update-ref {REF} refs/reconciler-seen/shop/test" in told.value.next


def test_a_ledger_from_before_the_remote_is_pushed_there_by_hand(bare: Path, tmp_path: Path) -> None:
    """When a remote is added later the ledger there is missed, not begun anew; the told command brings it."""
    folder = tmp_path / "alone"
    folder.mkdir()
    git(folder, "init", "-q")
    with closing(GitStore(folder, "shop", "test", clock=TestClock())) as store:
        one_run(store)
    git(folder, "remote", "add", "origin", str(bare))
    with closing(GitStore(folder, "shop", "test")) as store:
        with pytest.raises(Corrupt, match="it is gone") as told:
            store.read()
        command = told.value.next.split("`")[1]
        git(folder, *command.split()[1:])
        assert store.read().entries


def test_another_remote_or_an_address_can_be_named(here: Path, bare: Path, tmp_path: Path) -> None:
    """`remote` is a name of `git remote` or an address; a name that is none gets a suggestion."""
    elsewhere = origin(tmp_path / "elsewhere.git")
    git(here, "remote", "add", "ledgers", str(elsewhere))
    with closing(GitStore(here, "shop", "test", remote="ledgers", clock=TestClock())) as store:
        one_run(store)
    with closing(GitStore(here, "shop", "test", remote=str(elsewhere))) as store:
        assert store.read().entries
    assert git(bare, "for-each-ref") == ""
    with pytest.raises(Failure, match="ledger's remote ledger is no remote") as told:
        GitStore(here, "shop", "test", remote="ledger")
    assert 'did you mean "ledgers"?' in told.value.next


def test_a_credential_in_an_address_is_not_shown(here: Path) -> None:
    """Messages name the place without it."""
    with closing(GitStore(here, "shop", "test", remote="https://ada:hunter2@127.0.0.1:1/shop.git", clock=TestClock())) as store:
        with pytest.raises(Failure, match=r"at https://127\.0\.0\.1:1/shop\.git") as told:
            store.read()
        assert "hunter2" not in told.value.message + told.value.next


def test_where_there_is_no_repository_or_no_git_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its next step."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    with pytest.raises(Failure, match="not a git repository") as told:
        GitStore(tmp_path, "shop", "test")
    assert "git init" in told.value.next
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match="git could not be run"):
        GitStore(tmp_path, "shop", "test")


def test_a_remote_that_is_not_there_is_not_an_empty_ledger(here: Path, bare: Path) -> None:
    """Neither is one that may not be read."""
    bare.rename(bare.with_name("moved.git"))
    with closing(GitStore(here, "shop", "test", clock=TestClock())) as store:
        for attempt in (store.read, store.holder, lambda: store.lock(ME)):
            with pytest.raises(Failure, match=r"can't be read at origin: .*does not appear"):
                attempt()


def test_a_job_that_may_not_push_is_told(here: Path, bare: Path) -> None:
    """What the remote says, and which right is missing; reading still works."""
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'you may not push here' >&2\nexit 1\n")
    hook.chmod(0o755)
    clock = TestClock()
    with closing(GitStore(here, "shop", "test", clock=clock)) as store:
        with pytest.raises(Failure, match=r"pre-receive hook declined.*you may not push here") as told:
            store.lock(ME)
        assert "contents: write" in told.value.next
        assert clock.slept == []
        assert store.read().serial == 0
        assert store.holder() is None


def test_two_clones_take_turns_and_remember_what_they_saw(here: Path, bare: Path, tmp_path: Path) -> None:
    """Each goes on where the other has ended, one commit a run, and neither takes the other's run for a rewritten history."""
    with (closing(GitStore(here, "shop", "test", clock=TestClock())) as a,
          closing(GitStore(clone(bare, tmp_path / "there"), "shop", "test", clock=TestClock())) as b):
        for n in range(2):
            for store in (a, b):
                ledger = store.lock(ME)
                assert (b if store is a else a).read() == ledger  # seen in the middle of a run, whose commit is replaced
                store.commit([intent(f"op{n}", f"a.b/{n}")], (ledger.epoch, ledger.serial))
                store.unlock()
        assert a.read() == b.read()
    assert len(git(bare, "rev-list", REF).splitlines()) == 4
