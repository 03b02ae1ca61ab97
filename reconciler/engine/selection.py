"""Which of a plan's actions a run is about, and which of them wait for something that is held back or left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.engine.guard import blocked
from reconciler.engine.links import targets
from reconciler.engine.observe import Kinds
from reconciler.engine.steps import exchanges
from reconciler.model import Action, Address, Op


@dataclass(frozen=True, slots=True)
class Selection:
    """Which actions a run is about; it never limits what is seen, or what is left out would look removed.

    Patterns may hold `*`. `changed` are addresses that differ from another revision, None when that was not asked.
    """

    connections: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    changed: frozenset[str] | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not (self.connections or self.targets or self.excludes or self.changed is not None)


Apart = Mapping[Address, tuple[Address, ...]]
"""The entries of connections that a run does not open, each with what it needs, as far as the ledger knows."""


def selected(choice: Selection, actions: list[Action], apart: Apart) -> tuple[list[Action], tuple[str, ...]]:
    """The actions a run is about, and in sentences what is left out."""
    if choice.whole:
        return actions, ()
    by_address = {action.address: action for action in actions}
    kept = {a for a in by_address if not choice.connections or a.connection in choice.connections}
    if choice.targets:
        kept &= _with_needs({a for a in by_address if _matches(a, choice.targets)}, by_address)
    if choice.changed is not None:
        kept &= _with_dependents({a for a in by_address if str(a) in choice.changed}, by_address)
    if choice.excludes:
        kept -= _with_dependents({a for a in by_address if _matches(a, choice.excludes)}, by_address)
    left = [a for a in actions if a.address not in kept]
    acting = sum(action.acts or action.op is Op.BLOCKED for action in left)
    return [action for action in actions if action.address in kept], (*_left_out(len(left), acting), *_unread(apart))


def _left_out(count: int, acting: int) -> tuple[str, ...]:
    if count == 1:
        return (f"1 entry is left out by the selection, {'with' if acting else 'without'} changes.",)
    return (f"{count} entries are left out by the selection, {acting or 'none'} of them with changes.",) if count else ()


def _unread(apart: Apart) -> tuple[str, ...]:
    if not apart:
        return ()
    count = "1 entry" if len(apart) == 1 else f"{len(apart)} entries"
    verb = "is" if len(apart) == 1 else "are"
    return (f"{count} of {', '.join(sorted({a.connection for a in apart}))} {verb} left out by the selection, and not read.",)


def _matches(address: Address, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(address), re.sub(r"\[", "[[]", pattern)) for pattern in patterns)


def _uses(action: Action) -> tuple[Address, ...]:
    return action.needs + action.former


def _with_needs(start: set[Address], by_address: Mapping[Address, Action]) -> set[Address]:
    found, left = set(start), list(start)
    while left:
        action = by_address[left.pop()]
        fresh = {n for n in action.needs if n in by_address and n not in found}
        found |= fresh
        left.extend(fresh)
    return found


def _with_dependents(start: set[Address], by_address: Mapping[Address, Action]) -> set[Address]:
    users: dict[Address, set[Address]] = {}
    for address, action in by_address.items():
        for need in _uses(action):
            users.setdefault(need, set()).add(address)
    found, left = set(start), list(start)
    while left:
        fresh = users.get(left.pop(), set()) - found
        found |= fresh
        left.extend(fresh)
    return found


def held_back(kinds: Kinds, chosen: list[Action], every: list[Action], apart: Apart) -> list[Action]:
    """Actions that wait for something blocked or left out are blocked too, with its name.

    An entry waits when what it refers to is blocked or not there yet, or when what has its natural key stays; a drop
    waits when what still points at it stays.
    """
    state = {action.address: action for action in every}
    state.update({action.address: action for action in chosen})
    here, takes = {action.address for action in chosen}, exchanges(every, kinds)
    for _ in range(len(chosen)):
        changed = False
        for address in here:
            action = state[address]
            reason = (_waits(kinds, action, state, here) or _taken(takes.get(address), state, here)
                      or _used(action, state, here, apart)) if action.acts else ""
            if reason:
                state[address], changed = blocked(action, reason), True
        if not changed:
            break
    return [state[action.address] for action in chosen]


def _waits(kinds: Kinds, action: Action, state: Mapping[Address, Action], here: set[Address]) -> str:
    kind = kinds.get(action.address.kind)
    late = targets(kind, action.resource.fields) if kind is not None and action.resource is not None else ()
    for need in (*action.needs, *late):
        other = state.get(need)
        if other is None or action.op in (Op.DELETE, Op.FORGET):
            continue
        if other.op is Op.BLOCKED:
            return f"needs {need}, which is blocked"
        if other.op in (Op.CREATE, Op.REPLACE) and need not in here:
            return f"needs {need}, which is not there yet and is left out of this run"
    return ""


def _taken(holder: Address | None, state: Mapping[Address, Action], here: set[Address]) -> str:
    """Why a natural key is not free: whoever has it keeps it."""
    if holder is None or (holder in here and state[holder].op is not Op.BLOCKED):
        return ""
    return f"{holder} has its natural key and is {'blocked' if holder in here else 'left out of this run'}"


def _used(action: Action, state: Mapping[Address, Action], here: set[Address], apart: Apart) -> str:
    """Why an object must not go: whoever points at it is not turned away by this run."""
    if not action.drop or action.op not in (Op.DELETE, Op.REPLACE):
        return ""
    for user in state.values():
        if action.address not in user.former or user.address == action.address:
            continue
        if user.op is Op.BLOCKED and (user.effect == "delete" or user.effect is None or user.live is not None):
            return f"{user.address} still uses it and is blocked"
        if user.acts and user.address not in here:
            return f"{user.address} still uses it and is left out of this run"
    users = (name for name, needs in apart.items() if action.op is Op.DELETE and action.address in needs)
    return next((f"{name} still uses it and is left out of this run" for name in users), "")
