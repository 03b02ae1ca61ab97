"""A ledger in git, through the command line: fresh clones that share nothing but the repository."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.ledger import Holder
from reconciler.ledger.git import GitStore
from reconciler.sandbox import Request, Response
from tests.cli.project import CONFIG, PRO, Account, Project, ended
from tests.ledger.clones import clone, git, origin
from tests.ledger.suite import intent

STORE = "ledger: {store: git}\n"
APPLY = ("apply", "--auto-approve", "--allow", "money,access,delete,drift,adopt")


@pytest.fixture
def bare(tmp_path: Path, stripe: Account) -> Path:
    """A repository with a project in it."""
    path = origin(tmp_path / "origin.git")
    first = Project(clone(path, tmp_path / "first"))
    first.write({"reconciler.yaml": CONFIG.format(url=stripe.url) + STORE, ".gitignore": ".reconciler/\n"}).manifest(PRO)
    first.commit("the shop")
    first.git("push", "-q", "origin", "HEAD:refs/heads/main")
    return path


def job(bare: Path, folder: Path) -> Project:
    """A CI job's checkout: the last commit alone, of a repository that nothing else is known of."""
    git(bare.parent, "clone", "-q", "--depth=1", "--branch=main", f"file://{bare}", str(folder))
    return Project(folder, {"CI": "true"})


def test_a_fresh_clone_plans_empty_after_another_has_applied(bare: Path, tmp_path: Path, stripe: Account) -> None:
    """Two jobs that share nothing but the repository: what one has made, the other knows."""
    done = ended(job(bare, tmp_path / "a").start(*APPLY))
    assert done.code == 0, done
    assert set(stripe.products()) == {"pro"}
    b = job(bare, tmp_path / "b")
    done = ended(b.start("plan", "--detailed-exitcode"))
    assert (done.code, "No changes." in done.out) == (0, True), done
    assert b.ok("ledger", "verify").out == "The ledger is whole.\n"
    assert b.git("status", "--porcelain") == ""
    assert b.git("rev-parse", "HEAD") == git(bare, "rev-parse", "refs/heads/main") + "\n"


def test_of_two_jobs_at_once_one_applies_and_the_other_is_told_or_waits(bare: Path, tmp_path: Path, stripe: Account) -> None:
    """While one job sends, the other exits 7 and names run, host and pid; with --lock-timeout it waits for its turn."""
    begun, on = threading.Event(), threading.Event()
    handle = stripe.sandbox.handle

    def gate(request: Request) -> Response:
        if request.method != "GET" and not begun.is_set():
            begun.set()
            assert on.wait(120)
        return handle(request)

    stripe.sandbox.handle = gate  # type: ignore[method-assign]
    first = job(bare, tmp_path / "a").start(*APPLY)
    assert begun.wait(120)
    b = job(bare, tmp_path / "b")
    told = ended(b.start(*APPLY))
    assert told.code == 7, told
    assert f"(pid {first.pid}) holds this stack since" in told.err
    assert b.run("plan").code != 7
    patient = b.start(*APPLY, "--lock-timeout", "2m")
    on.set()
    assert ended(first).code == 0
    done = ended(patient)
    assert done.code in (0, 5), done  # 5: what it had planned was done by then
    assert b.ops() == {}
    assert len(stripe.products()) == len(stripe.prices()) == 1


def test_the_history_can_be_read_with_git_log(bare: Path, tmp_path: Path) -> None:
    """One commit a run: its command, its id and what it did; who and for which commit below it, and no value anywhere."""
    a = job(bare, tmp_path / "a")
    a.environ["GITHUB_ACTOR"] = "ada"
    a.apply()
    a.ok("ledger", "forget", "stripe.price/monthly")
    runs = json.loads(a.ok("ledger", "log", "--format", "json").out)
    said = git(bare, "log", "--format=%an: %s", "refs/reconciler/shop/default").splitlines()
    assert said == [f"ada: ledger forget {runs[0]['run']}: 1 done", f"ada: apply {runs[1]['run']}: 2 done"]
    assert f"commit: {git(bare, 'rev-parse', 'main')}" in git(bare, "log", "refs/reconciler/shop/default")
    everything = git(bare, "log", "-p", "refs/reconciler/shop/default")
    assert "stripe.product/pro" in everything
    assert "2900" not in everything


@pytest.mark.parametrize("sandbox", [False, True])
def test_a_secret_in_a_manifest_asks_for_a_key(tmp_path: Path, sandbox: bool) -> None:
    """A ledger that others can read has to be sealed: exit 3 at its line, naming the entry; with a key it is fine."""
    config = "project: shop\n{ledger}vendors: {vault: {}}\nsecrets: {smtp: {env: SMTP}}\n"
    shop = Project(clone(origin(tmp_path / "origin.git"), tmp_path / "a"))
    shop.write({"reconciler.yaml": config.replace("{ledger}", STORE)})
    shop.manifest('vault.mount:\n  kv: {type: kv, options: {version: "2"}}\n'
                  "vault.kv_secret:\n  mail: {mount: kv, path: mail, data: {password: {secret: smtp}}}\n")
    if sandbox:
        shop.ok("plan", "--sandbox")
        return
    done = shop.run("validate")
    assert done.code == 3, done
    assert "--> reconciler.yaml:2:1" in done.err
    assert "vault.kv_secret/mail holds a secret (manifests/shop.yaml:4:3)" in done.err
    assert "key: {env: RECONCILER_KEY}" in done.err
    shop.write({"reconciler.yaml": config.replace("{ledger}", "ledger: {store: git, key: {env: RECONCILER_KEY}}\n")})
    shop.ok("validate")


def test_a_password_in_the_remotes_address_is_a_finding(tmp_path: Path) -> None:
    """reconciler.yaml is read by everybody; an address without one, or with a user alone, is fine."""
    shop = Project(clone(origin(tmp_path / "origin.git"), tmp_path / "a"))
    shop.manifest("stripe.product: {pro: {name: Pro}}\n")
    for user, code in (("https://ada:hunter2@", 3), ("https://ada@", 0), ("ada@", 0)):
        ledger = f"ledger: {{store: git, remote: '{user}git.example:shop'}}\n"
        shop.write({"reconciler.yaml": f"project: shop\n{ledger}vendors: {{stripe: {{}}}}\n"})
        done = shop.run("validate")
        assert done.code == code, done
        assert ("reconciler.yaml:2:30" in done.err and "credential helpers" in done.err) == (code == 3)


def test_a_sqlite_ledger_in_ci_is_pointed_to_git(shop: Project) -> None:
    """The finding about a ledger that is thrown away names the way out."""
    shop.write({"reconciler.yaml": CONFIG.format(url="https://api.stripe.com")})
    shop.environ["CI"] = "true"
    done = shop.run("plan")
    assert done.code == 3, done
    assert "ledger: {store: git}" in done.err


def test_a_former_name_takes_the_ledger_along(bare: Path, tmp_path: Path, stripe: Account) -> None:
    """`formerly` finds the ref under the old name; the first run after it moves the ref, and nothing is made anew."""
    job(bare, tmp_path / "a").apply()
    b = job(bare, tmp_path / "b")
    config = CONFIG.format(url=stripe.url).replace("project: shop", "project: store\nformerly: [shop]") + STORE
    b.write({"reconciler.yaml": config})
    assert set(b.ops().values()) <= {"update", "noop", "move"}
    b.apply()
    assert git(bare, "for-each-ref", "--format=%(refname)", "refs/reconciler") == "refs/reconciler/store/default"
    assert len(b.ok("ledger", "list").out.splitlines()) == 2


def test_a_held_stack_is_unlocked_by_its_run_alone(bare: Path, tmp_path: Path) -> None:
    """A killed job leaves the stack held; `unlock --run` of another run is refused, its own frees it."""
    a = job(bare, tmp_path / "a")
    store = GitStore(a.dir, "shop", "default", clock=TestClock(time.time() - 3600))
    store.lock(Holder("r1", "ci-7", 11, who="ada"))  # an hour ago, and it was never heard of again
    b = job(bare, tmp_path / "b")
    done = b.run(*APPLY)
    assert (done.code, "run r1 of ada on ci-7" in done.err, "ledger unlock --run r1" in done.err) == (7, True, True)
    assert b.run("ledger", "unlock", "--run", "r2").code == 7
    b.ok("ledger", "unlock", "--run", "r1")
    b.apply()
    assert b.ops() == {}


def test_a_plan_that_may_only_read_plans_without_settling(bare: Path, tmp_path: Path, stripe: Account) -> None:
    """What a killed run left open blocks its address and nothing else; the plan says that it could not settle it."""
    a = job(bare, tmp_path / "a")
    store = GitStore(a.dir, "shop", "default")
    ledger = store.lock(Holder("r1"))
    store.commit([intent("op1", "stripe.product/pro")], (ledger.epoch, ledger.serial))
    store.close()
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    b = job(bare, tmp_path / "b")
    done = b.run("plan")
    said = " ".join(done.out.split())
    assert "pre-receive hook declined; planned without settling what an earlier run left open" in said
    assert "a create of run run-1 may have taken effect" in said
    assert not stripe.written
    hook.unlink()
    assert b.ops() == {"product/pro": "create", "price/monthly": "create"}
