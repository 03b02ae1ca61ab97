"""The digest's acceptance scenarios for domains, templates and topics, engine included."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.engine.observe import observe
from reconciler.errors import Exhausted, Refused
from reconciler.model import Call, Impact, Op, Result
from reconciler.sandbox.store import Request, Response
from tests.resend.desk import Desk, Team, lines
from tests.resend.stack import MAIL, changed

DOMAIN = {"domain": MAIL["domain"]}
TEMPLATE = {"template": {"welcome": MAIL["template"]["welcome"]}}


def test_an_empty_team_is_filled_in_order(team: Team) -> None:
    """Scenario 1: each template is made and published, the key after its domain; then nothing changes or is sent by a plan.

    Verifying is no part of it: a later apply asks for that, once.
    """
    writes = team.settle(MAIL)
    sent = lines(writes)
    assert sorted(sent) == ["POST /api-keys", "POST /domains", *["POST /templates"] * 2, *["POST /templates/…/publish"] * 2,
                            "POST /topics", "POST /webhooks"]
    assert sent.index("POST /domains") < sent.index("POST /api-keys")
    domain = team.desk.one("domains", name="mail.sql2.ai")
    key = next(one for one in writes if one.path == "/api-keys")
    assert key.body == {"name": "sql2ai-api", "permission": "sending_access", "domain_id": domain["id"]}
    assert next(one.body for one in writes if one.path == "/domains") == {
        "name": "mail.sql2.ai", "region": "eu-west-1", "tls": "enforced", "click_tracking": False}
    assert {one["status"] for one in team.desk.held("templates").values()} == {"published"}
    assert set(team.sink.held) == {"kv/api/resend#api_key", "kv/api/resend#webhook_secret"}
    before = len(team.desk.sandbox.requests)
    assert team.plan(MAIL).empty and not team.writes(before)
    whole = [f"/domains/{domain['id']}", *(f"/templates/{id}" for id in team.desk.held("templates"))]
    assert team.reads(before) == sorted(["/api-keys", "/domains", "/templates", "/topics", "/webhooks", *whole])
    for expected in (["POST /domains/…/verify"], []):
        before = len(team.desk.sandbox.requests)
        team.apply(MAIL)
        assert lines(team.writes(before)) == expected


def test_a_changed_switch_is_one_request_and_leaves_the_domain_verified(team: Team) -> None:
    """Scenario 2: one PATCH with that field; asking to verify would make a verified domain pending."""
    team.settle(DOMAIN)
    team.desk.looked("mail.sql2.ai", "verified")
    writes = team.settle(changed("domain/mail/click_tracking", True, DOMAIN))
    assert lines(writes) == ["PATCH /domains/…"] and writes[0].body == {"click_tracking": True}
    assert team.desk.one("domains", name="mail.sql2.ai")["status"] == "verified"
    before = len(team.desk.sandbox.requests)
    team.apply(changed("domain/mail/click_tracking", True, DOMAIN))
    assert not team.writes(before)


@pytest.mark.parametrize("status", ["failed", "partially_verified", "partially_failed", "not_started"])
def test_a_failed_domain_names_its_records_and_is_verified_once(team: Team, status: str) -> None:
    """Scenario 3: no change, a line with what DNS needs, one request of a later apply, and pending from then on."""
    team.settle(DOMAIN)
    team.desk.looked("mail.sql2.ai", status)
    made = team.plan(DOMAIN)
    action = team.action(made, "domain/mail")
    assert made.empty and action.op is Op.NOOP and lines_of(action.after) == ["verify"]
    said = next(note.text for note in action.notes if note.subject == "status")
    assert said == (f"{status}; needs DNS: MX send.mail.sql2.ai, TXT send.mail.sql2.ai, "
                    "TXT resend._domainkey.mail.sql2.ai")
    report = team.apply(DOMAIN)
    assert all(outcome.result is Result.DONE for outcome in report.outcomes)
    again = team.action(team.plan(DOMAIN), "domain/mail")
    assert not again.after and again.notes[0].text.startswith("pending; Resend is looking for MX")


def lines_of(calls: tuple[Call, ...]) -> list[str]:
    return [call.path.rpartition("/")[2] for call in calls]


def test_a_verified_domain_is_not_moved_or_removed_by_itself(team: Team) -> None:
    """Scenario 4: another region is another domain with other keys: refused, and nothing is called without that address."""
    team.settle(DOMAIN)
    team.desk.looked("mail.sql2.ai", "verified")
    moved = changed("domain/mail/region", "us-east-1", DOMAIN)
    for manifest in (moved, {}):
        action = team.action(team.plan(manifest, destroy=not manifest), "domain/mail")
        assert action.op is Op.BLOCKED and "it is verified: mail from it stops" in str(action.blocked)
        assert "--allow irreversible:resend.domain/mail" in str(action.blocked)
        before = len(team.desk.sandbox.requests)
        team.apply(manifest, destroy=not manifest)
        assert not team.writes(before)
    renamed = changed("domain/mail/name", "post.sql2.ai", DOMAIN)
    assert team.action(team.plan(renamed), "domain/mail").op is Op.BLOCKED
    writes = team.settle(moved, allow=("irreversible:resend.domain/mail",))
    assert lines(writes) == ["DELETE /domains/…", "POST /domains"]
    assert team.desk.one("domains", name="mail.sql2.ai")["region"] == "us-east-1"


def test_a_domain_that_never_sent_goes_with_the_consent_of_any_delete(team: Team) -> None:
    """Nothing is lost with it; and one of another name is made before the old one goes."""
    team.settle(DOMAIN)
    writes = team.settle(changed("domain/mail/name", "post.sql2.ai", DOMAIN))
    assert lines(writes) == ["POST /domains", "DELETE /domains/…"]
    assert team.action(team.plan({}, destroy=True), "domain/mail").impact == (Impact.DELETE,)


def test_a_draft_that_somebody_edited_is_written_and_published_again(team: Team) -> None:
    """Scenario 5: as drift; where the draft is as the manifest says, it is published and no more."""
    team.settle(TEMPLATE)
    template = team.desk.one("templates", alias="sql2ai-welcome")
    team.desk.edit("templates", template["id"], html="<p>Hacked</p>")
    action = team.action(team.plan(TEMPLATE), "template/welcome")
    assert action.op is Op.UPDATE and action.impact == (Impact.DRIFT,)
    assert {change.path for change in action.changes if change.drift} == {"html", "published"}
    writes = team.settle(TEMPLATE)
    assert lines(writes) == ["PATCH /templates/…", "POST /templates/…/publish"]
    assert writes[0].body == {"html": "<p>Hello {{{USER_NAME}}}</p>"}
    team.desk.edit("templates", template["id"], html="<p>Hello {{{USER_NAME}}}</p>")
    assert lines(team.settle(TEMPLATE)) == ["POST /templates/…/publish"]


def test_a_changed_template_is_written_and_published_once_each(team: Team) -> None:
    """Scenario 6: and after a crash between the two the next run only publishes."""
    team.settle(TEMPLATE)
    writes = team.settle(changed("template/welcome/html", "<p>Hi {{{USER_NAME}}}</p>", TEMPLATE))
    assert lines(writes) == ["PATCH /templates/…", "POST /templates/…/publish"]
    third = changed("template/welcome/html", "<p>Ho {{{USER_NAME}}}</p>", TEMPLATE)

    def killed(request: Request, number: int) -> Response | None:
        if request.path.endswith("/publish"):
            raise KeyboardInterrupt
        return None

    made = team.plan(third)
    team.desk.sandbox.faults.append(killed)
    with pytest.raises(KeyboardInterrupt):
        team.run(made)
    team.desk.sandbox.faults.clear()
    template = team.desk.one("templates", alias="sql2ai-welcome")
    assert template["html"] == "<p>Ho {{{USER_NAME}}}</p>" and template["has_unpublished_versions"]
    assert template["_published"]["html"] == "<p>Hi {{{USER_NAME}}}</p>"
    assert lines(team.settle(third)) == ["POST /templates/…/publish"]


def test_a_new_template_that_was_never_published_is_published(team: Team) -> None:
    """Scenario 6, at the create: its id is known before its first publication, and nothing is doubled."""
    def refused(request: Request, number: int) -> Response | None:
        body = {"statusCode": 422, "name": "validation_error", "message": "Template HTML is required"}
        return Response(422, body) if request.path.endswith("/publish") else None

    team.desk.sandbox.faults.append(refused)
    report = team.apply(TEMPLATE)
    assert [(outcome.result, outcome.error) for outcome in report.outcomes] == [
        (Result.FAILED, "resend: Template HTML is required")]
    team.desk.sandbox.faults.clear()
    assert lines(team.settle(TEMPLATE)) == ["POST /templates/…/publish"]


@pytest.mark.parametrize(("fields", "said"), [
    ({"html": "<p>{{{FOO}}}</p>"}, "html: uses {{{FOO}}}, which `variables` does not declare"),
    ({"html": "x", "subject": "{{{ FOO }}}", "variables": [{"key": "FOE", "type": "string"}]},
     'subject: uses {{{FOO}}}, which `variables` does not declare: did you mean "FOE"?'),
    ({"html": "x", "variables": [{"key": "EMAIL", "type": "string"}]},
     "variables[0].key: EMAIL is reserved: Resend fills it in itself"),
    ({"html": "x", "variables": [{"key": f"V{n}", "type": "string"} for n in range(51)]},
     "variables: has at most 50 entries"),
    ({"html": "x", "variables": [{"key": "A", "type": "string"}, {"key": "A", "type": "number"}]},
     "variables[1].key: A is declared twice"),
    ({"html": "x", "variables": [{"key": "A", "type": "number", "fallback_value": "1"}]},
     "variables[0].fallback_value: must be a number, as its type says"),
    ({"html": "x", "variables": [{"key": "A", "type": "boolean"}]}, "variables[0].type: must be one of string, number")])
def test_variables_are_checked_offline(team: Team, fields: dict[str, Any], said: str) -> None:
    """Scenario 7: undeclared, reserved, too many, twice, of another type: findings, and no request."""
    assert team.findings("template", **fields) == [said]
    assert not team.desk.sandbox.requests


def test_contact_fields_need_no_declaration(team: Team) -> None:
    """What Resend fills in itself may be used, with a fallback or of a contact."""
    assert not team.findings("template", html="{{{FIRST_NAME|there}}} {{{contact.plan}}} {{{RESEND_UNSUBSCRIBE_URL}}} {{X}}")


def test_a_text_that_is_left_out_is_nobodys_business(team: Team) -> None:
    """Scenario 8: Resend makes one of the html; an empty one means that there is none, and null the same."""
    team.settle(TEMPLATE)
    live = observe(team.kinds, team.resources(TEMPLATE), team.store.read()).of("resend.template")
    assert [one.fields["text"] for one in live.values()] == ["Hello {{{USER_NAME}}}"]
    assert team.plan(TEMPLATE).empty
    for value in (None, ""):
        bare = changed("template/welcome/text", value, TEMPLATE)
        writes = team.settle(bare)
        assert [one.body for one in writes if one.method == "PATCH"] in ([{"text": ""}], [])
        assert team.desk.one("templates", alias="sql2ai-welcome")["text"] == ""


def test_two_objects_of_one_name_are_both_named(team: Team) -> None:
    """Scenario 10: nobody can say which key or webhook is meant; `lifecycle.id` can, and a ledger knows its own."""
    manifest = {noun: MAIL[noun] for noun in ("webhook", "api_key", "domain")}
    endpoint = MAIL["webhook"]["delivery"]["endpoint"]
    hooks = [team.desk.by_hand("webhooks", endpoint=endpoint, events=["email.sent"]) for _ in range(2)]
    keys = [team.desk.by_hand("api-keys", name="sql2ai-api") for _ in range(2)]
    made = team.plan(manifest)
    for address, twins in (("webhook/delivery", hooks), ("api_key/api", keys)):
        action = team.action(made, address)
        assert action.op is Op.BLOCKED and all(one["id"] in str(action.blocked) for one in twins)
    before = len(team.desk.sandbox.requests)
    team.apply({noun: manifest[noun] for noun in ("webhook",)})
    assert not team.writes(before)
    for twin in (*hooks, *keys):
        team.desk.sandbox.collection("webhooks" if twin in hooks else "api-keys").deleted(twin)
    team.settle(manifest)
    team.desk.by_hand("webhooks", endpoint=endpoint, events=["email.sent"])
    team.desk.by_hand("api-keys", name="sql2ai-api")
    assert team.plan(manifest).empty


def test_a_lost_answer_makes_no_second_domain(team: Team) -> None:
    """Scenario 11: the create is not sent again, because Resend keeps no key of it; the next run finds it by its name."""
    lost: list[str] = []

    def cut(request: Request, number: int) -> None:
        if request.method == "POST" and request.path == "/domains" and not lost:
            lost.append(request.path)
            team.desk.sandbox.collection("domains").made({"name": "mail.sql2.ai", "region": "eu-west-1"})
            raise httpx.ReadTimeout("no answer")

    team.desk.sandbox.faults.append(cut)
    report = team.apply(DOMAIN)
    assert lost and [outcome.result for outcome in report.outcomes] == [Result.UNKNOWN]
    before = len(team.desk.sandbox.requests)
    team.settle(DOMAIN)
    assert "POST /domains" not in lines(team.writes(before)) and len(team.desk.held("domains")) == 1


def test_a_topic_keeps_its_subscriptions(team: Team) -> None:
    """Scenario 15: how people are subscribed at first is given at creation; another topic would have nobody."""
    manifest = {"topic": MAIL["topic"]}
    team.settle(manifest)
    flipped = changed("topic/updates/default_subscription", "opt_out", manifest)
    action = team.action(team.plan(flipped), "topic/updates")
    assert action.op is Op.BLOCKED and "would lose every subscription" in str(action.blocked)
    before = len(team.desk.sandbox.requests)
    team.apply(flipped)
    assert not team.writes(before)
    assert "reconciler" not in str(team.desk.held("topics"))


def test_sixty_templates_stay_below_the_limit() -> None:
    """Scenario 12: at two requests a second for the whole team nothing is refused, and half is left to its mail."""
    team = Team(connections=1)  # on a clock that is turned by whoever waits, several would wait past one another
    team.desk.sandbox.per_second = 2
    html = {f"t{n}": {"html": f"<p>{n}</p>"} for n in range(60)}
    team.settle({"template": html})
    statuses = {one.status for one in team.desk.sandbox.requests}
    assert 429 not in statuses and len(team.desk.held("templates")) == 60
    assert team.desk.told[0] == ("resend: 1 requests a second, half of the team's limit: the other half is left to its mail "
                                 "(requests_per_second changes that)")


@pytest.mark.parametrize(("quota", "when"), [("daily", "tomorrow"), ("monthly", "next month")])
def test_a_used_up_quota_stops_at_once(quota: str, when: str) -> None:
    """Scenario 12: it is no limit of a second, though the same status says so: one request, its own words, no waiting."""
    desk = Desk()
    desk.sandbox.quota = quota
    with pytest.raises(Exhausted) as caught:
        list(desk.api.pages("/domains"))
    assert quota in caught.value.message and when in caught.value.next
    assert len(desk.sandbox.requests) == 1 and not desk.clock.slept
    with pytest.raises(Refused):
        desk.api.send(Call("POST", "/topics", {"name": "x", "default_subscription": "opt_in"}))
    assert len(desk.sandbox.requests) == 2
