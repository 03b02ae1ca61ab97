"""Checks as JUnit's XML, which every CI shows as test results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from reconciler.model import Location, Plan, Problem
from reconciler.output import held, problems, verdict
from reconciler.output.escape import safe

PROJECT = "project"
"""The case of what has no place in a file."""


@dataclass(frozen=True, slots=True)
class Case:
    """One check: its name, what it found, and what stands beside it."""

    name: str
    found: Sequence[Problem] = ()
    said: str = ""
    at: Location | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name."""

    name: str
    cases: Sequence[Case] = field(default_factory=tuple)


def of_files(name: str, files: Iterable[str], found: Sequence[Problem]) -> Suite:
    """A case for each file that was checked, and for each that something is wrong with."""
    by_file: dict[str, list[Problem]] = {file: [] for file in files}
    for problem in found:
        by_file.setdefault(problem.at.file if problem.at is not None else PROJECT, []).append(problem)
    return Suite(name, [Case(file, here) for file, here in sorted(by_file.items())])


def of_plan(plan: Plan) -> Suite:
    """A case for the plan as a whole, which fails at a threshold, and one for each blocked action."""
    found = held.of_plan(plan)
    whole = [one.problem for one in found if one.rule in ("threshold", "warning")]
    cases = [Case("plan", whole, verdict.verdict(plan).sentence)]
    cases += [Case(one.problem.message.partition(": ")[0], [one.problem], at=one.problem.at)
              for one in found if one.rule in ("blocked", "unreadable")]
    return Suite(f"{plan.project}/{plan.stack}", cases)


def render(suites: Sequence[Suite], source: problems.Source = lambda file: None) -> str:
    """The suites as one document; `source` gives the files' texts for the line above a caret."""
    counts = [(len(suite.cases), sum(_fails(case) for case in suite.cases)) for suite in suites]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<testsuites name="reconciler" tests="{sum(n for n, _ in counts)}" failures="{sum(n for _, n in counts)}">']
    for suite, (tests, failures) in zip(suites, counts, strict=True):
        lines.append(f' <testsuite name={_quoted(suite.name)} tests="{tests}" failures="{failures}" errors="0" skipped="0">')
        for case in suite.cases:
            lines += _case(suite.name, case, source)
        lines.append(" </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _case(suite: str, case: Case, source: problems.Source) -> list[str]:
    at = f' file={_quoted(case.at.file)} line="{case.at.line}"' if case.at is not None else ""
    errors = [one for one in case.found if one.severity == "error"]
    warnings = [one for one in case.found if one.severity != "error"]
    inside = []
    if errors:
        title = errors[0].message if len(errors) == 1 else f"{len(errors)} findings"
        text = problems.render(errors, source, color=False, counted=False)
        inside.append(f'   <failure message={_quoted(title)} type="error">{escape(text)}</failure>')
    said = "\n".join(filter(None, (safe(case.said), problems.render(warnings, source, color=False, counted=False))))
    if said:
        inside.append(f"   <system-out>{escape(said)}</system-out>")
    head = f"  <testcase classname={_quoted(f'reconciler.{suite}')} name={_quoted(case.name)}{at} time=\"0\""
    return [f"{head}>", *inside, "  </testcase>"] if inside else [f"{head}/>"]


def _fails(case: Case) -> bool:
    return any(one.severity == "error" for one in case.found)


def _quoted(text: str) -> str:
    return quoteattr(safe(text))
