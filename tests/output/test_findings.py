"""Findings as SARIF, JUnit and a comment: each at its place, in documents that others can read."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.model import Address, Location, Op, Outcome, Plan, Problem, Report, Result
from reconciler.output import findings, held, junit, result, sarif
from tests.output.payloads import everywhere, payloads
from tests.output.plans import act, every_operation, plan, superseded
from tests.output.test_markdown import active

COUNT: dict[str, Any] = {"type": "integer", "minimum": 1}
TEXT: dict[str, Any] = {"type": "string", "minLength": 1}


def closed(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def each(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


MESSAGE = closed("text", text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
PLACE = closed("physicalLocation", physicalLocation=closed(
    "artifactLocation region",
    artifactLocation=closed("uri uriBaseId", uri={"type": "string", "pattern": r"^[A-Za-z0-9%/._~-]+$"}, uriBaseId=TEXT),
    region=closed("startLine startColumn", startLine=COUNT, startColumn=COUNT, endColumn=COUNT)))
RULE = closed("id", id=TEXT, name=TEXT, shortDescription=MESSAGE, defaultConfiguration=closed("level", level=LEVEL))
RESULT = closed("message", ruleId=TEXT, ruleIndex={"type": "integer", "minimum": 0}, level=LEVEL, message=MESSAGE,
                locations=each(PLACE), partialFingerprints={"type": "object", "additionalProperties": TEXT})
RUN = closed("tool results", tool=closed("driver", driver=closed("name", name=TEXT, version=TEXT, rules=each(RULE))),
             automationDetails=closed("id", id=TEXT), columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
             results=each(RESULT))
SARIF = Draft202012Validator({**closed("version runs", version={"const": "2.1.0"}, runs=each(RUN)) | {
    "properties": {"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": each(RUN)}}})
"""The part of SARIF 2.1.0's schema that is used here, everything else shut out."""

WRONG = [Problem("must be one of day, week", Location("manifests/my file.yaml", 17, 17), "recurring.interval",
                 hint='did you mean "month"?', help="reconciler explain stripe.price", width=7),
         Problem("deliver is missing", Location("manifests/b.yaml", 2, 3), severity="warning"),
         Problem("there is no folder manifests/")]


def of_plan(made: Plan) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(sarif.render([sarif.Run("plan/a/b", held.of_plan(made), "reconciler.yaml")], "0.1.0"))
    SARIF.validate(log)
    return log


def test_findings_are_sarif_at_their_lines() -> None:
    """Line, columns, hint and next step; what has no place stands at reconciler.yaml; the document has SARIF's shape."""
    log = json.loads(sarif.render([sarif.Run("validate", held.of_problems(WRONG), "reconciler.yaml")], "0.1.0"))
    SARIF.validate(log)
    first, second, third = log["runs"][0]["results"]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "manifests/my%20file.yaml"
    assert place["region"] == {"startLine": 17, "startColumn": 17, "endColumn": 24}
    assert first["message"]["text"] == 'must be one of day, week\ndid you mean "month"?\nreconciler explain stripe.price'
    assert [one["level"] for one in (first, second, third)] == ["error", "warning", "error"]
    assert third["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "reconciler.yaml"
    assert log["runs"][0]["automationDetails"]["id"] == "reconciler/validate/"


def test_what_holds_a_plan_up_is_sarif_too() -> None:
    """Blocked actions and thresholds are errors, unreadable objects by their own rule, warnings warnings."""
    made = replace(every_operation(), stopped=("stripe: 12 of 30 entries would go",))
    unseen = act(Op.BLOCKED, "stripe.price/x", line=7, blocked="can't be read: 403")
    rules = {one["ruleId"]: one for one in of_plan(replace(made, actions=(*made.actions, unseen)))["runs"][0]["results"]}
    assert sorted(rules) == ["blocked", "threshold", "unreadable", "warning"]
    region = rules["unreadable"]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 7, "startColumn": 3, "endColumn": 4}
    assert rules["blocked"]["message"]["text"].startswith("resend.domain/old.sql2.ai: blocked delete: its mail stops at once")


def test_a_finding_is_known_again_when_lines_move() -> None:
    """Its fingerprint does not depend on the line, but on what and where."""
    def mark(problem: Problem) -> str:
        log = json.loads(sarif.render([sarif.Run("validate", held.of_problems([problem]), "r")], "1"))
        found: str = log["runs"][0]["results"][0]["partialFingerprints"]["reconciler/v1"]
        return found

    moved = replace(WRONG[0], at=Location("manifests/my file.yaml", 99, 17))
    assert mark(WRONG[0]) == mark(moved) != mark(replace(WRONG[0], message="other"))


def test_payloads_stay_text_in_every_format() -> None:
    """100 payloads: SARIF stays valid and has no embedded link, XML stays XML, comments have nothing alive in them."""
    for evil in payloads(100):
        made = everywhere(evil)
        said = json.dumps([one["message"] for one in of_plan(made)["runs"][0]["results"]])
        assert not re.search(r"(?<!\\)\[[^\[\]]*\]\(", said)
        ET.fromstring(junit.render([junit.of_plan(made), junit.of_files("validate", [evil], [Problem(evil)])]))
        problem = Problem(evil, Location(evil, 1, 1), hint=evil, help=evil)
        comment = findings.comment([problem], 0, dict.fromkeys([evil], evil).get)
        assert [one for one in active(comment) if "reconciler validate" not in one] == [], repr(evil)
        bad = Outcome(made.actions[0].address, Result.FAILED, evil, evil, id=evil)
        report = Report((bad, replace(bad, result=Result.DONE), replace(bad, result=Result.UNKNOWN)), run=evil,
                        not_in_plan=(Address(f"{evil}.x", evil),))
        for redact in (False, True):
            comment = result.comment(report, made, redact=redact)
            assert [one for one in active(comment) if "reconciler result" not in one] == [], repr(evil)


def test_junit_has_a_case_for_each_file() -> None:
    """Files without findings pass, those with errors fail with the line and its caret, warnings are said."""
    source = {"manifests/my file.yaml": "\n" * 16 + "      interval: monthly\n"}.get
    files = ["manifests/a.yaml", "manifests/b.yaml"]
    suite = ET.fromstring(junit.render([junit.of_files("validate", files, WRONG)], source))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")
    cases = {case.get("name"): case for case in suite}
    assert sorted(map(str, cases)) == ["manifests/a.yaml", "manifests/b.yaml", "manifests/my file.yaml", "project"]
    assert len(cases["manifests/a.yaml"]) == 0
    assert [one.tag for one in cases["manifests/b.yaml"]] == ["system-out"]
    failure = cases["manifests/my file.yaml"][0]
    assert failure.get("message") == "must be one of day, week"
    assert "^^^^^^^ did you mean" in (failure.text or "")


def test_junit_has_a_case_for_each_blocked_action() -> None:
    """And one for the plan as a whole, which fails at a threshold."""
    made = (every_operation(), plan(superseded(), stopped=("too much",)))
    suites = ET.fromstring(junit.render([junit.of_plan(one) for one in made]))
    assert [(suite.get("tests"), suite.get("failures")) for suite in suites] == [("2", "1"), ("1", "1")]
    assert [case.get("name") for case in suites[0]] == ["plan", "resend.domain/old.sql2.ai"]
    assert suites[1][0][0].get("message") == "stopped: too much"


def test_findings_are_a_comment() -> None:
    """How many, then each with its line; as many as there is room for, and how many that are."""
    text = findings.comment(WRONG, 0, lambda file: None)
    assert "> **2 errors, 1 warning.**" in text
    assert "  --> manifests/my file.yaml:17:17" in text
    assert findings.comment([], 86, lambda file: None) == (
        "<!-- reconciler validate -->\n## reconciler validate\n\n> [!NOTE]\n> **86 entries are fine.**\n")
    wrong = [Problem(f"wrong {n}", Location("a.yaml", n + 1, 1)) for n in range(400)]
    many = findings.comment(wrong, 0, lambda file: None, limit=5000)
    assert len(many) <= 5000
    assert re.search(r"^\d+ of 400 shown\.$", many, re.MULTILINE)


@pytest.mark.parametrize("redact", [False, True])
def test_how_an_apply_ended_is_a_comment(*, redact: bool) -> None:
    """What failed and may have happened first, with the next step, what is done behind a fold; redacted, no sentence."""
    made = every_operation()
    price, policy = Address("stripe.price", "pro_monthly"), Address("vault.policy", "api")
    report = Report((Outcome(policy, Result.DONE, id="api"),
                     Outcome(price, Result.FAILED, "No such product: 'x' (req_1)", "look"),
                     Outcome(Address("stripe.price", "team_yearly"), Result.UNKNOWN, "connection reset")), run="r-1")
    text = result.comment(report, made, redact=redact)
    assert "> **Incomplete: 1 done, 1 failed, 1 unknown, 1 blocked.**" in text and "#### Blocked: 1\n" in text
    places = [text.index(one) for one in ("#### Failed: 1", "#### May have happened: 1", "<summary><b>Done</b>: 1</summary>")]
    assert places == sorted(places)
    assert "+/- supersede   stripe.price/pro_monthly" in text
    assert ("req_1" in text, "reset" in text) == (not redact, not redact)
    assert ("nothing is sent again before you agree" in text) is not redact


def test_a_long_result_is_cut_but_failures_are_not_lost() -> None:
    """Of 2,000 actions that are done as many are named as fit; the failed one is."""
    done = [Outcome(Address("stripe.price", f"p{n}"), Result.DONE, id=f"price_{n}") for n in range(2000)]
    text = result.comment(Report((*done, Outcome(Address("stripe.price", "bad"), Result.FAILED, "no"))), plan(), limit=10_000)
    assert len(text) <= 10_000
    assert "stripe.price/bad" in text
    assert re.search(r"<b>Done</b>: \d+ of 2000 shown", text)
