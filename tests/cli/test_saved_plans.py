"""Saved plans: exactly what was approved is done, whatever else has come; what was altered or is stale is refused."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.store import Request, Response
from tests.cli.project import PRO, Account, Project, ended

MORE = PRO + "  yearly: {product: {ref: pro}, unit_amount: 29000, recurring: {interval: year}}\n"


def saved(project: Project, *words: str) -> dict[str, Any]:
    project.run("plan", "--out", "plan.json", *words)
    found: dict[str, Any] = json.loads((project.dir / "plan.json").read_text())
    return found


def test_a_saved_plan_is_its_own_consent(shop: Project, stripe: Account) -> None:
    """`apply F` asks nobody and needs no --allow; --auto-approve or --digest beside it is a mistake."""
    saved(shop)
    assert shop.run("apply", "plan.json", "--auto-approve").code == 64
    assert shop.run("apply", "plan.json", "--digest", "0" * 64).code == 64
    assert stripe.written == []
    shop.ok("apply", "plan.json")
    assert shop.ops() == {}


def test_exactly_its_actions_are_done(shop: Project, stripe: Account) -> None:
    """Others are listed as not in this plan, are left for the next one, and don't fail it."""
    saved(shop)
    shop.manifest(MORE)
    done = shop.ok("apply", "plan.json")
    assert "stripe.price/yearly: changes too, but is not in this plan" in done.err
    assert len(stripe.prices()) == 1
    assert shop.ops() == {"price/yearly": "create"}


def test_what_is_planned_otherwise_now_is_stale(shop: Project, stripe: Account) -> None:
    """An action that is neither still planned the same nor done: exit 5, and nothing of the plan is done."""
    saved(shop)
    shop.manifest(PRO.replace("2900", "3500"))
    done = shop.run("apply", "plan.json")
    assert (done.code, stripe.written) == (5, [])
    assert "stripe.price/monthly" in done.err
    assert "plan again" in done.err


def test_what_has_gone_from_the_manifests_is_stale(shop: Project, stripe: Account) -> None:
    """An approved create of an entry that was taken out again is not done."""
    saved(shop)
    shop.manifest("stripe.product:\n  pro: {id: pro, name: Pro}\n")
    assert shop.run("apply", "plan.json").code == 5
    assert stripe.written == []


def test_a_completed_plan_is_stale(shop: Project, stripe: Account) -> None:
    """The same file once more is exit 5, not silence."""
    saved(shop)
    shop.ok("apply", "plan.json")
    sent = len(stripe.written)
    done = shop.run("apply", "plan.json")
    assert (done.code, len(stripe.written)) == (5, sent)
    assert "applied already" in done.err


def test_another_merge_does_not_void_it(shop: Project) -> None:
    """Between plan and apply somebody else applies an unrelated entry: the approval still holds."""
    shop.apply()
    shop.manifest(PRO.replace("Pro}", "Pro 2}"))
    saved(shop)
    shop.manifest(PRO + "  other: {product: prod_x, unit_amount: 1, recurring: {interval: day}}\n")
    shop.run("apply", "--auto-approve", "--allow", "money")
    shop.manifest(PRO.replace("Pro}", "Pro 2}") + "  other: {product: prod_x, unit_amount: 1, recurring: {interval: day}}\n")
    done = shop.run("apply", "plan.json")
    assert done.code == 0, done


def test_limits_are_for_what_is_done(shop: Project, stripe: Account) -> None:
    """What others would delete beyond the limit is not in an approved plan, and does not stop it; their plan is stopped."""
    products = "".join(f"  p{n}: {{id: p{n}, name: P}}\n" for n in range(12))
    shop.manifest("stripe.product:\n  pro: {id: pro, name: Pro}\n" + products).apply()
    shop.manifest("stripe.product:\n  pro: {id: pro, name: Pro 2}\n" + products)
    saved(shop)
    shop.manifest("stripe.product:\n  pro: {id: pro, name: Pro 2}\n")
    assert shop.run("plan").code == 4
    done = shop.ok("apply", "plan.json")
    assert "stripe.product/p3: changes too, but is not in this plan" in done.err
    assert stripe.products()["pro"]["name"] == "Pro 2"
    assert len(stripe.products()) == 13
    saved(shop)
    assert shop.run("apply", "plan.json").code == 4
    assert len(stripe.products()) == 13


@pytest.mark.parametrize("field", ["stack", "consents", "digest", "actions", "project"])
def test_an_altered_file_is_refused(shop: Project, stripe: Account, field: str) -> None:
    """A file that was changed by hand is exit 5 in `show` and `apply`, before anything is asked."""
    plan = saved(shop)
    plan[field] = [] if isinstance(plan[field], list) and plan[field] else "other"
    (shop.dir / "plan.json").write_text(json.dumps(plan))
    asked = len(stripe.asked)
    for command in ("show", "apply"):
        done = shop.run(command, "plan.json")
        assert done.code == 5, done
    assert len(stripe.asked) == asked


def test_a_duplicate_key_is_refused(shop: Project) -> None:
    """JSON that says one key twice could mean two things."""
    saved(shop)
    path = shop.dir / "plan.json"
    path.write_text(path.read_text().replace('"stack": "default"', '"stack": "other", "stack": "default"'))
    assert shop.run("apply", "plan.json").code == 5


def test_a_plan_of_another_stack_or_account_is_refused(shop: Project, stripe: Account) -> None:
    """Stack and account are part of what was approved."""
    saved(shop)
    config = (shop.dir / "reconciler.yaml").read_text()
    shop.write({"reconciler.yaml": config.replace("mode: test", f"mode: test, account: {ours(stripe)}")})
    done = shop.run("apply", "plan.json")
    assert (done.code, stripe.written) == (5, [])
    assert "account" in done.err
    shop.write({"reconciler.yaml": config + "stacks: {other: {}}\n"})
    assert shop.run("apply", "plan.json", "--stack", "other").code == 5


def ours(stripe: Account) -> str:
    answer = stripe.sandbox.handle(Request("GET", "/v1/account", headers={"authorization": "Bearer sk_test_x"}))
    return str(answer.body["id"])


def test_a_plan_of_one_vendor_needs_no_other_vendor_pinned_the_same(shop: Project, stripe: Account) -> None:
    """What the plan does not touch has no say: another connection's account may be pinned later."""
    saved(shop, "--vendor", "stripe")
    config = (shop.dir / "reconciler.yaml").read_text()
    second = f'  stripe_eu: {{use: stripe, api_key: {{env: STRIPE_API_KEY}}, base_url: "{stripe.url}", '
    second += f"account: {ours(stripe)}}}\n"
    shop.write({"reconciler.yaml": config + second}).manifest(PRO + "stripe_eu.product: {eu: {id: eu, name: EU}}\n")
    done = shop.ok("apply", "plan.json")
    assert "stripe_eu.product/eu: changes too" in done.err


def test_the_digest_must_be_the_whole_plans(shop: Project, stripe: Account) -> None:
    """`--digest SHA` applies only when the whole new plan has that digest; else exit 5."""
    digest = saved(shop)["digest"]
    shop.manifest(MORE)
    assert shop.run("apply", "--digest", digest).code == 5
    assert stripe.written == []
    shop.manifest(PRO)
    shop.ok("apply", "--digest", digest)
    assert shop.run("apply", "--digest", digest).code == 5


def test_out_is_written_also_when_something_is_blocked(shop: Project, stripe: Account) -> None:
    """A plan with blocked actions is printed whole, saved, and exits 4; applied, it does the rest and still exits 4."""
    stripe.sandbox.handle(Request("POST", "/v1/products", headers={"authorization": "Bearer sk_test_x"},
                                  body=b"id=pro&name=Somebody+else"))
    shop.manifest("stripe.product:\n  pro: {id: pro, name: Pro}\n  other: {id: other, name: Other}\n")
    before = len(stripe.written)
    done = shop.run("plan", "--out", "plan.json")
    assert done.code == 4
    assert "! blocked" in done.out
    assert shop.run("show", "plan.json").code == 4
    assert shop.run("apply", "--auto-approve").code == 4
    assert len(stripe.written) == before
    assert shop.run("apply", "plan.json").code == 4
    assert set(stripe.products()) == {"pro", "other"}
    assert stripe.products()["pro"]["name"] == "Somebody else"


def test_consents_travel_in_the_plan(shop: Project, stripe: Account) -> None:
    """A refusal that was lifted with --allow ADDR at the plan needs no flag at the apply."""
    plan = saved(shop, "--allow", "irreversible:stripe.price/monthly")
    assert plan["consents"] == ["irreversible:stripe.price/monthly"]
    shop.ok("apply", "plan.json")


def test_show_needs_no_network_and_no_credentials(shop: Project, stripe: Account, tmp_path: Path) -> None:
    """A saved plan is rendered as it was printed, with an empty environment and without the project."""
    printed = shop.ok("plan", "--out", "plan.json").out
    asked = len(stripe.asked)
    away = Project(tmp_path / "away")
    away.dir.mkdir()
    (away.dir / "plan.json").write_bytes((shop.dir / "plan.json").read_bytes())
    away.environ = {}
    assert away.ok("show", "plan.json").out == printed
    assert away.ok("show", "plan.json", "--format", "json").out.encode() == (shop.dir / "plan.json").read_bytes()
    assert away.run("show", "plan.json", "--detailed-exitcode").code == 2
    assert len(stripe.asked) == asked


@pytest.mark.parametrize("took_effect", [False, True])
@pytest.mark.parametrize("nth", [0, 1])
def test_a_killed_run_resumes_under_the_same_approval(shop: Project, stripe: Account, nth: int, *, took_effect: bool) -> None:
    """Killed at any write, before or after it took effect: the same file goes on, what is done is skipped, nothing doubles."""
    saved(shop)
    process: list[Any] = []

    def kill(request: Request, number: int) -> Response | Exception | None:
        if request.method != "POST" or len(stripe.written) != nth:
            return None
        if took_effect:
            stripe.sandbox.answer(request)
        stripe.sandbox.faults.clear()
        os.kill(process[0].pid, signal.SIGKILL)
        return ConnectionResetError()

    stripe.sandbox.faults.append(kill)
    process.append(shop.start("apply", "plan.json"))
    assert ended(process[0]).code == -signal.SIGKILL
    assert shop.run("apply", "plan.json").code == 0
    assert (len(stripe.products()), len(stripe.prices())) == (1, 1)
    assert shop.run("plan", "--detailed-exitcode").code == 0
    assert shop.run("apply", "plan.json").code == 5


def test_the_same_digest_resumes_too(shop: Project, stripe: Account) -> None:
    """After a failed step the approved digest goes on with the rest."""
    digest = saved(shop)["digest"]
    stripe.sandbox.faults.append(lambda request, n: Response(400, {"error": {"message": "not now", "type": "x"}})
                                 if request.method == "POST" and request.path == "/v1/prices" else None)
    assert shop.run("apply", "--digest", digest).code == 6
    stripe.sandbox.faults.clear()
    shop.ok("apply", "--digest", digest)
    assert (len(stripe.products()), len(stripe.prices())) == (1, 1)


def test_a_plan_of_the_sandbox_is_none_of_the_real_account(shop: Project, stripe: Account) -> None:
    """The same actions planned in the sandbox consent to nothing at the vendor, and the other way round."""
    done = shop.ok("plan", "--sandbox", "--out", "plan.json")
    assert "reconciler apply plan.json --sandbox" in done.err
    assert shop.run("apply", "plan.json").code == 5
    assert stripe.written == []
    shop.ok("apply", "plan.json", "--sandbox")
    saved(shop)
    assert shop.run("apply", "plan.json", "--sandbox").code == 5
