"""Webhook endpoints: their secret is shown once, so nothing makes one anew unless it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Call, Impact, Op
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import SQL2, changed

HOOKS: dict[str, Any] = {"webhook_endpoint": SQL2["webhook_endpoint"]}
ENDPOINTS = "/v1/webhook_endpoints"
API = "webhook_endpoint/api"


def texts(shop: StripeShop, manifest: dict[str, Any], **more: Any) -> list[str]:
    """What the plan says of the endpoint."""
    return [note.text for note in shop.action(shop.plan(manifest, **more), API).notes]


def test_its_secret_is_delivered_and_kept_nowhere(shop: StripeShop) -> None:
    """The create's answer alone shows it: it is in the sink, not in the ledger, and not in any object."""
    shop.settle(HOOKS)
    assert shop.sink.held == {"kv/api/stripe#webhook_secret": "whsec_sandbox1"}
    live = shop.desk.webhook_endpoint.get("we_1")
    assert "whsec" not in str(shop.store.records) and "whsec" not in str(live) and "whsec" not in str(live.raw)
    assert "whsec" not in str(shop.held(ENDPOINTS))


def test_a_new_secret_is_made_delivered_and_then_the_old_one_goes(shop: StripeShop) -> None:
    """A changed `rotate` asks for it: create, deliver, delete; access is what it costs."""
    shop.settle(HOOKS)
    manifest = changed(f"{API}/lifecycle/rotate", "2026-11", HOOKS)
    action = shop.action(shop.plan(manifest), API)
    assert (action.op, action.effect) == (Op.REPLACE, "rotate") and Impact.ACCESS in action.impact
    assert "a new signing secret: consumers refuse events until they know it" in [note.text for note in action.notes]
    assert shop.settle(manifest) == [f"POST {ENDPOINTS}", f"DELETE {ENDPOINTS}/we_1"]
    assert shop.sink.held == {"kv/api/stripe#webhook_secret": "whsec_sandbox2"}


def test_a_new_secret_that_nobody_takes_is_refused(shop: StripeShop) -> None:
    """Rotation without a taker would lock every consumer out; it takes a consent by address."""
    bare = changed(f"{API}/lifecycle", {}, HOOKS)
    shop.settle(bare)
    manifest = changed(f"{API}/lifecycle/rotate", "2026-11", bare)
    assert f"irreversible:stripe.{API}" in (shop.action(shop.plan(manifest), API).blocked or "")
    assert shop.settle(manifest, allow=[f"irreversible:stripe.{API}"])[0] == f"POST {ENDPOINTS}"


def test_a_secret_that_could_not_be_delivered_takes_its_endpoint_with_it(shop: StripeShop) -> None:
    """The new endpoint is deleted again; the next run makes one."""
    shop.sink.broken = "put"
    shop.apply(HOOKS)
    assert shop.held(ENDPOINTS) == {}
    shop.sink.broken = ""
    assert shop.settle(HOOKS) == [f"POST {ENDPOINTS}"]


def test_a_secret_that_was_lost_with_the_run_is_made_anew(shop: StripeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between create and delivery: the next run rotates, without a consent by address, and delivers."""
    class Killed(BaseException):
        """The end of the process."""

    def killed(delivery: Any, value: Any) -> str:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(shop.sink, "put", killed)
        with pytest.raises(Killed):
            shop.apply(HOOKS)
    assert "made again: its secret was never delivered" in texts(shop, HOOKS)
    assert shop.settle(HOOKS) == [f"POST {ENDPOINTS}", f"DELETE {ENDPOINTS}/we_1"]
    assert shop.sink.held == {"kv/api/stripe#webhook_secret": "whsec_sandbox2"}


@pytest.mark.parametrize(("field", "value", "said"), [
    ("connect", True, "stays false"), ("api_version", "2025-09-30.clover", "stays the account's own")])
def test_what_is_given_at_creation_never_makes_another_endpoint(shop: StripeShop, field: str, value: Any,
                                                               said: str) -> None:
    """It is no change, and the plan says what stays (stripe/terraform-provider-stripe#46)."""
    shop.settle(HOOKS)
    manifest = changed(f"{API}/{field}", value, HOOKS)
    action = shop.action(shop.plan(manifest), API)
    assert (action.op, action.changes) == (Op.NOOP, ())
    assert any(note.subject == field and note.text.startswith(said) for note in action.notes)


def test_an_endpoint_of_a_connect_application_is_imported_as_it_is(shop: StripeShop) -> None:
    """`connect` is never returned; whose events it hears is inferred from its application."""
    fields = {**HOOKS["webhook_endpoint"]["api"], "connect": True}
    shop.desk.send(Call("POST", ENDPOINTS, {key: fields[key] for key in ("url", "enabled_events", "connect")}))
    manifest = {"webhook_endpoint": {"api": fields}}
    action = shop.action(shop.plan(manifest), API)
    assert (action.op, action.id, action.changes) == (Op.ADOPT, "we_1", ())


def test_one_url_may_have_two_endpoints(shop: StripeShop) -> None:
    """One for the account's own events, one for those of connected accounts."""
    one = {key: value for key, value in HOOKS["webhook_endpoint"]["api"].items() if key != "lifecycle"}
    manifest = {"webhook_endpoint": {"own": one, "connected": {**one, "connect": True}}}
    assert shop.settle(manifest) == [f"POST {ENDPOINTS}"] * 2


def test_twins_are_named_and_left_alone(shop: StripeShop) -> None:
    """Two unmarked endpoints of one url: blocked, both named, nothing written."""
    body = {"url": "https://api.sql2.ai/hooks/stripe", "enabled_events": ["invoice.paid"]}
    ids = [shop.desk.send(Call("POST", ENDPOINTS, body))["id"] for _ in range(2)]
    blocked = shop.action(shop.plan(HOOKS), API).blocked or ""
    assert all(id in blocked for id in ids) and "lifecycle.id" in blocked


def test_events_to_another_host_are_pointed_out(shop: StripeShop) -> None:
    """A path may change; a host is where data goes."""
    shop.settle(HOOKS)
    assert texts(shop, changed(f"{API}/url", "https://api.sql2.ai/hooks/billing", HOOKS)) == []
    manifest = changed(f"{API}/url", "https://evil.example/hooks/stripe", HOOKS)
    assert texts(shop, manifest) == ["events go to another host: evil.example instead of api.sql2.ai"]
    assert Impact.ACCESS in shop.action(shop.plan(manifest), API).impact
    assert shop.settle(manifest) == [f"POST {ENDPOINTS}/we_1"]


def test_disabled_is_stripes_status(desk: Desk) -> None:
    """Given at creation it takes a second request, as a create has no such parameter; false takes none."""
    live = desk.make(desk.webhook_endpoint, "a", url="https://a.example/", enabled_events=["*"], description="x")
    assert live.fields["disabled"] is False
    live = desk.change(desk.webhook_endpoint, live, disabled=True)
    assert desk.bodies()[-1] == {"disabled": "true"} and live.raw["status"] == "disabled"
    desk.change(desk.webhook_endpoint, live, disabled=False, description=None)
    assert desk.bodies()[-1] == {"disabled": "false", "description": ""}


def test_switched_off_from_the_start(shop: StripeShop) -> None:
    """One create and one update; without the field there is no update."""
    assert shop.settle(HOOKS) == [f"POST {ENDPOINTS}"]
    off = {"webhook_endpoint": {"b": {"url": "https://b.example/", "enabled_events": ["*"], "disabled": True}}}
    assert shop.settle({"webhook_endpoint": {**HOOKS["webhook_endpoint"], **off["webhook_endpoint"]}}) == [
        f"POST {ENDPOINTS}", f"POST {ENDPOINTS}/we_2"]


def test_events_are_a_set(desk: Desk) -> None:
    """Order and repetition are no difference."""
    live = desk.make(desk.webhook_endpoint, "a", url="https://a.example/", enabled_events=["invoice.paid", "coupon.created"])
    assert not desk.changes(desk.webhook_endpoint, live, {"enabled_events": ["coupon.created", "invoice.paid"] * 2})
    assert desk.changes(desk.webhook_endpoint, live, {"enabled_events": ["invoice.paid"]})


def test_a_url_has_a_host(desk: Desk) -> None:
    """Found offline."""
    found = list(desk.webhook_endpoint.check({"url": "https:///hooks", "enabled_events": ["*"]}))
    assert found == [("url", "has no host")]
