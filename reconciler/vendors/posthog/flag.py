"""posthog.feature_flag: what is switched on, for whom, and with which value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Mark, Named, Output, Scene, Spec
from reconciler.contract.declare import Refer
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.posthog import flag_checks, flag_review
from reconciler.vendors.posthog.conditions import Filters, declared, nobody, read, written
from reconciler.vendors.posthog.objects import SoftDeleted, Tagged, Tags, names, plain
from reconciler.vendors.posthog.permissions import scopes

Context = Annotated[str, Field(min_length=1, max_length=255)]


def _not_empty(value: list[str] | None) -> list[str] | None:
    if any(not plain(item) for item in value or ()):
        raise ValueError("a context is not empty")
    return value


class FeatureFlagSpec(Spec):
    """The fields of posthog.feature_flag; `name` is its description, callers ask for its `key`."""

    key: Annotated[Named, Field(pattern=r"^[a-zA-Z0-9_-]+$", max_length=400)] = None
    name: Annotated[str | None, Impact.COSMETIC] = ""
    active: bool | None = True
    archived: bool | None = False
    filters: Filters | None = Field(default_factory=nobody)
    tags: Tags = None
    evaluation_runtime: Literal["server", "client", "all"] | None = "all"
    bucketing_identifier: Literal["distinct_id", "device_id"] | None = "distinct_id"
    ensure_experience_continuity: bool | None = None
    is_remote_configuration: bool | None = False
    has_encrypted_payloads: bool | None = False
    encrypted_payload: Annotated[str | None, Mark.SECRET, Mark.WRITE_ONLY] = None
    evaluation_contexts: Annotated[list[Context] | None, Field(max_length=50), AfterValidator(_not_empty),
                                   Canonical(names)] = None


class FeatureFlag(SoftDeleted[FeatureFlagSpec], Tagged[FeatureFlagSpec]):
    """What is switched on, for whom, and with which value.

    A list with a personal key is billed as an evaluation of flags (PostHog's `feature_flag.py`), so there is one a run:
    the archived ones are asked for only when something that is wanted is not among the others. PostHog would make a
    usage dashboard beside every new flag; it is told not to, because nobody declared one.
    """

    name, spec, path = "posthog.feature_flag", FeatureFlagSpec, "/feature_flags"
    permissions = scopes("feature_flag")
    perks = ("tags", "evaluation_contexts")
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "id_text": Output(), "key": Output(foretold="key")}

    # reading

    def bodies(self, ask: Ask) -> Iterable[Mapping[str, Any]]:
        """The flags that are not archived; these too where one that is asked for is missing."""
        found = {str(body["id"]): body for body in super().bodies(ask)}
        keys = {body.get("key") for body in found.values()}
        wanted = {want.get("key") for want in ask.wants} - {None}
        if ask.everything or not wanted <= keys or not ask.ids <= found.keys():
            found |= {str(body["id"]): body for body in self.api.pages(self.collection, {"archived": True})}
        return found.values()

    def archived(self, body: Mapping[str, Any]) -> bool:
        """Whether it is marked as deleted, or archived."""
        return super().archived(body) or bool(body.get("archived"))

    def ended(self, live: Live) -> bool:
        """Whether nothing is left to remove: an archived flag still holds its key."""
        return bool(live.raw.get("deleted"))

    def rests(self, want: Want[FeatureFlagSpec]) -> bool:
        """Whether the manifest itself archives it."""
        return want.get("archived") is True

    def outputs_of(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """`id_text` is its number as conditions of other flags take it."""
        return {"key": body.get("key"), "id_text": str(body["id"])}

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields; an encrypted payload, which is shown as asterisks, is left out."""
        fields = super().from_wire(body)
        fields["filters"] = read(body.get("filters"))
        if body.get("has_encrypted_payloads"):
            fields["filters"].pop("payloads", None)
        if "evaluation_contexts" in fields:
            fields["evaluation_contexts"] = names(fields["evaluation_contexts"])
        return fields

    def declare(self, live: Live, refer: Refer) -> Fields:
        """The fields as an export gives them."""
        fields = super().declare(live, refer)
        filters = declared(fields["filters"], live.fields["filters"]) if fields.get("filters") else {}
        return {**fields, "filters": filters} if filters else fields

    # writing

    def create(self, want: Want[FeatureFlagSpec]) -> Call:
        """One POST; without a usage dashboard."""
        call = super().create(want)
        return Call(call.method, call.path, {**call.body, "_should_create_usage_dashboard": False})

    def to_wire(self, fields: Fields) -> Fields:
        """Filters as PostHog takes them, an encrypted payload among them, no empty text where it wants a list."""
        wire = {name: value for name, value in fields.items() if name not in ("filters", "encrypted_payload")}
        filters = written({}, fields["filters"]) if fields.get("filters") is not None else {}
        if fields.get("encrypted_payload") is not None:
            filters = {**filters, "payloads": {"true": fields["encrypted_payload"]}}
        if filters:
            wire["filters"] = filters
        for name in ("tags", "evaluation_contexts"):
            if name in wire:
                wire[name] = wire[name] or []
        return wire

    def update(self, live: Live, want: Want[FeatureFlagSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; of filters the whole, and what was archived is brought back to be switched on."""
        changed = {change.path.partition(".")[0] for change in changes}
        for call in super().update(live, want, changes):
            body = dict(call.body)
            if changed & {"filters", "encrypted_payload"}:
                body["filters"] = self._whole(live, want, changed)
            if body.get("active") and live.fields.get("archived") and "archived" not in want.fields:
                body["archived"] = False
            yield Call(call.method, call.path, body, safe=True)

    @staticmethod
    def _whole(live: Live, want: Want[FeatureFlagSpec], changed: set[str]) -> Fields:
        wanted = nobody().given() if want.get("filters", {}) is None else want.get("filters", {})
        filters = written(live.fields.get("filters") or {}, wanted)
        if "encrypted_payload" in changed:
            secret = want["encrypted_payload"]
            filters["payloads"] = {"true": secret} if secret is not None else {}
        return filters

    def revive(self, live: Live, want: Want[FeatureFlagSpec], changes: Changes) -> Iterable[Call]:
        """One PATCH that takes back the deletion, or the archiving, with what else changed."""
        for call in super().revive(live, want, changes):
            body = dict(call.body)
            if not live.raw.get("deleted"):
                del body["deleted"]
            if live.fields.get("archived") and not self.rests(want):
                body["archived"] = False
            yield Call(call.method, call.path, body, safe=True)

    # judgement

    def fate(self, live: Live) -> Fate:
        """It can be restored under its id, as long as nobody takes its key."""
        return Fate("delete", why="marked as deleted: callers get nothing from now on, and its key may be taken by a new flag")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What PostHog would refuse."""
        return flag_checks.findings(fields)

    def releases(self, action: Action) -> bool:
        """A flag is switched off before the flags that it depends on."""
        return any(change.path == "active" and change.after is False for change in action.changes)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Who gets it from now on, what hangs on it, and what PostHog would refuse."""
        if action.op in (Op.CREATE, Op.UPDATE, Op.BLOCKED):
            yield from flag_review.meaning(action, self, scene)
        yield from flag_review.attached(self, action, scene)
        filters = action.want.get("filters") if action.want is not None else None
        if action.op is Op.CREATE and filters and filters.get("groups") == []:
            yield Note("PostHog makes no flag without a group: active: false switches it off", path="filters.groups",
                       refuse=True)
