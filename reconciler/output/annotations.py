"""GitHub's workflow commands: annotations at file and line, and how no other text becomes one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from reconciler.model import Problem
from reconciler.output.held import sentence

_COMMAND = re.compile(r"((?:^|\r)[^\S\r\n]*):(?=:)", re.MULTILINE)
"""The runner takes a line for a command that begins with two colons, blanks before them included."""

_OLDER = "##["
"""And one that has this anywhere."""


def commands(problems: Iterable[Problem], clean: Callable[[str], str] = str) -> str:
    """A line for each problem, which the runner shows at its place in the files of a pull request.

    `clean` strikes secrets out before anything is escaped.
    """
    return "".join(_command(problem, clean) for problem in problems)


def inert(text: str) -> str:
    """The text, with what the runner would take for a command spelled out."""
    if "::" in text:
        text = _COMMAND.sub(r"\1\\x3a", text)
    return text.replace(_OLDER, "\\x23#[")


def _command(problem: Problem, clean: Callable[[str], str]) -> str:
    at = problem.at
    places = {} if at is None else {"file": at.file, "line": at.line, "endLine": at.line, "col": at.column,
                                    "endColumn": at.column + max(problem.width, 1)}
    given = ",".join(f"{name}={_property(str(value))}" for name, value in places.items())
    word = "warning" if problem.severity == "warning" else "error"
    return f"::{word}{' ' if given else ''}{given}::{_data(clean(sentence(problem)))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(_OLDER, "\\x23#[")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
