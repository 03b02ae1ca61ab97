"""What a changed flag means: who gets it from now on, and what else hangs on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.contract import Scene
from reconciler.model import Action, Impact, Live, Note, Op, Ref, fill
from reconciler.vendors.posthog.conditions import conditions, variants
from reconciler.vendors.posthog.objects import FRESH, days_since

if TYPE_CHECKING:
    from reconciler.contract import Kind

DECIDES = ("filters", "active", "key", "bucketing_identifier", "ensure_experience_continuity", "archived")
"""Fields that decide who gets which value."""


def audience(group: Mapping[str, Any] | None) -> str:
    """Who is in one group, in words."""
    if group is None:
        return "(nobody)"
    share = group.get("rollout_percentage")
    percent = 100 if share is None else share
    parts = [_condition(one) for one in group.get("properties") or ()]
    cohorts = all(one.get("type") == "cohort" for one in group.get("properties") or ())
    whom = f"{'' if cohorts else 'where '}{' and '.join(parts)}"
    type = group.get("aggregation_group_type_index")
    people = "users" if type is None else f"groups of type {type}"
    variant = f", all of them {group['variant']}" if group.get("variant") else ""
    if percent == 100:
        return (f"all {people} {whom}" if parts else "everyone" if type is None else f"all {people}") + variant
    return f"{percent:g} % of {people}{' ' + whom if parts else ''}{variant}"


def _condition(one: Mapping[str, Any]) -> str:
    value = _said(one.get("value"))
    if one.get("type") == "cohort":
        return f"{'not in' if one.get('operator') == 'not_in' or one.get('negation') else 'in'} cohort {value}"
    if one.get("type") == "flag":
        return f"flag {_said(one.get('key'))} is {value}"
    word = str(one.get("operator")).replace("_", " ")
    return f"{'not ' if one.get('negation') else ''}{one.get('key')} {word}{'' if one.get('value') is None else f' {value}'}"


def _said(value: Any) -> str:
    shown = fill(value, lambda token: token.address.name if isinstance(token, Ref) else token)
    return " or ".join(map(str, shown)) if isinstance(shown, list) else str(shown)


def called(filters: Any, kind: Kind[Any], scene: Scene) -> Any:
    """Filters for a reader's eyes: cohorts by their names and flags by their keys, as far as they can be seen."""
    names = {one.id: str(one.fields.get("name")) for one in scene.live.get(kind.kin("posthog.cohort"), ())}
    keys = {one.id: str(one.fields.get("key")) for one in scene.live.get(kind.kin("posthog.feature_flag"), ())}

    def one(condition: Mapping[str, Any]) -> Mapping[str, Any]:
        value, key = condition.get("value"), condition.get("key")
        if condition.get("type") == "cohort":
            value = [names.get(str(n), n) for n in value] if isinstance(value, list) else names.get(str(value), value)
        return {**condition, "value": value, "key": keys.get(str(key), key) if condition.get("type") == "flag" else key}

    groups = filters.get("groups") if isinstance(filters, Mapping) else None
    return {**filters, "groups": [{**group, "properties": [one(condition) for condition in group.get("properties") or ()]}
                                  for group in groups]} if groups else filters


def meaning(action: Action, kind: Kind[Any], scene: Scene) -> Iterable[Note]:
    """Who gets the flag, before and after."""
    live = action.live.fields if action.live is not None else {}
    want = {**live, **(action.want.fields if action.want is not None else {})}
    live, want = ({**fields, "filters": called(fields.get("filters"), kind, scene)} for fields in (live, want))
    changed = {change.path.partition(".")[0].partition("[")[0] for change in action.changes}
    if action.op is Op.CREATE:
        yield from _created(want)
        return
    if "key" in changed and action.effect != "restore":
        yield Note(f"every caller of {live.get('key')} gets nothing from now on", subject="renamed", path="key",
                   impact=Impact.DELETE)
    if "active" in changed:
        yield Note("whoever its groups let in gets it" if want.get("active") is not False else "nobody gets it any more",
                   subject="switched", path="active")
    if "filters" in changed:
        yield from _groups(live.get("filters") or {}, want.get("filters") or {})
        yield from _shares(live.get("filters") or {}, want.get("filters") or {})
    if "bucketing_identifier" in changed or "ensure_experience_continuity" in changed:
        yield Note("people fall into other shares than before", subject="shares")


def _created(want: Mapping[str, Any]) -> Iterable[Note]:
    filters = want.get("filters") or {}
    if want.get("active") is False:
        yield Note("nobody, it is off", subject="who")
    elif "groups" not in filters:
        yield Note("everyone: it has no groups", subject="who")
    else:
        for group in filters.get("groups") or ():
            yield Note(audience(group), subject="who")


def _groups(live: Mapping[str, Any], want: Mapping[str, Any]) -> Iterable[Note]:
    if "groups" not in want:
        return
    old, new = [*(live.get("groups") or ())], [*(want.get("groups") or ())]
    for n in range(max(len(old), len(new))):
        then = audience(old[n]) if n < len(old) else "(no group)"
        now = audience({**(old[n] if len(old) == len(new) else {}), **new[n]}) if n < len(new) else "(no group)"
        if then != now:
            yield Note(f"{then} -> {now}", subject=f"group {n + 1}", path=f"filters.groups[{n}]")
    if not new:
        yield Note("no group is left: nobody gets it", subject="who", path="filters.groups")


def _shares(live: Mapping[str, Any], want: Mapping[str, Any]) -> Iterable[Note]:
    if "multivariate" not in want:
        return
    old, new = _named(live), _named(want)
    if old != new:
        yield Note(f"{old or '(on or off)'} -> {new or '(on or off)'}; people move between them", subject="variants",
                   path="filters.multivariate")


def _named(filters: Mapping[str, Any]) -> str:
    return ", ".join(f"{one.get('key')} {one.get('rollout_percentage'):g} %" for one in variants(filters))


# what hangs on it


def attached(kind: Kind[Any], action: Action, scene: Scene) -> Iterable[Note]:
    """Experiments, early access and other flags that a change would pull the ground from."""
    live = action.live
    if live is None:
        return
    running = _running(kind, live, scene)
    touched = {change.path.partition(".")[0] for change in action.changes} & set(DECIDES)
    shown = sorted(str(one.fields.get("name")) for one in scene.live.get(kind.kin("posthog.survey"), ())
                   if str(one.fields.get("linked_flag")) == live.id and not one.fields.get("archived"))
    if shown and (touched or action.op is Op.DELETE):
        names = ", ".join(f'"{name}"' for name in shown)
        yield Note(f"who sees {names} changes with it", subject="surveys", impact=Impact.BEHAVIOURAL)
    if action.op is Op.DELETE:
        yield from _deleted(kind, action, live, scene, running)
        return
    if touched and (running or live.raw.get("experiment_set")):
        which = f"experiment {', '.join(running)} is running" if running else "an experiment hangs"
        yield Note(f"{which} on this flag: its results change with it", subject="experiment", impact=Impact.BEHAVIOURAL)
    gone = _dropped(action)
    if running and gone:
        yield Note(f"experiment {', '.join(running)} is running and has the variant {', '.join(gone)}", refuse=True,
                   path="filters.multivariate.variants")
    if any(change.path == "active" and change.after is False for change in action.changes):
        yield from _needed(live, scene, kind, "switched off")


def _deleted(kind: Kind[Any], action: Action, live: Live, scene: Scene, running: list[str]) -> Iterable[Note]:
    if running:
        yield Note(f"experiment {', '.join(running)} is running on this flag: end it first", refuse=True)
    if live.raw.get("features"):
        yield Note("an early access feature uses this flag: remove that first", refuse=True)
    yield from _needed(live, scene, kind, "deleted")
    days = days_since(live.raw.get("last_called_at"), kind.api.clock.now())
    if days is not None and days < FRESH:
        yield Note(f"it was asked for {'today' if days < 1 else f'{days:.0f} days ago'}: callers get nothing from now on. "
                   "Safer over three releases: active: false, archived: true, then remove it", refuse=True)


def _running(kind: Kind[Any], live: Live, scene: Scene) -> list[str]:
    """The names of running experiments on this flag, as far as they can be seen."""
    told = {str(one.get("id")): one for one in live.raw.get("experiment_set_metadata") or () if one.get("is_running")}
    seen = {one.id: one.raw for one in scene.live.get(kind.kin("posthog.experiment"), ())
            if one.raw.get("feature_flag_key") == live.fields.get("key") and one.raw.get("start_date")
            and not one.raw.get("end_date") and not one.archived}
    return sorted(str(one.get("name") or id) for id, one in {**told, **seen}.items())


def _dropped(action: Action) -> list[str]:
    want = (action.want.fields.get("filters") or {}) if action.want is not None else {}
    if "multivariate" not in want or action.live is None:
        return []
    kept = {one.get("key") for one in variants(want)}
    return [str(one.get("key")) for one in variants(action.live.fields.get("filters")) if one.get("key") not in kept]


def _needed(live: Live, scene: Scene, kind: Kind[Any], word: str) -> Iterable[Note]:
    """Active flags with a condition on this one, that this plan leaves as they are."""
    busy = {action.live.id for action in scene.actions.values()
            if action.address.kind == kind.bound and action.live is not None and _lets_go(action, live.id)}
    users = [str(one.fields.get("key")) for one in scene.live.get(kind.bound, ())
             if one.id not in busy and one.fields.get("active") is not False and not one.archived
             and any(c.get("type") == "flag" and str(c.get("key")) == live.id for c in conditions(one.fields.get("filters")))]
    if users:
        yield Note(f"{', '.join(sorted(users))} {'depends' if len(users) == 1 else 'depend'} on it, so it can't be {word}",
                   refuse=True)


def _lets_go(action: Action, id: str) -> bool:
    if action.op is Op.DELETE:
        return True
    want = action.want.fields if action.want is not None else {}
    if want.get("active") is False:
        return True
    filters = want.get("filters")
    return bool(filters) and not any(str(c.get("key")) == id for c in conditions(filters) if c.get("type") == "flag")
