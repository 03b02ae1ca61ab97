"""`ledger`: what is remembered, who holds it, and how it is mended."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reconciler.ledger import Holder
from reconciler.ledger.sqlite import SqliteStore
from tests.cli.project import PRO, Account, Project


@contextmanager
def held(project: Project, run: str = "r1") -> Iterator[SqliteStore]:
    """Another run is at the stack."""
    store = SqliteStore(project.dir / ".reconciler/default/ledger.db", "shop", "default")
    store.lock(Holder(run, "ci-7", os.getpid(), time.time() - 60, who="ada"))
    try:
        yield store
    finally:
        store.close()


def test_entries_are_listed_and_shown(shop: Project) -> None:
    """Address and id, by pattern too; one entry with its needs and fields, and no values; as JSON for programs."""
    shop.manifest(PRO.replace("month}}", "month}, lifecycle: {protect: true}}")).apply()
    assert shop.ok("ledger", "list").out == "stripe.price/monthly  price_1  protected\nstripe.product/pro    pro\n"
    assert shop.ok("ledger", "list", "*/pro").out.split() == ["stripe.product/pro", "pro"]
    shown = shop.ok("ledger", "show", "stripe.price/monthly").out
    assert "needs      stripe.product/pro" in shown
    assert "unit_amount" in shown
    assert "2900" not in shown
    [one] = json.loads(shop.ok("ledger", "list", "stripe.price/*", "--format", "json").out)
    assert (one["id"], one["protect"], "prints" in one) == ("price_1", True, False)
    done = shop.run("ledger", "show", "stripe.price/montly")
    assert (done.code, 'did you mean "stripe.price/monthly"?' in done.err) == (64, True)


def test_runs_are_logged(shop: Project) -> None:
    """Id, time, who, commit, digest and outcome of each run, the latest first."""
    shop.git("init", "-q")
    commit = shop.commit()
    digest = shop.run("plan", "--format", "json").json()["digest"]
    shop.environ["GITHUB_ACTOR"] = "ada"
    shop.apply()
    shop.ok("ledger", "forget", "stripe.price/monthly")
    forget, apply = json.loads(shop.ok("ledger", "log", "--format", "json").out)
    assert (apply["who"], apply["commit"], apply["digest"], apply["outcome"]["done"]) == ("ada", commit, digest, 2)
    assert forget["command"] == "ledger forget"
    assert shop.ok("ledger", "log", "-n", "1").out.split()[2:4] == ["ledger", "forget"]


@pytest.mark.parametrize(("variables", "event", "number"), [
    ({"GITHUB_REF": "refs/pull/7/merge"}, None, 7),
    ({"GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-7-0a1b2c"}, None, 7),
    ({"CI_MERGE_REQUEST_IID": "7"}, None, 7),
    ({}, {"pull_request": {"number": 7}}, 7),
    ({}, {"head_commit": {"message": "Merge pull request #7 from ada/prices\n\nNew prices"}}, 7),
    ({}, {"head_commit": {"message": "New prices (#7)\n\n* one\n* two (#8)"}}, 7),
    ({}, {"head_commit": {"message": "New prices, see #7"}}, None),
    ({}, ["no event"], None),
    ({"CI_MERGE_REQUEST_IID": "seven"}, None, None),
])
def test_the_log_names_the_pull_request(shop: Project, variables: dict[str, str], event: Any, number: int | None) -> None:
    """As the CI says it, or as the merge commit does; in the list and as JSON."""
    (shop.dir / "event.json").write_text(json.dumps(event))
    shop.environ |= {**variables, "GITHUB_EVENT_PATH": "event.json" if event is not None else "none.json"}
    shop.apply()
    [run] = json.loads(shop.ok("ledger", "log", "--format", "json").out)
    assert run["pull_request"] == number
    assert ("  #7  " in shop.ok("ledger", "log").out) == (number == 7)


def test_a_run_is_one_line(shop: Project) -> None:
    """Run, when, what, who, commit, pull request, digest and outcome, in this order; one that failed says so."""
    shop.git("init", "-q")
    commit = shop.commit()
    shop.environ |= {"GITHUB_ACTOR": "ada", "GITHUB_REF": "refs/pull/7/merge"}
    digest = shop.run("plan", "--format", "json").json()["digest"]
    done = shop.apply()
    run, _, *rest = shop.ok("ledger", "log").out.split()
    assert f"Run {run}." in done.out
    assert rest == ["apply", "ada", commit[:10], "#7", digest[:19], "2", "done"]


def test_what_is_forgotten_stays_at_the_vendor(shop: Project, stripe: Account) -> None:
    """`forget` lets an entry go without a request; the next plan finds the object by its mark."""
    shop.apply()
    asked = len(stripe.asked)
    assert "forgot stripe.price/monthly" in shop.ok("ledger", "forget", "stripe.price/*").err
    assert len(stripe.asked) == asked
    assert shop.ops() == {"price/monthly": "adopt"}
    assert shop.run("ledger", "forget", "stripe.price/none").code == 64


def test_an_entry_is_moved_to_another_address(shop: Project) -> None:
    """`move` is a rename without a plan; kinds have to be the same and the new address free."""
    shop.apply()
    shop.ok("ledger", "move", "stripe.product/pro", "stripe.product/team")
    assert shop.ok("ledger", "list", "stripe.product/*").out.split() == ["stripe.product/team", "pro"]
    assert shop.run("ledger", "move", "stripe.product/team", "stripe.price/team").code == 64
    assert shop.run("ledger", "move", "stripe.product/none", "stripe.product/x").code == 64
    assert shop.run("ledger", "move", "team", "stripe.product/x").code == 64


def test_a_held_stack_is_7_and_says_by_whom(shop: Project, stripe: Account) -> None:
    """An apply is told the run, the host, who and since when; nothing is sent; a plan plans."""
    shop.apply()
    shop.manifest(PRO.replace("Pro}", "Pro 2}"))
    sent = len(stripe.written)
    with held(shop):
        for words in (["apply", "--auto-approve"], ["apply", "--auto-approve", "--lock-timeout", "0.2s"],
                      ["ledger", "forget", "*"], ["import", "stripe.product/pro"]):
            done = shop.run(*words)
            assert done.code == 7, done
            assert "r1" in done.err
            assert "ci-7" in done.err
            assert "ada" in done.err
            assert "ledger unlock --run r1" in done.err
        assert shop.run("plan").code == 0
        assert len(stripe.written) == sent
    shop.ok("apply", "--auto-approve", "--lock-timeout", "1m")


def test_only_the_run_that_holds_it_is_unlocked(shop: Project) -> None:
    """`unlock --run` of another run is refused and names the one that holds; so is it where nobody does."""
    shop.apply()
    assert shop.run("ledger", "unlock", "--run", "r1").code == 64
    with held(shop):
        done = shop.run("ledger", "unlock", "--run", "r2")
        assert done.code == 7
        assert "r1" in done.err
    assert shop.run("ledger", "unlock").code == 64


def test_a_damaged_ledger_is_told_and_never_empty(shop: Project, stripe: Account) -> None:
    """`verify` says what is wrong and exits 1; a plan stops instead of starting from nothing."""
    shop.apply()
    assert shop.ok("ledger", "verify").out == "The ledger is whole.\n"
    path = shop.dir / ".reconciler/default/ledger.db"
    path.write_bytes(path.read_bytes()[:5000] + b"x" * 200 + path.read_bytes()[5200:])
    asked = len(stripe.asked)
    done = shop.run("ledger", "verify")
    assert done.code == 1
    assert "damaged" in done.out
    assert shop.run("plan").code == 1
    assert len(stripe.asked) == asked


def test_a_lost_ledger_is_rebuilt_from_marks(shop: Project, stripe: Account) -> None:
    """What carries our mark is ours again, declared or not, and strangers are not; the next plan goes on from there."""
    shop.manifest(PRO + "  yearly: {product: {ref: pro}, unit_amount: 29000, lifecycle: {protect: true}}\n").apply()
    before = shop.ok("ledger", "list").out
    for path in (shop.dir / ".reconciler/default").iterdir():
        path.unlink()
    stripe.products()["copy"] = {**stripe.products()["pro"], "id": "copy", "metadata": {
        "reconciler_stack": "other/default", "reconciler_address": "stripe.product/pro"}}
    shop.manifest("stripe.product: {pro: {id: pro, name: Pro}}\n"
                  "stripe.price: {yearly: {product: {ref: pro}, currency: usd, unit_amount: 29000,\n"
                  "  lifecycle: {protect: true}}}")
    sent = len(stripe.written)
    done = shop.ok("ledger", "rebuild")
    assert "3 entries taken in." in done.err
    assert len(stripe.written) == sent
    assert shop.ok("ledger", "list").out == before
    assert shop.ops() == {"price/monthly": "delete"}
    assert shop.ok("ledger", "rebuild").out == ""


def test_twins_under_one_mark_are_left_for_a_person(shop: Project, stripe: Account) -> None:
    """Two objects with one mark: a rebuild takes neither and names both."""
    shop.apply()
    stripe.products()["copy"] = {**stripe.products()["pro"], "id": "copy"}
    shop.ok("ledger", "forget", "*")
    done = shop.ok("ledger", "rebuild")
    assert "copy, pro" in done.err
    assert shop.ok("ledger", "list").out.split() == ["stripe.price/monthly", "price_1"]


def test_a_rebuild_without_a_whole_view_is_1(shop: Project, stripe: Account) -> None:
    """A kind that can't be read is told, and the exit code says that something may be missing."""
    from reconciler.sandbox.store import Response

    shop.apply()
    shop.ok("ledger", "forget", "*")
    stripe.sandbox.faults.append(lambda request, n: Response(403, {"error": {"message": "no"}})
                                 if request.path == "/v1/prices" else None)
    done = shop.run("ledger", "rebuild")
    assert done.code == 1
    assert "stripe.price can't be read" in done.err
    assert shop.ok("ledger", "list").out.split() == ["stripe.product/pro", "pro"]
