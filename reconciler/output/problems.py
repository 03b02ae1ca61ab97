"""Mistakes and failures as a person reads them: what, where, the line itself with carets, and the next step."""

from __future__ import annotations

import re
import textwrap
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


def render(problems: Iterable[Problem], source: Source, *, color: bool, counted: bool = True, width: int | None = None) -> str:
    """All problems, by file and place, and (`counted`) how many there are where it is more than one.

    For a terminal of `width` columns sentences are wrapped; elsewhere a sentence is a line, which can be searched for.
    """
    ordered = sorted(problems, key=_order)
    lines = _Lines(source)
    parts = ["\n".join(_problem(problem, lines, Paint(color), width)) for problem in ordered]
    if counted and len(ordered) > 1:
        counts = Counter(problem.severity for problem in ordered)
        parts.append(", ".join(f"{n} {word}{'s' if n > 1 else ''}" for word, n in sorted(counts.items())))
    return "\n\n".join(parts) + "\n" if parts else ""


def failure(error: Failure, *, color: bool, width: int | None = None) -> str:
    """A failure that has no place in a file: the message and its next step."""
    lines = _problem(Problem(error.message, help=error.next), _Lines(lambda file: None), Paint(color), width)
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


def _problem(problem: Problem, lines: _Lines, paint: Paint, width: int | None) -> Iterator[str]:
    hue = YELLOW if problem.severity == "warning" else RED
    first, *rest = problem.message.split("\n")
    head, *more = _wrapped(f"{problem.severity}: ", first, width)
    yield f"{paint(f'{problem.severity}:', hue, BOLD)} {paint(head, BOLD)}"
    yield from (paint(line, BOLD) for line in more)
    for text in rest:
        head, *more = _wrapped("  ", text, width)
        yield from (f"  {head}", *more)
    gutter = " "
    at, hint = problem.at, safe(problem.hint)
    if at is not None:
        gutter = " " * max(len(str(at.line)), 1)
        yield f"{gutter}{paint('-->', BLUE)} {safe(str(at))}"
        line = lines.line(at.file, at.line)
        if line is not None:
            yield paint(f"{gutter} |", BLUE)
            room = WIDEST if width is None else max(width - len(gutter) - 4, AROUND)
            shown, before, under = _cut(line, at.column, problem.width, room)
            yield f"{paint(f'{at.line} |', BLUE)} {shown}"
            beside = hint if width is None or len(gutter) + 4 + before + under + columns(hint) <= width else ""
            carets = paint(" ".join(filter(None, ("^" * under, beside))), hue)
            yield f"{paint(f'{gutter} |', BLUE)} {' ' * before}{carets}"
            hint = "" if beside else hint
    for help in filter(None, (hint, problem.help)):
        first, *rest = help.split("\n")
        head, *more = _wrapped(f"{gutter} = help: ", first, width)
        yield f"{gutter} {paint('= help:', BLUE)} {head}"
        yield from more
        yield from (f"{gutter}         {paint(safe(line), DIM)}" for line in rest)


def _wrapped(lead: str, text: str, width: int | None) -> list[str]:
    """The lines of a sentence that stands behind `lead`; all but the first are indented."""
    text = safe(text)
    if width is None or len(lead) + columns(text) <= width:
        return [text]
    indent = " " * (2 if lead[:1] != " " else len(lead))
    lines = textwrap.wrap(lead + text, max(width, 2 * AROUND), subsequent_indent=indent, drop_whitespace=True,
                          break_long_words=False, break_on_hyphens=False)
    return [lines[0].removeprefix(lead), *lines[1:]] if lines else [text]


def _cut(line: str, column: int, width: int, widest: int) -> tuple[str, int, int]:
    """What is shown of a line, the columns before the caret, and the columns of the carets."""
    start = min(max(column - 1, 0), len(line))
    before, under, behind = (safe(part.expandtabs(4)) for part in
                             (line[:start], line[start:start + max(width, 1)], line[start + max(width, 1):].rstrip()))
    if columns(before + under + behind) > widest:
        if len(before) > AROUND:
            before = "…" + before[-AROUND:]
        room = max(widest - columns(before), AROUND // 2)
        if len(under) + len(behind) > room:
            under, behind = under[:room], behind[:max(room - len(under), 0)] + "…"
    return before + under + behind, columns(before), max(columns(under), 1)
