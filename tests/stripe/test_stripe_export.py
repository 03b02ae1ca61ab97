"""An account that people filled by hand becomes manifests: all of it is adopted, and a fresh account can be made of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from reconciler.engine.exporting import export
from reconciler.engine.observe import observe
from reconciler.model import Call, Op
from tests.stripe.shop import StripeShop
from tests.stripe.stack import SQL2

TIMES = {"created", "updated", "id", "url"}


def by_hand(shop: StripeShop) -> None:
    """All of the stack's objects, and some more, as if a person had made them."""
    shop.settle(SQL2)
    for path, held in shop.desk.sandbox.objects.items():
        for one in held.values() if not path.startswith(("/numbers", "/idempotency")) else ():
            if "metadata" in one:
                one["metadata"] = {}
    send = shop.desk.send
    tiers = [{"up_to": 5, "flat_amount": 100}, {"up_to": 10, "unit_amount": 0},
             {"up_to": "inf", "unit_amount_decimal": "0.5"}]
    send(Call("POST", "/v1/prices", {"product": "sql2ai_tokens", "currency": "eur", "billing_scheme": "tiered",
                                     "tiers_mode": "volume", "tiers": tiers, "nickname": "no key",
                                     "currency_options": {"usd": {"tiers": tiers}}}))
    send(Call("POST", "/v1/prices", {"product": "sql2ai_tokens", "currency": "usd", "lookup_key": "gift",
                                     "custom_unit_amount": {"enabled": True, "minimum": 500}}))
    send(Call("POST", "/v1/prices", {"product": "sql2ai_tokens", "currency": "usd", "lookup_key": "free",
                                     "unit_amount": 0}))
    send(Call("POST", "/v1/coupons", {"id": "five", "amount_off": 500, "currency": "usd", "name": "Five",
                                      "currency_options": {"eur": {"amount_off": 450}}, "metadata": {"a": "b"}}))
    for _ in range(2):
        send(Call("POST", "/v1/webhook_endpoints", {"url": "https://twin.example/", "enabled_events": ["*"]}))


def exported(shop: StripeShop) -> dict[str, dict[str, Any]]:
    """Everything that nothing declares, as manifests."""
    shop.store = StripeShop().store
    made = shop.world({})
    seen = observe(shop.kinds, (), made.ledger, everything=True)
    found: dict[str, dict[str, Any]] = {}
    for address, fields in export(replace(made, observed=seen), lambda kind, live: True).entries.items():
        found.setdefault(address.kind.partition(".")[2], {})[address.name] = fields
    return found


def test_an_export_plans_only_adoptions(shop: StripeShop) -> None:
    """Every kind, with references put back; ids only where a natural key is missing or two have it."""
    by_hand(shop)
    found = exported(shop)
    assert found["product"]["sql2ai_pro"]["default_price"] == {"ref": "pro_monthly"}
    assert found["price"]["pro_monthly"]["product"] == {"ref": "sql2ai_pro"}
    assert found["price"]["tokens_tiered"]["recurring"]["meter"] == {"ref": "ai_tokens_used"}
    assert found["price"]["free"]["unit_amount"] == 0 and "unit_amount_decimal" not in found["price"]["free"]
    offered = found["portal_configuration"]["main"]["features"]["subscription_update"]["products"]
    assert offered[0]["prices"] == [{"ref": "pro_monthly"}, {"ref": "pro_yearly"}]
    assert found["promotion_code"]["LAUNCH30"]["coupon"] == {"ref": "launch30"}
    bound = {noun for noun, entries in found.items() for fields in entries.values() if "lifecycle" in fields}
    assert bound == {"price", "tax_rate", "webhook_endpoint"}
    made = shop.plan(found)
    assert {action.op for action in made.actions} == {Op.ADOPT}, [
        (str(a.address), a.op, a.changes, a.blocked) for a in made.actions if a.op is not Op.ADOPT]
    shop.settle(found)


def test_a_fresh_account_brought_up_from_an_export_is_the_same(shop: StripeShop) -> None:
    """But for ids, times and our marks."""
    first = StripeShop()
    by_hand(first)
    found = copy.deepcopy(exported(first))
    for entries in found.values():
        for fields in entries.values():
            fields.pop("lifecycle", None)
    for fields in found["price"].values():
        if fields.get("nickname") == "no key":
            fields["lookup_key"] = None
    twins = [name for name, fields in found["webhook_endpoint"].items() if "twin" in fields["url"]]
    for name in twins[1:]:
        del found["webhook_endpoint"][name]
    shop.settle(found)
    for path in ("/v1/products", "/v1/prices", "/v1/coupons", "/v1/promotion_codes", "/v1/tax_rates",
                 "/v1/billing/meters", "/v1/entitlements/features"):
        one, other = (sorted((_bare(body, account) for body in account.held(path).values()), key=str)
                      for account in (first, shop))
        assert one == other, path


def _bare(body: dict[str, Any], account: StripeShop) -> dict[str, Any]:
    """An object without what no two accounts share; ids that Stripe made stand for what they lead to."""
    keys = {id: one.get("lookup_key") or one.get("event_name") or one.get("nickname")
            for path in ("/v1/prices", "/v1/billing/meters") for id, one in account.held(path).items()}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if not key.startswith("reconciler_")}
        return [plain(item) for item in value] if isinstance(value, list) else keys.get(value, value)

    found: dict[str, Any] = plain({key: value for key, value in body.items() if key not in TIMES})
    return found
