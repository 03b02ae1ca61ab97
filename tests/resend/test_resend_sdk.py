"""The official `resend` SDK as the sandbox's client, in this process and over a loopback port."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from reconciler.sandbox.serve import Server
from reconciler.sandbox.store import Request
from tests.resend.desk import Desk, Team, judge
from tests.resend.stack import MAIL

resend = pytest.importorskip("resend")


class InProcess(resend.HTTPClient):  # type: ignore[misc, name-defined]
    """Hands the SDK's requests to a sandbox."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def request(self, method: str, url: str, headers: Mapping[str, str], json: Any = None, files: Any = None,
                data: Any = None) -> tuple[bytes, int, Mapping[str, str]]:
        """One request, answered at once."""
        body = _bytes(json) if json and method not in ("get", "delete") else b""
        answer = self.desk.sandbox.handle(Request.of(method.upper(), url.removeprefix("https://api.resend.com"), headers, body))
        return _bytes(answer.body), answer.status, {"content-type": "application/json", **answer.headers}


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.fixture(params=["in process", "on a port"])
def client(team: Team, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The SDK, whose state is a module's, pointed at the team."""
    monkeypatch.setattr(resend, "api_key", "re_sdk")
    if request.param == "in process":
        monkeypatch.setattr(resend, "default_http_client", InProcess(team.desk))
        yield resend
        return
    with Server({"resend": team.desk.sandbox}) as server:
        monkeypatch.setattr(resend, "api_url", server.url("resend"))
        yield resend


def test_the_sdk_sees_what_was_applied(client: Any, team: Team) -> None:
    """Domains, templates, webhooks, keys and topics are as it knows them."""
    team.settle(MAIL)
    domain = client.Domains.get(team.desk.one("domains")["id"])
    assert (domain["name"], domain["region"], domain["status"]) == ("mail.sql2.ai", "eu-west-1", "not_started")
    assert [(one["record"], one["type"], one["name"]) for one in domain["records"]] == [
        ("SPF", "MX", "send.mail"), ("SPF", "TXT", "send.mail"), ("DKIM", "TXT", "resend._domainkey.mail")]
    template = client.Templates.get("sql2ai-welcome")
    assert (template["status"], template["subject"]) == ("published", "Welcome, {{{USER_NAME}}}")
    assert {one["alias"] for one in client.Templates.list()["data"]} == {"sql2ai-usage-warning", "sql2ai-welcome"}
    hook = client.Webhooks.get(team.desk.one("webhooks")["id"])
    assert hook["signing_secret"] == team.sink.held["kv/api/resend#webhook_secret"]
    assert [one["name"] for one in client.ApiKeys.list()["data"]] == ["sql2ai-api"]
    assert client.Topics.list()["data"][0]["default_subscription"] == "opt_in"


def test_a_plan_sees_what_the_sdk_changes(client: Any, team: Team) -> None:
    """The SDK's edits are drift, and taken back."""
    team.settle(MAIL)
    nouns = ("domains", "templates", "webhooks", "topics")
    domain, template, hook, topic = (next(iter(team.desk.held(noun))) for noun in nouns)
    client.Domains.update({"id": domain, "click_tracking": True, "tls": "opportunistic"})
    client.Domains.verify(domain)
    client.Templates.update({"id": template, "name": "Edited", "html": "<p>Edited</p>"})
    client.Webhooks.update({"webhook_id": hook, "events": ["email.sent"]})
    client.Topics.update(topic, {"description": "Edited"})
    client.ApiKeys.update({"id": next(iter(team.desk.held("api-keys"))), "name": "edited"})
    changed = {str(action.address).removeprefix("resend."): sorted(change.path for change in action.changes)
               for action in team.plan(MAIL).actions if action.acts}
    assert changed.pop("domain/mail") == ["click_tracking"]
    assert changed.pop("webhook/delivery") == ["events"] and changed.pop("api_key/api") == ["name"]
    assert [paths for address, paths in changed.items() if address.startswith("template/")] == [["html", "published"]]
    team.settle(MAIL)


def test_the_sdk_makes_and_removes_segments_and_properties(client: Any, team: Team) -> None:
    """Its renames and nulls are taken, as ours are."""
    segment = client.Segments.create({"name": "Beta"})
    client.Segments.update(segment["id"], {"name": "Testers"})
    assert client.Segments.get(segment["id"])["name"] == "Testers"
    made = client.ContactProperties.create({"key": "plan", "type": "string", "fallback_value": "free"})
    client.ContactProperties.update({"id": made["id"], "fallback_value": None})
    assert "fallback_value" not in client.ContactProperties.get(made["id"])
    assert client.Segments.remove(segment["id"])["deleted"] and client.ContactProperties.remove(made["id"])["deleted"]
    assert not team.desk.held("segments") and not team.desk.held("contact-properties")


def test_errors_are_the_ones_that_the_sdk_knows(client: Any, team: Team) -> None:
    """Missing fields, wrong regions, unknown objects and spent limits arrive as its own classes."""
    from resend import exceptions

    with pytest.raises(exceptions.MissingRequiredFieldsError):
        client.Templates.create({"name": "x"})
    with pytest.raises(exceptions.ResendError) as caught:
        client.Domains.get("nobody")
    assert str(caught.value.code) == "404" and caught.value.error_type == "not_found"
    with pytest.raises(exceptions.ValidationError):
        client.Domains.create({"name": "no domain"})
    team.desk.sandbox.per_second = 1
    client.Topics.list()
    with pytest.raises(exceptions.RateLimitError):
        client.Topics.list()
    judge(team.desk)
