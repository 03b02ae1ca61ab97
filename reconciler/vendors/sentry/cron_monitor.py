"""sentry.cron_monitor: a job that reports in, and when its silence makes an issue."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark, Output, Permissions, Scene, Spec, overlay
from reconciler.model import Action, Call, Changes, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.sentry.objects import SentryKind, said
from reconciler.vendors.sentry.terms import Actor, Slug, owner

NICKNAMES = {"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
             "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"}
"""What Sentry makes of them when it stores them."""

UNITS = ("year", "month", "week", "day", "hour", "minute")
Minutes = Annotated[int | None, Field(ge=1, le=40320)]
Times = Annotated[int | None, Field(ge=1, le=720)]


def schedule(value: Any) -> Any:
    """A crontab written out, with one space between its parts; an interval as a list."""
    if isinstance(value, str):
        text = " ".join(value.split())
        return NICKNAMES.get(text.lower(), text)
    return list(value) if isinstance(value, tuple) else value


def _schedule(value: Any) -> Any:
    if isinstance(value, str):
        if value.strip().lower() not in NICKNAMES and len(value.split()) != 5:
            raise ValueError('is a crontab of five parts ("0 3 * * *"), @daily or the like, or [number, unit]')
    elif not (isinstance(value, list) and len(value) == 2 and isinstance(value[0], int) and value[0] > 0
              and value[1] in UNITS):
        raise ValueError(f"is a crontab, or [number, unit] with a unit of {', '.join(UNITS)}")
    return value


@cache
def zones() -> frozenset[str]:
    """Every time zone that this machine knows; none where it has no list of them."""
    return frozenset(zoneinfo.available_timezones())


def _timezone(value: str) -> str:
    if zones() and value not in zones():
        raise ValueError("is no time zone such as UTC or Europe/Berlin")
    return value


class CronConfig(Spec):
    """When a check-in is due; times in minutes, null leaves them to Sentry."""

    schedule_type: Literal["crontab", "interval"] | None = "crontab"
    schedule: Annotated[Any, AfterValidator(_schedule), Canonical(schedule)]
    timezone: Annotated[str | None, AfterValidator(lambda value: value and _timezone(value))] = "UTC"
    checkin_margin: Minutes = None
    max_runtime: Minutes = None
    failure_issue_threshold: Times = None
    recovery_threshold: Times = None


class CronMonitorSpec(Spec):
    """The fields of sentry.cron_monitor; check-ins name it by its slug."""

    slug: Annotated[Slug | None, Field(max_length=50), Mark.NAMED] = None
    name: Annotated[str | None, Field(min_length=1, max_length=128), Impact.COSMETIC] = None
    project: Annotated[str, Link("sentry.project", "slug"), Mark.IMMUTABLE]
    config: CronConfig
    status: Literal["active", "disabled"] | None = "active"
    is_muted: bool | None = False
    owner: Actor | None = None


class CronMonitor(SentryKind[CronMonitorSpec]):
    """A monitor of check-ins. An active one counts against a paid quota; a DELETE takes all its environments along."""

    name, spec, path = "sentry.cron_monitor", CronMonitorSpec, "monitors/"
    permissions = Permissions(("org:read", "alerts:read"), ("alerts:write",))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "slug": Output(foretold="slug")}

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The monitor; its project by the slug that the answer holds."""
        fields = said(body, ("slug", "name", "config", "status", "is_muted"))
        return {**fields, "project": body["project"]["slug"], "owner": owner(body.get("owner") or None)}

    def create(self, want: Want[CronMonitorSpec]) -> Call:
        """One POST; a name is wanted, and the slug is one."""
        return Call("POST", self.collection, self._body(want.fields))

    def update(self, live: Live, want: Want[CronMonitorSpec], changes: Changes) -> Iterable[Call]:
        """One PUT, which always wants name, project and config."""
        yield Call("PUT", self.item(live.id), self._body(overlay(live.fields, want.fields, self.shape)), safe=True)

    def _body(self, fields: Mapping[str, Any]) -> Fields:
        body = self.cleared(dict(fields))
        config = {name: value for name, value in body["config"].items() if name != "alert_rule_id"}
        return {**body, "config": config, "name": body.get("name") or body.get("slug")}

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """A schedule of the type that is named."""
        config = fields.get("config") or {}
        kind, when = config.get("schedule_type") or "crontab", config.get("schedule")
        if (kind == "interval") == isinstance(when, str):
            yield "config.schedule", f"is no {kind}: schedule_type says {kind}"
        if fields.get("name", "") is None:
            yield "name", "can't be cleared, only changed: leave it out"
        if isinstance(when, str) and re.match(r"\s*@reboot", when):
            yield "config.schedule", "@reboot has no time that could be missed"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What it costs, who else writes it, when it goes silent."""
        if action.op is Op.CREATE and action.want is not None and action.want.get("status") != "disabled":
            yield Note("counts against the paid quota of cron monitors", impact=Impact.MONEY)
        for change in action.changes if action.op is Op.UPDATE else ():
            if change.path == "slug":
                yield Note("check-ins that name the old slug are refused: change the code with it", path="slug")
            if change.path == "status":
                off = change.after == "disabled"
                yield Note("check-ins are not taken while it is off" if off else
                           "counts against the paid quota of cron monitors", path="status",
                           impact=None if off else Impact.MONEY)
            if change.path == "is_muted" and change.after is True:
                yield Note("makes no issues while it is muted", path="is_muted")
        if action.op in (Op.DELETE, Op.REPLACE):
            yield Note("its history of check-ins goes with it")
        if action.live is not None and (action.live.raw or {}).get("isUpserting"):
            yield Note("check-ins of the application's code write it too: two writers undo each other", subject="code")
