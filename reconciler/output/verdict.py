"""What a plan comes to, in one word and one sentence, and its counts: what a reader needs before the details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from reconciler.model import Action, Impact, Op, Plan

DECISIVE = (Impact.IRREVERSIBLE, Impact.DELETE, Impact.MONEY, Impact.ACCESS, Impact.ADOPT, Impact.DRIFT)
"""The impacts that somebody has to agree to, in the order in which a reader should see them."""


class Mood(str, Enum):
    """How a plan stands: nothing to do, nothing to decide, something to decide, or not possible as it is."""

    EMPTY = "no changes"
    QUIET = "ready"
    DECIDE = "to decide"
    HELD = "blocked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word and the sentence."""

    mood: Mood
    sentence: str


def verdict(plan: Plan) -> Verdict:
    """How a plan stands; what it says is about counts only, no value is in it."""
    blocked, acting = plan.count(Op.BLOCKED), sum(action.acts for action in plan.actions)
    of = f"{blocked} of {_count(acting + blocked, 'action')}"
    if plan.stopped:
        return Verdict(Mood.HELD, f"Stopped: {_count(len(plan.stopped), 'threshold')} passed. Nothing of it is applied.")
    if plan.unreadable:
        return Verdict(Mood.HELD, f"Not whole: something could not be read, and {of} can't be done.")
    if blocked:
        return Verdict(Mood.HELD, f"Blocked: {of} can't be done as it stands." if blocked == 1 else
                       f"Blocked: {of} can't be done as they stand.")
    if not acting:
        return Verdict(Mood.EMPTY, "No changes.")
    counts = impacts(plan)
    weighs = [f"{impact.value} {counts[impact]}" for impact in DECISIVE if impact in counts]
    if released := sum(action.op is Op.DELETE and Impact.DELETE not in action.impact for action in plan.actions):
        weighs.append(f"removed {released}")
    if weighs:
        return Verdict(Mood.DECIDE, f"To decide: {_count(acting, 'change')}, of them {', '.join(weighs)}.")
    return Verdict(Mood.QUIET, f"Ready: {_count(acting, 'change')}; nothing costs, deletes or grants anything.")


def impacts(plan: Plan) -> dict[Impact, int]:
    """How many actions have each impact, the gravest first."""
    counts = Counter(impact for action in plan.actions if action.acts for impact in action.impact)
    return {impact: counts[impact] for impact in Impact if impact in counts}


def impact_sentence(plan: Plan) -> Iterator[str]:
    """The same as a sentence, where there are any."""
    if counts := impacts(plan):
        yield f"Impact: {', '.join(f'{impact.value} {n}' for impact, n in counts.items())}."


def counts(plan: Plan) -> Iterator[str]:
    """How many are to be created, updated, replaced, deleted; of the rarer operations only what there is."""
    always = [(Op.CREATE, "to create"), (Op.UPDATE, "to update"), (Op.REPLACE, "to replace"), (Op.DELETE, "to delete")]
    yield from (f"{plan.count(op)} {words}" for op, words in always)
    for op, words in ((Op.ADOPT, "to adopt"), (Op.MOVE, "to move"), (Op.FORGET, "to forget"), (Op.BLOCKED, "blocked")):
        if n := plan.count(op):
            yield f"{n} {words}"
    if plan.drifted:
        yield f"{plan.drifted} drifted"


def unchanged(plan: Plan) -> str:
    """How many entries stay as they are, and how many differ and are left."""
    left = sum(is_left(action) for action in plan.actions)
    return f"{f'{left} drifted and left, ' if left else ''}{plan.count(Op.NOOP) - left} unchanged"


def is_left(action: Action) -> bool:
    """Whether somebody changed it, and the run was told to leave that."""
    return action.op is Op.NOOP and (bool(action.changes) or Impact.DRIFT in action.impact)


def requests(plan: Plan) -> str:
    """How many requests it took and would take."""
    return f"Requests: {plan.reads} read, {plan.writes} write."


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
