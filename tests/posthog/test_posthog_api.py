"""The client: keys and hosts, pages, budgets, errors, and what is asked again."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from reconciler.clock import TestClock
from reconciler.errors import Denied, Exhausted, Failure, Missing, Refused, Unreadable, Unsure
from reconciler.model import Call
from reconciler.sandbox.serve import Server
from reconciler.sandbox.store import Response
from reconciler.secret import Secret
from reconciler.vendors.posthog import VENDOR, PostHogSettings
from reconciler.vendors.posthog.api import PostHogApi
from tests.posthog.desk import ROOT, Desk, everyone

FLAGS = f"{ROOT}/feature_flags/"
MAKE = Call("POST", FLAGS, {"key": "beta", "filters": {"groups": [everyone()]}})


def settings(**given: Any) -> PostHogSettings:
    """Settings of a connection."""
    return PostHogSettings(**{"personal_api_key": Secret("phx_1"), "project": 4711, **given})


def served(*pages: Any, base: str = "https://eu.posthog.com") -> tuple[PostHogApi, list[httpx.URL]]:
    """A client of a server that gives these answers one after the other, and the addresses that it was asked for."""
    left, asked = list(pages), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        page = left.pop(0)
        return page if isinstance(page, httpx.Response) else httpx.Response(200, json=page)

    api = PostHogApi(settings(base_url=base), connection="posthog", transport=httpx.MockTransport(answer), clock=TestClock())
    return api, asked


def page(*ids: Any, more: str | None = None, count: int | None = None) -> dict[str, Any]:
    """A page of a list."""
    return {"count": len(ids) if count is None else count, "next": more, "previous": None, "results": [{"id": i} for i in ids]}


# settings

@pytest.mark.parametrize(("given", "said"), [
    ({"personal_api_key": Secret("phc_1")}, "project token"),
    ({"host": "https://us.i.posthog.com"}, "only takes in events"),
    ({"host": "eu.posthog.com"}, "begins with https"),
    ({"project": "a/b"}, "match pattern"), ({"project": True}, "valid string")])
def test_a_key_or_host_that_only_takes_in_events_is_refused(given: dict[str, Any], said: str) -> None:
    """The project token and the ingest hosts serve no management API."""
    with pytest.raises(ValidationError, match=said):
        settings(**given)


@pytest.mark.parametrize(("given", "url"), [
    ({}, "https://us.posthog.com"), ({"host": "https://eu.posthog.com/"}, "https://eu.posthog.com"),
    ({"base_url": "http://localhost:8000/api", "host": "https://eu.posthog.com"}, "http://localhost:8000")])
def test_where_posthog_is(given: dict[str, Any], url: str) -> None:
    """base_url before host before the US cloud."""
    api = PostHogApi(settings(**given), connection="posthog")
    assert api.base_url == url and api.account() == "4711"


def test_every_request_carries_the_personal_key() -> None:
    """As a bearer token."""
    desk = Desk()
    desk.api.get(FLAGS)
    assert desk.sandbox.requests[-1].headers["authorization"] == "Bearer phx_123"


# pages

def test_a_list_takes_one_request_a_hundred() -> None:
    """201 flags are three requests; all are seen once, the newest first; `next` of another host is asked of ours."""
    desk = Desk()
    for n in range(201):
        desk.by_hand("feature_flags", key=f"f{n}", filters={"groups": [everyone()]})
    found = [body["key"] for body in desk.api.pages(FLAGS)]
    assert found == [f"f{n}" for n in reversed(range(201))]
    assert [(r.path, dict(r.query)) for r in desk.sandbox.requests] == [
        (FLAGS, {"limit": "100", **({"offset": str(n)} if n else {})}) for n in (0, 100, 200)]


def test_a_next_link_never_leads_elsewhere() -> None:
    """Behind a proxy its host is another one: path and query are followed on the configured host, also below a path."""
    api, asked = served(page(1, more="http://internal:8000/api/projects/4711/cohorts/?limit=100&offset=100", count=2),
                        page(2, count=2), base="https://proxy.example/posthog")
    assert [body["id"] for body in api.pages("/api/projects/4711/cohorts/")] == [1, 2]
    assert str(asked[1]) == "https://proxy.example/posthog/api/projects/4711/cohorts/?limit=100&offset=100"


@pytest.mark.parametrize("pages", [
    [page(1, more="/x?offset=1", count=2), page(1, more="/x?offset=1", count=2)],
    [page(more="/x?offset=1", count=2)],
    [page(1, count=2)],
    [{"results": []}], [{"count": 0, "next": 5, "results": []}], [{"count": 1, "next": None, "results": [{"name": "x"}]}],
    [[]], [{"count": "1", "next": None, "results": [{"id": 1}]}]])
def test_what_is_not_a_whole_list_is_no_answer(pages: list[Any]) -> None:
    """A circle, an empty page that promises more, fewer objects than promised: an error, never a smaller world."""
    with pytest.raises(Unreadable):
        list(served(*pages)[0].pages("/x"))


def test_an_object_that_moved_between_pages_is_seen_once() -> None:
    """A list that grows while it is read shows nothing twice."""
    api, _ = served(page(3, 2, more="/x?offset=2", count=3), page(2, 1, count=4 - 1))
    assert [body["id"] for body in api.pages("/x")] == [3, 2, 1]


# budgets and errors

def test_the_budgets_of_a_key_are_kept() -> None:
    """480 requests a minute: the 481st waits, which is told; 4,800 an hour: the next wait is too long, and ends the run."""
    desk = Desk()
    for _ in range(481):
        desk.api.get(FLAGS)
    assert sum(desk.clock.slept) == pytest.approx(60.0) and "480 requests in 60 s are used up" in desk.told[-1]
    for _ in range(4800 - 481):
        desk.api.get(FLAGS)
    with pytest.raises(Exhausted, match="posthog: 4800 requests in 3600 s are used up"):
        desk.api.get(FLAGS)


def test_a_sandbox_has_no_budgets() -> None:
    """Its placeholder is no key of PostHog's, and nobody waits for it."""
    desk = Desk(personal_api_key=Secret("placeholder"))
    for _ in range(500):
        desk.api.get(FLAGS)
    assert desk.clock.slept == []


def error(status: int, **fields: Any) -> Response:
    """An answer in PostHog's form of errors."""
    return Response(status, {"type": "validation_error", "code": "invalid", "detail": "no", "attr": None, **fields})


@pytest.mark.parametrize(("answer", "kind", "next"), [
    (error(400, attr="filters", detail="bad"), Refused, ""), (error(402, detail="pay"), Refused, "does not have this feature"),
    (error(401), Denied, "scopes"), (error(403), Denied, "scopes"), (error(404), Missing, ""), (error(405), Refused, ""),
    (error(409, detail="updated by ada"), Refused, "plan again"),
    (error(409, code="approval_required", detail="Approval required"), Refused, "approves"),
    (error(500), Unsure, ""), (Response(502, "<html>"), Unsure, "")])
def test_answers_mean_what_posthog_means(answer: Response, kind: type[Failure], next: str) -> None:
    """A refusal proves that nothing happened, and says what to do; a 5xx proves nothing."""
    desk = Desk()
    desk.sandbox.faults.append(lambda request, n: answer)
    with pytest.raises(Failure) as caught:
        desk.api.send(MAKE)
    assert type(caught.value) is kind and next in caught.value.next


def test_a_refusal_names_the_field() -> None:
    """Two underscores are PostHog's dots."""
    desk = Desk()
    desk.sandbox.faults.append(lambda request, n: error(400, attr="filters__groups", code="invalid_input"))
    with pytest.raises(Refused) as caught:
        desk.api.send(MAKE)
    assert (caught.value.param, caught.value.code, caught.value.message) == ("filters.groups", "invalid_input", "posthog: no")


@pytest.mark.parametrize(("headers", "detail", "wait"), [
    ({"retry-after": "7"}, "", 7), ({}, "Request was throttled. Expected available in 9 seconds.", 9), ({}, "", 1),
    ({"retry-after": "soon"}, "", 1)])
def test_a_throttled_request_is_asked_again(headers: dict[str, str], detail: str, wait: float) -> None:
    """After as long as the header or the text says."""
    desk = Desk()
    left = [Response(429, {"detail": detail}, headers)]
    desk.sandbox.faults.append(lambda request, n: left.pop() if left else None)
    desk.api.send(MAKE)
    assert wait <= sum(desk.clock.slept) < wait + 1 and len(desk.held("feature_flags")) == 1


def test_a_create_is_never_repeated_blindly() -> None:
    """PostHog honours no idempotency key: a 500 is left for a look."""
    desk = Desk()
    left = [error(500)]
    desk.sandbox.faults.append(lambda request, n: left.pop() if left else None)
    with pytest.raises(Unsure):
        desk.api.send(MAKE, "key-1")
    assert desk.held("feature_flags") == {}


def test_the_sandbox_serves_projects_on_a_port() -> None:
    """Two projects know nothing of each other, and a path without its last slash leads nowhere."""
    desk = Desk()
    with Server({"posthog": desk.sandbox}) as server:
        clients = [PostHogApi(settings(project=n, base_url=server.url("posthog")), connection="posthog") for n in (1, 2)]
        clients[0].send(Call("POST", "/api/projects/1/feature_flags/", MAKE.body))
        seen = [len(list(c.pages(f"/api/projects/{n}/feature_flags/"))) for n, c in zip((1, 2), clients, strict=True)]
        with pytest.raises(Failure, match="redirect"):
            clients[0].get("/api/projects/1/feature_flags")
        for client in clients:
            client.close()
    assert seen == [1, 0] and VENDOR.kind("feature_flag") is not None
