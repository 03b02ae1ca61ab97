"""The meaning of an ACL policy: rules by path in one normal form, from HCL, from JSON, or from a list in a manifest.

What counts was tried on OpenBao 2.7.2: stanzas of one path add up and `deny` beats all, `policy = "write"` adds its
capabilities, a leading slash means nothing, parameter names count without case, `name` and `comment` do nothing, and
an empty stanza does count: it hides a broader one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.vendors.vault.hcl import Body, Item, Malformed, is_json, parse
from reconciler.vendors.vault.terms import duration, seconds

CAPABILITIES = ("create", "read", "update", "patch", "delete", "list", "scan", "sudo", "subscribe", "recover", "deny")
"""`scan` is OpenBao's, `subscribe` and `recover` are Vault Enterprise's; the server refuses what it does not know."""

LEGACY = {"deny": ("deny",), "read": ("read", "list"), "write": ("create", "read", "update", "delete", "list"),
          "sudo": ("create", "read", "update", "delete", "list", "sudo")}
PARAMETERS = ("allowed_parameters", "denied_parameters")
SETS = ("required_parameters", "mfa_methods", "subscribe_event_types")
TIMES = ("min_wrapping_ttl", "max_wrapping_ttl")
PLAIN = ("pagination_limit", "expiration", "list_scan_response_keys_filter_path", "control_group")
ATTRIBUTES = ("capabilities", *PARAMETERS, *SETS, *TIMES, *PLAIN)
_KEYS = frozenset({*ATTRIBUTES, "policy", "comment"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One stanza: what may be done at a path, and under which conditions (`limits`, all in normal form)."""

    path: str
    capabilities: frozenset[str] = frozenset()
    limits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def denies(self) -> bool:
        """Whether it forbids everything at its path."""
        return "deny" in self.capabilities


def rules(value: Any) -> tuple[Rule, ...]:
    """The rules of a policy text or of a manifest's list, one a path where that says the same; sorted by path.

    Malformed (with line and column) or ValueError where the server would refuse it.
    """
    return _joined(_rule(each) for each in structured(value))


def structured(value: Any) -> list[dict[str, Any]]:
    """The stanzas as a manifest's list writes them, in their order."""
    if isinstance(value, str):
        return _from_text(value)
    return [{key: item for key, item in each.items() if item is not None} for each in value or ()]


def normal(value: Any) -> Any:
    """The normal form, for comparing: a text; what can't be parsed stands for itself."""
    if value is None:
        return ""
    try:
        return json.dumps([[r.path, sorted(r.capabilities), r.limits] for r in rules(value)], sort_keys=True)
    except (ValueError, TypeError, AttributeError, KeyError):
        return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _from_text(text: str) -> list[dict[str, Any]]:
    body, as_json = parse(text), is_json(text)
    found: list[dict[str, Any]] = []
    for item in body.items:
        if item.keys[0] == "path":
            found.extend(_stanza(path, stanza) for path, stanza in (_labelled(item) if as_json else _named(item)))
        elif item.keys[0] != "name":
            raise Malformed(f'unknown word {item.keys[0]!r}: a policy holds path "…" {{ … }}', item.line, item.column)
    return found


def _named(item: Item) -> Iterable[tuple[str, Item]]:
    if len(item.keys) != 2 or not isinstance(item.value, Body):
        raise Malformed('a path has one name: path "kv/data/x" { … }', item.line, item.column)
    yield item.keys[1], item


def _labelled(item: Item) -> Iterable[tuple[str, Item]]:
    for body in item.value if isinstance(item.value, list) else [item.value]:
        if not isinstance(body, Body):
            raise Malformed('"path" holds an object of paths', 1, 1)
        for one in body.items:
            if not isinstance(one.value, Body):
                raise Malformed(f"path {one.keys[0]!r} must be an object", 1, 1)
            yield one.keys[0], one


def _stanza(path: str, item: Item) -> dict[str, Any]:
    found: dict[str, Any] = {"path": path}
    for one in item.value.items:
        key = one.keys[0]
        if key not in _KEYS:
            raise Malformed(f"unknown attribute {key!r}", one.line, one.column)
        if len(one.keys) > 1:
            raise Malformed(f"{key} has no name", one.line, one.column)
        try:
            _put(found, key, one.value)
        except ValueError as error:
            raise Malformed(f"{key} {error}", one.line, one.column) from None
    try:
        _rule(found)
    except ValueError as error:
        raise Malformed(f"path {path!r}: {error}", item.line, item.column) from None
    return found


def _put(found: dict[str, Any], key: str, value: Any) -> None:
    """One attribute, with its type checked; lists and maps that come twice are joined, as the server does."""
    plain = _plain(value)
    if key == "policy":
        if plain not in ("", *LEGACY):
            raise ValueError(f"must be one of {', '.join(LEGACY)}")
        found["capabilities"] = [*found.get("capabilities", ()), *LEGACY.get(str(plain), ())]
    elif key == "capabilities" or key in SETS:
        if not isinstance(plain, list) or not all(isinstance(each, str) for each in plain):
            raise ValueError("must be a list of texts")
        found[key] = [*found.get(key, ()), *plain]
    elif key in PARAMETERS:
        if not isinstance(plain, dict) or not all(isinstance(each, list) for each in plain.values()):
            raise ValueError("must be a map of lists")
        found[key] = {**found.get(key, {}), **plain}
    elif key != "comment":
        found[key] = plain


def _plain(value: Any) -> Any:
    if isinstance(value, Body):
        found: dict[str, Any] = {}
        for item in value.items:
            inner = _plain(item.value)
            for label in reversed(item.keys[1:]):
                inner = {label: inner}
            old = found.get(item.keys[0])
            found[item.keys[0]] = {**old, **inner} if isinstance(old, dict) and isinstance(inner, dict) else inner
        return found
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _rule(stanza: Mapping[str, Any]) -> Rule:
    path = str(stanza["path"])
    if "+*" in path:
        raise ValueError("+* is no wildcard: + stands for a whole part, * only at the end")
    if path.count("{{") != path.count("}}"):
        raise ValueError("{{ and }} don't match")
    capabilities = frozenset(stanza.get("capabilities") or ())
    unknown = sorted(capabilities - set(CAPABILITIES))
    if unknown:
        raise ValueError(f"unknown capability {unknown[0]!r}: there are {', '.join(CAPABILITIES)}")
    limits = {key: made for key in ATTRIBUTES[1:] if (made := _limit(key, stanza.get(key))) is not None}
    if "deny" in capabilities:
        return Rule(path.removeprefix("/"), frozenset({"deny"}))
    low, high = limits.get("min_wrapping_ttl"), limits.get("max_wrapping_ttl")
    if low and high and low > high:
        raise ValueError("max_wrapping_ttl can't be less than min_wrapping_ttl")
    if "list_scan_response_keys_filter_path" in limits and not capabilities & {"list", "scan"}:
        raise ValueError("list_scan_response_keys_filter_path needs the capability list or scan")
    return Rule(path.removeprefix("/"), capabilities, limits)


def _limit(key: str, value: Any) -> Any:
    """One condition in normal form; None where it says nothing."""
    if value is None:
        return None
    if key in PARAMETERS:
        return {name.lower(): sorted(map(_scalar, values or ())) for name, values in value.items()} or None
    if key in SETS:
        return sorted(set(value)) or None
    if key in TIMES:
        seconds(value)
        return duration(value) or None
    if key == "pagination_limit":
        if isinstance(value, float) or not re.fullmatch(r"-?\d+", str(value)):
            raise ValueError("pagination_limit must be a whole number")
        return int(value) or None
    if key == "expiration":
        return _moment(value) if value else None
    return value or None


def _moment(value: Any) -> str:
    """A moment in UTC, from RFC 3339 or seconds since the epoch."""
    try:
        if re.fullmatch(r"\d+", str(value)):
            return datetime.fromtimestamp(int(value), UTC).isoformat()
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        raise ValueError(f"expiration {value!r} is not a moment such as 2030-01-31T00:00:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _scalar(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _joined(found: Iterable[Rule]) -> tuple[Rule, ...]:
    """Stanzas of one path as one, where none has conditions or deny decides; else each as it stands."""
    by_path: dict[str, list[Rule]] = {}
    for rule in found:
        by_path.setdefault(rule.path, []).append(rule)
    joined: list[Rule] = []
    for path, same in sorted(by_path.items()):
        if any(rule.denies for rule in same):
            joined.append(Rule(path, frozenset({"deny"})))
        elif len(same) == 1 or not any(rule.limits for rule in same):
            joined.append(Rule(path, frozenset().union(*(rule.capabilities for rule in same)), same[0].limits))
        else:
            unlike = {json.dumps([sorted(r.capabilities), r.limits], sort_keys=True): r for r in same}
            joined.extend(unlike[key] for key in sorted(unlike))
    return tuple(joined)
