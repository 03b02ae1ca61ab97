"""Mistakes and failures as a person reads them: what, where, the line itself with carets, and the next step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from reconciler.errors import Failure
from reconciler.model import Problem
from reconciler.output.escape import columns, safe
from reconciler.output.paint import BLUE, BOLD, DIM, RED, YELLOW, Paint

Source = Callable[[str], str | None]
"""Gives a file's text by the name that messages show."""

WIDEST, AROUND = 110, 40
"""A longer line is cut to this much; what stands before the caret, at most to this much."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


def render(problems: Iterable[Problem], source: Source, *, color: bool, counted: bool = True) -> str:
    """All problems, by file and place, and (`counted`) how many there are where it is more than one."""
    ordered = sorted(problems, key=_order)
    lines = _Lines(source)
    parts = ["\n".join(_problem(problem, lines, Paint(color))) for problem in ordered]
    if counted and len(ordered) > 1:
        counts = Counter(problem.severity for problem in ordered)
        parts.append(", ".join(f"{n} {word}{'s' if n > 1 else ''}" for word, n in sorted(counts.items())))
    return "\n\n".join(parts) + "\n" if parts else ""


def failure(error: Failure, *, color: bool) -> str:
    """A failure that has no place in a file: the message and its next step."""
    lines = _problem(Problem(error.message, help=error.next), _Lines(lambda file: None), Paint(color))
    return "\n".join(lines) + "\n"


def _order(problem: Problem) -> tuple[str, int, int, str]:
    at = problem.at
    return ("", 0, 0, problem.message) if at is None else (at.file, at.line, at.column, problem.message)


class _Lines:
    """The lines of files, each file read once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.files: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str | None:
        """One line, or None where there is none."""
        if file not in self.files:
            self.files[file] = _BREAK.split(self.source(file) or "")
        lines = self.files[file]
        return lines[number - 1] if 0 < number <= len(lines) and lines[number - 1].strip() else None


def _problem(problem: Problem, lines: _Lines, paint: Paint) -> Iterator[str]:
    hue = YELLOW if problem.severity == "warning" else RED
    first, *rest = problem.message.split("\n")
    yield f"{paint(f'{problem.severity}:', hue, BOLD)} {paint(safe(first), BOLD)}"
    yield from (f"  {safe(line)}" for line in rest)
    gutter = " "
    at, hint = problem.at, safe(problem.hint)
    if at is not None:
        gutter = " " * max(len(str(at.line)), 1)
        yield f"{gutter}{paint('-->', BLUE)} {safe(str(at))}"
        line = lines.line(at.file, at.line)
        if line is not None:
            yield paint(f"{gutter} |", BLUE)
            shown, before, under = _cut(line, at.column, problem.width)
            yield f"{paint(f'{at.line} |', BLUE)} {shown}"
            carets = paint(" ".join(filter(None, ("^" * under, hint))), hue)
            yield f"{paint(f'{gutter} |', BLUE)} {' ' * before}{carets}"
            hint = ""
    for help in filter(None, (hint, problem.help)):
        first, *rest = help.split("\n")
        yield f"{gutter} {paint('= help:', BLUE)} {safe(first)}"
        yield from (f"{gutter}         {paint(safe(line), DIM)}" for line in rest)


def _cut(line: str, column: int, width: int) -> tuple[str, int, int]:
    """What is shown of a line, the columns before the caret, and the columns of the carets."""
    start = min(max(column - 1, 0), len(line))
    before, under, behind = (safe(part.expandtabs(4)) for part in
                             (line[:start], line[start:start + max(width, 1)], line[start + max(width, 1):].rstrip()))
    if columns(before + under + behind) > WIDEST:
        if len(before) > AROUND:
            before = "…" + before[-AROUND:]
        room = max(WIDEST - columns(before), AROUND)
        if len(under) + len(behind) > room:
            under, behind = under[:room], behind[:max(room - len(under), 0)] + "…"
    return before + under + behind, columns(before), max(columns(under), 1)
