"""What was approved, looked up after the merge: from the head commit's check, never from a comment."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.errors import Usage
from reconciler.forge.job import Job
from reconciler.forge.judge import unapproved
from reconciler.forge.model import Conclusion, Kept, Pull, Unapproved, Written
from reconciler.suggest import did_you_mean

AGAIN = "plan again, have that approved, and apply the saved plan"


def approved(job: Job, stack: str | None, project: str | None, name: str, *, require: bool) -> Kept:
    """The plan that the merged pull request's check keeps; Unapproved when there is none to rely on."""
    forge = job.forge
    pull = forge.merged(job.commit)
    if pull is None:
        raise Unapproved(f"no pull request was merged as {job.commit[:12]}", AGAIN)
    written = _relied_on(pull, forge.written(pull.head, name), name)
    if require:
        why = unapproved(written.memory, forge.approvals(pull))
        if why:
            raise Unapproved(f"pull request {pull.number} is not approved: {why}", AGAIN)
    return _chosen(pull, written.memory.plans, stack, project)


def _relied_on(pull: Pull, written: Written | None, name: str) -> Written:
    """The check, if it was there at the merge and did not fail."""
    where = f"pull request {pull.number} ({pull.head[:12]})"
    if written is None:
        raise Unapproved(f"the head of {where} has no check {name!r} that we wrote", AGAIN)
    if pull.merged is None or written.at > pull.merged:
        raise Unapproved(f"the check of {where} was written after the merge", AGAIN)
    if written.conclusion == Conclusion.FAILURE.value:
        raise Unapproved(f"the check of {where} failed: {written.title}", AGAIN)
    return written


def _chosen(pull: Pull, plans: Sequence[Kept], stack: str | None, project: str | None) -> Kept:
    """The one plan that is asked for; Usage where several are meant."""
    fits = [plan for plan in plans if stack in (None, plan.stack) and project in (None, plan.project)]
    if len(fits) == 1:
        return fits[0]
    kept = ", ".join(plan.name for plan in plans)
    if fits:
        raise Usage(f"pull request {pull.number} has several plans: {kept}", "--stack and --project say which")
    if not plans:
        raise Unapproved(f"pull request {pull.number} changed no manifest when it was planned", AGAIN)
    raise Unapproved(f"pull request {pull.number} has no plan of {'/'.join(filter(None, (project, stack)))}: it has {kept}",
                     did_you_mean(stack or "", [plan.stack for plan in plans]) or AGAIN)
