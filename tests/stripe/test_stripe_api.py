"""The client: modes and accounts, pages, errors, and what is asked again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.clock import TestClock
from reconciler.errors import Denied, Failure, Missing, Refused, Unreadable, Unsure, WrongAccount
from reconciler.model import Call
from reconciler.sandbox.store import Request, Response
from reconciler.secret import Secret
from reconciler.vendors.stripe import StripeSettings
from reconciler.vendors.stripe.api import StripeApi
from tests.stripe.desk import Desk

MAKE = Call("POST", "/v1/products", {"id": "pro", "name": "Pro"})


def error(status: int, **fields: Any) -> Response:
    """An answer in Stripe's form of errors."""
    return Response(status, {"error": {"type": "invalid_request_error", "message": "no", **fields}},
                    {"request-id": "req_9"})


def once(desk: Desk, answer: Response, times: int = 1) -> None:
    """The next writes get this answer instead of their own."""
    left = [answer] * times

    def fault(request: Request, n: int) -> Any:
        return left.pop() if left and request.method == "POST" else None

    desk.sandbox.faults.append(fault)


# mode and account

@pytest.mark.parametrize(("key", "mode"), [
    ("sk_test_1", "test"), ("rk_test_1", "test"), ("sk_live_1", "live"), ("rk_live_1", "live"),
    ("sk_org_live_1", "live"), ("x", "")])
def test_the_keys_prefix_tells_the_mode(desk: Desk, key: str, mode: str) -> None:
    """No request is needed to know it."""
    api = desk.connect(key)
    assert api.mode == mode and api.about() == {"mode": mode}
    api.pin()
    assert desk.sandbox.requests == []


@pytest.mark.parametrize(("key", "rate"), [("sk_test_1", 20.0), ("rk_live_1", 80.0), ("placeholder", None)])
def test_we_stay_under_stripes_limits(desk: Desk, key: str, rate: float | None) -> None:
    """25 requests a second in test mode, 100 in live mode; a setting overrides ours."""
    assert desk.connect(key).pacing.rate == rate
    assert desk.connect(key, requests_per_second=5).pacing.rate == 5


@pytest.mark.parametrize(("key", "pinned"), [("sk_live_1", "test"), ("sk_test_1", "live"), ("x", "test")])
def test_another_mode_stops_before_any_request(desk: Desk, key: str, pinned: str) -> None:
    """Scenario 14."""
    with pytest.raises(WrongAccount, match=f"mode: {pinned}"):
        desk.connect(key, mode=pinned).pin()
    assert desk.sandbox.requests == []


def test_the_account_is_asked_for_only_where_it_is_pinned(desk: Desk) -> None:
    """One request; the key's own account needs no header."""
    api = desk.connect(account="acct_1Sandbox", mode="test")
    api.pin()
    assert api.account() == "acct_1Sandbox" and desk.connect().account() == ""
    api.get("/v1/products")
    assert [request.path for request in desk.sandbox.requests] == ["/v1/account", "/v1/products"]
    assert "stripe-account" not in {key.lower() for key in desk.sandbox.requests[-1].headers}


def test_a_connected_account_is_acted_on_by_header(desk: Desk) -> None:
    """The platform's key reaches it, and every later request says so."""
    desk.sandbox.connected = frozenset({"acct_2"})
    api = desk.connect(account="acct_2")
    api.pin()
    api.get("/v1/products")
    assert dict(desk.sandbox.requests[-1].headers)["stripe-account"] == "acct_2"


def test_another_account_stops_the_run(desk: Desk) -> None:
    """Neither the key's own nor connected to it."""
    with pytest.raises(WrongAccount, match="acct_3 is pinned"):
        desk.connect(account="acct_3").pin()


def test_every_request_carries_key_and_version(desk: Desk) -> None:
    """The account's default version never applies."""
    desk.connect("sk_test_9", api_version="2024-06-20").get("/v1/products")
    headers = dict(desk.sandbox.requests[-1].headers)
    assert headers["stripe-version"] == "2024-06-20"
    assert "AIAgent" not in headers.get("user-agent", "") and not any("telemetry" in key for key in headers)


# pages

def served(*pages: Any) -> StripeApi:
    """A client of a server that gives these answers, one after the other."""
    left = list(pages)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=left.pop(0)))
    return StripeApi(StripeSettings(api_key=Secret("sk_test_1")), connection="stripe", transport=transport,
                     clock=TestClock())


def page(*ids: str, more: bool = False) -> dict[str, Any]:
    """A page of a list."""
    return {"object": "list", "url": "/v1/products", "has_more": more, "data": [{"id": id} for id in ids]}


def test_a_list_takes_one_request_a_hundred(desk: Desk) -> None:
    """201 products are three requests; all are seen once, in order."""
    for n in range(201):
        desk.api.send(Call("POST", "/v1/products", {"id": f"p{n}", "name": "x"}), f"k{n}")
    before = desk.api.reads_made
    found = [body["id"] for body in desk.api.pages("/v1/products")]
    assert found == [f"p{n}" for n in reversed(range(201))] and desk.api.reads_made == before + 3


@pytest.mark.parametrize("pages", [
    [page("a", more=True), page("a", more=True)],
    [page("a", "b", more=True), page("b", "a", more=True)],
    [page(more=True)],
    [{"object": "list", "data": []}],
    [{"object": "product", "id": "a"}],
    [{"object": "list", "has_more": False, "data": [{"name": "no id"}]}],
    [[]],
])
def test_what_is_not_a_whole_list_is_no_answer(pages: list[Any]) -> None:
    """A circle, an empty page that promises more, another shape: an error, never a smaller world."""
    with pytest.raises(Unreadable):
        list(served(*pages).pages("/v1/products"))


def test_an_object_that_moved_between_pages_is_seen_once() -> None:
    """A list that changes while it is read shows nothing twice."""
    assert [b["id"] for b in served(page("a", "b", more=True), page("b", "c")).pages("/v1/products")] == ["a", "b", "c"]


# errors

@pytest.mark.parametrize(("answer", "kind"), [
    (error(400, param="recurring[interval]", code="parameter_invalid"), Refused),
    (error(402, type="card_error", code="card_declined"), Refused),
    (error(401), Denied), (error(403), Denied), (error(404, code="resource_missing"), Missing),
    (error(400, type="idempotency_error"), Unsure),
    (error(500, type="api_error"), Unsure), (Response(502, "<html>"), Unsure),
])
def test_answers_mean_what_stripe_means(desk: Desk, answer: Response, kind: type[Failure]) -> None:
    """A refusal proves that nothing happened; a key used for something else, and a 5xx, prove nothing."""
    once(desk, answer, 10)
    with pytest.raises(Failure) as caught:
        desk.api.send(MAKE, "k1")
    assert type(caught.value) is kind


def test_a_refusal_names_the_field_and_the_request(desk: Desk) -> None:
    """In the manifest's notation, with the id that Stripe's support asks for."""
    once(desk, error(400, param="tiers[0][up_to]", code="parameter_invalid"))
    with pytest.raises(Refused) as caught:
        desk.api.send(MAKE, "k1")
    refusal = caught.value
    assert (refusal.param, refusal.code, refusal.request_id) == ("tiers[0].up_to", "parameter_invalid", "req_9")


@pytest.mark.parametrize("answer", [
    error(429, code="rate_limit"), error(429, code="lock_timeout"),
    error(409, type="idempotency_error", code="idempotency_key_in_use")])
def test_what_asks_to_come_again_is_asked_again_under_the_same_key(desk: Desk, answer: Response) -> None:
    """Rate limits, locks and a key in flight; there is one object in the end (scenario 12)."""
    once(desk, answer)
    desk.api.send(MAKE, "k1")
    assert desk.clock.slept and len(desk.sandbox.objects["/v1/products"]) == 1


def test_one_key_makes_one_object(desk: Desk) -> None:
    """The same request replays its answer; another request under the key says: look up."""
    first = desk.api.send(Call("POST", "/v1/products", {"name": "A"}), "k1")
    assert desk.api.send(Call("POST", "/v1/products", {"name": "A"}), "k1") == first
    with pytest.raises(Unsure):
        desk.api.send(Call("POST", "/v1/products", {"name": "B"}), "k1")
    assert len(desk.sandbox.objects["/v1/products"]) == 1


@pytest.mark.parametrize(("key", "said"), [("sk_live_1", 1), ("rk_live_1", 1), ("sk_test_1", 0), ("placeholder", 0)])
def test_live_mode_is_told_with_every_plan(desk: Desk, key: str, said: int) -> None:
    """A reviewer sees it beside the summary; in the sandbox and in test mode there is nothing to say."""
    found = list(desk.connect(key).remarks())
    assert len(found) == said and all("live mode" in line for line in found)
