"""Text that others wrote, quoted so that neither Markdown nor HTML makes anything of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from reconciler.output.escape import safe

_TICKS = re.compile(r"`+")


def code(text: str) -> str:
    """The text as a code span: no link, mention, reference, image or tag begins in it."""
    text = safe(text)
    if not text.strip():
        return "`(blank)`"
    ticks = "`" * (_longest(text) + 1)
    space = " " if "`" in (text[0], text[-1]) else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def cell(text: str) -> str:
    """The same in a table, where a bar would end the cell whatever it stands in."""
    return code(text.replace("|", "\\x7c"))


def fence(lines: Iterable[str], language: str = "") -> str:
    """Lines as a code block, whose fence is longer than any run of backticks in it."""
    text = "\n".join(lines)
    ticks = "`" * max(3, _longest(text) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def within(lines: Sequence[str], room: int) -> tuple[Sequence[str], int]:
    """The first lines, as many as `room` characters take, and how many are left out."""
    for n, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            return lines[:n], len(lines) - n
    return lines, 0


def tag(text: str) -> str:
    """The text between the tags of an HTML line, where no Markdown is read but platforms look for mentions."""
    return f"<code>{html.escape(safe(text))}</code>"


def _longest(text: str) -> int:
    return max((len(hit[0]) for hit in _TICKS.finditer(text)), default=0)
