"""Rules as tidy HCL text, and our mark as its first line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model import Owner
from reconciler.vendors.vault.hcl import is_json
from reconciler.vendors.vault.rules import ATTRIBUTES, structured

_MARK = re.compile(r"\A# reconciler: (\S+) (\S+)(?: (\S+))?[ \t]*(?:\r?\n|\Z)")
_NAME = re.compile(r"[^\W\d][\w-]*\Z")


def hcl(stanzas: Iterable[Mapping[str, Any]]) -> str:
    """A manifest's list as HCL: one block a stanza, attributes in a fixed order."""
    return "\n".join(_block(stanza) for stanza in stanzas)


def as_text(value: Any) -> str:
    """A policy as it is sent: a text in HCL as it stands, JSON and lists written as HCL, which can carry our mark."""
    if isinstance(value, str) and not is_json(value):
        return value
    return hcl(structured(value))


def marked(text: str, owner: Owner | None) -> str:
    """A policy text with our mark as its first line, in place of one that stands there."""
    plain, _ = unmarked(text)
    if owner is None:
        return plain
    words = [owner.stack, owner.address, *([owner.seal] if owner.seal else [])]
    return f"# reconciler: {' '.join(words)}\n{plain}"


def unmarked(text: str) -> tuple[str, Owner | None]:
    """A policy text without its mark, and the mark."""
    hit = _MARK.match(text)
    return (text, None) if hit is None else (text[hit.end():], Owner(hit[1], hit[2], hit[3] or ""))


def _block(stanza: Mapping[str, Any]) -> str:
    lines = [f"path {_value(stanza['path'])} {{"]
    comment = stanza.get("comment")
    if comment:
        lines.extend(f"  # {line}" for line in str(comment).splitlines())
    lines.extend(f"  {name} = {_value(stanza[name], '  ')}" for name in ATTRIBUTES if stanza.get(name) is not None)
    return "\n".join([*lines, "}\n"])


def _value(value: Any, indent: str = "") -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        inner = indent + "  "
        lines = [f"{inner}{_key(key)} = {_value(item, inner)}" for key, item in value.items()]
        return "\n".join(["{", *lines, f"{indent}}}"])
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(item, indent) for item in value) + "]"
    return quoted(str(value))


def _key(key: str) -> str:
    return key if _NAME.match(key) and key not in ("true", "false") else quoted(key)


def quoted(text: str) -> str:
    """A string in quotes. `${` opens an interpolation in which nothing is escaped, so its `$` is written as an escape."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f").replace("\\/", "/").replace("${", "\\u0024{")
