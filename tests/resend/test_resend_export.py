"""A team that people filled by hand becomes manifests whose plan is only equal adoptions."""

from __future__ import annotations

from dataclasses import replace

from reconciler.engine.exporting import Export, export
from reconciler.engine.observe import observe
from reconciler.model import Op
from tests.resend.desk import Team


def exported(team: Team) -> Export:
    """Everything that nothing declares."""
    made = team.world({})
    seen = observe(team.kinds, (), made.ledger, everything=True)
    return export(replace(made, observed=seen), lambda kind, live: True)


def test_an_export_plans_only_adoptions(team: Team) -> None:
    """Drafts stay drafts, keys are bound by their id, twins too; nothing is written."""
    desk = team.desk
    desk.by_hand("domains", name="mail.sql2.ai", region="eu-west-1", tracking_subdomain="links", custom_return_path="bounce")
    draft = desk.by_hand("templates", name="Draft", alias="draft", html="<p>x</p>", reply_to="a@example.com")
    done = desk.by_hand("templates", name="Done", alias="done", html="<p>{{{A}}}</p>", variables=[
        {"key": "A", "type": "number", "fallback_value": 3}])
    desk.sandbox.collection("templates").act(done, "publish")
    desk.by_hand("templates", name="Nameless", html="<p>y</p>")
    for _ in range(2):
        desk.by_hand("webhooks", endpoint="https://a.example/", events=["email.sent"])
    desk.by_hand("api-keys", name="web", permission="sending_access")
    desk.by_hand("segments", name="Pro", filter={"plan": "pro"})
    desk.by_hand("topics", name="News", default_subscription="opt_in", description="Monthly")
    desk.by_hand("contact-properties", key="plan", type="string", fallback_value="free")
    found: dict[str, dict[str, object]] = {}
    for address, fields in exported(team).entries.items():
        found.setdefault(address.kind.partition(".")[2], {})[address.name] = fields
    assert found["template"]["draft"]["published"] is False and "published" not in found["template"]["done"]  # type: ignore[index]
    assert found["api_key"] == {"web": {"name": "web", "lifecycle": {"id": desk.one("api-keys")["id"]}}}
    assert len(found["webhook"]) == 2 and draft["status"] == "draft"
    made = team.plan(found)
    assert {action.op for action in made.actions} == {Op.ADOPT}, [(a.address, a.changes, a.blocked) for a in made.actions]
    assert len(made.actions) == 10
    assert [one.path for one in team.settle(found)] == []


def test_what_can_not_be_declared_is_said(team: Team) -> None:
    """A draft of the visual editor has no html, and a webhook's events may read as null."""
    desk = team.desk
    desk.by_hand("templates", name="Editor", alias="editor", html="<p>x</p>")["html"] = ""
    desk.by_hand("webhooks", endpoint="https://a.example/", events=["email.sent"])["events"] = None
    found = exported(team)
    assert not found.entries
    assert sorted(line.partition(": ")[2] for line in found.left_out) == [
        "events can't be read back, so it is not written", "html can't be read back, so it is not written"]
