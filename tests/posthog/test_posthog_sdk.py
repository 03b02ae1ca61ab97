"""The official `posthog` SDK evaluates, in this process, the flags that the sandbox serves on a port."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.sandbox.serve import Server
from tests.posthog.desk import Project, cohort_of, everyone, person

posthog = pytest.importorskip("posthog")

FLAGS: dict[str, Any] = {
    "cohort": {"enterprise": {"filters": cohort_of({"type": "person", "key": "plan", "value": ["enterprise"],
                                                    "operator": "exact"})}},
    "feature_flag": {
        "off": {"active": False, "filters": {"groups": [everyone()]}},
        "everyone": {"filters": {"groups": [everyone()], "payloads": {"true": {"limit": 5}}}},
        "tenth": {"filters": {"groups": [everyone(10)]}},
        "nl2sql_v2": {"filters": {"groups": [
            {"properties": [{"key": "id", "type": "cohort", "operator": "in", "value": {"ref": "enterprise"}}]},
            {"properties": [person("seats", "50", "gt")]}]}},
        "nested": {"filters": {"groups": [{"properties": [
            {"key": {"ref": "nl2sql_v2"}, "type": "flag", "operator": "flag_evaluates_to", "value": True}]}]}},
        "pricing_page": {"filters": {
            "groups": [{"properties": [person("plan", "pro")], "variant": "annual_first"}, everyone()],
            "multivariate": {"variants": [{"key": "control", "rollout_percentage": 50},
                                          {"key": "annual_first", "rollout_percentage": 50}]},
            "payloads": {"annual_first": "ten off"}}},
        "companies": {"filters": {"aggregation_group_type_index": 0, "groups": [{"properties": [
            {"key": "size", "type": "group", "operator": "exact", "value": "9", "group_type_index": 0}]}]}}}}


@pytest.fixture
def client() -> Iterator[Any]:
    """The SDK over a project that was brought up from manifests; it sends no events."""
    project = Project()
    project.settle(FLAGS)
    with Server({"posthog": project.desk.sandbox}) as server:
        made = posthog.Posthog("phc_4711", host=server.url("posthog"), secret_key="phx_1", send=False, sync_mode=True,
                               enable_local_evaluation=False)
        made.load_feature_flags()
        yield made
        made.shutdown()


def value(client: Any, key: str, distinct_id: str = "ada", **more: Any) -> Any:
    """What somebody gets, evaluated here."""
    found = client.evaluate_flags(distinct_id, only_evaluate_locally=True, flag_keys=[key], **more)
    assert not found.unresolved_flags, found.unresolved_flags
    return found.get_flag(key)


def payload(client: Any, key: str, **more: Any) -> Any:
    """What comes with it."""
    return client.evaluate_flags("ada", only_evaluate_locally=True, flag_keys=[key], **more).get_flag_payload(key)


def test_the_sdk_agrees_who_gets_a_flag(client: Any) -> None:
    """Off is off, everyone is everyone, a cohort and a number decide, and a flag decides another one."""
    assert value(client, "off") is False and value(client, "everyone") is True
    for properties, wanted in (({"plan": "enterprise", "seats": 1}, True), ({"plan": "pro", "seats": 80}, True),
                               ({"plan": "pro", "seats": 5}, False)):
        assert value(client, "nl2sql_v2", person_properties=properties) is wanted
        assert value(client, "nested", person_properties=properties) is wanted


def test_the_sdk_agrees_on_shares(client: Any) -> None:
    """A tenth of many people, and variants half and half, whose order decides."""
    people = [f"user-{n}" for n in range(2000)]
    assert sum(value(client, "tenth", one) for one in people) == pytest.approx(200, abs=60)
    found = [value(client, "pricing_page", one, person_properties={"plan": "free"}) for one in people]
    assert found.count("control") == pytest.approx(1000, abs=120) and set(found) == {"control", "annual_first"}
    assert value(client, "pricing_page", person_properties={"plan": "pro"}) == "annual_first"


def test_the_sdk_reads_payloads(client: Any) -> None:
    """A mapping comes out as a mapping, a text as a text."""
    assert payload(client, "everyone") == {"limit": 5}
    assert payload(client, "pricing_page", person_properties={"plan": "pro"}) == "ten off"


def test_the_sdk_agrees_on_groups(client: Any) -> None:
    """A flag for companies asks for the company."""
    for size, wanted in (("9", True), ("8", False)):
        assert value(client, "companies", groups={"organization": "acme"},
                     group_properties={"organization": {"size": size}}) is wanted


def test_the_sdk_sends_events_that_define_themselves() -> None:
    """What it captures is there, and is taken over by the entries that waited for it."""
    project = Project()
    plan = {"event_definition": {"signup_completed": {"description": "Account confirmed"}},
            "property_definition": {"plan": {"description": "What they pay for"},
                                    "of_a_person": {"name": "plan", "type": "person"}}}
    project.settle(plan)
    with Server({"posthog": project.desk.sandbox}) as server:
        made = posthog.Posthog("phc_4711", host=server.url("posthog"), sync_mode=True)
        made.capture("signup_completed", distinct_id="ada", properties={"plan": "pro", "seats": 3, "$set": {"plan": "pro"}})
        made.shutdown()
    held = project.desk.one("event_definitions", name="signup_completed")
    assert held["last_seen_at"] and held["description"] == "Account confirmed"
    found = {(one["name"], one["type"]): one["property_type"] for one in project.desk.held("property_definitions").values()}
    assert (found["plan", "event"], found["seats", "event"], found["plan", "person"]) == ("String", "Numeric", "String")
    [write] = project.settle(plan)
    assert write.body == {"description": "What they pay for"}
