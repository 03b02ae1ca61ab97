"""What PostHog's kinds have in common: project paths, PATCH, deletion by a flag, and where our mark lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, cast

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, RestKind, described, from_description
from reconciler.contract.kind import S
from reconciler.contract.rest import segment
from reconciler.model import Call, Changes, Fate, Fields, Impact, Live, Owner, Unseen, Want

if TYPE_CHECKING:
    from reconciler.vendors.posthog.api import PostHogApi

MARK = "reconciler:"
"""How a tag of ours begins."""

ROOM = 200
"""Characters of a description that are kept for our mark."""

FRESH = 7
"""Days after which what nobody asked for, or sent, counts as out of use."""


def days_since(stamp: Any, now: float) -> float | None:
    """The days since a time as PostHog writes it; None where there is none."""
    try:
        return (now - datetime.fromisoformat(str(stamp)).timestamp()) / 86_400
    except ValueError:
        return None


def plain(value: Any) -> Any:
    """A tag as PostHog keeps it: without spaces around it, in lower case."""
    return value.strip().lower() if isinstance(value, str) else value


def names(value: Any) -> Any:
    """Tags as the set that they are; ours are none of the manifest's business."""
    if value is None:
        return []
    if not isinstance(value, list):
        return value
    return sorted({plain(item) for item in value if not (isinstance(item, str) and item.startswith(MARK))}, key=str)


def _tag(value: str) -> str:
    if not plain(value):
        raise ValueError("a tag is not empty")
    if plain(value).startswith(MARK):
        raise ValueError(f"{MARK}… is reserved for our own mark")
    return value


Tags = Annotated[list[Annotated[str, Field(max_length=255), AfterValidator(_tag)]] | None, Canonical(names), Impact.COSMETIC]
"""Lower-cased, trimmed and in no order at PostHog; on plans without tags they are dropped without a word."""


class PostHogKind(RestKind[S]):
    """An object below a project, changed by PATCH with what changed and nothing else; ids are numbers in answers.

    `counted` says that its lists come in pages and tell how many objects there are.
    """

    room = True
    counted: ClassVar[bool] = True
    update_method = "PATCH"

    @property
    def collection(self) -> str:
        """The path of all objects of this kind in the connection's project."""
        return self.beside(self.path.strip("/"))

    def beside(self, noun: str) -> str:
        """The path of another collection of the same project."""
        return f"/api/projects/{segment(cast('PostHogApi', self.api).posthog.project)}/{noun}/"

    def item(self, id: str) -> str:
        """The path of one object; PostHog wants the slash at its end."""
        return f"{self.collection}{segment(id)}/"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every page."""
        for body in self.bodies(ask):
            yield self.live(body)

    def bodies(self, ask: Ask) -> Iterable[Mapping[str, Any]]:
        """Every object as PostHog shows it."""
        return cast("PostHogApi", self.api).pages(self.collection, dict(self.query), counted=self.counted)

    def create(self, want: Want[S]) -> Call:
        """One POST with all fields and the mark."""
        return Call("POST", self.collection, self.marked(self.to_wire(self.cleared(want.fields)), want.owner))

    def marked(self, body: Fields, owner: Owner | None) -> Fields:
        """A body with our mark where it has room for it."""
        return body


class SoftDeleted(PostHogKind[S]):
    """An object that is never deleted, only marked as deleted: PostHog answers DELETE with 405."""

    def archived(self, body: Mapping[str, Any]) -> bool:
        """Whether it is marked as deleted."""
        return bool(body.get("deleted"))

    def fate(self, live: Live) -> Fate:
        """It can be restored under its id."""
        return Fate("delete", why="marked as deleted: PostHog can restore it")

    def delete(self, live: Live) -> Iterable[Call]:
        """One PATCH that marks it as deleted."""
        yield Call("PATCH", self.item(live.id), {"deleted": True}, safe=True)

    def revive(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One PATCH that takes the deletion back, with what else changed, and our mark."""
        body: Fields = {"deleted": False}
        for call in self.update(live, want, changes):
            body |= call.body
        claim = next(iter(self.claim(live, want)), None) if live.owner != want.owner else None
        yield Call("PATCH", self.item(live.id), {**(claim.body if claim is not None else {}), **body}, safe=True)


class Tagged(PostHogKind[S]):
    """An object whose tags carry our mark: `reconciler:<project>/<stack>`, which names the stack and no entry.

    `perks` are sets that plans of PostHog without the feature take and forget.
    """

    perks: ClassVar[tuple[str, ...]] = ("tags",)

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every page; of a perk that no object has, that it lacks, because each of ours has at least our mark."""
        found = [self.live(body) for body in self.bodies(ask)]
        held = {name for one in found for name in self.perks if one.raw.get(name)}
        lacks = frozenset(self.perks) - held if ask.ids else frozenset()
        return [replace(one, lacks=lacks) for one in found] if lacks else found

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, tags without our mark."""
        fields = super().from_wire(body)
        return {**fields, "tags": names(fields["tags"])} if "tags" in fields else fields

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        """The stack in its tags; which entry it is, the natural key says."""
        found = sorted(tag for tag in body.get("tags") or () if isinstance(tag, str) and tag.startswith(MARK))
        return Owner(found[0].removeprefix(MARK), "") if found else None

    def marked(self, body: Fields, owner: Owner | None) -> Fields:
        """Tags are replaced whole, so ours goes along with every list of them."""
        return body if owner is None else {**body, "tags": [*(body.get("tags") or ()), f"{MARK}{owner.stack}"]}

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed."""
        for call in super().update(live, want, changes):
            yield replace(call, body=self.marked(call.body, want.owner), safe=True) if "tags" in call.body else replace(
                call, safe=True)

    def claim(self, live: Live, want: Want[S]) -> Iterable[Call]:
        """One PATCH with the tags that are there and ours; none where it is there already."""
        if want.owner is not None and (live.owner is None or live.owner.stack != want.owner.stack):
            yield Call("PATCH", self.item(live.id), self.marked({"tags": live.fields.get("tags")}, want.owner), safe=True)

    def release(self, live: Live) -> Iterable[Call]:
        """One PATCH with the tags but ours."""
        if live.owner is not None:
            yield Call("PATCH", self.item(live.id), {"tags": live.fields.get("tags") or []}, safe=True)


class Described(PostHogKind[S]):
    """An object whose description, which no customer reads, carries our mark in its last line."""

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, the description without our mark."""
        fields = super().from_wire(body)
        return {**fields, "description": from_description(fields["description"])[0]} if "description" in fields else fields

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        """The mark in the description's last line."""
        return from_description(body.get("description"))[1]

    def marked(self, body: Fields, owner: Owner | None) -> Fields:
        """The description with our mark below it."""
        return body if owner is None else {**body, "description": described(body.get("description"), owner)}

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; a changed description takes our mark along."""
        for call in super().update(live, want, changes):
            body = self.marked(call.body, want.owner) if "description" in call.body else call.body
            yield replace(call, body=body, safe=True)

    def claim(self, live: Live, want: Want[S]) -> Iterable[Call]:
        """One PATCH with the description and our mark."""
        if want.owner is not None and live.owner != want.owner:
            body = self.marked({"description": live.fields.get("description")}, want.owner)
            yield Call("PATCH", self.item(live.id), body, safe=True)

    def release(self, live: Live) -> Iterable[Call]:
        """One PATCH with the description alone."""
        if live.owner is not None:
            yield Call("PATCH", self.item(live.id), {"description": live.fields.get("description") or ""}, safe=True)
