"""NDJSON of an apply: OpenTofu's event names, one line each, places of what failed, no secret."""

from __future__ import annotations

import io
import json
from typing import Any

from reconciler.cli import events
from reconciler.cli.console import Console
from reconciler.model import Address, Outcome, Report, Result
from reconciler.workspace import Event
from tests.output.plans import CANARY, every_operation, plan, secretive, superseded

TYPES = {"version", "planned_change", "change_summary", "apply_start", "apply_progress", "apply_complete", "apply_errored",
         "diagnostic", "outputs"}
PRICE = Address("stripe.price", "pro_monthly")


def read(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def clean(text: str) -> str:
    return text.replace(CANARY, "(secret)")


def test_before_the_first_call_the_plan_is_told() -> None:
    """The version, each change as in plan.json, what a reader should know, and the counts with the digest."""
    made = every_operation()
    found = read(events.planned(made, clean))
    assert {one["type"] for one in found} <= TYPES
    assert found[0] == {"type": "version", "tool": found[0]["tool"], "format_version": "1.0", "project": "sql2ai",
                        "stack": "staging"}
    changes = [one["change"]["address"] for one in found if one["type"] == "planned_change"]
    assert changes == [str(a.address) for a in made.actions if not str(a.address).startswith("posthog.action/")]
    assert [one["severity"] for one in found if one["type"] == "diagnostic"] == ["warning", "warning"]
    assert found[-1]["changes"] == made.summary
    assert found[-1]["digest"] == made.digest


def test_a_threshold_is_an_error() -> None:
    """What stops everything is told before the counts."""
    found = read(events.planned(plan(superseded(), stopped=("too many deletes",)), clean))
    assert {"type": "diagnostic", "severity": "error", "summary": "too many deletes"} in found


def test_after_the_last_call_what_failed_is_told_with_its_place() -> None:
    """The vendor's message, the next step, the place; then counts and ids."""
    report = Report((Outcome(PRICE, Result.FAILED, f"no {CANARY}", f"ask {CANARY}", path="unit_amount"),
                     Outcome(Address("vault.kv_secret", "smtp"), Result.DONE, id="kv/smtp")), run="r1")
    found = read(events.ended(plan(superseded(), secretive()), report, clean))
    assert found[0] == {"type": "diagnostic", "severity": "error", "address": str(PRICE), "result": "failed",
                        "summary": "no (secret)", "detail": "ask (secret)", "path": "unit_amount",
                        "at": {"file": "manifests/stripe.yaml", "line": 12, "column": 3}}
    assert found[1]["changes"] == {"done": 1, "failed": 1, "unknown": 0, "not started": 0, "stale": 0}
    assert found[2] == {"type": "outputs", "outputs": {"vault.kv_secret/smtp": {"id": "kv/smtp"}}}


def test_an_event_is_a_line_on_stdout_as_it_happens() -> None:
    """Each with its address and time, and secrets struck out before they are quoted."""
    out = io.StringIO()
    told = events.Told(Console(out, io.StringIO(), {}, clean=lambda text: text.replace('a"b', "(secret)")), "json")
    told(Event("apply_start", PRICE, "supersede"))
    told(Event("apply_errored", PRICE, 'said a"b', 1.23456))
    told.end()
    assert read(out.getvalue()) == [
        {"type": "apply_start", "address": str(PRICE), "text": "supersede", "seconds": 0.0},
        {"type": "apply_errored", "address": str(PRICE), "text": "said (secret)", "seconds": 1.235},
    ]
