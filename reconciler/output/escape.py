"""Text that others wrote, made safe to look at: what can hide or move other text is spelled out."""

from __future__ import annotations

import unicodedata

from reconciler.hidden import hidden

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def safe(text: str, *, lines: bool = False) -> str:
    """The text with control, bidi, zero-width and look-alike blank characters escaped; newlines stay with `lines`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(one if not hidden(one) or (lines and one == "\n") else _escaped(one) for one in text)


def in_json(text: str) -> str:
    """JSON text with the same characters escaped as JSON escapes them, so that it still reads as the same values.

    So is what GitHub's runner would take for a command in the middle of a line.
    """
    text = text.replace("##[", "#\\u0023[")
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(one if one == "\n" or not hidden(one) else _utf16(one) for one in text)


def columns(text: str) -> int:
    """How many columns of a terminal a text takes; combining marks take none, wide characters two."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)


def cut(text: str, most: int) -> str:
    """The text, or as much of it as takes `most` columns, the last of them an ellipsis."""
    if columns(text) <= most:
        return text
    kept = text[:max(most - 1, 0)]
    while kept and columns(kept) >= most:
        kept = kept[:-1]
    return kept + "…"


def pad(text: str, width: int) -> str:
    """The text, filled up with blanks."""
    return text + " " * (width - columns(text))


def _escaped(one: str) -> str:
    code = ord(one)
    if one in _SHORT:
        return _SHORT[one]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _utf16(one: str) -> str:
    code = ord(one)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
