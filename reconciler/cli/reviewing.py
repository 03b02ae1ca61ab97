"""What the `ci` commands say on a pull request: which comment or check it is, and when there is nothing to say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from reconciler.cli.apply_ import agreeing, read_plan
from reconciler.cli.console import Console
from reconciler.clock import SystemClock
from reconciler.errors import Denied, Usage
from reconciler.forge import conversation, drifts, results
from reconciler.forge.job import Job
from reconciler.forge.judge import Case, again, judge, remember
from reconciler.forge.model import Check, Conclusion, Event, Pull, Written
from reconciler.model import Plan
from reconciler.output import json, markdown
from reconciler.output.escape import safe
from reconciler.output.quoting import code, fence

PLAN, AFTER = markdown.MARKER, f"{markdown.MARKER} after the merge"
TAIL = 60
"""Lines of a log that are shown: its end says what went wrong."""

CHARACTERS, TOGETHER = 8000, 24_000
"""And no more characters than this, of one log and of all."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Log:
    """The end of a log."""

    name: str
    text: str

    def shown(self, most: int, *, redact: bool) -> str:
        """As Markdown, `most` characters of it; what a vendor said in it stays in the job with `redact`."""
        lines = [] if redact else self._lines(most)
        return f"{code(self.name)} failed: " + (f"\n\n{fence(lines, 'text')}" if lines else "the job's log says why.")

    def _lines(self, most: int) -> list[str]:
        """The last lines, escaped, as many as there is room for."""
        text = _ANSI.sub("", self.text[-CHARACTERS * 4:]).strip()
        told = [safe(line) for line in text.splitlines() if not line.startswith("::")]  # commands to the runner
        kept: list[str] = []
        for line in reversed(told[-TAIL:]):
            kept.insert(0, line[-most:])
            most -= len(line) + 1
            if most <= 0:
                break
        return kept


@dataclass(frozen=True, slots=True)
class Shown:
    """The files of one command, read."""

    plans: tuple[Plan, ...]
    failed: tuple[Log, ...]
    results: tuple[results.Ended, ...]
    redact: bool

    @classmethod
    def read(cls, plans: Sequence[Path], failed: Sequence[Path], ends: Sequence[Path], *, redact: bool) -> Self:
        """Read them; Stale when a plan was altered, Usage when a file is missing or a stack is there twice."""
        found = sorted((agreeing(json.load(read_plan(path))).plan for path in plans), key=lambda one: (one.project, one.stack))
        twice = [name for name, n in Counter(f"{plan.project}/{plan.stack}" for plan in found).items() if n > 1]
        if twice:
            raise Usage(f"there are two plans of {twice[0]}", "give the newest only")
        return cls(tuple(found), tuple(Log(path.stem, _text(path)) for path in failed),
                   tuple(results.read(_text(path), path.stem) for path in ends), redact)

    @property
    def nothing(self) -> bool:
        """Whether no manifest changed."""
        return not (self.plans or self.failed or self.results)

    def body(self, marker: str, commit: str) -> str:
        """The comment of plans that could be made, and of those that could not."""
        each = min(CHARACTERS, TOGETHER // max(len(self.failed), 1))
        logs = [log.shown(each, redact=self.redact) for log in self.failed]
        foot = f"Commit {code(commit[:12])}"
        if self.results:
            return results.comment(self.results, [*logs, foot], redact=self.redact)
        top = [f"**{_AFTER}**"] if marker == AFTER and self.plans else []
        if self.nothing:
            top = [f"## reconciler: no manifest changed\n\nNothing to plan as of {code(commit[:12])}."]
        if not self.plans:
            return "\n\n".join((f"{markdown.opening(marker)}", *top, *logs)) + "\n"
        room = markdown.LIMIT - sum(len(part) + 2 for part in (*top, *logs, foot))
        sections = [markdown.section(plan, redact=self.redact) for plan in self.plans]
        first, _, rest = markdown.comment(sections, limit=room, marker=marker).partition("\n")
        return "\n\n".join(filter(None, ("\n".join((first, *top)), *logs, rest.strip("\n"), foot))) + "\n"


_AFTER = ("Nothing is applied yet: what the merge would do now was not approved, because something changed in between, or "
          "because nobody approved it. This is what it would do.")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise Usage(f"{path} can't be read: {error.strerror}") from error


# the comment


def say_it(console: Console, job: Job, shown: Shown) -> int:
    """Write the comment that this job has to write, if any."""
    number, marker = _where(console, job, shown)
    if number is None:
        return _noted(console, job, shown.body(marker, job.commit)) if marker else 0
    if shown.nothing and not conversation.found(job.forge, number, markdown.opening(marker)):
        console.say("A fork's manifests are not planned here, so there is no comment." if job.fork else
                    "No manifest changed, so there is no comment.")
        return 0
    body = shown.body(marker, job.commit)
    try:
        did = conversation.say(job.forge, number, body)
    except Denied as error:
        if not job.fork:
            raise
        console.warn(f"there is no comment on a pull request from a fork: {error.message}")
        return _noted(console, job, body)
    console.say(f"The comment on pull request {number} is {conversation.DONE[did]}.")
    return 0


def _where(console: Console, job: Job, shown: Shown) -> tuple[int | None, str]:
    """The pull request and which of its comments; no number where there is none, and no comment where it has to be quiet."""
    after = results.MARKER if shown.results else AFTER
    if job.event is Event.QUEUE:
        console.say("A merge queue's job has no comment of its own.")
        return None, ""
    if job.event is not Event.OTHER and job.number is not None:
        if shown.results:
            return job.number, results.MARKER
        return (job.number, PLAN) if not _late(console, job, job.forge.pull(job.number)) else (None, "")
    if job.number is not None:
        return job.number, after
    pull = job.forge.merged(job.commit)
    if pull is None:
        console.warn(f"no pull request was merged as {job.commit[:12]}, so there is nowhere to comment")
        return None, after
    return pull.number, after


def _late(console: Console, job: Job, pull: Pull) -> bool:
    """Whether this job is overtaken: what it has to say is not of the pull request as it is now."""
    if pull.merged is not None:
        console.say(f"Pull request {pull.number} is merged already: nothing is written.")
    elif pull.head != job.commit:
        console.say(f"Pull request {pull.number} has a newer commit, {pull.head[:12]}: its own job writes.")
    return pull.merged is not None or pull.head != job.commit


def _noted(console: Console, job: Job, body: str) -> int:
    """Into the job's own page instead, where there is one."""
    if job.notes is not None:
        try:
            with job.notes.open("a", encoding="utf-8") as file:
                file.write(console.clean(body.partition("\n")[2]))
        except OSError as error:
            raise Usage(f"GITHUB_STEP_SUMMARY can't be written: {error.strerror}") from error
        console.say("It stands in the job's summary.")
    return 0


# the check


def check_it(console: Console, job: Job, shown: Shown, name: str, *, require: bool) -> int:
    """Write the check that this job has to write, if any; its conclusion as the exit code."""
    pull = job.forge.pull(job.number) if job.number is not None and job.event is not Event.QUEUE else None
    if pull is not None and _late(console, job, pull):
        return 0
    before = job.forge.written(job.commit, name)
    approvals = list(job.forge.approvals(pull)) if require and pull is not None else None
    onto = None
    if job.event is Event.REVIEW and shown.nothing:
        if before is None:
            console.say("This commit has no check yet: its plan writes it.")
            return 0
        if not before.memory.plans or any(plan.blocked for plan in before.memory.plans):
            console.say(f"The check stays as it is: {before.title}")
            return 4 if before.conclusion == Conclusion.FAILURE.value else 0
        made, onto = again(before.memory, approvals, name), before
    else:
        memory = remember(shown.plans, job.commit, before, SystemClock().now())
        case = Case(shown.plans, tuple(log.name for log in shown.failed), shown.redact, name)
        made = judge(case, memory, pull=pull, approvals=approvals)
    _write(console, job, made, before, onto)
    console.data(f"{made.conclusion.value}: {made.title}")
    return 4 if made.conclusion is Conclusion.FAILURE else 0


def _write(console: Console, job: Job, made: Check, before: Written | None, onto: Written | None) -> None:
    if before is not None and before.says(made):
        console.say("The check says so already.")
        return
    try:
        job.forge.check(job.commit, made, onto)
    except Denied as error:
        if not job.fork:
            raise
        console.warn(f"there is no check on a pull request from a fork: {error.message}")


# the issue


def report_it(console: Console, job: Job, reports: Sequence[Path], label: str, *, redact: bool) -> int:
    """One issue on what drifted, or none."""
    found = [drifts.read(_text(path), str(path)) for path in reports]
    title, body = drifts.title(found), drifts.issue(found, redact=redact)
    if any(one.entries or one.unreadable for one in found):
        number, did = conversation.report(job.forge, title, body, label)
        console.say(f"Issue {number} is {conversation.DONE[did]}.")
        return 0
    closed = conversation.settle(job.forge, title, body, label)
    console.say("No drift." if closed is None else f"No drift any more: issue {closed} is closed.")
    return 0
