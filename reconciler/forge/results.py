"""How applies ended, from what `apply --format json` printed: the comment below a merge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model import Result
from reconciler.output.escape import safe
from reconciler.output.markdown import opening
from reconciler.output.outcomes import NEXT, SAID
from reconciler.output.quoting import cell, code, fence

MARKER = "reconciler result"
MOST = 50
"""Failures told in full; the log has all."""


@dataclass(frozen=True, slots=True)
class Left:
    """One action that is not done, and why."""

    address: str
    result: str
    error: str
    next: str


@dataclass(frozen=True, slots=True)
class Ended:
    """One apply. `counts` by result; None when it never came to its end (refused, stale, locked, killed)."""

    name: str
    counts: Mapping[str, int] | None = None
    run: str = ""
    interrupted: bool = False
    left: tuple[Left, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all is done."""
        return self.counts is not None and not any(n for word, n in self.counts.items() if word != Result.DONE.value)


def read(text: str, name: str) -> Ended:
    """What the lines say; lines that are no events are passed over, for a log may stand among them."""
    counts, run, interrupted, left = None, "", False, []
    for line in _lines(text):
        if line.get("type") == "version" and line.get("project"):
            name = f"{line['project']}/{line.get('stack')}"
        elif line.get("type") == "diagnostic" and line.get("address"):
            left.append(Left(*(str(line.get(part) or "") for part in ("address", "result", "summary", "detail"))))
        elif line.get("type") == "change_summary" and line.get("operation") == "apply":
            counts = {str(word): n for word, n in (line.get("changes") or {}).items() if isinstance(n, int)}
            run, interrupted = str(line.get("run") or ""), line.get("interrupted") is True
    return Ended(name, counts, run, interrupted, tuple(left))


def comment(ends: Sequence[Ended], logs: Iterable[str] = (), *, redact: bool = False) -> str:
    """One comment for all of them; with `redact` without what vendors said."""
    whole = all(end.whole for end in ends)
    title = "applied" if whole else "the apply is not complete"
    parts = [f"{opening(MARKER)}\n## reconciler: {title}", _table(ends)]
    for end in ends:
        parts += _told(end, redact=redact)
    return "\n\n".join(filter(None, (*parts, *logs))) + "\n"


def _table(ends: Iterable[Ended]) -> str:
    head = ["| stack | " + " | ".join(result.value for result in Result) + " | run |",
            "|---|" + "--:|" * len(Result) + "---|"]
    return "\n".join([*head, *(_row(end) for end in ends)])


def _row(end: Ended) -> str:
    counts = end.counts or {}
    numbers = " | ".join(str(counts.get(result.value) or "") for result in Result)
    return f"| {cell(end.name)} | {numbers} | {cell(end.run) if end.run else ''} |"


def _told(end: Ended, *, redact: bool) -> Iterator[str]:
    if end.counts is None:
        yield (f"{code(end.name)}: the apply did not come to its end. What it did is recorded; `reconciler plan` shows "
               "what is left.")
    if end.interrupted:
        yield f"{code(end.name)}: interrupted. What was under way is recorded; the next apply goes on from there."
    told = [one for one in end.left if one.result != Result.SKIPPED.value]
    for one in told[:MOST]:
        result = Result(one.result) if one.result in {known.value for known in SAID} else Result.FAILED
        error = "" if redact or not one.error else f"\n\n{fence(safe(one.error, lines=True).splitlines(), 'text')}"
        next = one.next if not redact else ""
        step = safe(next or NEXT[result])
        yield f"{code(one.address)} {SAID[result]}{error}" + (f"\n\nNext: {code(step)}" if step else "")
    if len(told) > MOST:
        yield f"And {len(told) - MOST} more: the job's log has all."
    if end.counts is not None and not end.whole:
        yield "Next: mend it and apply again; what is done is not done again, and nothing doubles."


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found
