"""A saved plan against the plan of now: exactly its actions, what is done already, what is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.engine.guard import Limits, too_much
from reconciler.errors import Stale
from reconciler.ledger import Ledger, Run
from reconciler.model import Action, Address, Op, Plan


@dataclass(frozen=True, slots=True)
class Resumed:
    """What is left to do of an approved plan; `done` was done by an earlier run of it, `others` are not in it."""

    plan: Plan
    done: tuple[Address, ...] = ()
    others: tuple[Address, ...] = ()


def resumed(fresh: Plan, digest: str, approved: Mapping[Address, str], ledger: Ledger, limits: Limits) -> Resumed:
    """Hold a fresh plan to what was approved; Stale when an action is neither planned the same nor done.

    An action that an earlier run of the same plan began and did not finish may look different now; it goes on. Limits
    are for what is done: others' changes, which are not in the approved plan, stop nothing.
    """
    runs = [run for run in ledger.runs if run.digest == digest]
    done = {address for run in runs for address in run.done}
    begun = {address for run in runs for address in run.begun} - done
    by_address = {action.address: action for action in fresh.actions}
    kept, finished, gone = [], [], []
    for address, wanted in approved.items():
        action = by_address.get(address)
        if str(address) in done and (action is None or fresh.digests.get(address) != wanted):
            finished.append(address)
        elif action is not None and fresh.digests.get(address) == wanted:
            kept.append(action)
        elif str(address) in begun and _goes_on(action):
            if action is not None and action.acts:
                kept.append(action)
            else:
                finished.append(address)
        else:
            gone.append(address)
    if gone:
        raise Stale(f"{len(gone)} of {len(approved)} approved actions are not planned any more as they were approved: "
                    + ", ".join(map(str, sorted(gone)[:5])), "plan again, and have the new plan approved")
    acting = [action for action in kept if action.acts or action.op is Op.BLOCKED or action.after]
    if approved and not acting and _complete(runs):
        raise Stale("this plan was applied already", "plan again")
    others = tuple(a.address for a in fresh.actions if a.acts and a.address not in approved)
    quiet = [a for a in fresh.actions if a.op is Op.NOOP and a.address not in approved]
    over = {*too_much(fresh.actions, ledger, limits)}
    stopped = (*(said for said in fresh.stopped if said not in over), *too_much(kept, ledger, limits))
    return Resumed(replace(fresh, actions=(*kept, *quiet), stopped=stopped), tuple(finished), others)


def _goes_on(action: Action | None) -> bool:
    return action is None or action.op not in (Op.BLOCKED, Op.DELETE, Op.FORGET)


def _complete(runs: list[Run]) -> bool:
    return any(
        run.ended is not None and not any(run.outcome.get(word) for word in ("failed", "unknown", "not started", "stale"))
        for run in runs
    )
