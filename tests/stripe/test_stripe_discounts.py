"""Coupons and promotion codes: what ends with what, what is refused, how versions of the API differ."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract import Ask
from reconciler.errors import Refused
from reconciler.model import Call, Impact, Op
from reconciler.sandbox.store import Response
from reconciler.vendors.stripe.coupon import Coupon, CouponSpec
from reconciler.vendors.stripe.promotion_code import PromotionCode, PromotionCodeSpec
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import catalogue, changed, without

BILLING = catalogue("coupon", "promotion_code")
CODES = "/v1/promotion_codes"


def test_another_discount_takes_its_codes_along(shop: StripeShop) -> None:
    """Codes off, coupon deleted, the same id again, codes again, in that order; both say that it costs money."""
    shop.settle(BILLING)
    old = shop.only(CODES)["id"]
    manifest = changed("coupon/launch30/percent_off", 25.0, BILLING)
    made = shop.plan(manifest)
    for address in ("coupon/launch30", "promotion_code/launch30"):
        action = shop.action(made, address)
        assert (action.op, action.effect) == (Op.REPLACE, "replace")
        assert {Impact.DELETE, Impact.MONEY} <= set(action.impact)
    assert shop.settle(manifest) == [f"POST {CODES}/{old}", "DELETE /v1/coupons/launch30", "POST /v1/coupons",
                                     f"POST {CODES}"]
    assert [(code["code"], code["active"]) for code in shop.held(CODES).values()] == [("LAUNCH30", False),
                                                                                       ("LAUNCH30", True)]


@pytest.mark.parametrize("died", [0, 1, 2, 3])
def test_a_replace_that_dies_halfway_is_finished(shop: StripeShop, died: int) -> None:
    """However far it came: one coupon, one active code, and codes of the deleted coupon are left alone."""
    shop.settle(BILLING)
    manifest = changed("coupon/launch30/percent_off", 25.0, BILLING)
    left = [died]

    def fault(request: Any, n: int) -> Any:
        if request.method == "GET":
            return None
        left[0] -= 1
        return Response(500, {"error": {"type": "api_error", "message": "down"}}) if left[0] < 0 else None

    shop.desk.sandbox.faults.append(fault)
    shop.apply(manifest)
    shop.desk.sandbox.faults.clear()
    shop.settle(manifest)
    assert [one["percent_off"] for one in shop.held("/v1/coupons").values()] == [25.0]
    assert sum(code["active"] for code in shop.held(CODES).values()) == 1


def test_a_code_of_a_deleted_coupon_is_not_brought_back(shop: StripeShop) -> None:
    """Both removed and declared again: the code is a new one, as Stripe takes the old one for invalid."""
    shop.settle(BILLING)
    shop.settle(without("coupon/launch30", "promotion_code/launch30", of=BILLING))
    assert shop.settle(BILLING) == ["POST /v1/coupons", f"POST {CODES}"]


def test_a_code_that_was_switched_off_by_hand_comes_back(shop: StripeShop) -> None:
    """While its coupon is valid: drift, undone in place."""
    shop.settle(BILLING)
    code = shop.only(CODES)
    shop.desk.send(Call("POST", f"{CODES}/{code['id']}", {"active": False}))
    action = shop.action(shop.plan(BILLING), "promotion_code/launch30")
    assert (action.effect, Impact.DRIFT in action.impact) == ("restore", True)
    assert shop.settle(BILLING) == [f"POST {CODES}/{code['id']}"]


def test_codes_are_found_whatever_their_case(shop: StripeShop) -> None:
    """A code that exists in other letters is this code, and is adopted."""
    shop.settle(without("promotion_code/launch30", of=BILLING))
    made = shop.desk.send(Call("POST", CODES, {"code": "Launch30",
                                               "promotion": {"type": "coupon", "coupon": "launch30"}}))
    action = shop.action(shop.plan(BILLING), "promotion_code/launch30")
    assert (action.op, action.id, action.changes) == (Op.ADOPT, made["id"], ())


def test_two_active_codes_of_one_text_are_named_both(shop: StripeShop) -> None:
    """Stripe allows them for different customers; which one is meant has to be said."""
    shop.settle(without("promotion_code/launch30", of=BILLING))
    ids = [shop.desk.send(Call("POST", CODES, {"code": "LAUNCH30", "customer": customer, "promotion": {
        "type": "coupon", "coupon": "launch30"}}))["id"] for customer in ("cus_1", "cus_2")]
    blocked = shop.action(shop.plan(BILLING), "promotion_code/launch30").blocked or ""
    assert all(id in blocked for id in ids) and "lifecycle.id" in blocked
    bound = changed("promotion_code/launch30/lifecycle", {"id": ids[1]}, BILLING)
    assert shop.settle(bound) == [f"POST {CODES}/{ids[1]}"]


def test_the_end_of_a_discount_says_how_often_it_was_used(shop: StripeShop) -> None:
    """From what the list showed already, without a request."""
    shop.settle(BILLING)
    shop.held("/v1/coupons")["launch30"]["times_redeemed"] = 3
    action = shop.action(shop.plan(without("coupon/launch30", "promotion_code/launch30", of=BILLING)), "coupon/launch30")
    assert "who has the discount keeps it; nobody else gets it any more" in [note.text for note in action.notes]
    before = len(shop.desk.sandbox.requests)
    assert [fact.text for fact in shop.desk.coupon.look(action)] == ["redeemed 3 times"]
    assert len(shop.desk.sandbox.requests) == before


@pytest.mark.parametrize("version", ["2025-08-27.basil", "2025-09-30.clover", "2026-10-28.endive"])
def test_the_coupon_is_flat_whatever_the_version_nests(version: str) -> None:
    """Made, read, listed and changed alike before and after the version that moved the field."""
    desk = Desk(api_version=version)
    desk.make(desk.coupon, "half", id="half", percent_off=50.0)
    live = desk.make(desk.promotion_code, "a", code="A", coupon="half",
                     restrictions={"minimum_amount": 100, "minimum_amount_currency": "usd",
                                   "currency_options": {"eur": {"minimum_amount": 90}}})
    created = next(r.body for r in desk.sandbox.requests if r.path == CODES and r.method == "POST")
    assert ("coupon" in created, "promotion" in created) == (version < "2025-09-30", version >= "2025-09-30")
    assert live.fields["coupon"] == "half"
    live = desk.change(desk.promotion_code, live, active=False)
    assert live.archived and live.fields["coupon"] == "half"


def test_a_name_is_cleared_by_the_id_that_stripe_shows_without_one(desk: Desk) -> None:
    """The update takes no empty text; the id read back is no name."""
    live = desk.make(desk.coupon, "half", id="half", percent_off=50.0, name="Half off")
    live = desk.change(desk.coupon, live, name=None)
    assert desk.bodies()[-1] == {"name": "half"} and live.fields["name"] is None


def test_old_codes_are_not_read_unless_they_are_wanted(desk: Desk) -> None:
    """One list of the active ones; of a wanted code that is not among them the newest."""
    desk.make(desk.coupon, "half", id="half", percent_off=50.0)
    for n in range(3):
        live = desk.make(desk.promotion_code, f"a{n}", code="A", coupon="half")
        desk.change(desk.promotion_code, live, active=False)
    desk.make(desk.promotion_code, "b", code="B", coupon="half")
    want = desk.want(desk.promotion_code, "a", {"code": "a", "coupon": "half"})
    before = desk.api.reads_made
    assert [one.fields["code"] for one in desk.promotion_code.list(Ask())] == ["B"]
    assert desk.api.reads_made == before + 1
    found = list(desk.promotion_code.list(Ask(wants=(want,))))
    assert [(one.fields["code"], one.id) for one in found] == [("B", "promo_4"), ("A", "promo_3")]
    assert len(list(desk.promotion_code.list(Ask(everything=True)))) == 4


@pytest.mark.parametrize(("fields", "path"), [
    ({}, "percent_off"), ({"percent_off": 5.0, "amount_off": 5, "currency": "usd"}, "amount_off"),
    ({"amount_off": 5}, "currency"), ({"percent_off": 5.0, "currency": "usd"}, "currency"),
    ({"percent_off": 5.0, "currency_options": {"eur": {"amount_off": 1}}}, "currency_options"),
    ({"amount_off": 5, "currency": "USD", "currency_options": {"usd": {"amount_off": 1}}}, "currency_options.usd"),
    ({"percent_off": 5.0, "duration": "repeating"}, "duration_in_months"),
    ({"percent_off": 5.0, "duration_in_months": 3}, "duration_in_months"),
    ({"percent_off": 5.0, "id": "x", "name": "x"}, "name")])
def test_discounts_that_contradict_themselves_are_found(fields: dict[str, Any], path: str) -> None:
    """What Stripe would refuse is a finding, at the field that has to be changed."""
    assert [where for where, _ in Coupon().check(CouponSpec.model_validate(fields).given())] == [path]


@pytest.mark.parametrize(("fields", "path"), [
    ({"restrictions": {"minimum_amount": 5}}, "restrictions.minimum_amount_currency"),
    ({"restrictions": {"minimum_amount_currency": "usd"}}, "restrictions.minimum_amount"),
    ({"restrictions": {"currency_options": {"eur": {"minimum_amount": 1}}}}, "restrictions.currency_options"),
    ({"restrictions": {"minimum_amount": 5, "minimum_amount_currency": "EUR",
                       "currency_options": {"eur": {"minimum_amount": 1}}}}, "restrictions.currency_options.eur"),
    ({"customer": "cus_1", "customer_account": "acct_1"}, "customer_account")])
def test_codes_that_contradict_themselves_are_found(fields: dict[str, Any], path: str) -> None:
    """The same for promotion codes."""
    given = PromotionCodeSpec.model_validate({"coupon": "half", **fields}).given()
    assert [where for where, _ in PromotionCode().check(given)] == [path]


def test_a_code_outlives_neither_its_coupon_nor_its_count(desk: Desk) -> None:
    """Stripe's own limits are Stripe's to say: the sandbox refuses what it would."""
    desk.make(desk.coupon, "half", id="half", percent_off=50.0, max_redemptions=5, redeem_by=1_800_000_000)
    for wrong in ({"max_redemptions": 6}, {"expires_at": 1_800_000_001}):
        with pytest.raises(Refused):
            desk.make(desk.promotion_code, "a", code="A", coupon="half", **wrong)
    with pytest.raises(Refused, match="five years"):
        desk.make(desk.coupon, "late", id="late", percent_off=5.0, redeem_by=1_900_000_000)
