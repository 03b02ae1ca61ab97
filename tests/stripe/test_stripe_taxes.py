"""Tax rates: known by their mark alone, and never changed in what they charge."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.contract import Ask
from reconciler.model import Call, Impact, Op
from reconciler.vendors.stripe.tax_rate import TaxRateSpec
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import SQL2, changed

TAXES: dict[str, Any] = {"tax_rate": SQL2["tax_rate"]}
RATES = "/v1/tax_rates"
VAT: dict[str, Any] = {"display_name": "VAT", "percentage": 19.0, "inclusive": False}


def test_another_percentage_is_another_rate(shop: StripeShop) -> None:
    """New rate first, then the old one is archived, and what uses it goes on to charge it."""
    shop.settle(TAXES)
    manifest = changed("tax_rate/vat/percentage", 20.0, TAXES)
    action = shop.action(shop.plan(manifest), "tax_rate/vat")
    assert (action.op, action.effect) == (Op.REPLACE, "supersede") and Impact.MONEY in action.impact
    assert "archived; what uses it already goes on to charge it" in [note.text for note in action.notes]
    assert shop.settle(manifest) == [f"POST {RATES}", f"POST {RATES}/txr_1"]
    assert [(one["percentage"], one["active"]) for one in shop.held(RATES).values()] == [(19.0, False), (20.0, True)]


def test_what_is_said_of_its_place_can_be_changed_and_not_taken_away(shop: StripeShop) -> None:
    """Another country is an update; none is another rate, as Stripe's update takes no empty text."""
    shop.settle(TAXES)
    assert shop.settle(changed("tax_rate/vat/country", "AT", TAXES)) == [f"POST {RATES}/txr_1"]
    assert shop.settle(changed("tax_rate/vat/country", None, TAXES))[0] == f"POST {RATES}"


def test_an_unmarked_rate_is_never_taken_for_ours(shop: StripeShop) -> None:
    """However equal: it has no key to be found by, so it is bound by its id."""
    made = shop.desk.send(Call("POST", RATES, {**VAT, "country": "DE"}))
    assert shop.action(shop.plan(TAXES), "tax_rate/vat").op is Op.CREATE
    bound = changed("tax_rate/vat/lifecycle", {"id": made["id"]}, TAXES)
    assert shop.action(shop.plan(bound), "tax_rate/vat").op is Op.ADOPT
    assert shop.settle(bound) == [f"POST {RATES}/{made['id']}"]


def test_after_several_rates_the_next_one_is_made(shop: StripeShop) -> None:
    """Archived ones that carry our mark pile up, and are neither read nor mistaken for the one to bring back."""
    for percentage in (19.0, 20.0, 21.0):
        shop.settle(changed("tax_rate/vat/percentage", percentage, TAXES))
    shop.settle({"tax_rate": {"other": VAT}})
    assert shop.settle({"tax_rate": {"other": VAT, "vat": {**VAT, "country": "DE"}}}) == [f"POST {RATES}"]


def test_archived_rates_are_read_only_for_an_entry_that_rests(desk: Desk) -> None:
    """One list, and a second one where an entry itself is archived."""
    live = desk.make(desk.tax_rate, "old", **VAT, active=False)
    assert live.archived and not list(desk.tax_rate.list(Ask()))
    want = desk.want(desk.tax_rate, "old", {**VAT, "active": False})
    assert [one.id for one in desk.tax_rate.list(Ask(wants=(want,)))] == [live.id]
    assert [one.id for one in desk.tax_rate.list(Ask(everything=True))] == [live.id]


@pytest.mark.parametrize(("fields", "loc"), [
    ({"percentage": 19.00001}, "percentage"), ({"percentage": 101.0}, "percentage"), ({"percentage": -1.0}, "percentage"),
    ({"display_name": "x" * 51}, "display_name"), ({"country": "Germany"}, "country"), ({"state": "New York"}, "state"),
    ({"jurisdiction": "x" * 51}, "jurisdiction"), ({"tax_type": "sin_tax"}, "tax_type")])
def test_every_limit_is_found_offline(fields: dict[str, Any], loc: str) -> None:
    """Each of Stripe's limits fails where it stands in the manifest."""
    with pytest.raises(ValidationError) as caught:
        TaxRateSpec.model_validate({**VAT, **fields})
    assert [error["loc"] for error in caught.value.errors()] == [(loc,)]
