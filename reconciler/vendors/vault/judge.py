"""What a changed policy means: rights gained and lost, rights that are dangerously wide, our own rights lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.contract import Scene
from reconciler.model import Impact, Live, Note
from reconciler.vendors.vault.acl import Grant, allowed, grants, matches, overlaps
from reconciler.vendors.vault.reach import Difference, differences
from reconciler.vendors.vault.rules import CAPABILITIES, Rule, rules
from reconciler.vendors.vault.terms import route

if TYPE_CHECKING:
    from reconciler.contract import Kind

Held = dict[str, Grant]

DANGERS = (
    ("sys/policies/*", "policies can be rewritten", {"create", "update", "patch", "delete"}),
    ("sys/policy/*", "policies can be rewritten", {"create", "update", "patch", "delete"}),
    ("auth/token/create*", "tokens with other policies can be made", {"create", "update"}),
    ("transit/keys/*", "keys can be changed or deleted", {"create", "update", "patch", "delete"}),
    ("transit/export/*", "keys can be taken out", {"read"}),
    ("database/config/*", "database root credentials can be replaced", {"create", "update", "patch", "delete"}),
    ("sys/*", "the server itself can be changed", {"create", "update", "patch", "delete", "sudo"}),
)
"""Paths whose widening is always said (digest, section 4), why, and for which capabilities."""


def known(value: Any) -> tuple[Rule, ...] | None:
    """The rules of a policy; None where it can't be parsed, nothing where there is none."""
    if value is None:
        return ()
    try:
        return rules(value)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def meaning(before: Any, after: Any) -> Iterable[Note]:
    """Gains and losses per capability and place, what they come to, then the warnings."""
    old, new = known(before), known(after)
    if old is None or new is None:
        yield Note("the live policy can't be parsed, so what is gained and lost can't be told", impact=Impact.ACCESS)
        return
    held, given = grants(old), grants(new)
    gained, lost = differences(held, given), differences(given, held)
    yield from _reached(gained, lost)
    if before is not None and after is not None:
        yield from _summed(gained, lost)
    yield from _limits(old, new)
    yield from _widened(held, given, [(one.capability, one.place) for one in gained])


def _reached(gained: list[Difference], lost: list[Difference]) -> Iterable[Note]:
    """Gains and losses by place, each with a path that shows it."""
    lines = [(one.place, side, CAPABILITIES.index(one.capability), one) for side, found in (("gains", gained), ("loses", lost))
             for one in found]
    for place, side, _, one in sorted(lines, key=lambda line: line[:3]):
        yield Note(f"{one.capability}  {place}" + (f"  (e.g. {one.path})" if one.path != place else ""), subject=side)


def _summed(gained: list[Difference], lost: list[Difference]) -> Iterable[Note]:
    """What they come to in one word, with a path that proves it."""
    for word, found, said in (("widened", gained, "is allowed now"), ("narrowed", lost, "is allowed no more")):
        if found:
            yield Note(f"{word}: {found[0].capability} on {found[0].path} {said}", subject="reach", impact=Impact.ACCESS)


def _limits(old: Iterable[Rule], new: Iterable[Rule]) -> Iterable[Note]:
    """Conditions that changed at a path that stays."""
    then, now = _by_path(old), _by_path(new)
    for path in sorted(then.keys() & now.keys()):
        for key in sorted({*then[path], *now[path]}):
            if then[path].get(key) != now[path].get(key):
                yield Note(f"{key} of {path}: {_said(then[path].get(key))} -> {_said(now[path].get(key))}",
                           subject="condition", impact=Impact.ACCESS)


def _by_path(found: Iterable[Rule]) -> dict[str, Mapping[str, Any]]:
    by_path: dict[str, Mapping[str, Any]] = {}
    for rule in found:
        by_path[rule.path] = {**by_path.get(rule.path, {}), **rule.limits}
    return by_path


def _said(value: Any) -> str:
    return "(none)" if value is None else str(value)


def _widened(held: Held, given: Held, gained: list[tuple[str, str]]) -> Iterable[Note]:
    """Digest section 4: root wildcards, sudo, sys/*, tokens, policies, keys, wider than before, a deny that goes."""
    said = set()
    for word, path in gained:
        for text in _why_wide(word, path, held):
            if text not in said:
                said.add(text)
                yield Note(text, subject="warning", impact=Impact.ACCESS)
    for path, grant in sorted(held.items()):
        if "deny" in grant.capabilities and "deny" not in given.get(path, Grant(path, frozenset())).capabilities:
            yield Note(f"deny is taken off {path}", subject="warning", impact=Impact.ACCESS)


def _why_wide(word: str, path: str, held: Held) -> Iterable[str]:
    if path in ("*", "+", "+/*", "+/+/*"):
        yield f"{word} on {path}: this is every path"
        return
    if word == "sudo":
        yield f"sudo on {path}: root-protected paths are open"
    danger = next((d for d in DANGERS if word in d[2] and overlaps(path, d[0])), None)
    if danger is not None:
        yield f"{word} on {path}: {danger[1]} ({danger[0]})"
    elif word == "delete" and path.endswith("*"):
        yield f"delete on {path}: everything below can be removed"
    if Grant(path, frozenset()).wide:
        narrower = sorted(g.path for g in held.values() if g.path != path and word in g.capabilities
                          and matches(path, g.path) and not matches(g.path, path))
        if narrower:
            yield f"{word} on {path} is wider than {', '.join(narrower[:3])} was"


def needed(kind: str, live: Live) -> tuple[tuple[str, str], ...]:
    """What we must be able to do to go on managing an object: (path, capability)."""
    noun = kind.rpartition(".")[2]
    if noun == "policy":
        return tuple((f"sys/policies/acl/{live.id}", word) for word in ("read", "update"))
    if noun == "mount":
        return ("sys/mounts", "read"), (f"sys/mounts/{route(live.id)}/tune", "update")
    if noun == "auth_method":
        tune = f"sys/auth/{route(live.id)}/tune"
        return ("sys/auth", "read"), (tune, "update"), (tune, "sudo")
    if noun == "audit_device":
        return ("sys/audit", "read"), ("sys/audit", "sudo")
    if noun == "transit_key":
        return (live.id, "read"), (f"{live.id}/config", "update")
    path = {"password_policy": f"sys/policies/password/{live.id}", "identity_group": f"identity/group/id/{live.id}"}.get(
        noun, live.id)
    return ((path, "update"),) if noun == "kv_config" else ((path, "read"), (path, "update"))


def lockout(kind: Kind[Any], live: Live, after: Any, scene: Scene) -> Iterable[Note]:
    """Refuses a change that takes rights from our own token which this run's objects need."""
    own = {str(name) for name in scene.about.get("policies", ())}
    if live.id not in own or scene.about.get("root"):
        return
    old, new = known(live.fields.get("rules")), known(after)
    if old is None or new is None:
        return
    others = [known(one.fields.get("rules")) or () for one in scene.live.get(kind.bound, ())
              if one.id in own and one.id != live.id]
    then, now = grants(old), [grants(new), *(grants(each) for each in others)]
    lost = sorted({f"{word} on {path}" for bound, found in scene.live.items()
                   if bound.partition(".")[0] == kind.connection for one in found
                   for path, word in needed(bound, one)
                   if word in allowed(then, path) and not any(word in allowed(held, path) for held in now)})
    if lost:
        yield Note(f"this run's own token would lose {', '.join(lost[:4])}" + (" …" if len(lost) > 4 else ""),
                   subject="lockout", impact=Impact.ACCESS, refuse=True, consent=Impact.ACCESS)
