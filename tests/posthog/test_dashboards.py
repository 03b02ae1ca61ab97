"""Dashboards, engine included: lists that show less, names that are not unique, deletion that hides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.engine.exporting import export
from reconciler.engine.observe import observe
from reconciler.model import Op
from tests.posthog.desk import ROOT, Project, lines


def board(**fields: Any) -> dict[str, Any]:
    """A stack of one dashboard."""
    return {"dashboard": {"Activation": fields}}


def test_a_dashboard_is_read_by_itself_only_for_what_lists_lack(project: Project) -> None:
    """One list for a name and a pin; one read more for filters, and none for somebody else's dashboard."""
    project.desk.by_hand("dashboards", name="Other")
    project.settle(board(pinned=True))
    before = len(project.desk.sandbox.requests)
    assert project.plan(board(pinned=True)).empty and project.reads(before) == ["/dashboards/"]
    project.settle(board(pinned=True, filters={"date_from": "-7d"}))
    id = project.desk.one("dashboards", name="Activation")["id"]
    before = len(project.desk.sandbox.requests)
    assert project.plan(board(pinned=True, filters={"date_from": "-7d"})).empty
    assert project.reads(before) == ["/dashboards/", f"/dashboards/{id}/"]


def test_filters_are_cleared_although_an_empty_map_is_passed_over(project: Project) -> None:
    """What they left open is said by null; the next plan is empty."""
    project.settle(board(filters={"date_from": "-7d"}))
    [write] = project.settle(board(filters=None))
    assert write.body == {"filters": {"date_from": None, "date_to": None, "properties": None}}
    assert project.desk.one("dashboards", name="Activation")["filters"]["date_from"] is None


def test_a_dashboard_that_goes_is_marked_as_deleted(project: Project) -> None:
    """One PATCH; declared once more it is another one, because PostHog no longer shows the first."""
    other = {"Other": {"pinned": True}}
    project.settle({"dashboard": {**board()["dashboard"], **other}})
    id = project.desk.one("dashboards", name="Activation")["id"]
    [write] = project.settle({"dashboard": other})
    assert (write.method, write.path, write.body) == ("PATCH", f"{ROOT}/dashboards/{id}/", {"deleted": True})
    assert lines(project.settle({"dashboard": {**board()["dashboard"], **other}})) == ["POST /dashboards/"]


def test_two_dashboards_of_one_name_are_blocked_until_one_is_named(project: Project) -> None:
    """Nobody picks the first."""
    first, _ = (project.desk.by_hand("dashboards", name="Activation") for _ in range(2))
    assert project.plan(board()).actions[0].op is Op.BLOCKED
    made = project.plan(board(lifecycle={"id": str(first["id"])}))
    assert (made.actions[0].op, made.actions[0].id) == (Op.ADOPT, str(first["id"]))


def test_an_export_of_dashboards_plans_only_adoptions(project: Project) -> None:
    """With filters and colours, which lists lack."""
    project.desk.by_hand("dashboards", name="Activation", filters={"date_from": "-7d"}, tags=["x"], breakdown_colors=[
        {"breakdownValue": "pro", "colorToken": "preset-1"}])
    project.desk.by_hand("dashboards", name="Plain")
    made = project.world({})
    seen = observe(project.kinds, (), made.ledger, everything=True)
    found = {address.name: fields for address, fields in export(
        replace(made, observed=seen), lambda kind, live: True).entries.items()}
    assert found["Activation"]["filters"] == {"date_from": "-7d"}
    assert found["Activation"]["breakdown_colors"][0]["color_token"] == "preset-1"
    assert [action.op for action in project.plan({"dashboard": found}).actions] == [Op.ADOPT] * 2
    project.settle({"dashboard": found})
