"""sentry.project: what events are sent to, who sees it, and how its issues are grouped, told and closed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from reconciler.contract import Ask, Output, Permissions, Scene
from reconciler.contract.reading import at_once
from reconciler.contract.rest import segment
from reconciler.errors import Failure
from reconciler.model import Action, Call, Changes, Fact, Fate, Fields, Live, Note, Op, Unseen, Want
from reconciler.vendors.sentry.objects import SentryKind, lowered, tops
from reconciler.vendors.sentry.project_fields import CREATE_NAME, STUCK, WIRE, ProjectSpec, settings, shown

MADE_WITH = frozenset({"slug", "name", "platform", "teams", "default_rules"})
"""What the create carries; all else is brought by a PUT."""


class Project(SentryKind[ProjectSpec]):
    """A project, made under the first of its teams; the others are linked before any is unlinked, so it always has one.

    The list shows few of the settings, so each project that is asked for is read on its own. Unless `default_rules`
    is given it is sent as false: true makes an alert on every new issue beside ours. A renamed project keeps its number,
    and requests to its old slug are redirected.
    """

    name, spec, path = "sentry.project", ProjectSpec, "projects/"
    terraform = (("sentry_project", "{internal_id}"),)
    permissions = Permissions(("org:read", "project:read"), ("project:admin",))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "slug": Output(foretold="slug")}
    later = tuple(name for name in ProjectSpec.model_fields if name not in MADE_WITH)

    def item(self, id: str) -> str:
        """The path of one project."""
        return self.sentry.project(id)

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every project; whole where an entry or the ledger asks for it."""
        for want in ask.wants:
            if want.get("slug"):
                self.sentry.declared[str(want.address)] = want["slug"]
        listed = {str(body["id"]): body for body in self.api.pages(self.collection)}
        slugs = {want.get("slug") for want in ask.wants}
        asked = [id for id, body in listed.items() if ask.everything or id in ask.ids or body["slug"] in slugs]
        whole = dict(zip(asked, at_once(self.api, asked, self.get), strict=True))
        for id, body in listed.items():
            one = whole.get(id, self.live(body))
            if isinstance(one, Failure):
                yield Unseen(one.message, id=id)
            elif one is not None:
                yield one

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """Settings, teams and filters."""
        return shown(body)

    # writing

    def create(self, want: Want[ProjectSpec]) -> Call:
        """One POST below the first team."""
        rules = want.get("default_rules", False)
        body = {"name": str(want.get("name") or want.get("slug"))[:CREATE_NAME], "slug": want.get("slug"),
                "platform": want.get("platform"), "default_rules": True if rules is None else rules}
        if body["platform"] is None:
            del body["platform"]
        team = segment(want["teams"][0])
        return Call("POST", f"/api/0/teams/{self.sentry.sentry.organization}/{team}/projects/", body)

    def owed(self, want: Want[ProjectSpec]) -> Iterable[str]:
        """Its settings, a name that the create cuts off, and its other teams."""
        yield from super().owed(want)
        if len(want.get("name") or "") > CREATE_NAME:
            yield "name"
        if len(want["teams"]) > 1:
            yield "teams"

    def update(self, live: Live, want: Want[ProjectSpec], changes: Changes) -> Iterable[Call]:
        """One PUT with the settings that changed, then teams: all that come before any that go."""
        changed = {name: want.get(name) for name in ("filters", *WIRE) if name in tops(changes)}
        if isinstance(changed.get("filters"), dict):
            paths = {change.path for change in changes}
            changed["filters"] = {name: value for name, value in changed["filters"].items()
                                  if {"filters", f"filters.{name}"} & paths}
        body = settings(self.cleared(changed))
        if body:
            yield Call("PUT", self.item(live.id), body, safe=True)
        if "teams" in tops(changes):
            held = want["teams"][:1] if live.raw is None else live.fields.get("teams") or ()
            for team in [team for team in want["teams"] if team not in held]:
                yield Call("POST", f"{self.item(live.id)}teams/{segment(team)}/", safe=True)
            for team in [team for team in held if team not in want["teams"]]:
                yield Call("DELETE", f"{self.item(live.id)}teams/{segment(team)}/", safe=True)

    # judgement

    def fate(self, live: Live) -> Fate:
        """Everything that was ever sent to it goes too."""
        return Fate("delete", irreversible=True, why="all its events and issues are lost, and its keys stop working")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Delays in their order, and settings that nothing can be put back to."""
        least, most = fields.get("digests_min_delay"), fields.get("digests_max_delay")
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield "digests_min_delay", "is longer than digests_max_delay"
        for name, why in STUCK.items():
            if fields.get(name, "") is None:
                yield name, f"can't be cleared: {why}"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What a new slug, fewer hours or fewer teams mean."""
        if action.op is not Op.UPDATE:
            return
        for change in action.changes:
            if change.path == "slug":
                yield Note("addresses of its pages and paths of the API change; keys stay as they are", path="slug")
            if change.path == "teams" and isinstance(change.before, list) and isinstance(change.after, list):
                for team in sorted(set(map(str, change.before)) - set(map(str, change.after))):
                    yield Note(f"{team} sees it no more", path="teams")
        if lowered(action, "resolve_age"):
            yield Note("issues are closed sooner, those that wait now at once", path="resolve_age")

    def look(self, action: Action) -> Iterable[Fact]:
        """How much is lost with a project."""
        if action.live is None or not (action.op is Op.DELETE or action.drops):
            return
        now = int(self.api.clock.now())
        rows = self.api.get(f"{self.item(action.live.id)}stats/",
                            {"stat": "received", "since": now - 30 * 86400, "until": now, "resolution": "1d"})
        count = sum(int(row[1]) for row in rows) if isinstance(rows, list) else 0
        yield Fact(f"{count} events came in in the last 30 days", subject="events")
