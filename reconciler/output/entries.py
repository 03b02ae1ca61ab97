"""The actions of a plan as entries of a comment: in groups, the gravest first, each entry in several lengths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from reconciler.model import Action, Address, Impact, Op, Plan
from reconciler.output.details import details, tells
from reconciler.output.escape import safe
from reconciler.output.verdict import is_left
from reconciler.output.words import symbol, word

WIDTH = 100
"""Columns of the lines below an entry."""

BRIEF, LINE = 6, 300
"""How many lines of an entry are kept where the room is short, and how much of each."""

_SIGNED = re.compile(r"( +)\| ([-+])(.*)\Z", re.DOTALL)


class Level(IntEnum):
    """How much of an entry is shown."""

    HIDDEN = 0
    NAME = 1
    HEAD = 2
    BRIEF = 3
    FULL = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: its address, and its lines, of which the first is the head."""

    address: Address
    lines: tuple[str, ...]

    def at(self, level: Level) -> tuple[str, ...]:
        """Its lines at a level."""
        if level <= Level.NAME:
            return ()
        if level == Level.HEAD:
            return self.lines[:1]
        if level == Level.FULL:
            return self.lines
        kept = tuple(line if len(line) <= LINE else f"{line[:LINE]}…" for line in self.lines[:1 + BRIEF])
        more = len(self.lines) - len(kept)
        return (*kept, f"    … {more} more line{'s' if more > 1 else ''}") if more else kept


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that belong together; of those that are `kept`, no name is ever left out while there is room for names.

    `vendor` is set where they are the rest of one vendor's, which few need to read. `rank` says who gets room first.
    """

    title: str
    entries: tuple[Entry, ...]
    rank: int
    kept: bool = False
    vendor: str | None = None


def groups(plan: Plan, *, redact: bool) -> tuple[Group, ...]:
    """All that a reader should see of a plan; with `redact` addresses and operations only."""
    return tuple(Group(one.title, tuple(_entry(action, redact=redact) for action in one.actions), one.rank,
                       kept=one.rank < KEPT, vendor=one.vendor) for one in together(plan))


@dataclass(frozen=True, slots=True)
class Actions:
    """Actions that belong together; `vendor` is set where they are the rest of one vendor's."""

    title: str
    actions: tuple[Action, ...]
    rank: int
    vendor: str | None = None


def together(plan: Plan, *, show_unchanged: bool = False) -> tuple[Actions, ...]:
    """The actions that a reader should see, in groups, the gravest first."""
    found: dict[tuple[int, str], list[Action]] = {}
    for action in plan.actions:
        if show_unchanged or tells(action):
            rank = next(n for n, (_, fits) in enumerate(_KINDS) if fits(action))
            rest = action.address.connection if rank == len(_KINDS) - 1 else ""
            found.setdefault((rank, rest), []).append(action)
    return tuple(Actions(_KINDS[rank][0], tuple(actions), rank, vendor or None)
                 for (rank, vendor), actions in sorted(found.items()))


def is_destructive(action: Action) -> bool:
    """Whether something that exists goes away with it."""
    return action.op is Op.DELETE or Impact.DELETE in action.impact or Impact.IRREVERSIBLE in action.impact


def did(action: Action) -> str:
    """What is done, by symbol and word."""
    return f"{symbol(action)} {word(action)}"


def head(action: Action) -> str:
    """An entry's first line; it begins with the symbol, which a diff's colours follow."""
    impacts = f"[{', '.join(impact.value for impact in action.impact)}]" if action.impact else ""
    at = safe(str(action.at)) if action.at is not None else ""
    return "   ".join(filter(None, (did(action), safe(str(action.address)), impacts, at)))


_KINDS: tuple[tuple[str, Callable[[Action], bool]], ...] = (
    ("Blocked", lambda action: action.op is Op.BLOCKED),
    ("Deletes", lambda action: action.acts and is_destructive(action)),
    ("Money", lambda action: action.acts and Impact.MONEY in action.impact),
    ("Access", lambda action: action.acts and Impact.ACCESS in action.impact),
    ("Drift", lambda action: is_left(action) or (action.acts and Impact.DRIFT in action.impact)),
    ("The rest", lambda action: True),
)
KEPT = 2
"""How many of these are never hidden."""

DECISIVE = 4
"""How many of these are read before one says yes."""


def _entry(action: Action, *, redact: bool) -> Entry:
    more = () if redact else tuple(_below(action))
    return Entry(action.address, (head(action), *more))


def _below(action: Action) -> Iterator[str]:
    """The details, the signs of blocks in the first column."""
    if action.id and (action.at is None or action.op is Op.ADOPT):
        yield f"    {'id':14} {safe(action.id)}"
    for line in details(action, WIDTH):
        hit = _SIGNED.match(line)
        yield f"{hit[2]}{hit[1][1:]}| {hit[3]}".rstrip() if hit else line
