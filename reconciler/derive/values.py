"""Values as `explain` shows them: on one line, in the manifest's terms, secrets never."""

from __future__ import annotations

import json
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.model import Ref, SecretRef, fill, has_token
from reconciler.secret import Secret


def plain(value: Any) -> Any:
    """A value as JSON: secrets as a word, references as `{kind/name output}`."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, str):
        return str(fill(value, named)) if has_token(value) else str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def named(token: Ref | SecretRef) -> str:
    """What stands in the place of a value that is not known yet."""
    return "(secret)" if isinstance(token, SecretRef) else f"{{{token.address} {token.output}}}"


def shown(value: Any) -> str:
    """A value on one line, safe to look at."""
    value = plain(value)
    if isinstance(value, str) and value and value == value.strip() and not _ambiguous(value):
        return safe(value)
    return safe(json.dumps(value, ensure_ascii=False))


def _ambiguous(text: str) -> bool:
    return text.lower() in ("null", "true", "false") or text[0] in "\"'[" or not _is_word(text)


def _is_word(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return "\n" not in text
    return False


def safe(text: str) -> str:
    """The text with control, bidi, zero-width and odd blank characters spelled out."""
    return "".join(one if one == " " or unicodedata.category(one)[0] not in "CZ" else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    return f"\\u{ord(one):04x}" if ord(one) < 0x10000 else f"\\U{ord(one):08x}"


def columns(rows: Iterable[tuple[str, ...]], indent: str = "  ") -> list[str]:
    """Rows as aligned lines; an empty last cell leaves no blanks behind."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    cells = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in table)
    return [(indent + "  ".join(row)).rstrip() for row in cells]


WIDTH = 100


def wrapped(text: str, indent: str, width: int = WIDTH) -> list[str]:
    """A text as lines of at most `width` columns; a longer word stands alone."""
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def labelled(rows: Iterable[tuple[str, str]], indent: str, width: int = WIDTH) -> list[str]:
    """Labels with a text beside each, wrapped into its own column."""
    table = list(rows)
    wide = max((len(label) for label, _ in table), default=0)
    lines: list[str] = []
    for label, text in table:
        lead = f"{indent}{label:<{wide}}  "
        lines += textwrap.wrap(text, width, initial_indent=lead, subsequent_indent=" " * len(lead),
                               break_long_words=False, break_on_hyphens=False) or [lead.rstrip()]
    return lines
