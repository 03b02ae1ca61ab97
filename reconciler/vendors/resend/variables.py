"""What a template's variables must be: declared where they are used, few enough, named and typed as Resend takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from reconciler.model import Fields
from reconciler.suggest import did_you_mean

RESERVED = frozenset({"FIRST_NAME", "LAST_NAME", "EMAIL", "UNSUBSCRIBE_URL", "RESEND_UNSUBSCRIBE_URL", "contact", "this"})
"""Names that Resend fills in itself, where it does (the union of its pages and issues: they differ)."""

_USED = re.compile(r"\{\{\{\s*([A-Za-z_][A-Za-z0-9_]*)[^{}]*\}\}\}")


def used(text: str) -> list[str]:
    """The variables in a text, each once, in the order met: `{{{NAME}}}`, `{{{NAME|fallback}}}`, `{{{contact.x}}}`."""
    return list(dict.fromkeys(hit[1] for hit in _USED.finditer(text)))


def problems(texts: Mapping[str, str], variables: Sequence[Fields]) -> Iterator[tuple[str, str]]:
    """What is wrong with the variables of a template, as (path, message); `texts` are html, subject and text."""
    declared = [str(one.get("key")) for one in variables]
    for where, text in texts.items():
        for name in used(text):
            if name not in declared and name not in RESERVED:
                near = did_you_mean(name, declared)
                yield where, f"uses {{{{{{{name}}}}}}}, which `variables` does not declare{f': {near}' if near else ''}"
    yield from _declared(variables, declared)


def _declared(variables: Iterable[Fields], declared: list[str]) -> Iterator[tuple[str, str]]:
    for n, one in enumerate(variables):
        key = str(one.get("key"))
        if key in RESERVED:
            yield f"variables[{n}].key", f"{key} is reserved: Resend fills it in itself"
        if declared.index(key) != n:
            yield f"variables[{n}].key", f"{key} is declared twice"
        if not _fits(one.get("type"), one.get("fallback_value")):
            yield f"variables[{n}].fallback_value", f"must be a {one.get('type')}, as its type says"


def _fits(type: Any, value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, str) if type == "string" else isinstance(value, (int, float)) and not isinstance(value, bool)
