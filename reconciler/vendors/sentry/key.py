"""sentry.client_key: the addresses (DSN) that applications send their events to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from reconciler.contract import Ask, Link, Mark, Output, Permissions, Scene, Spec
from reconciler.contract.reading import at_once
from reconciler.errors import Denied, Failure, Missing, Unreadable
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Unseen, Want
from reconciler.secret import Secret
from reconciler.vendors.sentry.objects import SentryKind, lowered, said

DEFAULT = "Default"
RECENT = 30 * 86400
"""Seconds back within which a key has seen traffic."""

WIRE = {"rate_limit": "rateLimit", "is_active": "isActive", "browser_sdk_version": "browserSdkVersion",
        "dynamic_sdk_loader_options": "dynamicSdkLoaderOptions", "use_case": "useCase"}
LOADER = {"has_replay": "hasReplay", "has_performance": "hasPerformance", "has_debug": "hasDebug",
          "has_feedback": "hasFeedback", "has_logs_and_metrics": "hasLogsAndMetrics"}


class RateLimit(Spec):
    """So many events in so many seconds."""

    window: Annotated[int, Field(ge=1, le=86400)]
    count: Annotated[int, Field(ge=1)]


class LoaderOptions(Spec):
    """What the loader script brings along."""

    has_replay: bool | None = True
    has_performance: bool | None = True
    has_debug: bool | None = False
    has_feedback: bool | None = False
    has_logs_and_metrics: bool | None = False


class ClientKeySpec(Spec):
    """The fields of sentry.client_key."""

    name: Annotated[str | None, Field(min_length=1, max_length=64), Mark.NAMED] = None
    project: Annotated[str, Link("sentry.project", "slug"), Mark.IDENTITY, Mark.IMMUTABLE]
    rate_limit: RateLimit | None = None
    is_active: Annotated[bool | None, Impact.ACCESS] = True
    browser_sdk_version: Literal["latest", "7.x"] | None = "latest"
    dynamic_sdk_loader_options: LoaderOptions | None = None
    use_case: Annotated[Literal["user", "profiling", "tempest", "demo"] | None, Mark.CREATE_ONLY] = "user"


class ClientKey(SentryKind[ClientKeySpec]):
    """A key of a project; its id is `PROJECT/keys/KEY`, both as Sentry numbers them.

    Sentry makes a first key called Default with each project: that one is taken, never doubled. Both addresses can be
    read at any time. Names are not unique.
    """

    name, spec, parent = "sentry.client_key", ClientKeySpec, "sentry.project"
    terraform = (("sentry_key", "*/keys/{id}"),)
    permissions = Permissions(("org:read", "project:read"), ("project:admin",))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "dsn": Output(), "dsn_secret": Output(secret=True)}
    later = ("is_active", "browser_sdk_version", "dynamic_sdk_loader_options")
    create_impact = Impact.ACCESS

    def item(self, id: str) -> str:
        """The path of one key."""
        return f"/api/0/projects/{self.sentry.sentry.organization}/{id}/"

    # reading

    def _keys(self, project: str) -> list[Live]:
        bodies = list(self.api.pages(self.sentry.project(project, "keys/")))
        first = min((str(body.get("dateCreated")) for body in bodies if body.get("name") == DEFAULT), default="")
        return [replace(self.live(body), by_vendor=body.get("name") == DEFAULT and str(body.get("dateCreated")) == first)
                for body in bodies]

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The keys of every project that is asked for, and whether those that may go have been used."""
        slugs = self.sentry.slugs()
        asked = {self.sentry.meant(want.get("project")) for want in ask.wants}
        numbers = [number for number, slug in slugs.items() if ask.everything or {slug, number} & asked]
        known = {id.partition("/")[0] for id in ask.ids} & slugs.keys()
        projects = list(dict.fromkeys([*numbers, *sorted(known)]))
        for number, found in zip(projects, at_once(self.api, projects, self._keys), strict=True):
            if isinstance(found, Failure):
                yield Unseen(found.message, parent=f"{number}/")
            else:
                yield from (self._used(live, ask) for live in found)

    def _used(self, live: Live, ask: Ask) -> Live:
        """A key that this plan may end, with how many events it took in; None where Sentry does not tell."""
        wants = [want for want in ask.wants if want.get("name") == live.fields["name"]
                 and self.sentry.meant(want.get("project")) in (live.fields["project"], None)]
        ends = not wants or any(want.get("is_active") is False for want in wants)
        if live.id not in ask.ids or not ends or not live.fields.get("is_active"):
            return live
        now = int(self.api.clock.now())
        try:
            rows = self.api.get(f"{self.item(live.id)}stats/", {"since": now - RECENT, "until": now, "resolution": "1d"})
            count = sum(int(row["total"]) for row in rows)
        except (Denied, Missing, Unreadable, LookupError, TypeError, ValueError):
            return replace(live, raw={**live.raw, "seen": None})
        return replace(live, raw={**live.raw, "seen": count})

    def live(self, body: Mapping[str, Any]) -> Live:
        """A body as a live object."""
        number = str(body["projectId"])
        dsn = body.get("dsn") or {}
        id = f"{number}/keys/{body['id']}"
        outputs = {"id": id, "dsn": dsn.get("public"), "dsn_secret": Secret(str(dsn.get("secret")))}
        fields = {**said(body, self.shape.children), "project": self.sentry.slug(number)}
        fields.pop("use_case", None)
        if fields.get("dynamic_sdk_loader_options") == LoaderOptions().model_dump():
            fields["dynamic_sdk_loader_options"] = None
        return Live(id=id, fields=fields, outputs=outputs, raw=body)

    def get(self, id: str) -> Live | None:
        """One key."""
        body = self.api.find(self.item(id))
        return None if body is None else self.live(body)

    def read(self, answer: Any) -> Live | None:
        """The key, when the answer is it."""
        return self.live(answer) if isinstance(answer, dict) and answer.get("id") and answer.get("projectId") else None

    # writing

    def born(self, want: Want[ClientKeySpec]) -> bool:
        """The first key of a new project."""
        return bool(want.get("name") == DEFAULT)

    def create(self, want: Want[ClientKeySpec]) -> Call:
        """One POST with what it takes; the rest is brought by a PUT."""
        return Call("POST", self.sentry.project(want["project"], "keys/"), self._body(want.fields))

    def update(self, live: Live, want: Want[ClientKeySpec], changes: Changes) -> Iterable[Call]:
        """One PUT with what changed."""
        changed = self.changed(want, changes)
        if changed:
            yield Call("PUT", self.item(live.id), self._body(changed), safe=True)

    def _body(self, fields: Mapping[str, Any]) -> Fields:
        body: Fields = {}
        for name, value in self.cleared({n: v for n, v in fields.items() if n != "project"}).items():
            if name == "dynamic_sdk_loader_options":
                given = LoaderOptions().model_dump() if value is None else value
                value = {LOADER[option]: on for option, on in given.items()}
            elif name == "rate_limit" and value is None:
                value = {"window": None, "count": None}
            body[WIRE.get(name, name)] = value
        return body

    # judgement

    def fate(self, live: Live) -> Fate:
        """Applications that still use it lose their events, and hear nothing of it."""
        return Fate("delete", why="applications that still send to it lose their events without a word")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """A limit is a pair, or there is none."""
        if fields.get("name", "") is None:
            yield "name", "can't be cleared: a key has a name"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Who is cut off; refused where the key was in use, or where Sentry does not say whether it was."""
        off = any(change.path == "is_active" and change.after is False for change in action.changes)
        ends = action.op in (Op.DELETE, Op.REPLACE) or (off and action.op is Op.UPDATE)
        if ends and action.live is not None and action.live.fields.get("is_active"):
            seen = (action.live.raw or {}).get("seen")
            if seen is None:
                yield Note("Sentry does not tell whether it is in use: whoever sends to it loses events", refuse=True)
            elif seen:
                yield Note(f"{seen} events came in by it in the last 30 days: they would be lost", refuse=True)
        if action.op is Op.CREATE and action.want is not None and self.born(action.want):
            yield Note("the key that Sentry makes with a project is taken, not made", subject="default key")
        if any(lowered(action, path) for path in ("rate_limit", "rate_limit.count")) or any(
                change.path == "rate_limit" and change.after for change in action.changes if action.op is not Op.CREATE):
            yield Note("events over the limit are dropped", path="rate_limit")
