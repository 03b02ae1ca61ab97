"""A Resend team in the sandbox, manifests read by the real loader, and what the referee must know of Resend."""

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
from reconciler.vendors.resend import VENDOR, ResendSettings
from reconciler.vendors.resend.api import ResendApi
from reconciler.vendors.resend.sandbox import ResendSandbox
from reconciler.workspace.connections import Connections
from tests.referee import CONTRACTS, Exchange, Habits, Referee
from tests.world import Shop

HABITS = Habits(forgiven={
    r"^PATCH /segments/[^/]+: .* is not in the document":
        "a segment's name is changed by the vendor's own SDK (2.52.0, Segments.update), and the document has no PATCH there",
    r"^PATCH /contact-properties/[^/]+: body\.fallback_value: None is not valid":
        "the vendor's own SDK (2.52.0, ContactProperties.UpdateParams) takes null, and the document has none",
})


class Desk:
    """One team, the client of its key, and Resend's kinds over it."""

    def __init__(self, **settings: Any) -> None:
        self.clock, self.told = TestClock(), []
        self.sandbox = ResendSandbox(VENDOR.kinds, clock=self.clock)
        self.api = self.connect(**settings)
        self.kinds = VENDOR.bind(self.api)

    def connect(self, **settings: Any) -> ResendApi:
        """Another client of the same team."""
        given = ResendSettings(**{"api_key": Secret("re_123"), **settings})
        return ResendApi(given, connection="resend", transport=self.sandbox.transport(), clock=self.clock,
                         progress=self.told.append)

    def held(self, noun: str) -> dict[str, dict[str, Any]]:
        """The vendor's objects by id."""
        return self.sandbox.collection(noun).held()

    def one(self, noun: str, **fields: Any) -> dict[str, Any]:
        """The vendor's one object with these fields."""
        found = [o for o in self.held(noun).values() if all(o[name] == value for name, value in fields.items())]
        assert len(found) == 1, found
        return found[0]

    def by_hand(self, noun: str, **fields: Any) -> dict[str, Any]:
        """An object that a person makes in Resend's own pages."""
        return self.sandbox.collection(noun).made(fields)

    def edit(self, noun: str, id: str, **fields: Any) -> None:
        """An edit that a person makes in Resend's own pages."""
        collection = self.sandbox.collection(noun)
        collection.changed(collection.find(id), fields)

    def looked(self, name: str, status: str) -> None:
        """What Resend finds when it looks for a domain's records."""
        self.one("domains", name=name)["status"] = status

    def used(self, name: str, ago: float) -> None:
        """The key of this name was last used so many seconds ago."""
        keys = self.sandbox.collection("api-keys")
        self.one("api-keys", name=name)["last_used_at"] = keys.at(self.clock.now() - ago)


class Catalogue(Connections):
    """Resend and nothing else, for checking manifests; a sink called `box` takes secrets."""

    def __init__(self, clock: TestClock) -> None:
        super().__init__({"resend": "resend"}, lambda connection, model: model.placeholder(), clock)

    def takes(self, sink: str) -> bool | None:
        """The box takes secrets at a path and a key."""
        return None if sink == "box" else super().takes(sink)


class Team(Shop):
    """One stack over the desk: manifests as `{noun: {name: fields}}`, with references as people write them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.desk = Desk(**settings)
        self.clock, self.kinds = self.desk.clock, self.desk.kinds

    def resources(self, manifest_: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as the loader hands them over; Invalid with what is wrong in them."""
        named = {f"resend.{noun}": entries for noun, entries in manifest_.items() if entries}
        if not named:
            return ()
        with TemporaryDirectory() as folder:
            (Path(folder) / "manifests").mkdir()
            (Path(folder) / "manifests" / "mail.yaml").write_text(json.dumps(named), encoding="utf-8")
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

    def reads(self, since: int) -> list[str]:
        """The reads that the vendor got, in alphabetical order, as they run side by side."""
        return sorted(one.path for one in self.desk.sandbox.requests[since:] if one.method == "GET")

    def action(self, made: Plan, address: str) -> Action:
        """The action of `noun/name`."""
        return next(a for a in made.actions if str(a.address) == f"resend.{address}")


def lines(writes: list[Recorded]) -> list[str]:
    """Writes without ids: `PATCH /templates/…`, `POST /templates/…/publish`."""
    found = []
    for one in writes:
        _, noun, *rest = one.path.split("/")
        found.append(" ".join((one.method, "/".join(("", noun, *(["…", *rest[1:]] if rest else []))))))
    return found


def judge(desk: Desk) -> None:
    """Check what was sent and answered against the vendor's description, where that is at hand.

    Requests that the sandbox refused are not judged: most of them are wrong on purpose.
    """
    if (CONTRACTS / "resend.json").exists():
        referee = Referee("resend.json", HABITS)
        assert not referee.complaints(Exchange.of(one) for one in desk.sandbox.requests if one.status < 300)
