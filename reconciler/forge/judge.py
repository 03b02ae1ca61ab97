"""What plans mean for a pull request: its check, what that keeps for the merge, and whether somebody has approved it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.forge.model import CHECK, Annotation, Approval, Check, Conclusion, Kept, Memory, Pull, Written
from reconciler.model import Action, Impact, Op, Plan
from reconciler.output import verdict
from reconciler.output.escape import safe
from reconciler.output.quoting import cell
from reconciler.output.words import word

MOST = 500
"""Annotations of one check; a reader has given up long before."""

WEIGHTY = frozenset(verdict.DECISIVE)


@dataclass(frozen=True, slots=True)
class Case:
    """What there is to judge; `failed` names what could not even be planned."""

    plans: Sequence[Plan]
    failed: Sequence[str] = ()
    redact: bool = False
    name: str = CHECK


def remember(plans: Iterable[Plan], commit: str, before: Written | None, now: float) -> Memory:
    """What a check keeps of plans; the same digests on the same commit are as old as they were."""
    made = tuple(sorted((_kept(plan) for plan in plans), key=lambda kept: kept.name))
    memory = Memory(commit, made, int(now) if made else 0)
    old = before.memory if before is not None else None
    return Memory(commit, made, old.since) if old is not None and old.digests == memory.digests else memory


def _kept(plan: Plan) -> Kept:
    blocked = bool(plan.stopped) or plan.unreadable or plan.count(Op.BLOCKED) > 0
    return Kept(plan.project, plan.stack, plan.digest, not plan.empty, blocked)


def unapproved(memory: Memory, approvals: Iterable[Approval]) -> str:
    """Why this is not approved; empty when a reviewer has, on this commit and after these plans were shown."""
    said = list(approvals)
    against = sorted(one.author for one in said if not one.approved)
    if against:
        return f"{', '.join(against)} asked for changes"
    of_this = [one for one in said if one.commit in (None, memory.commit)]
    if any(one.at is not None and one.at >= memory.since for one in of_this):
        return ""
    if of_this:
        return "it was approved before this plan was there"
    return "only an earlier commit was approved" if said else "nobody has approved this commit"


def judge(case: Case, memory: Memory, *, pull: Pull | None = None, approvals: Iterable[Approval] | None = None) -> Check:
    """The check of these plans; `approvals` where one is required, None where none is."""
    if pull is not None and pull.draft:
        memory = Memory(memory.commit)
        said = "planned, and judged when it is ready for review" if case.plans else "judged when it is ready for review"
        return Check(Conclusion.NEUTRAL, f"Draft: {said}", _summary(case, memory), memory, name=case.name)
    if pull is not None and pull.fork and not memory.plans and not case.failed:
        return Check(Conclusion.NEUTRAL, "From a fork: validated, not planned", _summary(case, memory), memory, name=case.name)
    if case.failed:
        memory = Memory(memory.commit)  # a review that comes later must not make up for what could not be planned
    conclusion, title = _judged(memory, approvals, case)
    marks = tuple(_annotations(case))
    return Check(conclusion, title, _summary(case, memory), memory, marks[:MOST], case.name)


def again(memory: Memory, approvals: Iterable[Approval] | None, name: str) -> Check:
    """The check of plans that are kept already, after a review."""
    case = Case((), name=name)
    conclusion, title = _judged(memory, approvals, case)
    return Check(conclusion, title, _summary(case, memory), memory, name=name)


def _judged(memory: Memory, approvals: Iterable[Approval] | None, case: Case) -> tuple[Conclusion, str]:
    if case.failed:
        return Conclusion.FAILURE, f"{_count(len(case.failed), 'plan')} could not be made"
    if not memory.plans:
        return Conclusion.NEUTRAL, "No manifest changed"
    told = verdict.verdict(case.plans[0]).sentence if len(case.plans) == 1 else _counted(memory)
    if any(plan.blocked for plan in memory.plans):
        return Conclusion.FAILURE, told
    if approvals is None or not any(plan.acts for plan in memory.plans):
        return Conclusion.SUCCESS, told
    why = unapproved(memory, approvals)
    return (Conclusion.FAILURE, f"Not approved: {why}") if why else (Conclusion.SUCCESS, "Approved")


def _counted(memory: Memory) -> str:
    """How several plans stand, in one line."""
    blocked, acting = sum(plan.blocked for plan in memory.plans), sum(plan.acts and not plan.blocked for plan in memory.plans)
    parts = [f"{blocked} blocked"] if blocked else []
    parts += [f"{acting} with changes"] if acting else [] if blocked else ["no changes"]
    return f"{_count(len(memory.plans), 'plan')}: {', '.join(parts)}"


def _summary(case: Case, memory: Memory) -> str:
    """A row a plan with its whole digest; of names only those that can't be anything but names."""
    rows = [f"| {cell(plan.name)} | {_state(plan)} | {cell(plan.digest)} |" for plan in memory.plans]
    table = ["| stack | | digest |", "|---|---|---|", *rows] if rows else []
    failed = [f"- {cell(name)} could not be planned: its job's log says why" for name in case.failed]
    means = ["The apply after the merge does exactly the plan with this digest, or nothing."] if rows else []
    return "\n\n".join("\n".join(part) for part in (failed, table, means) if part) or "There is nothing to plan."


def _state(plan: Kept) -> str:
    return "blocked" if plan.blocked else "changes" if plan.acts else "no changes"


def _annotations(case: Case) -> Iterator[Annotation]:
    """Blocked actions, then those that somebody has to agree to, at the lines that ask for them."""
    for plan in case.plans:
        for action in sorted(plan.actions, key=lambda one: one.op is not Op.BLOCKED):
            weighs = [impact.value for impact in Impact if impact in WEIGHTY & {*action.impact}]
            if action.at is not None and (action.op is Op.BLOCKED or (action.acts and weighs)):
                yield _annotation(plan, action, weighs, redact=case.redact)


def _annotation(plan: Plan, action: Action, weighs: Sequence[str], *, redact: bool) -> Annotation:
    blocked = action.op is Op.BLOCKED
    weight = f" ({', '.join(weighs)})" if weighs else ""
    why = f": {action.blocked}" if blocked and action.blocked and not redact else ""
    said = safe(f"{word(action)} in {plan.project}/{plan.stack}{weight}{why}")
    assert action.at is not None
    return Annotation(action.at.file, action.at.line, action.at.column, "failure" if blocked else "warning",
                      safe(str(action.address)), said)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
