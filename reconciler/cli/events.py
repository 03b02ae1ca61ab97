"""What an apply tells while it runs: lines for people, NDJSON under OpenTofu's event names for machines."""

from __future__ import annotations

import json as plain
from collections import Counter
from collections.abc import Callable

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.model import Plan, Report, Result
from reconciler.output import json, text
from reconciler.output.progress import Room
from reconciler.workspace import Event


class Told:
    """Takes in the engine's events."""

    def __init__(self, console: Console, form: str) -> None:
        self.console, self.form = console, form

    def __call__(self, event: Event) -> None:
        """One event."""
        if self.form == "json":
            self.console.data(json.line(event.type, address=str(event.address), text=self.console.clean(event.text),
                                        seconds=round(event.seconds, 3)))
        elif self.console.progress is not None:
            self.console.progress.event(event)

    def begin(self, plan: Plan, room: Callable[[str], Room | None]) -> None:
        """The plan's actions are sent from now on; `room` says how much of a connection's rate is left."""
        if self.console.progress is not None:
            self.console.progress.begin(Counter(a.address.connection for a in plan.actions if a.acts or a.after), room)

    def end(self) -> None:
        """Nothing more comes."""
        if self.console.progress is not None:
            self.console.progress.stop()


def planned(plan: Plan, clean: json.Clean) -> str:
    """The lines before the first call."""
    lines = [json.line("version", tool=__version__, format_version="1.0", project=plan.project, stack=plan.stack)]
    shown = plain.loads(json.dump(plan, __version__, clean=clean))
    lines += [json.line("planned_change", change=action) for action in shown["actions"]]
    for severity, sentences in (("warning", (*shown["left_out"], *shown["warnings"])), ("error", shown["stopped"])):
        lines += [json.line("diagnostic", severity=severity, summary=sentence) for sentence in sentences]
    lines.append(json.line("change_summary", changes=shown["summary"], digest=shown["digest"], requests=shown["requests"]))
    return "".join(lines)


def ended(plan: Plan, report: Report, clean: json.Clean) -> str:
    """The lines after the last call; what went wrong with its place, as text output has it."""
    actions = {action.address: action for action in plan.actions}
    lines = []
    for outcome in report.outcomes:
        if outcome.result is not Result.DONE:
            at = text.place(outcome, actions.get(outcome.address))
            lines.append(json.line(
                "diagnostic", severity="error", address=str(outcome.address), result=outcome.result.value,
                summary=clean(outcome.error), detail=clean(outcome.next), path=outcome.path,
                at={"file": at.file, "line": at.line, "column": at.column} if at is not None else None))
    counts = {result.value: len(report.having(result)) for result in Result}
    lines.append(json.line("change_summary", operation="apply", changes=counts, run=report.run, interrupted=report.interrupted))
    lines.append(json.line("outputs", outputs={str(o.address): {"id": o.id} for o in report.outcomes if o.id}))
    return "".join(lines)
