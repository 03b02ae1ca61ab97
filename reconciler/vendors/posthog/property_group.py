"""posthog.schema_property_group: properties that belong together, for the events that carry them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from reconciler.contract import Keyed, Mark, Named, Scene, Spec
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.posthog.objects import Described
from reconciler.vendors.posthog.permissions import scopes

WORDS = {"exclusive_minimum": "exclusiveMinimum", "exclusive_maximum": "exclusiveMaximum"}
"""Rules that PostHog writes in another case."""

EITHER = (("enum", "not"), ("minimum", "exclusive_minimum"), ("maximum", "exclusive_maximum"))
"""Rules of which a property has one at most."""

FITTING: Mapping[str, tuple[str, ...]] = {
    "String": ("enum", "not"), "Numeric": ("minimum", "exclusive_minimum", "maximum", "exclusive_maximum")}
"""The rules of each type of property (PostHog's `schema_property_group.py`); other types have none."""


def _trimmed(value: str) -> str:
    if value != value.strip():
        raise ValueError("PostHog takes off the spaces around it: leave them out")
    return value


Words = Annotated[list[str], Field(min_length=1, max_length=1000), Mark.UNORDERED]
Number = int | float | None


class Excluded(Spec):
    """Texts that a property must not be."""

    enum: Words


class RuleFields(Spec):
    """What values a property may have, but for `not`, which is a word of Python."""

    enum: Words | None = None
    minimum: Number = None
    exclusive_minimum: Number = None
    maximum: Number = None
    exclusive_maximum: Number = None


_NOT: dict[str, Any] = {"not": (Excluded | None, None)}
Rules = create_model("Rules", __base__=RuleFields, __doc__="What values a property may have.", **_NOT)


class GroupProperty(Spec):
    """One property of a group."""

    name: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_trimmed)]
    property_type: Literal["String", "Numeric", "Boolean", "DateTime", "Object"]
    is_required: bool | None = False
    is_optional_in_types: bool | None = False
    validation_rules: Rules | None = None  # type: ignore[valid-type]
    description: Annotated[str | None, Impact.COSMETIC] = ""


class SchemaPropertyGroupSpec(Spec):
    """The fields of posthog.schema_property_group."""

    name: Annotated[Named, Field(min_length=1, max_length=400)] = None
    description: Annotated[str | None, Impact.COSMETIC] = ""
    properties: Annotated[list[GroupProperty] | None, Keyed("name")] = None


class SchemaPropertyGroup(Described[SchemaPropertyGroupSpec]):
    """Properties that belong together, for the events that carry them.

    PostHog writes all rows anew whenever one of them changes, so their ids mean nothing, and what a manifest leaves out
    of a property is carried over.
    """

    name, spec, path = "posthog.schema_property_group", SchemaPropertyGroupSpec, "/schema_property_groups"
    permissions = scopes("event_definition")

    # reading

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, of each property those that a manifest may give."""
        fields = super().from_wire(body)
        return {**fields, "properties": [_read(one) for one in body.get("properties") or ()]}

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """Nothing null where PostHog wants a text, a list or a boolean."""
        wire = {**fields, **({"description": fields["description"] or ""} if "description" in fields else {})}
        return {**wire, "properties": [_written(one) for one in fields["properties"] or ()]} if "properties" in fields else wire

    def update(self, live: Live, want: Want[SchemaPropertyGroupSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; of properties all, over what is there."""
        held = {one["name"]: one for one in live.fields.get("properties") or ()}
        whole = [laid(held.get(one["name"], {}), one) for one in want.get("properties") or ()]
        fields = {**want.fields, "properties": whole} if "properties" in want.fields else want.fields
        yield from super().update(live, Want(want.address, fields, want.owner), changes)

    # judgement

    def fate(self, live: Live) -> Fate:
        """The events that carry it lose its properties from their schema."""
        return Fate("delete", why="the events that carry it lose these properties from their schema")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse."""
        given = [one["name"] for one in fields.get("properties") or ()]
        for name in sorted({name for name in given if given.count(name) > 1}):
            yield "properties", f"{name} stands there twice"
        for n, one in enumerate(fields.get("properties") or ()):
            yield from _unfit(f"properties[{n}].validation_rules", one)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Which events carry it, and what they have to look like from now on."""
        live = action.live
        if live is None or action.op not in (Op.UPDATE, Op.DELETE):
            return
        events = [str(one.get("name")) for one in live.raw.get("events") or ()]
        if events and (action.op is Op.DELETE or any(change.path.startswith("properties") for change in action.changes)):
            yield Note(", ".join(sorted(events)), subject="events", impact=Impact.BEHAVIOURAL)
        if action.op is Op.UPDATE and action.want is not None and any(c.path.startswith("properties") for c in action.changes):
            yield from _turned(live.fields.get("properties") or [], action.want.get("properties") or [])


def laid(live: Mapping[str, Any], want: Mapping[str, Any]) -> Fields:
    """A wanted property over the one of its name; rules that exclude one another, or another type's, are not carried over."""
    kept = {**live, **want}
    rules = {} if "property_type" in live and want["property_type"] != live["property_type"] else live.get("validation_rules")
    if "validation_rules" not in want:
        return {**kept, "validation_rules": rules}
    if not want["validation_rules"]:
        return kept
    given = want["validation_rules"]
    gone = {name for pair in EITHER if any(given.get(one) is not None for one in pair) for name in pair}
    left = {name: value for name, value in (rules or {}).items() if name not in gone}
    return {**kept, "validation_rules": {**left, **given}}


def _read(one: Mapping[str, Any]) -> Fields:
    back = {theirs: ours for ours, theirs in WORDS.items()}
    rules = {back.get(name, name): value for name, value in (one.get("validation_rules") or {}).items()}
    shown = {name: one[name] for name in GroupProperty.model_fields if name in one}
    return {**shown, "validation_rules": rules or None}


def _written(one: Mapping[str, Any]) -> Fields:
    rules = {WORDS.get(name, name): value for name, value in (one.get("validation_rules") or {}).items() if value is not None}
    wire = {**one, **({"validation_rules": rules or None} if "validation_rules" in one else {})}
    empty: Fields = {"is_required": False, "is_optional_in_types": False, "description": ""}
    return {name: empty.get(name) if value is None else value for name, value in wire.items()}


def _unfit(at: str, one: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    rules = {name: value for name, value in (one.get("validation_rules") or {}).items() if value is not None}
    fitting = FITTING.get(one["property_type"], ())
    for name in rules:
        if name not in fitting:
            yield f"{at}.{name}", f"is no rule for {one['property_type']}: " + (
                f"that takes {', '.join(fitting)}" if fitting else "that takes none")
    for pair in EITHER:
        if all(name in rules for name in pair):
            yield f"{at}.{pair[1]}", f"stands beside {pair[0]}: PostHog takes one of them"
    low = rules.get("minimum", rules.get("exclusive_minimum"))
    high = rules.get("maximum", rules.get("exclusive_maximum"))
    if low is not None and high is not None and low >= high:
        yield at, f"{low} is not below {high}"


def _turned(live: Iterable[Mapping[str, Any]], want: Iterable[Mapping[str, Any]]) -> Iterable[Note]:
    """What becomes of properties: taken out, required from now on, or of another type."""
    held, wanted = {one["name"]: one for one in live}, {one["name"]: one for one in want}
    for name in sorted(held.keys() - wanted.keys()):
        yield Note(f"{name} is no longer in it", subject="taken out", path="properties")
    for name, one in wanted.items():
        before = held.get(name, {})
        if one.get("is_required") and not before.get("is_required"):
            yield Note(f"{name}: an event without it no longer fits", subject="required", path=f"properties[{name}]")
        if before and one["property_type"] != before.get("property_type"):
            yield Note(f"{name}: {before.get('property_type')} -> {one['property_type']}", subject="type",
                       path=f"properties[{name}]")
