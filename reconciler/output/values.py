"""One value, and one change, on one line: in the manifest's terms, secrets never, money as money."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from reconciler.hidden import hidden
from reconciler.model import Change, Ref, SecretRef, fill, has_token
from reconciler.output.escape import safe
from reconciler.output.money import Currencies, said
from reconciler.secret import Secret

SECRET = "(secret)"  # noqa: S105 - the word that stands in a secret's place
CHANGED = "(secret, changed)"
UNKNOWN = "(known after apply)"
OUTSIDE = "(changed outside)"

_WORDS = frozenset({"", "null", "true", "false", "yes", "no", "on", "off", "~", "?", "-"})
_NUMBER = re.compile(r"[-+]?(?:0[ox])?[\d.][\d.,_]*(?:[eE][-+]?\d+)?\Z")
_FIRST = frozenset("\"'`([{<?#&*!|>%@,:-")
_FLOW = frozenset(",[]{}:")


def plain(value: Any) -> Any:
    """A value as JSON shows it: secrets as a word, what is not known yet as null, or as `?` inside a text."""
    if isinstance(value, Secret):
        return SECRET
    if isinstance(value, str):
        return _filled(value) if has_token(value) else str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _filled(text: str) -> Any:
    whole = fill(text, lambda token: SECRET if isinstance(token, SecretRef) else None)
    return whole if whole is None else fill(text, lambda token: "?" if isinstance(token, Ref) else SECRET)


def shown(value: Any, *, unknown: bool = False, inside: bool = False) -> str:
    """A plain value as a manifest would say it, on one line; `unknown` shows null as `?`."""
    if value is None:
        return "?" if unknown else "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value) if _needs_quotes(value, inside) else value
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{shown(str(key), inside=True)}: {shown(item, unknown=unknown, inside=True)}"
                               for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(shown(item, unknown=unknown, inside=True) for item in value) + "]"
    return str(value)


def _needs_quotes(text: str, inside: bool) -> bool:
    if text == SECRET:
        return False
    if text.lower() in _WORDS or text != text.strip() or _NUMBER.match(text) or any(map(hidden, text)):
        return True
    if text[0] in _FIRST and not (text[0] == "*" and len(text) > 1):
        return True
    return " -> " in text or " #" in text or (inside and not _FLOW.isdisjoint(text) and not _is_url(text))


def _is_url(text: str) -> bool:
    return "://" in text and _FLOW.isdisjoint(text.replace("://", "", 1))


def _quoted(text: str) -> str:
    return safe(json.dumps(text, ensure_ascii=False))


def after(change: Change, codes: Currencies | None = None) -> str:
    """What a created field will be."""
    if change.secret:
        return SECRET
    value = plain(change.after)
    text = shown(value, unknown=change.unknown)
    if change.unknown:
        return f"{text} {UNKNOWN}"
    return f"{text}  ({said(None, value, codes)})" if codes is not None and value is not None else text


def both(change: Change, codes: Currencies | None = None) -> str:
    """What a field was and will be; without the old value where nobody knows it."""
    mark = f"{OUTSIDE} " if change.drift else ""
    if change.secret:
        return mark + CHANGED
    old, new = plain(change.before), plain(change.after)
    text = shown(new, unknown=change.unknown) + (f" {UNKNOWN}" if change.unknown else "")
    if old is None:
        money = f"  ({said(None, new, codes)})" if codes is not None and new is not None else ""
        return f"{mark}-> {text}{money}"
    money = f"  ({said(old, new, codes)})" if codes is not None else ""
    return f"{mark}{shown(old)} -> {text}{money}"
