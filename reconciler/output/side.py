"""Two values side by side: each as lines, the lines that belong together in one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from reconciler.output.blocks import is_text
from reconciler.output.escape import safe
from reconciler.output.values import shown

AROUND = 3
"""Lines that are shown before and behind a change; what is the same beyond them is counted."""

SHORT = 60
"""A list or map that takes no more columns than this stays on one line."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A row: the line before and the line after, None where there is none; `same` lines, or `skipped` ones, counted."""

    before: str | None
    after: str | None
    same: bool = False
    skipped: int = 0


def pairs(before: Sequence[str], after: Sequence[str]) -> Iterator[Pair]:
    """The rows of two texts; what is the same far from any change is left out and counted."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    codes = matcher.get_opcodes()
    for n, (word, a, b, c, d) in enumerate(codes):
        if word == "equal":
            yield from _same(before[a:b], head=n > 0, tail=n < len(codes) - 1)
        else:
            old, new = before[a:b], after[c:d]
            for row in range(max(len(old), len(new))):
                yield Pair(old[row] if row < len(old) else None, new[row] if row < len(new) else None)


def _same(lines: Sequence[str], *, head: bool, tail: bool) -> Iterator[Pair]:
    """Lines that did not change, the middle of many left out."""
    first, last = AROUND if head else 0, AROUND if tail else 0
    skipped = len(lines) - first - last
    if skipped < 2:
        yield from (Pair(line, line, same=True) for line in lines)
        return
    yield from (Pair(line, line, same=True) for line in lines[:first])
    yield Pair(None, None, skipped=skipped)
    yield from (Pair(line, line, same=True) for line in lines[len(lines) - last:])


def lines(value: Any, *, unknown: bool = False) -> list[str]:
    """A plain value as the lines of a manifest, every line safe to look at."""
    if isinstance(value, str) and is_text(value):
        found = value.replace("\r\n", "\n").split("\n")
        return [safe(line) for line in (found[:-1] if found[-1] == "" else found)]
    return list(_nested(value, unknown))


def _nested(value: Any, unknown: bool) -> Iterator[str]:
    whole = shown(value, unknown=unknown)
    if not isinstance(value, (Mapping, list, tuple)) or not value or len(whole) <= SHORT:
        yield whole
    elif isinstance(value, Mapping):
        for key, item in value.items():
            name = shown(str(key), inside=True)
            below = lines(item, unknown=unknown)
            if len(below) == 1:
                yield f"{name}: {below[0]}"
            else:
                yield f"{name}:"
                yield from (f"  {line}" for line in below)
    else:
        for item in value:
            first, *rest = lines(item, unknown=unknown) or [""]
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)


def differing(before: str, after: str) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Of two lines, what they begin and end with alike, and between it what differs."""
    first = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after)))
    most = min(len(before), len(after)) - first
    last = next((n for n in range(most) if before[-1 - n] != after[-1 - n]), most)
    return _split(before, first, last), _split(after, first, last)


def _split(text: str, first: int, last: int) -> tuple[str, str, str]:
    return text[:first], text[first:len(text) - last], text[len(text) - last:]
