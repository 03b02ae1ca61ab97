"""What holds a plan up, as problems at their places: blocked actions, what could not be read, thresholds, warnings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from reconciler.model import Action, Op, Plan, Problem
from reconciler.output.escape import safe
from reconciler.output.words import word

UNREADABLE = "can't be read"
"""How the reason of an action begins whose object could not be read."""


class Found(NamedTuple):
    """A problem and the rule that it broke: one of `RULES`."""

    rule: str
    problem: Problem


RULES = {
    "finding": "A mistake in the manifests or in reconciler.yaml",
    "warning": "Something that a reader should know",
    "blocked": "An action that can't be done as it stands",
    "unreadable": "An object that could not be read at the vendor",
    "threshold": "A threshold that stops the whole plan",
}


def of_problems(problems: Iterable[Problem]) -> list[Found]:
    """The findings of a check."""
    return [Found("warning" if one.severity == "warning" else "finding", one) for one in problems]


def of_plan(plan: Plan) -> list[Found]:
    """Everything that keeps a plan from being applied, then what it warns of."""
    found = [Found("threshold", Problem(f"stopped: {sentence}")) for sentence in plan.stopped]
    found += [_blocked(action) for action in plan.actions if action.op is Op.BLOCKED]
    return found + [Found("warning", Problem(sentence, severity="warning")) for sentence in plan.warnings]


def _blocked(action: Action) -> Found:
    reason = action.blocked or ""
    rule = "unreadable" if reason.startswith(UNREADABLE) else "blocked"
    help = "" if action.at is not None else "its entry is no longer in the manifests"
    return Found(rule, Problem(f"{safe(str(action.address))}: {word(action)}: {safe(reason)}", action.at, help=help))


def sentence(problem: Problem) -> str:
    """A problem in one text: what, the hint, the next step."""
    parts = [problem.message, problem.hint, problem.help]
    return "\n".join(safe(line) for part in parts if part for line in part.split("\n"))
