"""What a changed survey means: who sees it from when on, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.contract import Scene
from reconciler.model import Action, Note, Op
from reconciler.vendors.posthog.flag_review import audience, called
from reconciler.vendors.posthog.objects import days_since
from reconciler.vendors.posthog.survey_fields import asked, instant

if TYPE_CHECKING:
    from reconciler.contract import Kind


def meaning(action: Action, kind: Kind[Any], scene: Scene) -> Iterable[Note]:
    """Everything that a reader should know of it."""
    if action.op is Op.DELETE:
        yield from _deleted(action, kind)
        return
    held = action.live.fields if action.live is not None else {}
    want = {**held, **(action.want.fields if action.want is not None else {})}
    changed = {change.path.partition(".")[0].partition("[")[0] for change in action.changes}
    if action.op is Op.CREATE:
        changed |= action.want.fields.keys() if action.want is not None else set()
    if action.op is Op.CREATE or changed & {"start_date", "end_date", "archived"}:
        yield Note(_shown(want), subject="shown", path="start_date" if "start_date" in changed else None)
    if "targeting_flag_filters" in changed:
        yield from _audience(held, want, kind, scene)
    if "questions" in changed:
        yield from _unasked(held, want)
    counts_anew = "response_sampling_limit" in changed and want.get("response_sampling_limit")
    if want.get("response_sampling_start_date") and ("response_sampling_start_date" in changed or counts_anew):
        yield from _sampled(want, kind)


def _deleted(action: Action, kind: Kind[Any]) -> Iterable[Note]:
    """Once it was launched there may be answers; how many, only a read tells, and that is a fact of the plan."""
    since = days_since(action.live.fields.get("start_date"), kind.api.clock.now()) if action.live is not None else None
    if since is not None and since >= 0:
        yield Note("it was launched: its answers stay as events, and no page shows them any more. Safer: archived: true",
                   refuse=True)


def _shown(want: Mapping[str, Any]) -> str:
    """Since when people see it, in words."""
    if want.get("archived"):
        return "to nobody: it is archived"
    if not want.get("start_date"):
        return "to nobody: it is a draft until start_date says since when"
    if want.get("end_date"):
        return f"until {want['end_date']}"
    return f"from {want['start_date']} on"


def _audience(held: Mapping[str, Any], want: Mapping[str, Any], kind: Kind[Any], scene: Scene) -> Iterable[Note]:
    old, new = (_whom(called(fields.get("targeting_flag_filters"), kind, scene)) for fields in (held, want))
    yield Note(new if not held else f"{old} -> {new}", subject="who", path="targeting_flag_filters")


def _whom(filters: Mapping[str, Any] | None) -> str:
    return " or ".join(audience(group) for group in (filters or {}).get("groups") or ()) or "everyone"


def _unasked(held: Mapping[str, Any], want: Mapping[str, Any]) -> Iterable[Note]:
    """Questions of a survey that people have seen and that it asks no more."""
    old = held.get("questions") or []
    kept = {one.get("id") for one in asked(old, want.get("questions") or [])}
    gone = [one.get("question") for one in old if one.get("id") not in kept]
    if held.get("start_date") and gone:
        yield Note(f"answers to {', '.join(repr(one) for one in gone)} are no longer shown with it", subject="answers",
                   path="questions")


def _sampled(want: Mapping[str, Any], kind: Kind[Any]) -> Iterable[Note]:
    """PostHog takes no limit that began to count before today, in UTC."""
    today = datetime.fromtimestamp(kind.api.clock.now(), UTC).date().isoformat()
    if str(instant(want["response_sampling_start_date"]))[:10] < today:
        yield Note("PostHog takes a limit only with a response_sampling_start_date of today or later",
                   path="response_sampling_start_date", refuse=True)
