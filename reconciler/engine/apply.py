"""Sends what a plan says, in its order, under the journal; decides nothing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Any

from reconciler.engine import entries
from reconciler.engine.deliver import hand_over
from reconciler.engine.journal import Journal
from reconciler.engine.prepare import Event, Means, Prepare, Track
from reconciler.engine.steps import Step, calls_of, steps
from reconciler.engine.work import Job, Sent, outputs, perform
from reconciler.errors import MISSHAPEN, Exhausted, Failure, Lost, Missing, Refused, Stale, Unsure, shaped
from reconciler.ledger import Ledger, Record
from reconciler.model import Action, Address, Op, Outcome, Plan, Report, Result, has_token

__all__ = ["Apply", "Event", "Means"]


class Apply:
    """One run of one plan. `interrupt()` may be called from a signal handler."""

    def __init__(self, plan: Plan, ledger: Ledger, journal: Journal, means: Means, run: str) -> None:
        self.plan, self.ledger, self.journal, self.means, self.run = plan, ledger, journal, means, run
        self.actions = {action.address: action for action in plan.actions}
        self.known: dict[Address, dict[str, Any]] = {}
        for action in plan.actions:
            if action.live is not None and action.op is not Op.REPLACE:
                self.known[action.address] = dict(outputs(action.live))
        self.graph = steps(plan.actions, means.kinds)
        self.order = {step: n for n, step in enumerate(self.graph)}
        self.left = {a: sum(s.address == a for s in self.graph) for a in {s.address for s in self.graph}}
        self.bad: dict[Step, Outcome] = {}
        self.prepare = Prepare(plan, ledger, journal, means, run, self.known)
        self.began: dict[Address, float] = {}
        self.outcomes: dict[Address, Outcome] = {}
        self.halted: dict[str, str] = {}
        self.stop = threading.Event()
        self.fatal: BaseException | None = None
        self.pools: dict[str, ThreadPoolExecutor] = {}
        self.running: dict[Future[Sent], Track] = {}

    def interrupt(self) -> None:
        """Start nothing more; what is under way is finished and recorded."""
        self.stop.set()

    def do(self) -> Report:
        """Run every step whose needs are done; returns when nothing is under way any more."""
        sorter = TopologicalSorter(self.graph)
        sorter.prepare()
        try:
            while sorter.is_active():
                ready = sorted(sorter.get_ready(), key=self.order.__getitem__)  # as a set gives them, no run is like another
                begun = [track for step in ready if (track := self._begin(step, sorter)) is not None]
                self._send(begun, sorter)
                if self.running:
                    self._collect(sorter)
                elif self.fatal is not None:
                    break
        finally:
            for pool in self.pools.values():
                pool.shutdown(wait=True)
        if self.fatal is not None:
            raise self.fatal
        self._record_quiet()
        return self._report()

    # starting

    def _begin(self, step: Step, sorter: TopologicalSorter[Step]) -> Track | None:
        action = self.actions[step.address]
        broken = next((self.bad[d] for d in self.graph[step] if d in self.bad), None)
        reason = "stopped" if self.stop.is_set() or self.fatal else self.halted.get(step.address.connection, "")
        if broken is not None or reason:
            why = reason or (f"waited for {broken.address}" if broken and broken.address != step.address else "")
            self._fail(step, Outcome(step.address, Result.SKIPPED, why or (broken.error if broken else "")), sorter)
            return None
        if step.address not in self.began:
            self.began[step.address] = self.means.clock.monotonic()
            self._tell("apply_start", action, action.effect or action.op.value)
        track = Track(step, list(calls_of(action, step.part)))
        if track.calls:
            return track
        self._finish(track, sorter)
        return None

    def _send(self, tracks: Iterable[Track], sorter: TopologicalSorter[Step]) -> None:
        """Intents of all that is ready in one commit, then the calls."""
        jobs: list[tuple[Track, Job]] = []
        for track in tracks:
            try:
                jobs.append((track, self.prepare.job(track, self.actions[track.step.address])))
            except (Failure, *MISSHAPEN) as error:  # a sink is asked whether it would take it
                self._broken(track, shaped(error), sorter, early=True)
        if not jobs:
            return
        self._commit(*[track.record.record() for track, _ in jobs if track.record is not None])
        if self.fatal is not None:
            for track, _ in jobs:
                self._fail(track.step, Outcome(track.step.address, Result.SKIPPED, "the ledger can't be written"), sorter)
            return
        for track, job in jobs:
            future = self._pool(job.kind).submit(perform, job, self.journal.store.check, self.means.veil)
            self.running[future] = track

    def _pool(self, kind: Any) -> ThreadPoolExecutor:
        name = kind.connection
        if name not in self.pools:
            most = min(kind.api.settings.connections, self.means.parallelism or 100)
            self.pools[name] = ThreadPoolExecutor(max_workers=most, thread_name_prefix=f"apply-{name}")
        return self.pools[name]

    # finishing

    def _collect(self, sorter: TopologicalSorter[Step]) -> None:
        """Take in what has come back; renew the lease while waiting."""
        done, _ = wait(self.running, timeout=1.0, return_when=FIRST_COMPLETED)
        try:
            self.journal.store.renew()
        except Failure as error:
            self.fatal = self.fatal or error
        again = []
        for future in done:
            track = self.running.pop(future)
            if self._took(track, future.result(), sorter):
                again.append(track)
        self._send(again, sorter)

    def _took(self, track: Track, sent: Sent, sorter: TopologicalSorter[Step]) -> bool:
        """Record one result; True when the step has more calls to send."""
        assert track.record is not None
        if sent.error is not None:
            self._broken(track, sent.error, sorter, early=sent.early)
            return False
        action = self.actions[track.step.address]
        if track.record.act == "create":
            if sent.live is None:
                self._broken(track, Unsure("no answer shows what was made"), sorter)
                return False
            self.known[action.address] = dict(outputs(sent.live))
            self._commit({"t": "made", "op": track.record.op, "id": sent.live.id})
            if not self._delivered(track, action, sent, sorter):
                return False
        else:
            if sent.live is not None:
                self.known[action.address] = dict(outputs(sent.live))
            self._commit({"t": "done", "op": track.record.op})
        if sent.unmet:
            self._broken(track, Refused(sent.unmet, "plan again: it is shown as a change as long as it is not there"), sorter)
            return False
        track.calls.pop(0)
        track.sent += 1
        if track.calls and not self.fatal and not sent.gone:
            if not self.stop.is_set():
                return True
            self._fail(track.step, Outcome(action.address, Result.SKIPPED, "stopped half-way"), sorter)
            return False
        self._finish(track, sorter)
        return False

    def _delivered(self, track: Track, action: Action, sent: Sent, sorter: TopologicalSorter[Step]) -> bool:
        """Hand over what is shown only once, or undo the new object: an undelivered key is worth nothing."""
        if action.resource is None or not action.resource.lifecycle.deliver or sent.live is None:
            return True
        kind = self.means.kinds[action.address.kind]
        for output, delivery in action.resource.lifecycle.deliver.items():
            try:
                receipt = hand_over(self.means.sinks[delivery.to], delivery, sent.live.outputs.get(output))
            except (Failure, *MISSHAPEN) as caught:
                error, undone = shaped(caught), self._undo(kind, sent)
                if undone:
                    self._commit(*entries.undone(action, self.ledger.entries))
                self._broken(track, Refused(f"{output} could not be delivered: {error.message}"
                                            + ("; the new object was removed again" if undone else ""), error.next), sorter)
                return False
            self._commit({"t": "delivered", "address": str(action.address), "output": output, "receipt": receipt})
        return True

    def _undo(self, kind: Any, sent: Sent) -> bool:
        assert sent.live is not None
        try:
            for call in kind.delete(sent.live):
                kind.api.send(call, uuid.uuid4().hex, self.journal.store.check)
        except Missing:
            return True
        except (Failure, *MISSHAPEN):
            return False
        return True

    def _finish(self, track: Track, sorter: TopologicalSorter[Step]) -> None:
        address = track.step.address
        self.left[address] -= 1
        if self.left[address] == 0:
            action = self.actions[address]
            self._commit(*self._entry(action), {"t": "finished", "run": self.run, "address": str(address)})
            self.outcomes[address] = Outcome(address, Result.DONE, id=self._id(action) or action.id)
            self._tell("apply_complete", action, "")
        sorter.done(track.step)

    def _entry(self, action: Action) -> tuple[Record, ...]:
        want = self.prepare.want(action)
        fields = want.fields if want is not None else {}
        prints = self.means.prints(action.address.kind, {k: v for k, v in fields.items() if not has_token(v)})
        return entries.finished(action, self.journal.entries, prints, self._id(action), self.means.clock.now())

    def _id(self, action: Action) -> str | None:
        """The object's id; settings that came with their parent are made by an update, so theirs is the foretold one."""
        id = self.known.get(action.address, {}).get("id")
        kind = self.means.kinds[action.address.kind]
        if id is None and action.op is Op.CREATE and kind.singleton and (want := self.prepare.want(action)) is not None:
            id = kind.foretell(want).get("id")
        return None if id is None else str(id)

    def _broken(self, track: Track, error: BaseException, sorter: TopologicalSorter[Step], *, early: bool = False) -> None:
        """A failed call: what is certain is recorded as such, what is not stays open; `early` is before anything was sent."""
        op = track.record.op if track.record is not None else ""
        address = track.step.address
        if isinstance(error, Lost):
            self.fatal, result = self.fatal or error, Result.SKIPPED
        elif early or isinstance(error, (Refused, Stale)):
            result = Result.STALE if isinstance(error, Stale) else Result.FAILED
            if op:
                self._commit({"t": "rejected", "op": op})
        else:
            result = Result.UNKNOWN
            if op:
                spent = isinstance(error, Unsure) and error.spent
                self._commit({"t": "unknown", "op": op, **({"spent": True} if spent else {})})
        if isinstance(error, Exhausted):
            self.halted[address.connection] = error.message
        message = error.message if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        param = error.param if isinstance(error, Refused) and error.param else None
        if isinstance(error, Refused) and error.request_id:
            message += f" (request {error.request_id})"
        self._fail(track.step, Outcome(address, result, message, getattr(error, "next", ""), param), sorter)

    def _fail(self, step: Step, outcome: Outcome, sorter: TopologicalSorter[Step]) -> None:
        self.bad[step] = outcome
        worse = self.outcomes.get(step.address)
        if worse is None or worse.result in (Result.DONE, Result.SKIPPED):
            self.outcomes[step.address] = outcome
        if outcome.result is not Result.SKIPPED:
            self._tell("apply_errored", self.actions[step.address], outcome.error)
        sorter.done(step)

    def _commit(self, *records: Record) -> None:
        """The first failed commit ends the run: nothing is sent after it."""
        if self.fatal is not None:
            return
        try:
            self.journal.write(*records)
        except Failure as error:
            self.fatal = error

    def _tell(self, type: str, action: Action, text: str) -> None:
        """Tell whoever listens; a listener that has gone away ends the run like an interrupt, with its journal whole."""
        began = self.began.get(action.address, self.means.clock.monotonic())
        try:
            self.means.on_event(Event(type, action.address, text, self.means.clock.monotonic() - began))
        except OSError:
            self.stop.set()

    def _record_quiet(self) -> None:
        """Entries that did not change at the vendor and yet are known better now."""
        unsure = {intent.address for intent in self.journal.fold.intents.values()}
        records = [record for action in self.plan.actions if action.op is Op.NOOP and not action.after
                   for record in entries.quiet(action, self.journal.entries, str(action.address) in unsure,
                                               self.means.prints)]
        if records and not self.stop.is_set():
            self._commit(*records)

    def _report(self) -> Report:
        order = [a.address for a in self.plan.actions if a.address in self.outcomes]
        return Report(tuple(self.outcomes[a] for a in order), self.run, self.stop.is_set())
