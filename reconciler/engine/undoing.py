"""What a plan back to an earlier state can't bring back, said at each action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.plan import World
from reconciler.model import Action, Note, Op, Plan

SUBJECT = "not undone"


def undoing(world: World, plan: Plan) -> Plan:
    """The plan with what stays done: new ids, secrets that nobody has any more, what a vendor never gives back."""
    actions = tuple(_told(world, action) for action in plan.actions)
    names = [str(action.address) for action in actions if _halves(action)]
    if not names:
        return replace(plan, actions=actions)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    sentence = f"not undone whole, see there: {', '.join(names[:5])}{more}"
    return replace(plan, actions=actions, warnings=(*plan.warnings, sentence))


def _halves(action: Action) -> bool:
    return any(note.subject == SUBJECT or (note.refuse and action.op is Op.BLOCKED) for note in action.notes)


def _told(world: World, action: Action) -> Action:
    kind = world.kinds.get(action.address.kind)
    if kind is None or not (action.acts or action.op is Op.BLOCKED):
        return action
    notes = tuple(Note(text, subject=SUBJECT) for text in _stays(world, kind, action))
    return replace(action, notes=action.notes + notes) if notes else action


def _stays(world: World, kind: Kind[Any], action: Action) -> Iterator[str]:
    back = any("brought back" in note.text for note in action.notes)
    new = action.op in (Op.CREATE, Op.REPLACE) and not back
    if action.op is Op.CREATE and not back:
        yield "it is made anew: what hung on the one that was removed, and its id, don't come back"
    if action.op is Op.REPLACE and not back:
        yield "a new one with the earlier values: the earlier one itself is not brought back"
    for name, output in kind.outputs.items():
        if new and output.secret:
            yield f"{name} is a new one: whoever uses the earlier one has to be given it"
    if any(change.secret for change in action.changes) and action.op is Op.UPDATE:
        yield "a secret gets the value that its source has today"
    if action.op is Op.DELETE and action.effect not in (None, "delete"):
        yield f"{action.effect}, not deleted: the vendor keeps it"
