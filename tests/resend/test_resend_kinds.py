"""What is true of single kinds: names of records, what was given at creation, what a manifest may not say."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Op
from reconciler.vendors.resend.dns import host, return_path, zoned
from tests.resend.desk import Team, lines
from tests.resend.stack import MAIL, changed

DOMAIN = {"domain": MAIL["domain"]}


@pytest.mark.parametrize(("name", "domain", "whole"), [
    ("send", "sql2.ai", "send.sql2.ai"), ("send.mail", "mail.sql2.ai", "send.mail.sql2.ai"),
    ("resend._domainkey.mail", "mail.sql2.ai", "resend._domainkey.mail.sql2.ai"), ("mail", "mail.sql2.ai", "mail.sql2.ai"),
    ("@", "sql2.ai", "sql2.ai"), ("", "sql2.ai", "sql2.ai"), ("send.mail.sql2.ai", "mail.sql2.ai", "send.mail.sql2.ai"),
    ("sql2.ai.", "sql2.ai", "sql2.ai"), ("send.a.b", "a.b.example.co.uk", "send.a.b.example.co.uk"),
    ("Send", "Mail.SQL2.ai", "send.mail.sql2.ai"), ("send.mail.sql2", "mail.sql2.ai", "send.mail.sql2.ai")])
def test_a_record_has_a_whole_name(name: str, domain: str, whole: str) -> None:
    """Whatever part of the domain Resend takes for the zone."""
    assert host(name, domain) == whole


def test_the_return_path_is_seen_in_the_records(team: Team) -> None:
    """It is in no answer of its own; a manifest that wants another one is told that it stays."""
    made = changed("domain/mail/custom_return_path", "bounce", DOMAIN)
    team.settle(made)
    body = team.desk.sandbox.collection("domains").shown(team.desk.one("domains"))
    assert return_path(body) == "bounce" and zoned(body)[0]["host"] == "bounce.mail.sql2.ai"
    assert not return_path({"name": "x.example"})
    action = team.action(team.plan(changed("domain/mail/custom_return_path", "send", DOMAIN)), "domain/mail")
    assert action.op is Op.NOOP
    assert [note.text for note in action.notes if note.path == "custom_return_path"] == [
        "stays bounce: it is given at creation alone"]


def test_tls_is_sent_when_it_differs_from_what_was_last_written(team: Team) -> None:
    """No answer shows it: a fingerprint tells; an adopted domain is trusted."""
    team.settle(DOMAIN)
    writes = team.settle(changed("domain/mail/tls", "opportunistic", DOMAIN))
    assert lines(writes) == ["PATCH /domains/…"] and writes[0].body == {"tls": "opportunistic"}
    assert team.desk.one("domains")["tls"] == "opportunistic"
    team.store.records = team.store.records[:1]
    assert not team.settle(DOMAIN)


def test_a_domain_says_what_dns_must_have(team: Team) -> None:
    """At its creation, and with each capability that needs more records."""
    made = team.action(team.plan(DOMAIN), "domain/mail")
    assert any("reconciler output --format zone" in note.text for note in made.notes)
    team.settle(DOMAIN)
    tracked = changed("domain/mail/tracking_subdomain", "links", DOMAIN)
    more = changed("domain/mail/capabilities", {"receiving": "enabled"}, tracked)
    notes = [note.path for note in team.action(team.plan(more), "domain/mail").notes if note.subject == "DNS"]
    assert sorted(notes) == ["capabilities.receiving", "tracking_subdomain"]
    writes = team.settle(more)
    assert writes[0].body == {"tracking_subdomain": "links", "capabilities": {"receiving": "enabled"}}
    assert {one["record"] for one in team.desk.sandbox.collection("domains").shown(team.desk.one("domains"))["records"]} == {
        "SPF", "DKIM", "Receiving", "Tracking", "TrackingCAA"}
    strict = team.action(team.plan(changed("domain/mail/capabilities", {"sending": "disabled", "receiving": "enabled"})),
                         "domain/mail")
    assert "no mail is sent from it any more" in [note.text for note in strict.notes]


def test_strict_tls_says_what_it_costs(team: Team) -> None:
    """Servers without TLS get nothing."""
    loose = changed("domain/mail/tls", "opportunistic", DOMAIN)
    team.settle(loose)
    action = team.action(team.plan(DOMAIN), "domain/mail")
    assert "mail to servers without TLS is not sent any more" in [note.text for note in action.notes]


@pytest.mark.parametrize(("noun", "fields", "said"), [
    ("domain", {"name": "nodot"}, "name: must match"), ("domain", {"name": "a..b"}, "name: must match"),
    ("domain", {"name": "x" * 60 + "." + ("y" * 60 + ".") * 4 + "ai"}, "name: has at most 253 characters"),
    ("domain", {"name": "x" * 64 + ".ai"}, "name: has at most 253 characters, and 63 between two dots"),
    ("domain", {"name": "-a.ai"}, "name: must match"),
    ("domain", {"name": "a.example", "capabilities": {"sending": "disabled"}},
     "capabilities: sending and receiving can't both be disabled"),
    ("contact_property", {"key": "a-b", "type": "string"}, "key: must match"),
    ("contact_property", {"key": "a", "type": "number", "fallback_value": "1"}, "fallback_value: must be a number"),
    ("contact_property", {"key": "a", "type": "string", "fallback_value": 1}, "fallback_value: must be a string"),
    ("topic", {"name": "x" * 51, "default_subscription": "opt_in"}, "name: has at most 50 characters"),
    ("topic", {"name": "x"}, "default_subscription is required"),
    ("webhook", {"endpoint": "https://a.example/", "events": []}, "events: has at least 1 entr"),
    ("webhook", {"endpoint": "https://a.example/", "events": ["sent"]}, "events[0]: must match"),
    ("template", {"html": ""}, "html: ")])
def test_what_resend_refuses_is_a_finding(team: Team, noun: str, fields: dict[str, Any], said: str) -> None:
    """Offline, with no request."""
    found = team.findings(noun, **fields)
    assert len(found) == 1 and found[0].startswith(said), found


def test_a_template_s_fallback_stays_where_the_manifest_says_none(team: Team) -> None:
    """The list of variables is written whole, so what is left out of one is carried over."""
    welcome = MAIL["template"]["welcome"]
    manifest = {"template": {"welcome": welcome}}
    team.settle(manifest)
    bare = changed("template/welcome/variables", [{"key": "USER_NAME", "type": "string"}, {"key": "SEATS", "type": "number"}],
                   manifest)
    action = team.action(team.plan(bare), "template/welcome")
    assert [note.text for note in action.notes if "fallback" in note.text] == [
        "SEATS is new and has no fallback: mail that does not give it fails"]
    writes = team.settle(bare)
    assert writes[0].body == {"variables": [{"key": "USER_NAME", "type": "string", "fallback_value": "there"},
                                            {"key": "SEATS", "type": "number"}]}


def test_publishing_can_be_left_to_people(team: Team) -> None:
    """`published: false` writes drafts, and does not care who publishes them."""
    manifest = {"template": {"draft": {"html": "<p>1</p>", "published": False}}}
    assert lines(team.settle(manifest)) == ["POST /templates"]
    template = team.desk.one("templates", alias="draft")
    team.desk.sandbox.collection("templates").act(template, "publish")
    assert team.plan(manifest).empty
    assert lines(team.settle(changed("template/draft/html", "<p>2</p>", manifest))) == ["PATCH /templates/…"]
    assert template["_published"]["html"] == "<p>1</p>"


def test_an_alias_that_changes_or_goes_says_who_fails(team: Team) -> None:
    """Mail is sent by it."""
    manifest = {"template": {"welcome": MAIL["template"]["welcome"]}}
    team.settle(manifest)
    renamed = team.action(team.plan(changed("template/welcome/alias", "hello", manifest)), "template/welcome")
    gone = team.action(team.plan({}, destroy=True), "template/welcome")
    for action in (renamed, gone):
        assert "mail that names sql2ai-welcome fails from now on" in [note.text for note in action.notes]
    assert lines(team.settle(changed("template/welcome/alias", "hello", manifest))) == [
        "PATCH /templates/…", "POST /templates/…/publish"]


def test_what_a_segment_was_made_with_stays(team: Team) -> None:
    """Another segment would have no members; its name is changed in place."""
    manifest = {"segment": {"pro": {"name": "Pro", "filter": {"plan": "pro"}}}}
    team.settle(manifest)
    action = team.action(team.plan(changed("segment/pro/filter", {"plan": "team"}, manifest)), "segment/pro")
    assert action.op is Op.NOOP and [note.text for note in action.notes] == [
        "stays as it was made: another segment would lose its members"]
    before = len(team.desk.sandbox.requests)
    writes = team.settle(changed("segment/pro/name", "Professional", manifest))
    assert lines(writes) == ["PATCH /segments/…"] and writes[0].body == {"name": "Professional"}
    assert len(team.desk.held("segments")) == 1 and team.reads(before)


@pytest.mark.parametrize(("noun", "fields"), [("segment", {}), ("contact_property", {"type": "string"}),
                                              ("topic", {"default_subscription": "opt_in"})])
def test_what_is_lost_with_an_object_is_said(team: Team, noun: str, fields: dict[str, Any]) -> None:
    """Members, values and subscriptions are kept nowhere else."""
    team.settle({noun: {"x": fields}})
    action = team.action(team.plan({}, destroy=True), f"{noun}/x")
    assert action.op is Op.DELETE and [note.text for note in action.notes if "lost" in note.text]
