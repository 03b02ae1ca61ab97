"""How an apply ended: done, failed, unknown, stale and not started are all told, each with what to do next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model import Address, Location, Op, Outcome, Plan, Report, Resource, Result
from reconciler.output import text
from reconciler.output.escape import hidden
from tests.output.plans import act, created, drifted, plan, policy, superseded
from tests.output.test_text import EVIL

PRICE, FLAG = Address("stripe.price", "pro_monthly"), Address("posthog.feature_flag", "beta")
NEW, POLICY = Address("stripe.price", "team_yearly"), Address("vault.policy", "api")


def of(*outcomes: Outcome, made: Plan | None = None, source: str | None = None, **more: object) -> list[str]:
    made = made or plan(superseded(), created(), policy(), drifted())
    report = Report(outcomes, run="1a2b3c", **more)  # type: ignore[arg-type]
    return text.report(report, made, color=False, source=lambda file: source).split("\n")


def test_what_is_done_is_one_line_each() -> None:
    """The result, the address, what was done, and the vendor's id."""
    assert of(Outcome(PRICE, Result.DONE, id="price_2"), Outcome(NEW, Result.DONE, id="price_3")) == [
        "done          stripe.price/pro_monthly   +/- supersede   price_2",
        "done          stripe.price/team_yearly   + create        price_3",
        "",
        "Apply: 2 done.   Run 1a2b3c.",
        "",
    ]


def test_every_way_to_end_is_told_with_its_next_step() -> None:
    """The worst stands last, next to the count."""
    lines = of(Outcome(PRICE, Result.FAILED, "no such product (request req_7)", "make it first"),
               Outcome(NEW, Result.SKIPPED, "waited for stripe.price/pro_monthly"),
               Outcome(POLICY, Result.UNKNOWN, "connection reset"),
               Outcome(FLAG, Result.STALE, "it has changed since the plan"))
    assert lines[0] == "not started   stripe.price/team_yearly   + create        waited for stripe.price/pro_monthly"
    told = "\n".join(lines)
    assert ("error: stripe.price/pro_monthly failed: no such product (request req_7)\n"
            "  --> manifests/stripe.yaml:12:3\n   = help: make it first") in told
    assert ("error: vault.policy/api may have happened: connection reset\n"
            " --> manifests/vault.yaml:4:3\n  = help: the next plan") in told
    assert "error: posthog.feature_flag/beta changed since it was planned: it has" in told
    assert "= help: plan again" in told
    assert lines[-2] == "Apply: 0 done, 1 failed, 1 unknown, 1 not started, 1 stale.   Run 1a2b3c."


def test_a_refusal_is_shown_at_the_field_that_was_sent() -> None:
    """The YAML's own line, with carets, and the field where the vendor did not name it."""
    fields = {"unit_amount": 3500}
    places = {"unit_amount": Location("manifests/stripe.yaml", 14, 18)}
    action = replace(superseded(), resource=Resource(PRICE, fields, Location("manifests/stripe.yaml", 12, 3), places=places))
    lines = of(Outcome(PRICE, Result.FAILED, "is too large", path="unit_amount"), made=plan(action),
               source="\n" * 13 + "    unit_amount: 3500\n")
    assert lines[:5] == [
        "error: stripe.price/pro_monthly failed: unit_amount: is too large",
        "  --> manifests/stripe.yaml:14:18",
        "   |",
        "14 |     unit_amount: 3500",
        "   |                  ^",
    ]


@pytest.mark.parametrize("path", ["unit_amount.", "unit_amount[", "unit_amount..a", "unit_amount[0][", ".", "[", "]x["])
def test_a_path_that_a_vendor_made_up_leads_to_what_is_there(path: str) -> None:
    """A vendor's idea of a field may be no path of ours; the nearest thing above it is shown."""
    resource = Resource(PRICE, {}, Location("a.yaml", 1, 3), places={"unit_amount": Location("a.yaml", 2, 5)})
    assert resource.place(path).line == (2 if path.startswith("unit_amount") else 1)


def test_what_nothing_declares_has_no_place() -> None:
    """A failed delete of an entry that left the manifests."""
    gone = act(Op.DELETE, "stripe.coupon/summer", line=None, id="SUMMER24", effect="delete")
    lines = of(Outcome(gone.address, Result.FAILED, "still in use"), made=plan(gone))
    assert lines[0] == "error: stripe.coupon/summer failed: still in use"
    assert not [line for line in lines if "-->" in line]


def test_interruption_and_what_is_not_in_the_plan_are_told() -> None:
    """What to do after Ctrl-C, and what else has changed."""
    lines = of(Outcome(PRICE, Result.DONE, id="p"), interrupted=True, not_in_plan=tuple([FLAG] * 7))
    assert lines[2].startswith("Not in this plan: posthog.feature_flag/beta, ")
    assert lines[2].endswith(" and 2 more.")
    assert lines[3].startswith("Interrupted: what was under way is recorded; `reconciler apply` goes on")


def test_a_vendors_words_can_hide_and_move_nothing() -> None:
    """Control and bidi characters of a message, an id or a next step are escaped."""
    lines = of(Outcome(PRICE, Result.FAILED, EVIL, EVIL, path=EVIL), Outcome(NEW, Result.DONE, id=EVIL),
               Outcome(POLICY, Result.SKIPPED, EVIL, EVIL))
    assert not [one for line in lines for one in line if hidden(one)]
    assert len([line for line in lines if line.startswith("Plan:")]) == 0
