"""A stack with its vendors and its ledger: planned, and applied."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.contract.vendor import load
from reconciler.engine.apply import Apply, Event, Means
from reconciler.engine.drift import drift
from reconciler.engine.importing import plan_import
from reconciler.engine.journal import Journal
from reconciler.engine.look import with_facts
from reconciler.engine.observe import Kinds, observe
from reconciler.engine.plan import World, plan
from reconciler.engine.recover import recover, unsettled
from reconciler.engine.resume import Resumed, resumed
from reconciler.engine.selection import Selection
from reconciler.engine.undoing import undoing
from reconciler.errors import Corrupt, Failure, Locked, Protected, Stale
from reconciler.ledger import Holder, Ledger
from reconciler.manifest import MANIFESTS
from reconciler.manifest.terraform import Stated
from reconciler.model import Address, Drift, Plan, Report, Resource, Result
from reconciler.workspace.checked import Checked
from reconciler.workspace.connections import Opened, answered
from reconciler.workspace.counting import counted
from reconciler.workspace.moving_in import claims
from reconciler.workspace.opening import opened, wanted
from reconciler.workspace.selecting import consent, limits, selectable
from reconciler.workspace.signing import Signing, unreadable
from reconciler.workspace.who import commit, pull_request, who

if TYPE_CHECKING:
    from reconciler.workspace.drifting import Taken


class Workspace(Checked):
    """One stack of one project, opened for one command; use it as a context manager."""

    _planned: Ledger | None = None
    _seen: World | None = None
    _running: Apply | None = None
    _stopped = False

    @property
    def running(self) -> bool:
        """Whether an apply has begun to send."""
        return self._running is not None

    def plan(self, *, destroy: bool = False, write: bool = False) -> Plan:
        """What an apply would do; without `write` the clients refuse to send anything that writes."""
        world, made = self.seen(destroy=destroy, write=write)
        made = with_facts(made, world.kinds)
        return replace(made, reads=self._reads())

    def seen(self, *, destroy: bool = False, write: bool = False) -> tuple[World, Plan]:
        """What is wanted and what is live, and the plan that is made of it, before it looks closer at what it would do."""
        resources = self.validate()
        ledger = self.ledger()
        selectable(self.options, self.connections.vendors, {str(r.address) for r in resources} | ledger.entries.keys())
        ledger, held = self._recovered(ledger, resources, write)
        self._planned = ledger
        world = self._world(resources, ledger, self._kinds(resources, ledger, write), destroy=destroy, write=write)
        made = plan(world)
        said = [line for opened in self.connections.opened.values() for line in opened.api.remarks()]
        return world, replace(made, reads=self._reads(), left_out=(*self.left_out, *made.left_out),
                              warnings=(*said, *made.warnings, *held, *unreadable(world.ledger),
                                        *(w.message for w in self.warnings)))

    def undo(self, ref: str) -> Plan:
        """What an apply of an earlier revision's manifests would do, and what it can't bring back."""
        from reconciler.workspace.earlier import hold

        hold(self, ref)
        world, made = self.seen()
        made = undoing(world, with_facts(made, world.kinds))
        return replace(made, reads=self._reads())

    def drift(self) -> Drift:
        """What changed at the vendors since the last apply, apart from what the manifests ask."""
        self._seen, made = self.seen()
        return drift(self._seen, made)

    def take(self, found: Drift) -> Taken:
        """Write what `drift` found into the manifests."""
        from reconciler.workspace.drifting import take

        assert self._seen is not None
        return take(self, self._seen, found)

    def _reads(self) -> int:
        return sum(opened.api.reads_made for opened in self.connections.opened.values())

    def outputs(self) -> dict[Address, dict[str, Any]]:
        """Every output of every declared object that is there; secrets as Secret."""
        made = self.plan()
        return {a.address: {"id": a.live.id, **a.live.outputs} for a in made.actions
                if a.live is not None and a.resource is not None}

    def _kinds(self, resources: Iterable[Resource], ledger: Ledger, write: bool) -> Kinds:
        resources = tuple(resources)
        names = wanted(self.options.vendors, resources, ledger)
        return opened(self.connections, self.settled, names, resources, ledger, write=write)

    def _signing(self, ledger: Ledger, kinds: Kinds) -> Signing:
        return Signing(self.settled.key(), ledger.lineage, self.owner, kinds)

    def _recovered(self, ledger: Ledger, resources: Iterable[Resource], write: bool) -> tuple[Ledger, tuple[str, ...]]:
        """The ledger after what an earlier run left open is settled; a plan does without where the lock is not free at once."""
        if not any(intent.act == "create" for intent in ledger.intents.values()):
            return ledger, ()
        try:
            ledger = self.store.lock(self.holder("recover"), self.options.lock_timeout if write else 0.0)
        except Failure as error:
            if write or isinstance(error, Corrupt):
                raise
            left = "it" if isinstance(error, Locked) else "an earlier run"
            return ledger, (f"{error.message}; planned without settling what {left} left open",)
        try:
            return self._settle(resources, ledger, write), ()
        finally:
            self.store.unlock()

    def _settle(self, resources: Iterable[Resource], ledger: Ledger, write: bool) -> Ledger:
        kinds = self._kinds(resources, ledger, write)
        signing = self._signing(ledger, kinds)
        journal = Journal(self.store, ledger)
        journal.write(*recover(ledger, kinds, self.owner, signing.valid, signing.identify, self.clock))
        return journal.ledger()

    def every_kind(self) -> Kinds:
        """Every kind of the selected connections, or of all that are configured, to be read."""
        selectable(self.options, self.connections.vendors, ())
        names = self.options.vendors or tuple(self.connections.vendors)
        return opened(self.connections, self.settled, names, (), self.ledger(), write=False)

    def whole(self, kinds: Kinds) -> World:
        """Everything that these kinds can show, declared or not; a project without manifests declares nothing."""
        resources = self.validate() if (self.options.dir / MANIFESTS).is_dir() else ()
        return self._world(resources, self.ledger(), kinds, everything=True)

    def _world(self, resources: tuple[Resource, ...], ledger: Ledger, kinds: Kinds, *, destroy: bool = False,
               write: bool = False, everything: bool = False) -> World:
        signing = self._signing(ledger, kinds)
        here = {kind.partition(".")[0] for kind in kinds}
        elsewhere = {r.address for r in resources if r.address.connection not in here}
        away = {Address.parse(a): e for a, e in ledger.entries.items() if a.partition(".")[0] not in here}
        resources = tuple(r for r in resources if r.address.connection in here)
        ledger_here = signing.legible(
            replace(ledger, entries={a: e for a, e in ledger.entries.items() if a.partition(".")[0] in here}))
        if here:
            self.progress("reading " + ", ".join(sorted(here)))
        opened = {name: self.connections.open(name, read_only=not write) for name in here}
        with counted({name: one.api for name, one in opened.items()}, self.progress):
            observed = observe(kinds, resources, ledger_here, everything=everything)
        return World(
            self.project.name, self.stack.name, resources, observed, ledger_here, kinds, signing.same, signing.seal,
            signing.valid, self.settled.secret, signing.veil, consent=consent(self.stack, self.options),
            limits=limits(self.stack, self.options), selection=self._selection(), unsettled=unsettled(ledger),
            accounts=self._accounts(opened),
            about={n: answered(o.api.about) for n, o in opened.items()}, now=self.clock.now(), destroy=destroy,
            leave_drift=self.options.leave_drift, elsewhere=bool(elsewhere),
            apart={**dict.fromkeys(elsewhere, ()), **{a: tuple(map(Address.parse, e.needs)) for a, e in away.items()}},
            former=tuple("/".join(pair) for pair in self.project.former()))

    def _accounts(self, opened: Mapping[str, Opened]) -> dict[str, str]:
        """Pinned accounts by connection; what was planned in the sandbox consents to nothing outside of it."""
        if self.options.sandbox:
            return dict.fromkeys(opened, "sandbox")
        return {name: one.api.account() for name, one in opened.items() if one.api.account()}

    def _selection(self) -> Selection:
        changed = None
        if self.options.changed_since is not None:
            changed = self.settled.changed_since(self.options.changed_since, self.validate(), self.connections)
        return Selection(self.options.vendors, self.options.targets, self.options.excludes, changed)

    # writing

    def holder(self, run: str | None = None) -> Holder:
        """This process as the holder of the stack, under a run of its own."""
        run = run or uuid.uuid4().hex[:12]
        return Holder(run, socket.gethostname(), os.getpid(), self.clock.now(), who=who(self.environ))

    def apply(self, approved: Plan, *, destroy: bool = False, digest: str | None = None,
              on_event: Callable[[Event], None] = lambda event: None) -> Report:
        """Send exactly what was approved; Stale when the world has moved since, Locked when another run is at it.

        `digest` is what the run is journalled under: the approved plan's own, or that of a saved plan.
        """
        if approved.stopped:
            raise Protected(approved.stopped[0])
        run = uuid.uuid4().hex[:12]
        ledger = self.store.lock(self.holder(run), self.options.lock_timeout)
        try:
            now = approved if self._unmoved(ledger) else self._again(approved, ledger, destroy)
            return self._run(now, ledger, run, digest or approved.digest, on_event)
        finally:
            self._running = None
            self.store.unlock()

    def _unmoved(self, ledger: Ledger) -> bool:
        then = self._planned
        return then is not None and then.entries == ledger.entries and then.intents == ledger.intents

    def _again(self, approved: Plan, ledger: Ledger, destroy: bool) -> Plan:
        """Another run came between: the same plan must come out once more."""
        resources = self.validate()
        ledger = self._settle(resources, ledger, True)
        kinds = self._kinds(resources, ledger, True)
        fresh = plan(self._world(resources, ledger, kinds, destroy=destroy, write=True))
        for address, digest in approved.digests.items():
            if fresh.digests.get(address) != digest:
                raise Stale(f"{address} is not planned any more as it was approved", "plan again")
        return replace(approved, actions=tuple(a for a in fresh.actions if a.address in approved.digests))

    def _run(self, now: Plan, ledger: Ledger, run: str, digest: str, on_event: Callable[[Event], None]) -> Report:
        resources = self.validate()
        kinds = self._kinds(resources, ledger, True)
        signing = self._signing(ledger, kinds)
        journal = Journal(self.store, self.store.read())
        journal.write({"t": "run", "run": run, "at": self.clock.now(), "who": who(self.environ), "host": socket.gethostname(),
                       "pid": os.getpid(), "commit": commit(self.options.dir), "pull_request": pull_request(self.environ),
                       "digest": digest, "approved": {str(a): d for a, d in now.digests.items()}})
        means = Means(kinds, signing.prints, self.settled.secret, signing.veil, signing.identify, self.clock,
                      sinks=self._sinks(), parallelism=self.options.parallelism, on_event=on_event)
        self._running = Apply(now, journal.ledger(), journal, means, run)
        if self._stopped:
            self._running.interrupt()
        report = self._running.do()
        counts = {result.value: len(report.having(result)) for result in Result}
        journal.write({"t": "end", "run": run, "at": self.clock.now(), "outcome": counts})
        return report

    def import_(self, pairs: list[tuple[Address, str | None]], take_over: bool, found: Iterable[Stated] = ()) -> Plan:
        """What an import of these, and of what Terraform manages, would record; `apply` does it."""
        resources = self.validate()
        ledger, _ = self._recovered(self.ledger(), resources, True)
        self._planned = ledger
        kinds = self._kinds(resources, ledger, True)
        claimed, strange = claims(found, kinds, {r.address for r in resources})
        made = plan_import(self._world(resources, ledger, kinds, write=True), pairs, take_over, claimed)
        return replace(made, warnings=(*made.warnings, *strange))

    def resume(self, fresh: Plan, digest: str, approved: Mapping[Address, str]) -> Resumed:
        """A fresh plan held to an approved one; Stale when it can't be."""
        return resumed(fresh, digest, approved, self.ledger(), limits(self.stack, self.options))

    def interrupt(self) -> None:
        """Start nothing more; what is under way is finished and recorded. Safe in a signal handler."""
        self._stopped = True
        if self._running is not None:
            self._running.interrupt()

    def _sinks(self) -> dict[str, Any]:
        """Where secrets can be handed to: every connection whose vendor takes them, and the declared commands."""
        sinks: dict[str, Any] = dict(self.settled.sinks())
        for connection in self.connections.vendors:
            vendor = self.connections.vendor(connection)
            if vendor is not None and vendor.sinks is not None:
                sinks[connection] = load(vendor.sinks)(lambda c=connection: self.connections.open(c, read_only=False).api)
        return sinks
