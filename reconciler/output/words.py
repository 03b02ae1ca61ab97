"""What is done to an entry, as a symbol and a word."""

from __future__ import annotations

from reconciler.model import Action, Op
from reconciler.output.escape import safe
from reconciler.output.verdict import is_left

SYMBOLS = {Op.CREATE: "+", Op.UPDATE: "~", Op.REPLACE: "+/-", Op.DELETE: "-", Op.ADOPT: "=", Op.MOVE: ">",
           Op.FORGET: "<", Op.BLOCKED: "!", Op.NOOP: " "}
DELETE_FIRST = "-/+"


def symbol(action: Action) -> str:
    """The operation's symbol; a replace says which end comes first."""
    return DELETE_FIRST if action.op is Op.REPLACE and action.effect == "replace" else SYMBOLS[action.op]


def word(action: Action) -> str:
    """What really happens: the effect at the vendor where it has a name of its own, else the operation."""
    if action.op is Op.NOOP:
        return "left as it is" if is_left(action) else "unchanged"
    if action.op is Op.BLOCKED:
        return f"blocked {safe(action.effect)}" if action.effect else "blocked"
    return safe(action.effect or action.op.value)
