"""Extra reads for pending actions: shown to the reader, never part of a digest."""

from __future__ import annotations

from dataclasses import replace

from reconciler.engine.observe import Kinds
from reconciler.errors import MISSHAPEN, Exhausted, Failure, shaped
from reconciler.model import Fact, Plan


def with_facts(plan: Plan, kinds: Kinds) -> Plan:
    """The plan with what each kind could learn about its pending actions; a read that fails says so and no more."""
    actions = []
    for action in plan.actions:
        kind = kinds.get(action.address.kind)
        if kind is not None and action.acts:
            try:
                action = replace(action, facts=(*action.facts, *kind.look(action)))
            except Exhausted:
                raise
            except (Failure, *MISSHAPEN) as error:
                action = replace(action, facts=(*action.facts, Fact(f"not known: {shaped(error).message}")))
        actions.append(action)
    return replace(plan, actions=tuple(actions))
