"""Values that need more than a line: texts as a unified diff, lists by key, maps by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, unified_diff
from typing import Any

from reconciler.output.escape import safe
from reconciler.output.values import shown
from reconciler.paths import leaves

KEYS = ("key", "id", "name", "slug", "path", "up_to", "email", "url", "type")
"""Fields by which people tell the items of a list apart, the surest first."""

MOST = 30
"""How many lines of a new text are shown; of a changed one all that changed."""

AROUND, LONG = 40, 400
"""Of two lines that are long together, how much is kept before and behind what differs."""


def is_text(value: Any) -> bool:
    """Whether a value is a text of several lines."""
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def new_text(text: str) -> Iterator[str]:
    """The lines of a text that is new."""
    lines = _lines(text)
    yield from (f"+{line}" for line in lines[:MOST])
    if len(lines) > MOST:
        yield f"… {len(lines) - MOST} more lines"


def changed_text(before: str, after: str) -> Iterator[str]:
    """A unified diff of two texts."""
    old, new = _lines(before), _lines(after)
    if old == new:
        yield "only line ends or the newline at the end differ"
        return
    found = list(unified_diff(old, new, lineterm="", n=3))[3 if len(old) == len(new) == 1 else 2:]
    for n, line in enumerate(found):
        above, below = found[n - 1] if n else "", found[n + 1] if n + 1 < len(found) else ""
        if line[:1] == "-" and below[:1] == "+" and len(line) + len(below) > LONG:
            yield "-" + _near(line[1:], below[1:])[0]
        elif line[:1] == "+" and above[:1] == "-" and len(line) + len(above) > LONG:
            yield "+" + _near(above[1:], line[1:])[1]
        else:
            yield line


def _lines(text: str) -> list[str]:
    lines = [_seen(line) for line in text.replace("\r\n", "\n").split("\n")]
    return lines[:-1] if lines[-1:] == [""] and len(lines) > 1 else lines


def _seen(line: str) -> str:
    """A line whose blanks at the end can be seen too."""
    bare = safe(line).rstrip(" ")
    return bare + "·" * (len(safe(line)) - len(bare))


def _near(old: str, new: str) -> tuple[str, str]:
    """Two long lines, cut down to where they differ."""
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    most = min(len(old), len(new)) - first
    last = next((n for n in range(most) if old[-1 - n] != new[-1 - n]), most)
    return _cut(old, first, last), _cut(new, first, last)


def _cut(line: str, first: int, last: int) -> str:
    start, end = max(0, first - AROUND), min(len(line), len(line) - last + AROUND)
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")


def changed_list(before: list[Any], after: list[Any], *, unknown: bool = False) -> Iterator[str]:
    """What comes into a list, what goes, and what changes in an item; by key where the items have one."""
    key = _key(before, after)
    if key is None:
        yield from _by_place(before, after, unknown=unknown)
        return
    old, new = {item[key]: item for item in before}, {item[key]: item for item in after}
    for name, item in old.items():
        if name not in new:
            yield f"- {shown(item)}"
    for name, item in new.items():
        if name not in old:
            yield f"+ {shown(item, unknown=unknown)}"
        elif item != old[name]:
            yield from (f"~ [{shown(name, inside=True)}].{line}" for line in changed_map(old[name], item, unknown=unknown))
    same = [name for name in new if name in old]
    if same != [name for name in old if name in new]:
        yield f"order: {', '.join(shown(name, inside=True) for name in new)}"
    yield from _unchanged(sum(new[name] == old[name] for name in same))


def new_list(items: list[Any], *, unknown: bool = False) -> Iterator[str]:
    """The items of a list that is new."""
    yield from (f"+ {shown(item, unknown=unknown)}" for item in items)


def changed_map(before: Mapping[str, Any], after: Mapping[str, Any], *, unknown: bool = False) -> Iterator[str]:
    """What differs between two maps, one path a line."""
    old, new = leaves(before), leaves(after)
    for path in dict.fromkeys([*old, *new]):
        if path not in new:
            yield f"{safe(path)}  {shown(old[path])} -> (left out)"
        elif path not in old:
            yield f"{safe(path)}  -> {shown(new[path], unknown=unknown)}"
        elif old[path] != new[path]:
            yield f"{safe(path)}  {shown(old[path])} -> {shown(new[path], unknown=unknown)}"


def new_map(value: Mapping[str, Any], *, unknown: bool = False) -> Iterator[str]:
    """The fields of a map that is new."""
    yield from (f"+ {safe(path)}: {shown(item, unknown=unknown)}" for path, item in leaves(value).items())


def _key(before: list[Any], after: list[Any]) -> str | None:
    for key in KEYS:
        if all(_tells_apart(key, side) for side in (before, after)):
            return key
    return None


def _tells_apart(key: str, items: list[Any]) -> bool:
    names = [item[key] for item in items if isinstance(item, Mapping) and isinstance(item.get(key), (str, int))]
    return len(names) == len(items) == len(set(names))


def _by_place(before: list[Any], after: list[Any], *, unknown: bool) -> Iterator[str]:
    old, new = [shown(item) for item in before], [shown(item, unknown=unknown) for item in after]
    if sorted(old) == sorted(new):
        yield f"order: {', '.join(new)}"
        return
    same = 0
    for word, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if word == "equal":
            same += b - a
            continue
        yield from (f"- {line}" for line in old[a:b])
        yield from (f"+ {line}" for line in new[c:d])
    yield from _unchanged(same)


def _unchanged(count: int) -> Iterator[str]:
    if count:
        yield f"({count} unchanged)"


def turned(before: Any, after: Any, *, unknown: bool = False) -> Iterator[str]:
    """Two values of different shape, one below the other."""
    for sign, value in (("-", before), ("+", after)):
        if is_text(value):
            yield from (f"{sign}{line}" for line in _lines(value))
        elif isinstance(value, list) and value:
            yield from (f"{sign} {shown(item, unknown=unknown and sign == '+')}" for item in value)
        else:
            yield f"{sign}{shown(value, unknown=unknown and sign == '+')}"
