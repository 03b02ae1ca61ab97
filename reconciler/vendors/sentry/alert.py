"""sentry.alert: who hears of which issues; Sentry's own word for it is workflow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from reconciler.contract import Ask, Canonical, Link, Mark, Permissions, Scene, Spec, overlay
from reconciler.model import Action, Call, Changes, Fields, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.sentry.alert_parts import (
    ActionFilter,
    AlertConfig,
    OwnMonitor,
    Triggers,
    matches_all,
    nothing,
    wrong,
)
from reconciler.vendors.sentry.objects import SentryKind, said
from reconciler.vendors.sentry.terms import Actor, owner

WRITTEN = ("name", "enabled", "environment", "config", "triggers", "action_filters", "owner")


class AlertSpec(Spec):
    """The fields of sentry.alert; `environment` null is all of them.

    `match_all` is ours and never sent: it says that an alert without any filter is meant.
    """

    name: Annotated[str | None, Field(min_length=1, max_length=256), Mark.NAMED] = None
    enabled: bool | None = True
    detectors: Annotated[list[Annotated[str, Link("sentry.metric_monitor")] | OwnMonitor] | None, Mark.UNORDERED] = None
    environment: str | None = None
    config: AlertConfig | None = None
    triggers: Triggers | None = None
    action_filters: list[ActionFilter] | None = None
    owner: Actor | None = None
    match_all: Annotated[bool | None, Canonical(lambda value: None)] = None


class Alert(SentryKind[AlertSpec]):
    """A workflow. Its links to monitors are kept here and nowhere else; without one it never fires.

    Sentry takes the whole object and forgets what it does not know, so what is wanted is laid over what is there, and
    read back. Conditions come back in an order of Sentry's own, groups in the order in which they were sent. The rules
    API of old (`/rules/`, `/alert-rules/`) answers 410 and is never asked: Sentry made its rules alerts of the same name.
    """

    name, spec, path, parent = "sentry.alert", AlertSpec, "workflows/", "sentry.metric_monitor"
    permissions = Permissions(("org:read", "project:read"), ("alerts:write",))

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every alert, and which monitors are Sentry's own."""
        self.sentry.slugs()
        self.sentry.own_monitors()
        named = (one for want in ask.wants for one in want.get("detectors") or () if isinstance(one, str))
        self.sentry.plain.update(one for one in named if not has_token(one))
        return super().list(ask)

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The workflow; monitors of Sentry's own by project."""
        fields = said(body, WRITTEN)
        fields["owner"] = owner(fields.get("owner"))
        if nothing(fields.get("triggers")):
            fields["triggers"] = None
        for act in (act for group in fields.get("action_filters") or () for act in group.get("actions") or ()):
            act["config"] = {name: value for name, value in (act.get("config") or {}).items() if value is not None}
        if isinstance(body.get("detectorIds"), list):
            fields["detectors"] = [self._named(str(id)) for id in body["detectorIds"]]
        return fields

    def _named(self, id: str) -> Any:
        if id in self.sentry.plain:
            return id
        hit = self.sentry.owned(id)
        return id if hit is None else {"default": hit[0], "project": self.sentry.slug(hit[1])}

    def get(self, id: str) -> Live | None:
        """One alert; what it is linked to may be new."""
        body = self.api.find(self.item(id))
        if body is not None:
            self.sentry.meet(body.get("detectorIds") or ())
        return None if body is None else self.live(body)

    # writing

    def create(self, want: Want[AlertSpec]) -> Call:
        """One POST with all of it."""
        fields = {"triggers": {}, **want.fields}
        return Call("POST", self.collection, self._body(fields, want.get("detectors") or []))

    def update(self, live: Live, want: Want[AlertSpec], changes: Changes) -> Iterable[Call]:
        """One PUT of the whole, numbers of conditions and actions in it."""
        fields = overlay(live.fields, want.fields, self.shape)
        links = want.get("detectors") or [] if "detectors" in want.fields else live.fields.get("detectors") or []
        yield Call("PUT", self.item(live.id), self._body(fields, links), safe=True)

    def _body(self, fields: Mapping[str, Any], detectors: Iterable[Any]) -> Fields:
        body = self.cleared({name: fields[name] for name in WRITTEN if name in fields})
        if "triggers" in body:
            body["triggers"] = _group(body["triggers"] or {}, whole=True)
        if "action_filters" in body:
            groups = [_group(group) for group in body["action_filters"] or ()]
            body["action_filters"] = [{**group, "actions": [_act(one) for one in group.get("actions") or ()]}
                                      for group in groups]
        if body.get("config", "") is None:
            del body["config"]
        return {**body, "detector_ids": list(detectors)}

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Conditions and actions that Sentry would refuse or never act on; an alert that filters nothing."""
        yield from wrong(fields)
        if fields.get("config", "") is None:
            yield "config", "can't be cleared: say a frequency"
        both = {"triggers", "action_filters"} <= fields.keys()
        if both and matches_all(fields) and not fields.get("match_all"):
            yield "triggers", "without conditions here and in action_filters every issue is told: say match_all: true if so"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """When it never fires, or for everything; refused: for everything without anybody having said so."""
        if action.want is None or action.op in (Op.DELETE, Op.FORGET, Op.ADOPT):
            return
        live = action.live.fields if action.live is not None else {}
        after = overlay(live, action.want.fields, self.shape)
        if matches_all(after):
            said = bool(action.want.get("match_all"))
            yield Note("filters nothing: every issue is told" + ("" if said else "; say match_all: true if that is meant"),
                       path="triggers", refuse=not said)
        if not after.get("detectors"):
            yield Note("is linked to no monitor and never fires: give detectors", path="detectors")
        if any(change.path == "enabled" and change.after is False for change in action.changes):
            yield Note("nobody is told while it is off", path="enabled")
        if action.op is Op.CREATE:
            yield from self._twins(action, scene)

    def _twins(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Alerts that Sentry made of old rules go on firing beside a new one."""
        assert action.want is not None
        name = str(action.want.get("name")).casefold()
        for live in scene.live.get(self.bound, ()):
            if str(live.fields.get("name")).casefold() == name:
                yield Note(f"alert {live.id} has nearly the same name and fires too", subject="beside it")


def _group(group: Mapping[str, Any], *, whole: bool = False) -> Fields:
    """A group as it is sent, its own number as a number; numbers of its conditions stay as they came."""
    found = {name: value for name, value in group.items() if name != "organization_id" and (name != "actions" or not whole)}
    if whole and str(found.get("id", "")).isdigit():
        found["id"] = int(found["id"])
    conditions = [{"comparison": True, "condition_result": True, **one} for one in found.get("conditions") or ()]
    return {**found, "logic_type": found.get("logic_type") or "any-short", "conditions": conditions}


def _act(act: Mapping[str, Any]) -> Fields:
    """An action as it is sent: empty maps where nothing is said, nulls in them left out."""
    config = {name: value for name, value in (act.get("config") or {}).items() if value is not None}
    return {**act, "config": config, "data": dict(act.get("data") or {}), "status": act.get("status") or "active"}
