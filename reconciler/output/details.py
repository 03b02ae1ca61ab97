"""The lines below one action: its changes with what they mean, what its kind says of it, why it is held back."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.model import Action, Change, Note, Op, has_token
from reconciler.output import blocks, values
from reconciler.output.escape import columns, pad, safe
from reconciler.output.money import Currencies, currencies
from reconciler.output.verdict import is_left
from reconciler.secret import Secret

INDENT = "    "
NARROWEST, WIDEST = 14, 28
COLUMN = 28
"""A value that does not fit beside its label stands below it where the room there is less than that."""

_HEAD = re.compile(r"[^.\[]+")


@dataclass(frozen=True, slots=True)
class Row:
    """A label, what stands beside it, a remark behind it, and the lines below it; `wraps` where it is prose."""

    label: str
    value: str = ""
    remark: str = ""
    block: tuple[str, ...] = ()
    wraps: bool = False


def details(action: Action, width: int) -> Iterator[str]:
    """The lines below an action's own, indented."""
    rows = [*_changes(action, width), *said(action), *held_back(action)]
    kept = unchanged(action)
    if kept and action.changes and action.op is not Op.CREATE:
        rows.append(Row(f"({len(kept)} field{'s' if len(kept) > 1 else ''} unchanged)"))
    yield from laid_out(rows, width)


def tells(action: Action) -> bool:
    """Whether a reader should see an action though unchanged entries are hidden: it acts, sends, or has to say something."""
    return action.op is not Op.NOOP or bool(action.after or action.changes or action.notes)


def unchanged(action: Action) -> tuple[str, ...]:
    """The fields that the manifest gives and that are as they shall be."""
    if action.want is None or action.op in (Op.DELETE, Op.FORGET) or creates(action):
        return ()
    changed = {hit[0] for change in action.changes if (hit := _HEAD.match(change.path))}
    return tuple(name for name in action.want.fields if name not in changed)


def creates(action: Action) -> bool:
    """Whether an action makes an object, or would if it were not held back."""
    return action.op is Op.CREATE or (action.op is Op.BLOCKED and action.effect == "create")


def laid_out(rows: Iterable[Row], width: int) -> Iterator[str]:
    """Rows in columns; a remark that does not fit stands below its row."""
    rows = list(rows)
    label = max([NARROWEST, *(columns(row.label) + 1 for row in rows if columns(row.label) <= WIDEST and row.value)])
    remarked = [columns(row.value) for row in rows if row.remark]
    for row in rows:
        head = INDENT + (pad(row.label, label) if columns(row.label) <= label else row.label + "  ")
        yield from _laid(row, head + " ", max(remarked, default=0), width)
        for line in row.block:
            yield from _folded(f"{INDENT}  | ", line, width, f"{INDENT}  |     ")


def _laid(row: Row, head: str, remarked: int, width: int) -> Iterator[str]:
    if row.wraps:
        lead = head if row.label else INDENT
        yield from textwrap.wrap(row.value, max(width, columns(lead) + 20), initial_indent=lead,
                                 subsequent_indent=" " * len(lead), break_long_words=False, break_on_hyphens=False)
        return
    line = head + row.value
    if not row.remark:
        if columns(line) > width and width - columns(head) < COLUMN:
            yield head.rstrip()
            head = INDENT * 2
        yield from _folded(head, row.value, width, " " * columns(head))
        return
    for at in (remarked, columns(row.value)):
        if columns(whole := head + pad(row.value, at) + f"   # {row.remark}") <= width:
            yield whole
            return
    yield line
    yield from textwrap.wrap(f"# {row.remark}", max(width, 40), initial_indent=INDENT * 2, subsequent_indent=INDENT * 2 + "  ",
                             break_long_words=False, break_on_hyphens=False)


def _folded(lead: str, text: str, width: int, indent: str) -> Iterator[str]:
    """A line, or the lines of it that fit; a word is never broken, and a line goes on below where it began."""
    if columns(lead) + columns(text) <= width:
        yield f"{lead}{text}".rstrip()
        return
    lines = textwrap.wrap(text, max(width - len(indent), NARROWEST), initial_indent=" " * max(columns(lead) - len(indent), 0),
                          break_long_words=False, break_on_hyphens=False)
    for n, line in enumerate(lines):
        yield f"{indent}{line}" if n else f"{lead}{line[max(columns(lead) - len(indent), 0):]}"


# changes


def _changes(action: Action, width: int) -> Iterator[Row]:
    money, told = currencies(action), remarks(action)
    for change in action.changes:
        row = _change(change, creates(action), money.get(change.path), width - len(INDENT) - NARROWEST - 1)
        yield replace(row, remark="; ".join(told.get(change.path, ())))


def remarks(action: Action) -> dict[str, list[str]]:
    """What is said of its changes, by path."""
    found: dict[str, list[str]] = {}
    for note in action.notes:
        change = _about(note, action)
        if change is not None and not _is_told(note, action):
            found.setdefault(change.path, []).append(safe(note.text))
    return found


def _about(note: Note, action: Action) -> Change | None:
    """The change that a note is about: at its path, or the first below it."""
    if note.path is None or note.refuse:
        return None
    below = (note.path + ".", note.path + "[")
    return next((c for c in action.changes if c.path == note.path),
                next((c for c in action.changes if c.path.startswith(below)), None))


def _change(change: Change, new: bool, codes: Currencies | None, room: int) -> Row:
    label = safe(change.path)
    change = replace(change, drift=change.drift and not new)
    if change.secret:
        return Row(label, values.after(change) if new else values.both(change))
    before, after = values.plain(change.before), values.plain(change.after)
    line = values.after(change, codes) if new else values.both(change, codes)
    later = [values.UNKNOWN] if change.unknown else []
    outside = [values.OUTSIDE] if change.drift else []
    if before is None:
        block = _new(after, change.unknown, columns(line) > room)
        return Row(label, line if block is None else " ".join([*outside, *later]), block=tuple(block or ()))
    block = _differing(before, after, change.unknown, columns(line) > room)
    return Row(label, line if block is None else " ".join([*outside, *later]), block=tuple(block or ()))


def _new(value: object, unknown: bool, long: bool) -> Iterator[str] | None:
    if isinstance(value, str) and blocks.is_text(value):
        return blocks.new_text(value)
    if long and isinstance(value, list):
        return blocks.new_list(value, unknown=unknown)
    if long and isinstance(value, dict):
        return blocks.new_map(value, unknown=unknown)
    return None


def _differing(before: object, after: object, unknown: bool, long: bool) -> Iterator[str] | None:
    if isinstance(before, str) and isinstance(after, str):
        return blocks.changed_text(before, after) if long or blocks.is_text(before) or blocks.is_text(after) else None
    if isinstance(before, list) and isinstance(after, list):
        maps = any(isinstance(item, dict) for item in (*before, *after))
        return blocks.changed_list(before, after, unknown=unknown) if before and after and (maps or long) else None
    if isinstance(before, dict) and isinstance(after, dict):
        return blocks.changed_map(before, after, unknown=unknown) if before and after else None
    if long or blocks.is_text(before) or blocks.is_text(after):
        return blocks.turned(before, after, unknown=unknown)
    return None


# what is said of it


def said(action: Action) -> Iterator[Row]:
    """Notes that are about no change, and facts; a label and its text each."""
    rows = [_note(note, action) for note in action.notes if not _is_told(note, action) and _about(note, action) is None]
    for fact in action.facts:
        subject, text = safe(fact.subject), safe(fact.text)
        hit = next((n for n in reversed(range(len(rows))) if subject and rows[n].label == subject), None)
        if hit is None:
            rows.append(Row(subject, text if subject else f"# {text}", wraps=True))
        else:
            rows[hit] = replace(rows[hit], value=f"{rows[hit].value}; {text}")
    if action.op is Op.NOOP and not is_left(action) and (sends := follow_up(action)):
        rows.append(Row("sends", safe(sends), wraps=True))
    return iter(rows)


def _note(note: Note, action: Action) -> Row:
    text = safe(note.text)
    if note.refuse:
        return Row(safe(note.subject) or note.consent.value, text + (" (consented)" if action.acts else ""), wraps=True)
    value = _wanted(note.path, action) if note.path is not None else None
    if value is not None:
        return Row(safe(note.path or ""), value, remark=text)
    label = safe(note.subject or note.path or "")
    if is_left(action) and note.subject == "drift":
        text = text.partition("; ")[0]  # what an apply would make of it is not done
    return Row(label, text if label else f"# {text}", wraps=True)


def _is_told(note: Note, action: Action) -> bool:
    """Whether the reason of a held-back action says it already."""
    return note.refuse and action.blocked is not None and action.blocked.startswith(note.text)


def _wanted(path: str, action: Action) -> str | None:
    """A short value that stays as it is, for a note about it."""
    value = wanted(path, action)
    text = values.shown(value) if value is not None else None
    return text if text is not None and columns(text) <= 40 else None


def wanted(path: str, action: Action) -> str | int | float | None:
    """What an entry asks for at a path, where that is a plain text or number."""
    value = action.want.fields.get(path) if action.want is not None else None
    if isinstance(value, Secret) or not isinstance(value, (str, int, float)) or has_token(value):
        return None
    return value


def follow_up(action: Action) -> str:
    """The requests that an unchanged object still wants."""
    return ", ".join(f"{call.method} {values.plain(call.path) or '?'}" for call in action.after) or action.effect or ""


def held_back(action: Action) -> Iterator[Row]:
    """Why it is blocked, and what lifts that."""
    if action.op is not Op.BLOCKED or not action.blocked:
        return
    reason = action.blocked
    if reason.startswith("can't be read"):
        reason += "; check what the credential may read, then plan again (-v shows each request)"
    yield Row("blocked", safe(reason), wraps=True)
