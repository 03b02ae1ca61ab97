"""Shares the room of a comment among the entries of its groups: what must be decided first, deletes never hidden."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from reconciler.output.entries import DECISIVE, KEPT, WIDTH, Entry, Group, Level
from reconciler.output.escape import safe
from reconciler.output.quoting import fence, tag

OPEN = 20
"""A longer group that must be decided is folded, so that what follows it is found."""

SEEN = 3
"""So few of the rest take no more room open than folded: a small plan is read without a click."""

_HELD, _WEIGHTY, _DRIFT, _REST = range(KEPT), range(KEPT, DECISIVE), range(DECISIVE, DECISIVE + 1), range(DECISIVE + 1, 99)
ROUNDS = (
    (_HELD, Level.HEAD), (_HELD, Level.BRIEF), (_WEIGHTY, Level.HEAD), (_WEIGHTY, Level.BRIEF), (_HELD, Level.FULL),
    (_WEIGHTY, Level.FULL), (_DRIFT, Level.HEAD), (_DRIFT, Level.BRIEF), (_DRIFT, Level.FULL),
    (_REST, Level.HEAD), (_REST, Level.BRIEF), (_REST, Level.FULL))
"""Who gets room after whom, and for how much."""

FRAME = 120
"""About what a group takes beside its entries: title, fences, tags."""


class Shown:
    """One group, and how much of each of its entries is shown."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.levels = [Level.NAME if group.kept else Level.HIDDEN for _ in group.entries]

    @property
    def whole(self) -> int:
        """How many are shown with all there is to say of them."""
        return sum(level == Level.FULL for level in self.levels)

    def render(self, names: int | None = None) -> str:
        """The group in Markdown; with `names`, at most so many characters of names."""
        lines = [*self._lines()]
        named = self.group.entries if self.folded else self._by_name()
        kept, left = _within(by_kind(named), names) if self.group.kept else ([], 0)
        parts = [fence(kept, "text")] if kept else []
        if left:
            parts.append(f"**{left} more are not even named here, for want of room: read the whole plan before you agree.**")
        body = fence(lines, "diff") if lines else ""
        return self._framed("\n\n".join(parts), body, len(self._by_name()) - left)

    @property
    def folded(self) -> bool:
        """Whether its entries stand behind a line that opens them."""
        return self.group.rank >= DECISIVE or len(self.group.entries) > OPEN

    def _by_name(self) -> list[Entry]:
        return [entry for entry, level in zip(self.group.entries, self.levels, strict=True) if level == Level.NAME]

    def _lines(self) -> Iterator[str]:
        before = 1
        for entry, level in zip(self.group.entries, self.levels, strict=True):
            lines = entry.at(level)
            if lines:
                if before > 1:
                    yield ""
                yield from lines
                before = len(lines)

    def _framed(self, names: str, body: str, named: int) -> str:
        """Title and entries; the names of what must not be overlooked stay outside of the fold."""
        title = f"{self.group.title}{': ' + tag(self.group.vendor) if self.group.vendor is not None else ''}"
        count = self._count(max(named, 0))
        if not self.folded:
            return "\n\n".join(filter(None, (f"#### {title}: {count}", body, names)))
        if self.group.kept:
            word = "in full" if self.whole == len(self.levels) else "each"
            fold = f"<details><summary>{word}</summary>\n\n{body}\n\n</details>" if body else ""
            return "\n\n".join(filter(None, (f"#### {title}: {count}", names, fold)))
        opened = " open" if len(self.levels) <= (OPEN if self.group.rank == DECISIVE else SEEN) else ""
        return f"<details{opened}><summary><b>{title}</b>: {count}</summary>\n\n{body}\n\n</details>"

    def _count(self, named: int) -> str:
        """`12`, or how many of them are shown, and how."""
        every = len(self.levels)
        listed = sum(level > Level.NAME for level in self.levels)
        if self.whole == every:
            return str(every)
        parts = [f"{listed} of {every} shown"] if listed < every else [str(every)]
        if cut := listed - self.whole:
            parts.append(f"{cut} cut short" if listed > cut else "cut short")
        if named:
            parts.append(f"{named} by name")
        return ", ".join(parts)


def fit(groups: Iterable[Group], room: int) -> list[Shown]:
    """The groups, with as much of each entry as there is room for."""
    shown = [Shown(group) for group in groups]
    room -= sum(FRAME + sum(_cost(entry, level) for entry, level in zip(one.group.entries, one.levels, strict=True))
                for one in shown)
    for ranks, level in ROUNDS:
        room = _raise([one for one in shown if one.group.rank in ranks], level, room)
    return shown


def by_kind(entries: Sequence[Entry]) -> list[str]:
    """Names alone, the kind once in front of them."""
    kinds: dict[str, list[str]] = {}
    for entry in entries:
        kinds.setdefault(entry.address.kind, []).append(entry.address.name)
    lines = []
    for kind, names in kinds.items():
        lines += textwrap.wrap(f"{safe(kind)}/  {', '.join(map(safe, names))}", WIDTH, subsequent_indent="    ",
                               break_long_words=False, break_on_hyphens=False)
    return lines


def _raise(shown: Sequence[Shown], level: Level, room: int) -> int:
    """Show more of each entry as long as it fits, of every group in turn; the room that is left."""
    for n in range(max((len(one.levels) for one in shown), default=0)):
        for one in shown:
            if n < len(one.levels) and level > one.levels[n]:
                entry = one.group.entries[n]
                more = _cost(entry, level) - _cost(entry, one.levels[n])
                if more <= room:
                    one.levels[n], room = level, room - more
    return room


def _cost(entry: Entry, level: Level) -> int:
    if level == Level.HIDDEN:
        return 0
    if level == Level.NAME:
        return len(entry.address.name) + 3
    return sum(len(line) + 1 for line in entry.at(level)) + 1


def _within(lines: list[str], most: int | None) -> tuple[list[str], int]:
    """As many of the lines of names as fit, and how many names are left out."""
    if most is None:
        return lines, 0
    kept: list[str] = []
    for line in lines:
        if len(line) + 1 > most:
            break
        kept.append(line)
        most -= len(line) + 1
    return kept, sum(line.count(",") + (not line.endswith(",")) for line in lines[len(kept):])
