"""An experiment's life: its state as a field, the calls that lead to it, and the flag below."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.model import Op
from reconciler.vendors.posthog.experiment import steps
from tests.posthog.desk import Project, everyone, lines
from tests.posthog.test_posthog_export import exported

METRIC = {"kind": "ExperimentMetric", "metric_type": "mean", "source": {"kind": "EventsNode", "event": "paid"}}
SPLIT = [{"key": "control", "rollout_percentage": 50}, {"key": "annual", "rollout_percentage": 50}]
STACK: dict[str, Any] = {
    "feature_flag": {"pricing": {"filters": {"groups": [everyone()], "multivariate": {"variants": SPLIT}}}},
    "experiment": {"prices": {"name": "Prices", "feature_flag_key": {"ref": "pricing"}, "state": "draft", "metrics": [METRIC]}}}


def stated(state: str, **more: Any) -> dict[str, Any]:
    """The stack with another state."""
    manifest = copy.deepcopy(STACK)
    manifest["experiment"]["prices"] |= {"state": state, **more}
    return manifest


@pytest.mark.parametrize(("old", "new", "calls"), [
    ("draft", "running", ["launch"]), ("draft", "paused", ["launch", "pause"]), ("draft", "ended", ["launch", "end"]),
    ("draft", "archived", ["launch", "end", "archive"]), ("running", "paused", ["pause"]), ("running", "ended", ["end"]),
    ("running", "archived", ["end", "archive"]), ("paused", "running", ["resume"]), ("paused", "ended", ["end"]),
    ("paused", "archived", ["end", "archive"]), ("ended", "archived", ["archive"]), ("archived", "ended", ["unarchive"]),
    ("running", "draft", ["reset"]), ("ended", "running", ["reset", "launch"]),
    ("archived", "paused", ["reset", "launch", "pause"]),
])
def test_each_change_of_state_takes_its_calls(project: Project, old: str, new: str, calls: list[str]) -> None:
    """Scenario 13: `launch` once and no date by PATCH; the way back is a reset, which is blocked until consented to."""
    project.settle(stated(old))
    made = project.plan(stated(new))
    assert (project.action(made, "experiment/prices").op is Op.BLOCKED) is ("reset" in calls)
    allow = ("irreversible:posthog.experiment/prices",) if "reset" in calls else ()
    writes = project.settle(stated(new), allow=allow)
    assert lines(writes) == [f"POST /experiments/1/{call}/" for call in calls]


def test_every_state_can_be_reached_from_every_other() -> None:
    """No pair of states is without its calls."""
    states = ("draft", "running", "paused", "ended", "archived")
    assert all(bool(steps(old, new)) is (old != new) for old in states for new in states)


def test_an_end_takes_its_conclusion_along(project: Project) -> None:
    """One call, because PostHog's end forgets a conclusion that it does not say."""
    project.settle(stated("running"))
    writes = project.settle(stated("ended", conclusion="won", conclusion_comment="The year"))
    assert lines(writes) == ["POST /experiments/1/end/"]
    assert writes[0].body == {"conclusion": "won", "conclusion_comment": "The year"}
    assert project.findings("experiment", name="x", feature_flag_key="f", state="running", conclusion="won") == [
        "conclusion: is for an experiment that has ended, and this one is running"]


def test_a_variant_of_a_running_experiment_stays(project: Project) -> None:
    """Scenario 13: a manifest that drops it is blocked in the plan."""
    project.settle(stated("running"))
    less = stated("running")
    less["feature_flag"]["pricing"]["filters"]["multivariate"]["variants"] = [{"key": "control", "rollout_percentage": 100}]
    assert project.action(project.plan(less), "feature_flag/pricing").op is Op.BLOCKED


def test_flag_and_experiment_do_not_pull_at_one_switch(project: Project) -> None:
    """A flag that says the opposite of the state is blocked; one that says nothing is left to the experiment."""
    torn = stated("paused")
    torn["feature_flag"]["pricing"]["active"] = True
    assert project.action(project.plan(torn), "experiment/prices").op is Op.BLOCKED
    project.settle(stated("paused"))
    assert project.desk.one("feature_flags", key="pricing")["active"] is False


def test_a_metric_keeps_its_number(project: Project) -> None:
    """What PostHog reckoned of a metric hangs on its uuid, so an edit sends it along."""
    project.settle(STACK)
    before = project.desk.one("experiments")["metrics"][0]["uuid"]
    project.settle(stated("draft", metrics=[{**METRIC, "name": "Paid"}]))
    assert project.desk.one("experiments")["metrics"][0]["uuid"] == before


def test_a_running_one_is_ended_and_archived_by_consent(project: Project) -> None:
    """A removed entry ends what runs, which stops its results; a draft is marked as deleted."""
    project.settle(stated("running"))
    rest = {"feature_flag": STACK["feature_flag"]}
    assert project.action(project.plan(rest), "experiment/prices").op is Op.BLOCKED
    writes = project.settle(rest, allow=("irreversible:posthog.experiment/prices",))
    assert lines(writes) == ["POST /experiments/1/end/", "POST /experiments/1/archive/"]


def test_an_export_plans_only_adoptions() -> None:
    """Whatever its state; the flag by reference."""
    project = Project()
    for key, acts in (("a", ()), ("b", ("launch",)), ("c", ("launch", "pause")), ("d", ("launch", "end"))):
        made = project.desk.by_hand("experiments", name=f"E {key}", feature_flag_key=key, metrics=[METRIC])
        for act in acts:
            project.desk.sandbox.collection("experiments", "4711").act(made, act, "POST", {})
    found = exported(project)
    assert {one.get("state", "draft") for one in found["experiment"].values()} == {"draft", "running", "paused", "ended"}
    assert all("ref" in one["feature_flag_key"] for one in found["experiment"].values())
    assert {action.op for action in project.plan(found).actions} == {Op.ADOPT}
    project.settle(found)
