"""sentry.ownership: who is made responsible for which issues of a project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from reconciler.contract import Canonical, Link, Mark, Scene, Spec
from reconciler.model import Action, Call, Changes, Fields, Impact, Live, Note, Op, Want, refs_in
from reconciler.vendors.sentry.inbound_filters import OfProject
from reconciler.vendors.sentry.objects import said, tops
from reconciler.vendors.sentry.terms import lines

WIRE = {"raw": "raw", "fallthrough": "fallthrough", "auto_assignment": "autoAssignment",
        "codeowners_auto_sync": "codeownersAutoSync"}
_TEAM = re.compile(r"(?<=\s)#([a-z0-9_-]+)")


class OwnershipSpec(Spec):
    """The fields of sentry.ownership; `raw` holds rules as `path:src/billing/* #team person@example.com`, one a line."""

    project: Annotated[str, Link("sentry.project", "slug"), Mark.IDENTITY, Mark.IMMUTABLE]
    raw: Annotated[str | None, Canonical(lines)] = ""
    fallthrough: bool | None = True
    auto_assignment: Annotated[Literal["Auto Assign to Issue Owner", "Auto Assign to Suspect Commits",
                                       "Turn off Auto-Assignment"] | None, Impact.BEHAVIOURAL] = "Auto Assign to Issue Owner"
    codeowners_auto_sync: bool | None = True


class Ownership(OfProject[OwnershipSpec]):
    """The rules of one project; `raw` is null where nobody ever set any. A rule may name teams of the project only."""

    name, spec = "sentry.ownership", OwnershipSpec

    def get(self, id: str) -> Live | None:
        """The rules of one project."""
        body = self.api.find(self.sentry.project(id, "ownership/"))
        return None if body is None else self._live(id, body)

    def _live(self, id: str, body: Mapping[str, Any]) -> Live:
        return Live(id=id, fields={**said(body, WIRE), "project": self.sentry.slug(id)}, outputs={"id": id}, raw=body)

    def create(self, want: Want[OwnershipSpec]) -> Call:
        """The rules of a project that is made in the same run."""
        return self._call(Live("", {}), want, {name for name in WIRE if name in want.fields})

    def update(self, live: Live, want: Want[OwnershipSpec], changes: Changes) -> Iterable[Call]:
        """One PUT with what changed."""
        yield self._call(live, want, tops(changes))

    def _call(self, live: Live, want: Want[OwnershipSpec], changed: set[str]) -> Call:
        values = {name: want.get(name) for name in WIRE if name in changed}
        body = {WIRE[name]: self.shape.child(name).default if value is None else value for name, value in values.items()}
        return Call("PUT", self.place(live, want, "ownership/"), body, safe=True)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Something is said, and each rule has an owner."""
        if not fields.keys() & WIRE.keys():
            yield "project", f"says nothing: give one of {', '.join(WIRE)}"
        for n, line in enumerate((fields.get("raw") or "").splitlines(), 1):
            rule = line.strip()
            if rule and not rule.startswith("#") and (" " not in rule or ":" not in rule.split()[0]):
                yield "raw", f'line {n} is no rule such as "path:src/* #team": {rule}'

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Refused: rules with a team that the project does not have, which Sentry refuses too."""
        raw = action.want.get("raw") if action.want is not None else None
        if action.op in (Op.DELETE, Op.FORGET) or not raw:
            return
        named = {hit for line in raw.splitlines() if not line.strip().startswith("#") for hit in _TEAM.findall(line)}
        linked = self._teams(action, scene)
        if linked is not None:
            for team in sorted(named - linked):
                yield Note(f"#{team} is no team of the project: link it there first", path="raw", refuse=True)

    def _teams(self, action: Action, scene: Scene) -> set[str] | None:
        """The teams that the project has once this plan is done; None where that can't be known here."""
        kind = self.kin("sentry.project")
        given = action.resource.fields.get("project") if action.resource is not None else None
        refs = [ref.address for ref in refs_in(given)]
        for other in scene.actions.values():
            fields = other.want.fields if other.want is not None and other.address.kind == kind else {}
            if fields.get("teams") and (other.address in refs or fields.get("slug") == given):
                return self._slugs(fields["teams"], scene)
        slug = action.want.get("project") if action.want is not None else None
        for live in scene.live.get(kind, ()):
            if slug in (live.fields.get("slug"), live.id):
                return set(live.fields.get("teams") or ())
        return None

    def _slugs(self, teams: Iterable[Any], scene: Scene) -> set[str]:
        found = set()
        for team in teams:
            ref = next(iter(refs_in(team)), None)
            other = scene.actions.get(ref.address) if ref is not None else None
            found.add(str(other.want.get("slug") if other is not None and other.want is not None else team))
        return found
