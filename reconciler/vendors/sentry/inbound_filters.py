"""sentry.inbound_filters: which events a project drops on the way in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, cast

from reconciler.contract import Ask, Canonical, Link, Mark, Permissions, Scene, Singleton, Spec
from reconciler.contract.kind import S
from reconciler.contract.reading import at_once
from reconciler.errors import Failure, Unreadable
from reconciler.model import Action, Call, Changes, Fate, Fields, Live, Note, Unseen, Want
from reconciler.vendors.sentry.objects import tops
from reconciler.vendors.sentry.terms import names

if TYPE_CHECKING:
    from reconciler.vendors.sentry.api import SentryApi

BROWSERS = "legacy_browsers"
WIRE = {"browser_extensions": "browser-extensions", "localhost": "localhost", "web_crawlers": "web-crawlers",
        "filtered_transaction": "filtered-transaction", BROWSERS: "legacy-browsers"}
"""A filter's name here and at Sentry; `legacy-browser`, as its docs once said, is a 404."""

Browser = Literal["ie", "edge", "safari", "firefox", "chrome", "opera", "android", "opera_mini", "ie_pre_9", "ie9", "ie10",
                  "ie11", "opera_pre_15", "android_pre_4", "safari_pre_6", "opera_mini_pre_8", "edge_pre_79"]


class OfProject(Singleton[S]):
    """Settings that each project has once; they are known by the project's number."""

    parent = "sentry.project"
    verified = True
    permissions = Permissions(("org:read", "project:read"), ("project:write",))

    @property
    def sentry(self) -> SentryApi:
        """The client, by its own type."""
        return cast("SentryApi", self.api)

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Those of every project that is asked for."""
        slugs = self.sentry.slugs()
        asked = {self.sentry.meant(want.get("project")) for want in ask.wants}
        projects = [id for id, slug in slugs.items() if ask.everything or id in ask.ids or {slug, id} & asked]
        for id, found in zip(projects, at_once(self.api, projects, self.get), strict=True):
            if isinstance(found, Failure):
                yield Unseen(found.message, id=id)
            elif found is not None:
                yield found

    def lookup(self, want: Want[S]) -> Iterable[Live]:
        """Those of the wanted project."""
        number = self.sentry.number(str(want["project"]))
        found = None if number is None else self.get(number)
        return () if found is None else (found,)

    def title(self, live: Live) -> str:
        """The project's slug."""
        return str(live.fields.get("project") or live.id)

    def place(self, live: Live, want: Want[S], path: str) -> str:
        """A path below the project; one that is yet to be made is known by its slug alone."""
        return self.sentry.project(want["project"] if live.raw is None else live.id, path)

    def fate(self, live: Live) -> Fate:
        """They stay as they are."""
        return Fate("release", why="the project keeps them as they are")


class InboundFiltersSpec(Spec):
    """The fields of sentry.inbound_filters; Sentry turns the filter of health checks and crawlers on by itself."""

    project: Annotated[str, Link("sentry.project", "slug"), Mark.IDENTITY, Mark.IMMUTABLE]
    browser_extensions: bool | None = False
    localhost: bool | None = False
    web_crawlers: bool | None = True
    filtered_transaction: bool | None = True
    legacy_browsers: Annotated[list[Browser] | None, Canonical(names), Mark.UNORDERED] = None


class InboundFilters(OfProject[InboundFiltersSpec]):
    """The filters of one project, one PUT each."""

    name, spec = "sentry.inbound_filters", InboundFiltersSpec

    def get(self, id: str) -> Live | None:
        """All filters of one project, which its one list shows."""
        found = self.api.find(self.sentry.project(id, "filters/"))
        if found is None:
            return None
        if not isinstance(found, list):
            raise Unreadable(f"the filters of {id}: the answer is not a list", "try again")
        by_id = {body["id"]: body["active"] for body in found}
        fields: Fields = {"project": self.sentry.slug(id)}
        fields |= {name: by_id[wire] for name, wire in WIRE.items() if wire in by_id}
        if isinstance(fields.get(BROWSERS), bool):
            fields[BROWSERS] = []
        return Live(id=id, fields=fields, outputs={"id": id}, raw=by_id)

    def create(self, want: Want[InboundFiltersSpec]) -> Call:
        """The first filter of a project that is made in the same run."""
        return next(iter(self._calls(Live("", {}), want, self._given(want)[:1])))

    def owed(self, want: Want[InboundFiltersSpec]) -> Iterable[str]:
        """All filters but the first."""
        return self._given(want)[1:]

    def _given(self, want: Want[InboundFiltersSpec]) -> list[str]:
        return [name for name in WIRE if name in want.fields]

    def update(self, live: Live, want: Want[InboundFiltersSpec], changes: Changes) -> Iterable[Call]:
        """One PUT a filter."""
        return self._calls(live, want, [name for name in WIRE if name in tops(changes)])

    def _calls(self, live: Live, want: Want[InboundFiltersSpec], filters: Iterable[str]) -> Iterable[Call]:
        for name in filters:
            value = want.get(name)
            value = self.shape.child(name).default if value is None else value
            body = {"subfilters": value or []} if name == BROWSERS else {"active": value}
            yield Call("PUT", self.place(live, want, f"filters/{WIRE[name]}/"), body, safe=True)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """At least one filter is said."""
        if not fields.keys() & WIRE.keys():
            yield "project", f"says no filter: give one of {', '.join(WIRE)}"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What is dropped from now on."""
        for change in action.changes:
            top = change.path.partition("[")[0]
            if top in WIRE and change.after and change.after != change.before:
                yield Note("events that match are dropped and can't be had back", path=top)
