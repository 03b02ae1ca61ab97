"""A Sentry organization in the sandbox, and manifests read by the real loader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reconciler import manifest
from reconciler.clock import TestClock
from reconciler.engine.look import with_facts
from reconciler.errors import Invalid
from reconciler.model import Action, Plan, Resource
from reconciler.sandbox.store import Recorded
from reconciler.secret import Secret
from reconciler.vendors.sentry import VENDOR, SentrySettings
from reconciler.vendors.sentry.api import SentryApi
from reconciler.vendors.sentry.sandbox import SentrySandbox
from reconciler.workspace.connections import Connections
from tests.referee import CONTRACTS, Exchange, Referee
from tests.sentry.habits import HABITS
from tests.world import Shop

ORG = "/api/0/organizations/sql2ai"


class Desk:
    """One organization, the client of its token, and Sentry's kinds over it."""

    def __init__(self, **settings: Any) -> None:
        self.clock, self.told = TestClock(), []
        self.sandbox = SentrySandbox(VENDOR.kinds, clock=self.clock)
        self.api = self.connect(**settings)
        self.kinds = VENDOR.bind(self.api)

    def connect(self, **settings: Any) -> SentryApi:
        """Another client of the same organization."""
        given = SentrySettings(**{"auth_token": Secret("sntryu_123"), "organization": "sql2ai", **settings})
        return SentryApi(given, connection="sentry", transport=self.sandbox.transport(), clock=self.clock,
                         progress=self.told.append)

    def one(self, table: str, **fields: Any) -> dict[str, Any]:
        """The vendor's one object with these fields."""
        found = [o for o in self.sandbox.table(table).values() if all(o[name] == value for name, value in fields.items())]
        assert len(found) == 1, found
        return found[0]


class Catalogue(Connections):
    """Sentry and nothing else, for checking manifests."""

    def __init__(self, clock: TestClock) -> None:
        super().__init__({"sentry": "sentry"}, lambda connection, model: model.placeholder(), clock,
                         commands=frozenset({"box"}))


class Org(Shop):
    """One stack over the desk: manifests as `{noun: {name: fields}}`, with references as people write them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.desk = Desk(**settings)
        self.clock, self.kinds = self.desk.clock, self.desk.kinds

    def resources(self, manifest_: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as the loader hands them over; Invalid with what is wrong in them."""
        named = {f"sentry.{noun}": entries for noun, entries in manifest_.items() if entries}
        if not named:
            return ()
        with TemporaryDirectory() as folder:
            (Path(folder) / "manifests").mkdir()
            (Path(folder) / "manifests" / "sentry.yaml").write_text(json.dumps(named), encoding="utf-8")
            return manifest.load(Path(folder), "test", ("test",), Catalogue(self.clock), variables={},
                                 secrets=tuple(self.secrets), variable=str).resources

    def findings(self, noun: str, fields: Mapping[str, Any]) -> list[str]:
        """What is wrong with one entry, offline."""
        try:
            self.resources({"team": {"backend": {}}, "project": {"api": {"teams": [{"ref": "backend"}]}},
                            noun: {"x": dict(fields)}})
        except Invalid as error:
            return [problem.message for problem in error.problems]
        return []

    def settle(self, manifest_: Mapping[str, Any], **more: Any) -> list[Recorded]:
        """Apply, see that all went well and that a second plan is empty; returns the writes in order."""
        made = self.plan(manifest_, **more)
        blocked = [(str(action.address), action.blocked, action.notes) for action in made.actions if action.blocked]
        assert not made.stopped and not blocked, (made.stopped, blocked)
        before = len(self.desk.sandbox.requests)
        report = self.run(made)
        assert all(outcome.result.value == "done" for outcome in report.outcomes), report.outcomes
        writes = self.writes(before)
        again = self.plan(manifest_, **more)
        assert again.empty, [(str(a.address), a.op, a.changes, a.blocked) for a in again.actions if a.acts or a.blocked]
        return writes

    def writes(self, since: int = 0) -> list[Recorded]:
        """The writes that the vendor got."""
        return [one for one in self.desk.sandbox.requests[since:] if one.method != "GET"]

    def action(self, made: Plan, address: str) -> Action:
        """The action of `noun/name`."""
        return next(a for a in made.actions if str(a.address) == f"sentry.{address}")

    def acts(self, manifest_: Mapping[str, Any], **more: Any) -> dict[str, str]:
        """What acts or is blocked, by `noun/name`."""
        made = self.plan(manifest_, **more)
        return {str(a.address).removeprefix("sentry."): a.op.value for a in made.actions if a.acts or a.blocked}

    def notes(self, made: Plan, address: str) -> str:
        """What the plan says of one entry, facts included."""
        action = self.action(with_facts(made, self.kinds), address)
        return "; ".join([*(note.text for note in action.notes), *(fact.text for fact in action.facts), action.blocked or ""])


def lines(writes: list[Recorded]) -> list[str]:
    """Writes as `PUT /projects/sql2ai/1003/`."""
    return [f"{one.method} {one.path.removeprefix('/api/0')}" for one in writes]


BASE: dict[str, Any] = {"team": {"backend": {}}, "project": {"api": {"teams": [{"ref": "backend"}]}}}
MONITOR: dict[str, Any] = {
    "project": {"ref": "api"}, "config": {"detection_type": "static"},
    "data_sources": [{"aggregate": "count()", "dataset": "events", "time_window": 300}],
    "condition_group": {"conditions": [{"type": "gt", "comparison": 100, "condition_result": 75},
                                       {"type": "lte", "comparison": 20, "condition_result": 0}]}}
MAIL = {"type": "email", "config": {"target_type": "issue_owners"}}
LEVEL = {"type": "level", "comparison": {"level": 40, "match": "gte"}}
ALERT: dict[str, Any] = {
    "detectors": [{"default": "error", "project": {"ref": "api"}}], "config": {"frequency": 30},
    "triggers": {"conditions": [{"type": "first_seen_event"}, {"type": "regression_event"}]},
    "action_filters": [{"logic_type": "all", "conditions": [LEVEL], "actions": [MAIL]}]}


def judge(desk: Desk) -> None:
    """Check what was sent and answered against the vendor's description, where that is at hand.

    Requests that the sandbox refused are not judged: most of them are wrong on purpose.
    """
    if (CONTRACTS / "sentry.json").exists():
        referee = Referee("sentry.json", HABITS)
        assert not referee.complaints(Exchange.of(one) for one in desk.sandbox.requests if one.status < 300)
