"""resend.segment, resend.topic and resend.contact_property: how a team sorts its contacts and what it keeps of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Ask, Mark, Named, Scene, Spec
from reconciler.model import Action, Call, Changes, Impact, Live, Note, Op, Unseen, Want
from reconciler.vendors.resend.objects import ResendKind


class SegmentSpec(Spec):
    """The fields of resend.segment; `audience_id` is Resend's own older name for where it belongs."""

    name: Annotated[Named, Field(min_length=1)] = None
    filter: Annotated[dict[str, Any] | None, Mark.CREATE_ONLY] = None
    audience_id: Annotated[str | None, Mark.CREATE_ONLY] = None


class Segment(ResendKind[SegmentSpec]):
    """A group of contacts.

    `filter` is given at creation alone and never makes another segment: its members would be lost. A new name is a
    PATCH that the SDK has (`resend` 2.52.0) and the contract (1.5.0) has not; where the server refuses it, the segment
    keeps its name and its members.
    """

    name, spec, path = "resend.segment", SegmentSpec, "/segments"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every segment; one by one only where an entry says a filter, which the list does not show."""
        if ask.everything or any(want.get("filter") is not None for want in ask.wants):
            return self.one_by_one(ask, "name")
        return super().list(ask)

    def remarks(self, live: Live, want: Want[SegmentSpec]) -> Iterable[Note]:
        """What it was made with and can't follow the manifest."""
        for name in ("filter", "audience_id"):
            asked = want.get(name)
            if asked is not None and name in live.fields and live.fields[name] != asked:
                yield Note("stays as it was made: another segment would lose its members", subject=name, path=name)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Who belongs to it is kept nowhere else."""
        if action.op is Op.DELETE:
            yield Note("who belongs to it is lost; the contacts stay")


class TopicSpec(Spec):
    """The fields of resend.topic; customers read name and description on the page where they unsubscribe."""

    name: Annotated[Named, Field(min_length=1, max_length=50)] = None
    description: Annotated[str | None, Field(max_length=200), Impact.COSMETIC] = None
    default_subscription: Annotated[Literal["opt_in", "opt_out"], Mark.IMMUTABLE]
    visibility: Literal["public", "private"] | None = "private"


class Topic(ResendKind[TopicSpec]):
    """What contacts subscribe to. Its description is read by customers, so it never carries a mark of ours."""

    name, spec, path = "resend.topic", TopicSpec, "/topics"

    def update(self, live: Live, want: Want[TopicSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH; a description is cleared by an empty text, as the API has no null for it."""
        for call in super().update(live, want, changes):
            cleared = {"description": ""} if call.body.get("description", ...) is None else {}
            yield Call(call.method, call.path, {**call.body, **cleared}, safe=True)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Subscriptions belong to people: a topic is not made again behind their backs."""
        if action.op is Op.REPLACE:
            yield Note("default_subscription is given at creation alone: a new topic would lose every subscription",
                       impact=Impact.IRREVERSIBLE, refuse=True)
        if action.op is Op.DELETE:
            yield Note("every subscription to it is lost")


class ContactPropertySpec(Spec):
    """The fields of resend.contact_property; `fallback_value` is of its type."""

    key: Annotated[Named, Field(pattern="^[A-Za-z0-9_]{1,50}$"), Mark.IMMUTABLE] = None
    type: Annotated[Literal["string", "number"], Mark.IMMUTABLE]
    fallback_value: str | int | float | None = None


class ContactProperty(ResendKind[ContactPropertySpec]):
    """Something that is kept of contacts. Another key or type is another property, and the values are lost.

    Null clears the fallback: so the SDK (`resend` 2.52.0), while the contract (1.5.0) has no null there.
    """

    name, spec, path = "resend.contact_property", ContactPropertySpec, "/contact-properties"

    def check(self, fields: dict[str, Any]) -> Iterable[tuple[str, str]]:
        """The fallback is of the property's type."""
        value, kind = fields.get("fallback_value"), fields.get("type")
        fits = isinstance(value, str) if kind == "string" else isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and kind is not None and not fits:
            yield "fallback_value", f"must be a {kind}, as the property's type says"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What contacts have of it goes with it."""
        if action.op in (Op.DELETE, Op.REPLACE):
            yield Note("what contacts have of it is lost")
