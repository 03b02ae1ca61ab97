"""sentry.team: who looks after projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from reconciler.contract import Mark, Output, Permissions, Scene, Spec
from reconciler.model import Action, Call, Changes, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.sentry.objects import SentryKind, said
from reconciler.vendors.sentry.terms import Slug


class TeamSpec(Spec):
    """The fields of sentry.team; Sentry calls `name` deprecated and derives it from the slug."""

    slug: Annotated[Slug | None, Field(max_length=50), Mark.NAMED] = None
    name: Annotated[str | None, Field(min_length=1, max_length=64), Impact.COSMETIC] = None


class Team(SentryKind[TeamSpec]):
    """A team; a deleted one leaves its slug at once, and leaves ownership rules and alerts without an owner."""

    name, spec, path = "sentry.team", TeamSpec, "teams/"
    terraform = (("sentry_team", "{internal_id}"),)
    permissions = Permissions(("org:read", "team:read"), ("team:admin",))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "slug": Output(foretold="slug")}

    def item(self, id: str) -> str:
        """The path of one team, which does not lie below the organization's list."""
        return f"/api/0/teams/{self.sentry.sentry.organization}/{id}/"

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """Slug and name."""
        return said(body, self.shape.children)

    def create(self, want: Want[TeamSpec]) -> Call:
        """One POST; the slug is always said, so that Sentry derives none."""
        return Call("POST", self.collection, _body(want.get("slug"), want.fields))

    def update(self, live: Live, want: Want[TeamSpec], changes: Changes) -> Iterable[Call]:
        """One PUT, which always wants the slug."""
        changed = self.changed(want, changes)
        yield Call("PUT", self.item(live.id), _body(want.get("slug") or live.fields.get("slug"), changed), safe=True)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """A name can be changed, not taken away."""
        if fields.get("name", "") is None:
            yield "name", "can't be cleared, only changed: leave it out"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What becomes of the projects, rules and alerts of a team; refused where a project would have none left."""
        if action.op is Op.UPDATE and any(change.path == "slug" for change in action.changes):
            yield Note("links and ownership rules that name the old slug lead nowhere", path="slug")
        if action.op is not Op.DELETE or action.live is None:
            return
        yield Note("ownership rules and owners of alerts that name it are left without one")
        kind, slug = self.kin("sentry.project"), action.live.fields.get("slug")
        moving = {other.live.id for other in scene.actions.values()
                  if other.address.kind == kind and other.live is not None and other.acts}
        alone = sorted(str(one.fields.get("slug")) for one in scene.live.get(kind, ())
                       if one.fields.get("teams") == [slug] and one.id not in moving)
        if alone:
            yield Note(f"it is the last team of {', '.join(alone)}: nobody would see {'it' if len(alone) == 1 else 'them'}",
                       refuse=True)


def _body(slug: Any, fields: Mapping[str, Any]) -> Fields:
    name = fields.get("name")
    return {"slug": slug, **({"name": name} if name is not None else {})}
