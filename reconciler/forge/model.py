"""What a code host keeps, in words that fit both: a GitLab merge request is a pull request here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from reconciler.errors import Failure

CHECK = "reconciler"
"""The name of the check, which a branch's protection may require."""

_NAME, _DIGEST = re.compile(r"[a-z0-9][a-z0-9-]*"), re.compile(r"sha256:[0-9a-f]{64}")


class Conclusion(str, Enum):
    """How a check ends."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


class Event(str, Enum):
    """Why a job runs."""

    PULL = "pull request"
    REVIEW = "review"
    QUEUE = "merge queue"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request as it is now; `merged` in seconds since the epoch, `fork` when its branch is in another repository."""

    number: int
    head: str
    author: str
    draft: bool = False
    merged: float | None = None
    fork: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment; ids grow with time."""

    id: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Issue:
    """One open issue."""

    number: int
    author: str
    body: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Who has the last word of a reviewer on which commit; `at` None where the host does not say when."""

    author: str
    approved: bool
    commit: str | None
    at: float | None


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark at a line; `level` is notice, warning or failure."""

    file: str
    line: int
    column: int
    level: str
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What a check remembers of one plan; `acts` when it would do anything, `blocked` when it can't be applied as it is."""

    project: str
    stack: str
    digest: str
    acts: bool
    blocked: bool

    @property
    def name(self) -> str:
        """Project and stack."""
        return f"{self.project}/{self.stack}"


@dataclass(frozen=True, slots=True)
class Memory:
    """The plans of one commit as its check keeps them; `since` when these digests were first kept, in whole seconds."""

    commit: str
    plans: tuple[Kept, ...] = ()
    since: int = 0

    @property
    def digests(self) -> frozenset[tuple[str, str]]:
        """What an approval is about: stack and digest."""
        return frozenset((plan.name, plan.digest) for plan in self.plans)

    def text(self) -> str:
        """As canonical JSON."""
        plans = [{name: getattr(plan, name) for name in Kept.__dataclass_fields__} for plan in self.plans]
        return json.dumps({"format_version": "1.0", "commit": self.commit, "since": self.since, "plans": plans},
                          sort_keys=True, separators=(",", ":"))

    def seal(self) -> str:
        """A checksum over all of it."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    @classmethod
    def parse(cls, text: str) -> Memory | None:
        """Read it back; None when it is anything else."""
        try:
            found = json.loads(text)
            if not isinstance(found, dict) or found["format_version"] != "1.0":
                return None
            plans = tuple(kept(**one) for one in found["plans"])
            made = cls(str(found["commit"]), plans, int(found["since"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return made if made.text() == text else None


def kept(**parts: Any) -> Kept:
    """One remembered plan; TypeError when a part is missing or is not what we write: it ends up in scripts."""
    made = Kept(**parts)
    names, flags = (made.project, made.stack), (made.acts, made.blocked)
    if not (all(_NAME.fullmatch(one) for one in names) and _DIGEST.fullmatch(made.digest)
            and all(isinstance(one, bool) for one in flags)):
        raise TypeError("not a remembered plan")
    return made


@dataclass(frozen=True, slots=True)
class Check:
    """A judgement on a commit, shown by the host; `summary` is Markdown, `memory` what it keeps for the merge."""

    conclusion: Conclusion
    title: str
    summary: str
    memory: Memory
    annotations: tuple[Annotation, ...] = ()
    name: str = CHECK


@dataclass(frozen=True, slots=True)
class Written:
    """A check as the host has it: what it keeps, how it ended, when (seconds since the epoch)."""

    id: int
    memory: Memory
    conclusion: str
    title: str
    at: float

    def says(self, check: Check) -> bool:
        """Whether this check says all of it already."""
        return (self.memory, self.conclusion, self.title) == (check.memory, check.conclusion.value, check.title)


class Forge(Protocol):
    """One repository at a code host. What it refuses is one of errors.py: Denied, Missing, Refused, Exhausted, Unsure."""

    def me(self) -> str:
        """The login under which this token writes."""

    def pull(self, number: int) -> Pull:
        """A pull request."""

    def merged(self, commit: str) -> Pull | None:
        """The pull request whose merge made this commit; None when it came otherwise."""

    def comments(self, number: int) -> Iterable[Comment]:
        """All comments of a pull request, the oldest first."""

    def comment(self, number: int, body: str) -> Comment:
        """Write a comment."""

    def edit(self, number: int, id: int, body: str) -> None:
        """Write a comment anew."""

    def remove(self, number: int, id: int) -> None:
        """Delete a comment; one that is gone already is fine."""

    def written(self, commit: str, check: str) -> Written | None:
        """The latest check of that name on a commit, if it is ours."""

    def check(self, commit: str, check: Check, onto: Written | None = None) -> None:
        """Write a check on a commit; `onto` is the one that is judged again, whose annotations stay."""

    def approvals(self, pull: Pull) -> Iterable[Approval]:
        """The last word of each reviewer who may write to the repository, the author left out."""

    def issues(self, label: str) -> Iterable[Issue]:
        """Open issues with a label, the oldest first."""

    def open(self, title: str, body: str, label: str) -> Issue:
        """Open an issue."""

    def rewrite(self, number: int, title: str, body: str, *, closed: bool = False) -> None:
        """Write an issue anew, or close it."""

    def close(self) -> None:
        """Give back the connection."""


class Unapproved(Failure):
    """There is no approved plan for what was merged."""

    exit_code = 5
