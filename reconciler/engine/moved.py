"""An object that goes by another name now: of its entry, or of its stack; it stays as it is, and its mark is written anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.match import Found
from reconciler.model import Action, Note, Op


def moved(stack: str, kind: Kind[Any], found: Found, action: Action) -> Action:
    """The action, and with it the move where there is one; `stack` is the full name that marks carry now."""
    live, want = action.live, action.want
    if live is None or want is None or action.op is Op.BLOCKED:
        return action
    owner = live.owner
    renamed = owner is not None and found.by in ("ledger", "mark") and owner.stack != stack
    if found.moved_from is None and not renamed:
        return action
    was = [str(found.moved_from)] if found.moved_from is not None else []
    was += [owner.stack] if renamed and owner is not None else []
    note = Note(f"was {' of '.join(was)}", subject="moved")
    action = replace(action, moved_from=found.moved_from, notes=(*action.notes, note))
    claim = tuple(kind.claim(live, want))
    if action.op is Op.NOOP:
        return replace(action, op=Op.MOVE, make=claim)
    return replace(action, make=(*claim, *action.make)) if action.op is Op.UPDATE else action
