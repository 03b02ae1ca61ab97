"""From a plan to its report: consent, interruption, events, and the exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from reconciler.cli import events
from reconciler.cli.console import Console
from reconciler.cli.showing import code_of, code_of_report, show_plan, width, written
from reconciler.engine.guard import Consent, unagreed
from reconciler.errors import Protected, Stale, Usage
from reconciler.manifest.terraform import Stated
from reconciler.model import Address, Op, Plan
from reconciler.output import result, text
from reconciler.output.json import Saved
from reconciler.output.progress import Room
from reconciler.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Consenting:
    """Who says yes: a flag, a digest, a saved plan, or (with none of them) a person at the prompt."""

    auto_approve: bool = False
    digest: str | None = None
    saved: Saved | None = None
    answer: str = "yes"


class Applying:
    """One apply on the console."""

    def __init__(self, console: Console, workspace: Workspace, form: str, into: Path | None = None) -> None:
        self.console, self.workspace, self.form, self.into = console, workspace, form, into
        self.signal = 0

    def run(self, consenting: Consenting, *, destroy: bool = False) -> int:
        """Plan, show, ask, apply, tell; the exit code."""
        if consenting.auto_approve and self.workspace.stack.consent == "digest":
            raise Protected("this stack takes no --auto-approve (`consent: digest` in reconciler.yaml)",
                            "apply a saved plan, or --digest with the digest that was approved")
        with self._signals():
            plan = self.workspace.plan(destroy=destroy, write=True)
            plan, digest, done, others = self._held(plan, consenting)
            self._show(plan, done, others)
            held = self._refused(plan, consenting)
            if held is not None:
                return held
            acting = any(action.acts or action.after for action in plan.actions)
            if acting and not self._agreed(plan, consenting, destroy=destroy):
                self.console.say("Nothing was done.")
                return 130 if self.signal else 0
            return self._apply(plan, digest, destroy=destroy)

    def record(self, pairs: list[tuple[Address, str | None]], found: Iterable[Stated], *, take_over: bool) -> int:
        """Import these: the plan only claims them, and needs no other consent than having been named."""
        with self._signals():
            plan = self.workspace.import_(pairs, take_over, found)
            self._show(plan, (), ())
            return self._apply(plan, plan.digest, destroy=False)

    def _held(self, plan: Plan, consenting: Consenting) -> tuple[Plan, str, tuple[Address, ...], tuple[Address, ...]]:
        """The plan held to what was approved elsewhere, where it was."""
        saved, digest = consenting.saved, consenting.digest
        if saved is not None:
            if (saved.project, saved.stack) != (plan.project, plan.stack):
                raise Stale(f"this plan is of {saved.project}/{saved.stack}, not of {plan.project}/{plan.stack}")
            self._same_accounts(plan, saved)
            resumed = self.workspace.resume(plan, saved.digest, saved.digests)
            return resumed.plan, saved.digest, resumed.done, resumed.others
        if digest is None or digest == plan.digest:
            return plan, plan.digest, (), ()
        runs = [run for run in self.workspace.ledger().runs if run.digest == digest]
        if not runs:
            raise Stale(f"the plan's digest is {plan.digest}, not the approved {digest}", "plan again, and have that approved")
        approved = {Address.parse(name): one for name, one in runs[-1].approved.items()}
        resumed = self.workspace.resume(plan, digest, approved)
        if resumed.others:
            raise Stale(f"{len(resumed.others)} actions are planned that were not approved: {resumed.others[0]}", "plan again")
        return resumed.plan, digest, resumed.done, ()

    def _same_accounts(self, plan: Plan, saved: Saved) -> None:
        """A plan of one vendor says nothing of the accounts of the others."""
        about = {*saved.accounts, *(address.connection for address in saved.digests)}
        for name in sorted(about):
            then, now = saved.accounts.get(name), plan.accounts.get(name)
            if then != now:
                raise Stale(f"this plan is of {name}'s account {then or 'that was not pinned'}, and now it is "
                            f"{now or 'not pinned'}", "plan again")

    def _show(self, plan: Plan, done: tuple[Address, ...], others: tuple[Address, ...]) -> None:
        if self.into is not None:
            self.console.write(self.into, written(self.console, plan), cleaned=True)
        if self.form == "json":
            self.console.data(events.planned(plan, self.console.clean))
        else:
            show_plan(self.console, plan, self.form, show_unchanged=self.workspace.options.show_unchanged)
        for address in done:
            self.console.say(f"{address}: done by an earlier run of this plan")
        for address in others:
            self.console.say(f"{address}: changes too, but is not in this plan")

    def _refused(self, plan: Plan, consenting: Consenting) -> int | None:
        """The exit code where nothing may be done."""
        if plan.stopped:
            self.console.warn("nothing was done: a threshold is passed")
            return 4
        blocked = sum(action.op is Op.BLOCKED for action in plan.actions)
        if blocked and consenting.saved is None and not self.workspace.options.skip_blocked:
            self.console.warn(f"nothing was done: {blocked} blocked; --skip-blocked does the rest")
            return code_of(plan)
        return None

    def _agreed(self, plan: Plan, consenting: Consenting, *, destroy: bool) -> bool:
        if consenting.saved is not None or consenting.digest is not None:
            return True
        if consenting.auto_approve:
            self._by_flags(plan)
            return True
        if not self.console.can_ask:
            raise Protected("there is nobody to ask", "--auto-approve, a saved plan, or --digest SHA consents without asking")
        acting = sum(action.acts for action in plan.actions)
        count = "1 change" if acting == 1 else f"{acting} changes"
        question = (f"\n{count}. Only `{consenting.answer}` goes on:" if not destroy else
                    f"\nThis removes what is {plan.project}/{plan.stack}'s: {count}. Type the stack's name to go on:")
        return self.console.confirm(question, consenting.answer)

    def _by_flags(self, plan: Plan) -> None:
        words = Consent(tuple(dict.fromkeys((*self.workspace.stack.allow, *self.workspace.options.allow))))
        missing = unagreed(plan.actions, words)
        if not missing:
            return
        impacts = sorted({impact.value for _, ones in missing for impact in ones})
        first = ", ".join(f"{address} ({', '.join(i.value for i in ones)})" for address, ones in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise Protected(f"--auto-approve does not consent to {', '.join(impacts)}: {first}{more}",
                        f"beside it: --allow {','.join(i for i in impacts if i != 'irreversible') or 'irreversible:ADDR'}")

    def _apply(self, plan: Plan, digest: str, *, destroy: bool) -> int:
        told = events.Told(self.console, self.form)
        told.begin(plan, self._room)
        report = self.workspace.apply(plan, destroy=destroy, digest=digest, on_event=told)
        told.end()
        if self.form == "json":
            self.console.data(events.ended(plan, report, self.console.clean))
        elif self.form == "markdown":
            self.console.data("\n" + result.comment(result.cleaned(report, self.console.clean), plan))
        elif report.outcomes:
            columns = width(self.console) if self.console.out.isatty() else None
            self.console.data(text.report(report, plan, color=self.console.color_out, source=self.console.source,
                                          width=columns))
        if self.signal:
            return 128 + self.signal
        return code_of_report(report) or code_of(plan)

    def _room(self, connection: str) -> Room | None:
        """How much of a vendor's rate is left."""
        opened = self.workspace.connections.opened.get((connection, False))
        return opened.api.pacing.room() if opened is not None else None

    def _in_handler(self, text: str) -> None:
        """Say something although the signal may have come into the middle of a write to the same stream."""
        try:
            self.console.say(text)
        except RuntimeError:
            os.write(2, f"{text}\n".encode())

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first Ctrl-C (or SIGTERM) finishes what is under way and records it; the second one ends at once."""
        def asked(number: int, frame: FrameType | None) -> None:
            if self.signal:
                self._in_handler("stopped; the next plan finds out by reading what became of the requests under way")
                os._exit(128 + number)
            self.signal = number
            if not self.workspace.running:
                raise KeyboardInterrupt
            self.workspace.interrupt()
            self._in_handler("finishing the requests under way and recording them; once more to stop at once")

        before: dict[signal.Signals, Any] = {}
        for which in (signal.SIGINT, signal.SIGTERM):
            try:
                before[which] = signal.signal(which, asked)
            except ValueError as error:
                raise Usage("apply runs in the main thread only") from error
        try:
            yield
        except KeyboardInterrupt:
            self.console.say("\nstopped; nothing was sent")
            raise SystemExit(128 + (self.signal or signal.SIGINT)) from None
        finally:
            for which, handler in before.items():
                signal.signal(which, handler)
