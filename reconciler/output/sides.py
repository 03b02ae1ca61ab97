"""What stands below one action on the page: each change side by side, what is said of it, why it is held back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from reconciler.model import Action, Change
from reconciler.output import side, values
from reconciler.output.details import creates, held_back, remarks, said, unchanged
from reconciler.output.escape import safe
from reconciler.output.money import Currencies, currencies
from reconciler.output.money import said as amounts


def body(action: Action) -> str:
    """The details in HTML; empty where there is nothing to say."""
    parts = [f'<p class="held"><b>Blocked:</b> {escape(row.value)}</p>' for row in held_back(action)]
    money, told, new = currencies(action), remarks(action), creates(action)
    rows = [_change(change, told.get(change.path, []), money.get(change.path), new=new) for change in action.changes]
    if rows:
        parts.append(f'<div class="changes">{"".join(rows)}</div>')
    kept = unchanged(action)
    words = [(row.label, f"{row.value}{f'  {row.remark}' if row.remark else ''}") for row in said(action)]
    if kept and action.changes:
        words.append(("", f"{len(kept)} field{'s' if len(kept) > 1 else ''} unchanged"))
    if words:
        parts.append(f'<dl class="said">{"".join(_said(label, text) for label, text in words)}</dl>')
    return "".join(parts)


def _said(label: str, text: str) -> str:
    text = escape(text.removeprefix("# "))
    return f"<dt>{escape(label)}</dt><dd>{text}</dd>" if label else f'<dd class="alone">{text}</dd>'


def _change(change: Change, told: Sequence[str], codes: Currencies | None, *, new: bool) -> str:
    tags = ["replaces the object"] if change.replaces and not new else []
    tags += ["changed outside"] if change.drift and not new else []
    before, after = values.plain(change.before), values.plain(change.after)
    tags += [amounts(before, after, codes)] if codes is not None and not change.secret else []
    about = " · ".join([*(f'<span class="tag">{escape(tag)}</span>' for tag in tags if tag), *map(escape, told)])
    head = f'<div class="path">{escape(safe(change.path))}{f" · {about}" if about else ""}</div>'
    if change.secret:
        word = values.after(change) if new else values.both(replace(change, drift=False))
        return _single(head, word)
    if before is None:
        lines = _known(side.lines(after, unknown=change.unknown), change)
        if len(lines) == 1:
            return _single(head, lines[0])
        cells = [f'<div class="new">{escape(line)}</div>' for line in lines]
        return f'<div class="change">{head}<div class="sides one">{"".join(cells)}</div></div>'
    found = side.pairs(side.lines(before), _known(side.lines(after, unknown=change.unknown), change))
    return f'<div class="change">{head}<div class="sides">{"".join(map(_row, found))}</div></div>'


def _single(head: str, line: str) -> str:
    """A value without an old one, beside its path."""
    return f'<div class="change line">{head}<div class="sides one"><div class="new">{escape(line)}</div></div></div>'


def _known(lines: list[str], change: Change) -> list[str]:
    return [*lines[:-1], f"{lines[-1]} {values.UNKNOWN}"] if change.unknown and lines else lines


def _row(pair: side.Pair) -> str:
    if pair.skipped:
        return f'<div class="skip">{pair.skipped} lines unchanged</div>'
    if pair.same:
        line = escape(pair.before or "")
        return f'<div class="same">{line}</div><div class="same right">{line}</div>'
    if pair.before is None or pair.after is None:
        old = '<div class="none"></div>' if pair.before is None else f'<div class="old">{escape(pair.before)}</div>'
        new = '<div class="none"></div>' if pair.after is None else f'<div class="new">{escape(pair.after)}</div>'
        return old + new
    before, after = side.differing(pair.before, pair.after)
    return _marked("old", before) + _marked("new", after)


def _marked(word: str, parts: tuple[str, str, str]) -> str:
    """A line with what differs in it marked, where something is alike."""
    first, middle, last = map(escape, parts)
    inner = f"{first}<mark>{middle}</mark>{last}" if middle and (first or last) else f"{first}{middle}{last}"
    return f'<div class="{word}">{inner}</div>'

