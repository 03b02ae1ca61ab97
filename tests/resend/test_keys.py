"""Keys and webhooks: what is shown once is handed over or undone, and nothing that is in use is taken away unasked."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from reconciler.engine.observe import observe
from reconciler.model import Fate, Impact, Op, Result
from tests.resend.desk import Team, lines
from tests.resend.stack import MAIL, ONLY_KEY, SECRET, changed

KEYS = {"domain": MAIL["domain"], "api_key": MAIL["api_key"]}
DAY = 86400.0


def turned(word: str, **life: Any) -> dict[str, Any]:
    """The key's entry with another word under `rotate`."""
    manifest = copy.deepcopy(ONLY_KEY)
    manifest["api_key"]["api"]["lifecycle"] |= {"rotate": word, **life}
    return manifest


def test_what_a_key_may_do_is_compared_with_what_was_written(team: Team) -> None:
    """Scenario 9: the list tells neither permission nor domain; a change of them makes a new key, and says why."""
    team.settle(KEYS)
    team.desk.looked("mail.sql2.ai", "verified")
    assert team.plan(KEYS).empty
    other = changed("api_key/api/permission", "full_access", changed("api_key/api/domain", ..., KEYS))
    action = team.action(team.plan(other), "api_key/api")
    assert action.op is Op.REPLACE and [change.path for change in action.changes] == ["permission"]
    assert "live permission and domain can't be read" in " ".join(note.text for note in action.notes)
    assert Impact.ACCESS in action.impact
    writes = team.settle(other)
    assert lines(writes) == ["POST /api-keys", "DELETE /api-keys/…"]
    assert writes[0].body == {"name": "sql2ai-api", "permission": "full_access"}
    assert team.desk.one("api-keys")["permission"] == "full_access"


def test_a_key_that_is_made_again_without_its_domain_says_so(team: Team) -> None:
    """The new key may send for every domain: nothing at Resend would show that."""
    team.settle(KEYS)
    team.desk.looked("mail.sql2.ai", "verified")
    free = changed("api_key/api/domain", ..., KEYS)
    told = {note.subject: note.text for note in team.action(team.plan(free), "api_key/api").notes}
    assert told["domain"] == "no longer managed (stays as it was written)"
    again = copy.deepcopy(free)
    again["api_key"]["api"].setdefault("lifecycle", {})["rotate"] = "2"
    action = team.action(team.plan(again), "api_key/api")
    told = {note.subject: note.text for note in action.notes}
    assert action.effect == "rotate" and told["domain"] == "no longer managed (the new one is made without it)"


def test_a_renamed_key_keeps_its_token(team: Team) -> None:
    """A name is one PATCH."""
    team.settle(KEYS)
    team.desk.looked("mail.sql2.ai", "verified")
    held = dict(team.sink.held)
    assert lines(team.settle(changed("api_key/api/name", "sql2ai-web", KEYS))) == ["PATCH /api-keys/…"]
    assert team.sink.held == held


def test_a_lost_ledger_trusts_the_key_of_that_name(team: Team) -> None:
    """Nothing is made again, and what can't be read is not overwritten."""
    team.settle(KEYS)
    team.store.records = team.store.records[:1]
    made = team.plan(KEYS)
    assert {str(a.address): a.op for a in made.actions} == {
        "resend.domain/mail": Op.ADOPT, "resend.api_key/api": Op.ADOPT}
    assert "token unknown, rotate to obtain" in [note.text for note in team.action(made, "api_key/api").notes]
    assert not team.settle(KEYS)


def test_a_token_goes_to_its_sink_and_nowhere_else(team: Team) -> None:
    """Scenario 13: no plan, no ledger and no error holds it."""
    made = team.plan(KEYS)
    report = team.run(made)
    token = team.sink.held["kv/api/resend#api_key"]
    assert token.startswith("re_")
    assert token not in json.dumps(team.store.records) + repr(report) + repr(made) + repr(team.plan(KEYS))


def test_a_failing_sink_undoes_the_new_key(team: Team) -> None:
    """Scenario 13: refused before it is made, or deleted again right after; the next run makes one that is delivered."""
    for moment, expected in (("check", []), ("put", ["POST /api-keys", "DELETE /api-keys/…"])):
        team.sink.broken = moment
        before = len(team.desk.sandbox.requests)
        report = team.apply(ONLY_KEY)
        assert [outcome.result for outcome in report.outcomes] == [Result.FAILED]
        assert lines(team.writes(before)) == expected and not team.desk.held("api-keys")
    assert "the new object was removed again" in report.outcomes[0].error
    team.sink.broken = ""
    team.settle(ONLY_KEY)
    assert len(team.desk.held("api-keys")) == 1 and len(team.sink.held) == 1


def test_a_rotation_delivers_before_it_deletes(team: Team) -> None:
    """A changed word: a new key, its token at the sink, then the old one goes; a failing sink leaves the old one alone."""
    team.settle(turned("1"))
    old, token = team.desk.one("api-keys")["id"], dict(team.sink.held)
    team.sink.broken = "put"
    before = len(team.desk.sandbox.requests)
    team.apply(turned("2"))
    assert lines(team.writes(before)) == ["POST /api-keys", "DELETE /api-keys/…"]
    assert list(team.desk.held("api-keys")) == [old] and team.sink.held == token
    team.sink.broken = ""
    writes = team.settle(turned("2"))
    assert lines(writes) == ["POST /api-keys", "DELETE /api-keys/…"] and writes[1].path.endswith(old)
    assert team.sink.held != token


def test_a_key_in_use_is_not_taken_away_by_a_rotation(team: Team) -> None:
    """Refused, unless the old key may stay for a while; then it goes in a later plan, once nobody uses it."""
    team.settle(turned("1"))
    team.desk.used("sql2ai-api", ago=2 * DAY)
    old = team.desk.one("api-keys")["id"]
    action = team.action(team.plan(turned("2")), "api_key/api")
    assert action.op is Op.BLOCKED and "was used 2 d ago" in str(action.blocked) and "keep_old" in str(action.blocked)
    kept = turned("2", keep_old="7d")
    assert lines(team.settle(kept)) == ["POST /api-keys"]
    team.clock.sleep(8 * DAY)
    team.desk.held("api-keys")[old]["last_used_at"] = team.desk.sandbox.collection("api-keys").at(team.clock.now() - DAY)
    made = team.plan(kept)
    assert made.empty and f"old {old} stays: it was used 23 h ago" in team.action(made, "api_key/api").notes[-1].text
    team.clock.sleep(7 * DAY)
    assert lines(team.settle(kept)) == ["DELETE /api-keys/…"]
    assert old not in team.desk.held("api-keys")


@pytest.mark.parametrize(("ago", "refused"), [(60.0, "within the hour"), (5 * 3600.0, "5 h ago"), (6.9 * DAY, "6 d ago"),
                                              (7.1 * DAY, "")])
def test_a_key_that_was_used_this_week_is_not_deleted(team: Team, ago: float, refused: str) -> None:
    """Its entry is gone and it stays, unless that address is named; one that nobody uses goes as any other."""
    manifest = {**ONLY_KEY, "topic": MAIL["topic"]}
    team.settle(manifest)
    team.desk.used("sql2ai-api", ago)
    left = {"topic": MAIL["topic"]}
    action = team.action(team.plan(left), "api_key/api")
    assert (action.op is Op.BLOCKED) == bool(refused)
    if refused:
        assert f"it was used {refused}, and what sends with it stops" in str(action.blocked)
    assert lines(team.settle(left, allow=("irreversible:resend.api_key/api",))) == ["DELETE /api-keys/…"]


def test_a_time_that_nobody_can_read_counts_as_now(team: Team) -> None:
    """What is not understood is not taken for unused."""
    team.settle(ONLY_KEY)
    team.desk.one("api-keys")["last_used_at"] = "soon"
    live = next(iter(observe(team.kinds, team.resources(ONLY_KEY), team.store.read()).of("resend.api_key").values()))
    assert team.kinds["resend.api_key"].fate(live) == Fate(
        "delete", irreversible=True, why="it was used within the hour, and what sends with it stops")


def test_a_key_whose_token_nobody_takes_is_a_finding(team: Team) -> None:
    """Without `deliver` or a reference it would be lost at once; bound to what is there it is only looked after."""
    assert team.findings("api_key", name="x") == [
        "token of resend.api_key/x is shown once, when it is made, and nothing takes it"]
    assert not team.findings("api_key", name="x", lifecycle={"id": "k1"})
    assert team.findings("api_key", name="x", domain="d1", lifecycle={"id": "k1"}) == [
        "domain: only a key with permission: sending_access is limited to a domain"]


# webhooks


def test_a_webhook_that_leaves_is_removed_and_no_other(team: Team) -> None:
    """Scenario 14: the ledger knows ours; somebody else's stays as it is."""
    manifest = {"webhook": MAIL["webhook"], "topic": MAIL["topic"]}
    foreign = team.desk.by_hand("webhooks", endpoint="https://example.com/hook", events=["email.sent"])
    team.settle(manifest)
    writes = team.settle({"topic": MAIL["topic"]})
    assert lines(writes) == ["DELETE /webhooks/…"]
    assert list(team.desk.held("webhooks").values()) == [foreign]


def test_a_signing_secret_can_be_referred_to(team: Team) -> None:
    """It is read one by one where somebody wants it, and only there."""
    team.settle({"webhook": MAIL["webhook"]})
    from reconciler.contract import Ask

    kind = team.kinds["resend.webhook"]
    bare = list(kind.list(Ask(ids=frozenset(team.desk.held("webhooks")))))
    shown = list(kind.list(Ask(ids=frozenset(team.desk.held("webhooks")), outputs=frozenset({"signing_secret"}))))
    assert ["signing_secret" in one.outputs for one in (*bare, *shown)] == [False, True]
    assert shown[0].outputs["signing_secret"].reveal() == team.sink.held["kv/api/resend#webhook_secret"]
    assert "whsec_" not in repr(shown) + json.dumps(shown[0].raw)


def test_a_turned_webhook_stands_beside_the_old_one_until_its_secret_is_delivered(team: Team) -> None:
    """Create, deliver, delete: and the plan says that consumers must know the new secret."""
    manifest = {"webhook": copy.deepcopy(MAIL["webhook"])}
    team.settle(manifest)
    before = dict(team.sink.held)
    manifest["webhook"]["delivery"]["lifecycle"] = {"rotate": "2026-11", "deliver": SECRET}
    assert Impact.ACCESS in team.action(team.plan(manifest), "webhook/delivery").impact
    assert lines(team.settle(manifest)) == ["POST /webhooks", "DELETE /webhooks/…"]
    assert team.sink.held != before and len(team.desk.held("webhooks")) == 1


def test_a_webhook_that_moves_says_where_events_go(team: Team) -> None:
    """Another host learns what happens to customers' mail: access."""
    manifest = {"webhook": MAIL["webhook"]}
    team.settle(manifest)
    moved = changed("webhook/delivery/endpoint", "https://evil.example/hook", manifest)
    action = team.action(team.plan(moved), "webhook/delivery")
    assert Impact.ACCESS in action.impact
    assert "events go to another host: evil.example instead of api.sql2.ai" in [note.text for note in action.notes]
    off = changed("webhook/delivery/status", "disabled", manifest)
    assert "no event is sent while it is off" in [n.text for n in team.action(team.plan(off), "webhook/delivery").notes]
    assert team.findings("webhook", endpoint="https:///x", events=["email.sent"]) == ["endpoint: has no host"]
    quiet = team.plan({"webhook": {"x": {"endpoint": "https://a.example/", "events": ["email.sent"]}}})
    assert "its signing secret goes nowhere" in team.action(quiet, "webhook/x").notes[0].text
