"""`ledger` over every store, and `ledger migrate` between them: the same words do the same everywhere."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import closing

import pytest

from reconciler import yaml
from reconciler.clock import TestClock
from reconciler.errors import Failure
from reconciler.ledger import Holder, Store
from reconciler.project.model import LedgerSettings
from reconciler.sandbox.store import Request
from reconciler.sources import Redactor
from reconciler.workspace.ledgers import open_store
from reconciler.workspace.migrating import named, shown
from reconciler.workspace.options import Options
from reconciler.workspace.settled import Settled
from tests.cli.kept import STORES, Kept, place
from tests.cli.project import PRO, Account, Project
from tests.s3 import after

BOTH = "stripe.price/monthly  price_1\nstripe.product/pro    pro\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> TestClock:
    """Time for the commands of this process: nobody waits."""
    clock = TestClock(time.time())
    monkeypatch.setattr("reconciler.workspace.checked.SystemClock", lambda: clock)
    return clock


@pytest.fixture(params=STORES)
def kept(request: pytest.FixtureRequest, shop: Project) -> Kept:
    """Every store in turn, as the project's own."""
    found = place(request.param, request, shop.dir)
    found.use(shop)
    return found


def opened(project: Project, word: str, clock: TestClock) -> Store:
    """The ledger of the project in the store of this word, as another process opens it."""
    settled = Settled(Options(dir=project.dir), project.environ, Redactor())
    return open_store(settled, named(word, settled.stack.ledger), clock)


def test_every_verb_works_over_every_store(shop: Project, kept: Kept, stripe: Account, clock: TestClock) -> None:
    """list, show, log, verify, forget, move, rebuild and unlock, and a plan that is empty after an apply."""
    shop.apply()
    assert shop.ops() == {}
    assert shop.ok("ledger", "list").out == BOTH
    assert "needs      stripe.product/pro" in shop.ok("ledger", "show", "stripe.price/monthly").out
    assert shop.ok("ledger", "verify").out == "The ledger is whole.\n"
    assert "forgot stripe.price/monthly" in shop.ok("ledger", "forget", "stripe.price/*").err
    assert shop.ok("ledger", "rebuild").out == "stripe.price/monthly  price_1\n"
    shop.ok("ledger", "move", "stripe.product/pro", "stripe.product/team")
    assert shop.ok("ledger", "list", "stripe.product/*").out.split() == ["stripe.product/team", "pro"]
    with closing(opened(shop, kept.word, clock)) as other:
        other.lock(Holder("r1", "ci-7", 4711, clock.now(), who="ada"))
        held = shop.run("ledger", "forget", "*")
        assert (held.code, "r1 of ada on ci-7" in held.err) == (7, True)
        assert shop.run("ledger", "unlock", "--run", "r2").code == 7
        before = clock.now()
        assert "run r1 holds the stack no more" in shop.ok("ledger", "unlock", "--run", "r1").err
        assert clock.now() - before >= 90
        with pytest.raises(Failure, match="r1"):
            other.check()
    shop.ok("ledger", "forget", "*")
    runs = json.loads(shop.ok("ledger", "log", "--format", "json").out)
    assert [run["command"] for run in runs] == ["ledger forget", "ledger move", "ledger rebuild", "ledger forget", "apply"]
    assert shop.ok("ledger", "verify").out == "The ledger is whole.\n"


def test_a_ledger_moves_through_every_store(request: pytest.FixtureRequest, shop: Project, clock: TestClock) -> None:
    """Entries, runs, lineage and serial go along; the old place names the new one; the next plan is empty."""
    places = {name: place(name, request, shop.dir) for name in STORES}
    for one in places.values():
        shop.environ |= one.environ
    places["sqlite"].use(shop)
    shop.apply()
    with closing(opened(shop, "sqlite", clock)) as store:
        before = store.read()
    for source, target in (("sqlite", "git"), ("git", "postgres"), ("postgres", "s3")):
        old, new = places[source], places[target]
        done = shop.ok("ledger", "migrate", source, new.word)
        assert f"`ledger: {new.line}`".replace('"', "") in done.err
        refused = shop.run("plan")
        assert (refused.code, "was moved to {store: " + target in refused.err) == (1, True), refused
        assert "into reconciler.yaml" in refused.err
        assert shop.run("ledger", "migrate", source, new.word).code == 1
        new.use(shop)
        assert shop.ops() == {}
        assert shop.ok("ledger", "verify").out == "The ledger is whole.\n"
        with closing(opened(shop, target, clock)) as store:
            now = store.read()
        assert (now.lineage, now.entries) == (before.lineage, before.entries)
        assert now.serial > before.serial
        before = now
        assert shop.run("ledger", "migrate", old.word, target).code == 1
    another = place("s3", request, shop.dir)
    shop.ok("ledger", "migrate", "s3", another.word)
    another.use(shop)
    runs = json.loads(shop.ok("ledger", "log", "--format", "json").out)
    assert [run["command"] for run in runs] == ["ledger migrate"] * 4 + ["apply"]
    assert shop.manifest(PRO.replace("2900", "3500")).apply().code == 0


@pytest.mark.parametrize("store", ["postgres", "s3"])
def test_an_apply_survives_what_a_network_does_to_its_ledger(
        request: pytest.FixtureRequest, shop: Project, stripe: Account, clock: TestClock, store: str) -> None:
    """Sessions dropped and answers lost between any two requests: everything is made once, recorded once, and exit is 0."""
    place(store, request, shop.dir).use(shop)

    def cut(asked: Request, n: int) -> None:
        if asked.method == "POST" and store == "postgres":
            request.getfixturevalue("database").ask(
                "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'reconciler'")
        elif asked.method == "POST":
            request.getfixturevalue("buckets").faults[:] = [after(1, "lose"), after(1, "drop", "GET")]

    stripe.sandbox.faults.append(cut)
    shop.apply()
    assert (len(stripe.products()), len(stripe.prices())) == (1, 1)
    stripe.sandbox.faults.clear()
    assert shop.ok("ledger", "list").out == BOTH
    assert shop.ops() == {}
    assert shop.ok("ledger", "verify").out == "The ledger is whole.\n"


def test_words_that_name_no_store(shop: Project) -> None:
    """A wrong word, a missing setting, the same place twice, a third place, nothing to move: each is 64 and says what to do."""
    shop.git("init", "-q")
    assert shop.run("ledger", "migrate", "sqlite", "git").err.startswith("error: there is no ledger to move")
    shop.apply()
    for words, said in ((("sqlit", "git"), 'did you mean "sqlite"?'), (("sqlite", "s3"), "where its bucket is"),
                        (("sqlite", "postgres"), "where its url is"), (("sqlite", "s3:buket=x"), "no setting 'buket'"),
                        (("sqlite", "sqlite"), "the same place"), (("git", "s3:bucket=x"), "neither git nor"),
                        (("sqlite", "s3:bucket=x,endpoint=nowhere"), "endpoint"), (("sqlite", "postgres:env=a b"), "postgres"),
                        (("sqlite", "postgres:env=A,file=b"), "exactly one of"), (("sqlite", "git", "--sandbox"), "sandbox")):
        done = shop.run("ledger", "migrate", *words)
        assert (done.code, said in done.err) == (64, True), done
        assert "Traceback" not in done.err
    assert shop.ok("ledger", "list").out == BOTH


@pytest.mark.parametrize("word", [
    "sqlite", "git", "git:remote=upstream", "s3:bucket=b,endpoint=http://127.0.0.1:9000", "s3:bucket=12,prefix=a: b#c",
    "s3:bucket=no,region=eu-central-1", "postgres:env=LEDGER_URL", "postgres:file=/run/my secret", "postgres:op=op://a/b",
])
def test_what_is_to_be_written_down_reads_as_what_was_asked(word: str) -> None:
    """The line for reconciler.yaml that a move ends with is YAML and means the same store."""
    settings = named(word, LedgerSettings.model_validate({"store": "git", "remote": "elsewhere"}))
    text = yaml.parse(f"ledger: {shown(settings)}\n".encode(), "reconciler.yaml").value
    assert LedgerSettings.model_validate(text["ledger"]) == settings


def test_broken_manifests_keep_no_ledger_where_it_is(request: pytest.FixtureRequest, shop: Project) -> None:
    """They are asked for secrets only where those have to be sealed."""
    shop.apply()
    shop.manifest("stripe.product: {pro: {nonsense: 1}}")
    assert shop.run("ledger", "migrate", "sqlite", place("git", request, shop.dir).word).code == 3
    there = place("postgres", request, shop.dir)
    shop.environ |= there.environ
    shop.ok("ledger", "migrate", "sqlite", there.word)


def test_a_target_that_holds_something_is_refused(request: pytest.FixtureRequest, shop: Project) -> None:
    """Nothing is written over another ledger, and the source goes on."""
    git = place("git", request, shop.dir)
    git.use(shop)
    shop.apply()
    place("sqlite", request, shop.dir).use(shop)
    shop.ok("ledger", "rebuild")
    done = shop.run("ledger", "migrate", "sqlite", "git")
    assert (done.code, "the target holds another ledger already" in done.err) == (1, True), done
    assert shop.ok("ledger", "list").out == BOTH


def test_what_was_left_behind_is_in_the_way_of_coming_back(request: pytest.FixtureRequest, shop: Project) -> None:
    """The old copy is not taken for a ledger to go on with, nor written over; removed, it makes room."""
    git = place("git", request, shop.dir)
    shop.apply()
    shop.ok("ledger", "migrate", "sqlite", "git")
    git.use(shop)
    done = shop.run("ledger", "migrate", "git", "sqlite")
    assert (done.code, "the target is in the way" in done.err, "remove it there" in done.err) == (1, True, True), done
    shutil.rmtree(shop.dir / ".reconciler/default")
    shop.ok("ledger", "migrate", "git", "sqlite")
    place("sqlite", request, shop.dir).use(shop)
    assert shop.ops() == {}


def test_doctor_says_what_a_store_lacks(shop: Project) -> None:
    """An unset url is a sentence among the other checks."""
    Kept("postgres", "{store: postgres, url: {env: LEDGER_URL}}", "postgres").use(shop)
    done = shop.run("doctor")
    assert "the environment variable LEDGER_URL is not set" in done.said


@pytest.mark.parametrize("store", ["git", "s3"])
def test_a_secret_asks_for_a_key_before_it_moves_where_others_read(
        request: pytest.FixtureRequest, shop: Project, store: str) -> None:
    """Git and S3 hold digests of secrets under `ledger.key` only: a finding, and nothing has moved."""
    there = place(store, request, shop.dir)
    shop.environ["HOOK"] = "canary-hook"
    text = (shop.dir / "reconciler.yaml").read_text()
    shop.apply()
    vault = "  vault: {address: 'http://127.0.0.1:9', auth: {method: token, token: {env: HOOK}}}\n"
    shop.write({"reconciler.yaml": text + vault + "secrets: {hook: {env: HOOK}}\n",
                "manifests/kv.yaml": "vault.kv_secret: {a: {mount: kv, path: a, data: {k: {secret: hook}}}}"})
    done = shop.run("ledger", "migrate", "sqlite", there.word)
    assert done.code == 3, done
    assert "has no key" in done.err
    assert "manifests/kv.yaml:1:" in done.err
    assert shop.ok("ledger", "list").out == BOTH
    there.use(shop)
    assert (shop.run("validate").code, "has no key" in shop.run("plan").err) == (3, True)


@pytest.mark.parametrize(("store", "package"), [("postgres", "psycopg"), ("s3", "boto3")])
def test_a_missing_package_names_its_extra(
        request: pytest.FixtureRequest, shop: Project, monkeypatch: pytest.MonkeyPatch, store: str, package: str) -> None:
    """A finding where the store is named, with the command that installs it."""
    place(store, request, shop.dir).use(shop)
    monkeypatch.setitem(__import__("sys").modules, package, None)
    done = shop.run("plan")
    assert done.code == 3
    assert f"needs a package that is not installed: {package}" in done.err
    assert f'pip install "reconciler[{store}]"' in done.err
    assert "reconciler.yaml:4:17" in done.err


def test_a_move_that_finds_a_lock_says_how_to_end_it(request: pytest.FixtureRequest, shop: Project, clock: TestClock) -> None:
    """Who holds a store that reconciler.yaml does not name is unlocked by that store's word."""
    git = place("git", request, shop.dir)
    shop.apply()
    with closing(opened(shop, "git", clock)) as dead:
        dead.lock(Holder("r1", "ci-7", 4711, clock.now()), 0.0, [])
        done = shop.run("ledger", "migrate", "sqlite", git.word)
        assert (done.code, "ledger unlock --run r1 --store git" in done.err) == (7, True), done
        shop.ok("ledger", "unlock", "--run", "r1", "--store", "git")
        assert shop.ok("ledger", "list").out == BOTH
