"""A PostHog project in the sandbox, manifests read by the real loader, and what the referee must know of PostHog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler import manifest
from reconciler.clock import TestClock
from reconciler.errors import Invalid
from reconciler.model import Action, Plan, Resource
from reconciler.sandbox.store import Recorded
from reconciler.secret import Secret
from reconciler.vendors.posthog import VENDOR, PostHogSettings
from reconciler.vendors.posthog.api import PostHogApi
from reconciler.vendors.posthog.sandbox import PostHogSandbox
from reconciler.vendors.posthog.sandbox_ingest import take_in
from reconciler.workspace.connections import Connections
from tests.referee import CONTRACTS, Exchange, Habits, Referee
from tests.world import Shop

ROOT = "/api/projects/4711"
HABITS = Habits(forgiven={
    r"answer\.(results\[\d+\]\.)?usage_dashboard: None is not of type 'number'":
        "a flag without a usage dashboard has none; the document lost that the number may be null",
    r"/(schema_property_groups|event_schemas)/([^ ]+/)?: \w+ \S+ is not in the document":
        "the document has no property groups and no links to them; PostHog's schema_property_group.py and event_schema.py do",
    r"POST /\S+/event_definitions/: POST \S+ is not in the document":
        "the document has no such request; event_definition.py does",
    r"GET /\S+/event_definitions/: the query parameter (limit|offset|ordering) is not in the document":
        "the document has no parameter of this list; event_definition.py reads them",
    r"PATCH /\S+/event_definitions/\S+/: a body is sent, the document has none": "the document lost what is written",
    r"GET /\S+/actions/: answer: 'count' is a required property": "PostHog's action.py answers {results: […]} and no more",
    r"(creation_context|is_seen_on_filtered_events): None is not of type 'string'": "PostHog always answers null there",
    r"/actions/(\d+/)?: body\.steps\[\d+\]\.properties: .*'type': 'cohort'":
        "PostHog's action.py takes any map; the document lists no operator that fits a cohort's number",
    r"/actions/\d+/references/ is not in the document": "PostHog's action.py has it; it is newer than the document",
    r"POST /\S+/experiments/\d+/(launch|pause|resume|end|archive|unarchive|reset)/: POST \S+ is not in the document":
        "the document has none of the calls of an experiment's life; PostHog's experiment_service.py does",
    r"answer\.(results\[\d+\]\.)?holdout: None is not of type 'object'":
        "an experiment without a holdout has none; the document lost that it may be null",
    r"/surveys/([^ ]+/)?: answer\.(results\[\d+\]\.)?(linked|targeting|internal_targeting)_flag: None is not of type 'object'":
        "a survey without such a flag has none; the document lost that it may be null",
    r"GET /\S+/surveys/([^ ]+/)?: answer\.(results\[\d+\]\.)?conditions: (None|\{)":
        "the document calls conditions a text; PostHog's survey.py answers with the map, or null",
    r"/surveys/responses_count/": "PostHog's survey.py has it; it is newer than the document",
    r"POST /batch/: POST /batch/ is not in the document": "events come in by another API",
})


class Desk:
    """One project, the client of its personal key, and PostHog's kinds over it."""

    def __init__(self, **settings: Any) -> None:
        self.clock, self.told = TestClock(), []
        self.sandbox = PostHogSandbox(VENDOR.kinds, clock=self.clock)
        self.api = self.connect(**settings)
        self.kinds = VENDOR.bind(self.api)

    def connect(self, **settings: Any) -> PostHogApi:
        """Another client of the same project."""
        given = PostHogSettings(**{"personal_api_key": Secret("phx_123"), "project": "4711", **settings})
        return PostHogApi(given, connection="posthog", transport=self.sandbox.transport(), clock=self.clock,
                          progress=self.told.append)

    def held(self, noun: str) -> dict[str, dict[str, Any]]:
        """The vendor's objects by id."""
        return self.sandbox.collection(noun, "4711").held()

    def one(self, noun: str, **fields: Any) -> dict[str, Any]:
        """The vendor's one object with these fields."""
        found = [o for o in self.held(noun).values() if all(o[name] == value for name, value in fields.items())]
        assert len(found) == 1, found
        return found[0]

    def by_hand(self, noun: str, **fields: Any) -> dict[str, Any]:
        """An object that a person makes in PostHog's own pages."""
        collection = self.sandbox.collection(noun, "4711")
        return collection.made(fields)

    def came_in(self, event: str, **properties: Any) -> None:
        """An event that an application sends."""
        take_in(self.sandbox, {"api_key": "phc_4711", "event": event, "properties": properties})

    def edit(self, noun: str, id: Any, **fields: Any) -> None:
        """An edit that a person makes in PostHog's own pages."""
        collection = self.sandbox.collection(noun, "4711")
        collection.changed(collection.find(str(id)), fields, whole=False)


class Catalogue(Connections):
    """PostHog and nothing else, for checking manifests."""

    def __init__(self, clock: TestClock) -> None:
        super().__init__({"posthog": "posthog"}, lambda connection, model: model.placeholder(), clock)


class Project(Shop):
    """One stack over the desk: manifests as `{noun: {name: fields}}`, with references as people write them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.desk = Desk(**settings)
        self.clock, self.kinds = self.desk.clock, self.desk.kinds

    def resources(self, manifest_: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as the loader hands them over; Invalid with what is wrong in them."""
        named = {f"posthog.{noun}": entries for noun, entries in manifest_.items() if entries}
        if not named:
            return ()
        with TemporaryDirectory() as folder:
            (Path(folder) / "manifests").mkdir()
            (Path(folder) / "manifests" / "posthog.yaml").write_text(json.dumps(named), encoding="utf-8")
            return manifest.load(Path(folder), "test", ("test",), Catalogue(self.clock), variables={},
                                 secrets=tuple(self.secrets), variable=str).resources

    def findings(self, noun: str, **fields: Any) -> list[str]:
        """What is wrong with one entry, offline."""
        try:
            self.resources({noun: {"x": fields}})
        except Invalid as error:
            return [problem.message for problem in error.problems]
        return []

    def settle(self, manifest_: Mapping[str, Any], **more: Any) -> list[Recorded]:
        """Apply, see that all went well and that a second plan is empty; returns the writes in order."""
        made = self.plan(manifest_, **more)
        blocked = [(str(action.address), action.blocked) for action in made.actions if action.blocked]
        assert not made.stopped and not blocked, (made.stopped, blocked)
        before = len(self.desk.sandbox.requests)
        report = self.run(made)
        assert all(outcome.result.value == "done" for outcome in report.outcomes), report.outcomes
        writes = self.writes(before)
        again = self.plan(manifest_)
        assert again.empty, [(str(a.address), a.op, a.changes, a.blocked) for a in again.actions if a.acts or a.blocked]
        return writes

    def writes(self, since: int = 0) -> list[Recorded]:
        """The writes that the vendor got."""
        return [one for one in self.desk.sandbox.requests[since:] if one.method != "GET"]

    def action(self, made: Plan, address: str) -> Action:
        """The action of `noun/name`."""
        return next(a for a in made.actions if str(a.address) == f"posthog.{address}")

    def reads(self, since: int) -> list[str]:
        """The reads that the vendor got, in alphabetical order, as they run side by side."""
        return sorted(one.path.removeprefix(ROOT) for one in self.desk.sandbox.requests[since:] if one.method == "GET")


def lines(writes: list[Recorded]) -> list[str]:
    """Writes as `PATCH /feature_flags/1/`."""
    return [f"{one.method} {one.path.removeprefix(ROOT)}" for one in writes]


def everyone(share: float = 100, **more: Any) -> dict[str, Any]:
    """A group without conditions."""
    return {"properties": [], "rollout_percentage": share, **more}


def person(key: str, value: Any, operator: str = "exact") -> dict[str, Any]:
    """A condition on a person."""
    return {"key": key, "type": "person", "operator": operator, "value": value}


def cohort_of(*conditions: dict[str, Any]) -> dict[str, Any]:
    """Filters of a cohort as PostHog's own pages write them."""
    return {"properties": {"type": "OR", "values": [{"type": "AND", "values": list(conditions)}]}}


def judge(desk: Desk) -> None:
    """Check what was sent and answered against the vendor's description, where that is at hand.

    Requests that the sandbox refused are not judged: most of them are wrong on purpose.
    """
    if (CONTRACTS / "posthog.json").exists():
        referee = Referee("posthog.json", HABITS)
        done = [Exchange.of(one) for one in desk.sandbox.requests if one.status < 300]
        complaints = referee.complaints(one for one in done if not one.path.startswith("/flags"))
        assert not complaints, complaints
