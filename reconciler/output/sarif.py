"""Findings as SARIF 2.1.0, which code scanning shows at their lines."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from reconciler.model import Location, Problem
from reconciler.output.escape import in_json, safe
from reconciler.output.held import RULES, Found, sentence

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LINK = re.compile(r"\[(?=[^\[\]]*\]\()")


class Run(NamedTuple):
    """One run: its id (`plan/sql2ai/staging`), what it found, and the file that stands in where a problem has none."""

    id: str
    found: Sequence[Found]
    file: str


def render(runs: Sequence[Run], tool: str) -> str:
    """The runs as one document; `tool` is the version."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(run, tool) for run in runs]}
    return in_json(json.dumps(log, indent=1, ensure_ascii=False)) + "\n"


def _run(run: Run, tool: str) -> dict[str, Any]:
    names = list(RULES)
    rules = [{"id": name, "name": name.capitalize(), "shortDescription": {"text": text},
              "defaultConfiguration": {"level": "warning" if name == "warning" else "error"}}
             for name, text in RULES.items()]
    return {"tool": {"driver": {"name": "reconciler", "version": tool, "rules": rules}},
            "automationDetails": {"id": f"reconciler/{safe(run.id)}/"},
            "columnKind": "unicodeCodePoints",
            "results": [_result(one, names, run.file) for one in run.found]}


def _result(found: Found, names: list[str], file: str) -> dict[str, Any]:
    problem = found.problem
    at = problem.at or Location(file, 1, 1)
    region = {"startLine": max(at.line, 1), "startColumn": max(at.column, 1)}
    if problem.at is not None:
        region["endColumn"] = region["startColumn"] + max(problem.width, 1)
    place = {"artifactLocation": {"uri": quote(at.file, errors="replace"), "uriBaseId": "%SRCROOT%"}, "region": region}
    return {"ruleId": found.rule, "ruleIndex": names.index(found.rule),
            "level": "warning" if problem.severity == "warning" else "error",
            "message": {"text": _LINK.sub(r"\\[", sentence(problem))},
            "locations": [{"physicalLocation": place}],
            "partialFingerprints": {"reconciler/v1": _print(found.rule, problem, at)}}


def _print(rule: str, problem: Problem, at: Location) -> str:
    """Stays the same when the lines above change."""
    text = f"{rule}\n{at.file}\n{problem.path}\n{problem.message}"
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
