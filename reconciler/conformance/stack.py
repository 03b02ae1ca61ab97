"""One stack of one trial: manifests loaded, planned and applied by the real engine, and a person who edits by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.conformance.begun import Begun, begun
from reconciler.conformance.case import ENTRY, Case, Example, Manifest, patched
from reconciler.conformance.declared import SINK, STACK, OneVendor, declared_in, only
from reconciler.conformance.place import Place
from reconciler.conformance.store import MemorySink, MemoryStore
from reconciler.engine.apply import Apply, Means
from reconciler.engine.decide import deferred
from reconciler.engine.guard import Consent, Limits
from reconciler.engine.importing import plan_import
from reconciler.engine.journal import Journal
from reconciler.engine.observe import observe
from reconciler.engine.plan import World, plan
from reconciler.engine.recover import recover, unsettled
from reconciler.errors import Invalid
from reconciler.ledger import Ledger
from reconciler.ledger.prints import Key
from reconciler.model import Action, Address, Call, Change, Fields, Live, Op, Owner, Plan, Report, Resource, Result
from reconciler.secret import Secret
from reconciler.workspace.signing import Signing

PROJECT = "conformance"


class Failed(AssertionError):
    """A promise of the contract that a kind does not keep."""


def expect(holds: object, said: str) -> None:
    """Raise Failed with a sentence unless it holds."""
    if not holds:
        raise Failed(said)


class Stack:
    """A case over a place. `api` is the engine's client, `person` somebody else's, who knows no ledger and no marks."""

    def __init__(self, case: Case, example: Example, place: Place) -> None:
        self.case, self.example, self.place = case, example, place
        self.catalogue = OneVendor(case.vendor, place.settings, place.clock)
        self.api, self.wire = place.connect()
        self.person, self.hand_wire = place.connect()
        self.kinds = case.vendor.bind(self.api)
        self.by_hand = case.vendor.bind(self.person)
        self.kind, self.address = self.kinds[case.kind.name], Address(case.kind.name, ENTRY)
        self.sink, self.runs = MemorySink(), 0
        self.announced: set[str] = set()
        self.lose_ledger()
        self.signing = Signing(Key.of("conformance"), self.store.read().lineage, f"{PROJECT}/{STACK}", self.kinds)
        for one in case.said.given:
            self.person.send(Call(one.method, one.path, one.body))

    def lose_ledger(self) -> None:
        """Start with an empty ledger, as after its file is gone."""
        self.store = MemoryStore(PROJECT, STACK)

    def begin(self) -> None:
        """The example, applied. In a sandbox it is applied once a process, and what came of it is copied for each trial."""
        box, key = self.place.box, (str(self.case), json.dumps(self.manifest()))
        if box is not None and key in begun:
            begun[key].put(box, self)
            return
        self.settle(self.manifest(), allow=True)
        if box is not None:
            begun[key] = Begun.of(box, self)

    # manifests

    def manifest(self, fields: Fields | None = None, *, lifecycle: Mapping[str, Any] | None = None) -> Manifest:
        """The example, or other fields in its place, beside its neighbours."""
        fields = dict(self.example.fields if fields is None else fields)
        if lifecycle:
            fields["lifecycle"] = {**fields.get("lifecycle", {}), **lifecycle}
        found = self.case.beside(self.example)
        found.setdefault(self.address.kind, {})[ENTRY] = fields
        return found

    def changed(self, patch: Mapping[str, Any], **more: Any) -> Manifest:
        """The example with a patch on it."""
        return self.manifest(patched(self.example.fields, patch), **more)

    def alone(self, fields: Fields | None = None, **more: Any) -> Manifest:
        """The same without what is set once other entries exist, and without the entries that refer to it."""
        given = self.example.fields if fields is None else fields
        late = deferred(self.kind)
        whole = self.manifest({name: value for name, value in given.items() if name not in late}, **more)
        gone = self._dependents(self.manifest())
        return only(whole, lambda address: address not in gone)

    def neighbours(self) -> Manifest:
        """What stays when the entry and all that refers to it leave."""
        whole = self.manifest()
        gone = {self.address, *self._dependents(whole)}
        return only(whole, lambda address: address not in gone)

    def _dependents(self, whole: Manifest) -> set[Address]:
        resources = self.load(whole)
        found: set[Address] = set()
        while True:
            more = {r.address for r in resources if {*found, self.address} & set(r.needs)} - {*found, self.address}
            if not more:
                return found
            found |= more

    def load(self, declared: Manifest) -> tuple[Resource, ...]:
        """The entries as a user's files would be read; Invalid with what is wrong with them."""
        text = json.dumps(declared)
        return declared_in(text, self.catalogue, self.case.said.secrets) if any(declared.values()) else ()

    def refusal(self, declared: Manifest) -> str:
        """Why such a manifest is refused offline; empty when it is not."""
        try:
            self.load(declared)
        except Invalid as error:
            return "; ".join(problem.message for problem in error.problems)
        return ""

    # planning and applying

    def world(self, declared: Manifest, allow: tuple[str, ...] = ()) -> World:
        """All that a plan is made of; only reads are sent, because the client refuses anything else."""
        expect(not (why := self.refusal(declared)), f"the manifest is refused: {why}")
        resources, ledger = self.load(declared), self._recovered()
        self.api.read_only = True
        try:
            seen = observe(self.kinds, resources, ledger)
            about = {self.case.vendor.name: self.api.about()}
        finally:
            self.api.read_only = False
        signing = self.signing
        return World(PROJECT, STACK, resources, seen, ledger, self.kinds, signing.same, signing.seal, signing.valid,
                     self.secret, signing.veil, consent=Consent(allow), limits=Limits(100, 10_000), about=about,
                     unsettled=unsettled(ledger), now=self.place.clock.now(), destroy=not resources)

    def secret(self, name: str) -> Secret:
        """A secret of the case file."""
        return Secret(self.case.said.secrets[name])

    def _recovered(self) -> Ledger:
        ledger = self.store.read()
        journal = Journal(self.store, ledger)
        journal.write(*recover(ledger, self.kinds, f"{PROJECT}/{STACK}", self.signing.valid, self.signing.identify,
                               self.place.clock))
        return journal.ledger()

    def plan(self, declared: Manifest, allow: tuple[str, ...] = ()) -> Plan:
        """What an apply would do."""
        return plan(self.world(declared, allow))

    def plan_import(self, declared: Manifest, id: str | None = None, *, take_over: bool = False) -> Plan:
        """What an import of the entry would record."""
        return plan_import(self.world(declared), [(self.address, id)], take_over=take_over)

    def run(self, made: Plan) -> Report:
        """Send what a plan says."""
        self.runs += 1
        ledger = self.store.read()
        signing = self.signing
        means = Means(self.kinds, signing.prints, self.secret, signing.veil, signing.identify, self.place.clock,
                      sinks={SINK: self.sink}, parallelism=1)
        return Apply(made, ledger, Journal(self.store, ledger), means, f"run{self.runs}").do()

    def settle(self, declared: Manifest, *, allow: bool = False, made: Plan | None = None) -> Plan:
        """Apply, see that all went well, that a second plan is empty, and that it writes what it announces; the first plan."""
        made = made or self.plan(declared, self.consent(declared) if allow else ())
        expect(not made.stopped and not made.count(Op.BLOCKED), f"the plan is held back: {told(made)}")
        report = self.run(made)
        bad = [outcome for outcome in report.outcomes if outcome.result is not Result.DONE]
        expect(not bad, f"not all was done: {bad}")
        again = self.plan(declared)
        expect(again.empty, f"a second plan is not empty: {told(again)}")
        before = len(self.wire.seen)
        self.run(again)
        self.announced |= {str(call) for action in again.actions for call in action.after}
        wrote = self.unannounced(before)
        expect(not wrote, f"an empty plan wrote: {', '.join(wrote)}")
        return made

    def unannounced(self, since: int) -> list[str]:
        """The writes that no `after` of an unchanged object stands for."""
        return [str(one) for one in self.wire.writes(since) if str(one) not in self.announced]

    def consent(self, declared: Manifest) -> tuple[str, ...]:
        """Every refusal lifted for every entry, those that have left included."""
        names = {f"{kind}/{name}" for kind, entries in declared.items() for name in entries} | {str(self.address)}
        return tuple(f"{word}:{name}" for name in sorted(names) for word in ("irreversible", "access"))

    def action(self, made: Plan) -> Action:
        """The entry's own action."""
        return next(action for action in made.actions if action.address == self.address)

    # what is there

    def census(self) -> set[str]:
        """The ids of this kind's objects that are in use and were not made by the vendor itself."""
        seen = observe({name: self.by_hand[name] for name in self._read_too()}, (), self.store.read(), everything=True)
        return {id for id, live in seen.of(self.address.kind).items() if not live.archived and not live.by_vendor}

    def others(self) -> set[str]:
        """The same without the entry's own object."""
        entry = self.store.read().entries.get(str(self.address))
        return self.census() - ({entry.id} if entry is not None else set())

    def _read_too(self) -> list[str]:
        names, kind = [self.address.kind], self.kind
        while kind.parent is not None and (above := kind.kin(kind.parent)) not in names:
            names.append(above)
            kind = self.kinds[above]
        return names

    @property
    def id(self) -> str:
        """The vendor's id of the entry's object."""
        return self.store.read().entries[str(self.address)].id

    def live(self, id: str | None = None) -> Live | None:
        """The object as somebody else reads it."""
        return self.by_hand[self.address.kind].get(id or self.id)

    # by hand

    def make_by_hand(self, declared: Manifest, owner: Owner | None = None) -> Live:
        """Create the entry's object as a person would: the same fields, without our mark; or as another stack's."""
        want = self.action(self.plan(declared)).want
        assert want is not None
        kind, late = self.by_hand[self.address.kind], deferred(self.kind)
        fields = {name: value for name, value in want.fields.items() if name not in late}
        bare = replace(want, owner=owner, fields={n: v for n, v in fields.items() if n not in kind.later})
        answer = self.person.send(kind.create(bare), f"by-hand-{len(self.hand_wire.seen)}")
        live = kind.read(answer) or next(iter(kind.lookup(bare)), None)
        expect(live is not None, "the new object can't be found")
        assert live is not None
        rest = tuple(Change(name, None, fields[name]) for name in kind.owed(replace(want, fields=fields)))
        for call in kind.update(live, replace(want, owner=owner, fields=fields), rest) if rest else ():
            self.person.send(call)
        return (kind.get(live.id) or live) if rest else live

    def edit_by_hand(self, declared: Manifest) -> None:
        """Do by hand what a plan of this manifest would do to the entry."""
        action = self.action(self.plan(declared, self.consent(declared)))
        expect(action.op is Op.UPDATE, f"not an update: {told_of(action)}")
        for n, call in enumerate(action.make + action.link):
            self.person.send(call, f"by-hand-{len(self.hand_wire.seen)}-{n}")

    def remove_by_hand(self) -> None:
        """End the object as a person would."""
        live = self.live()
        assert live is not None
        for n, call in enumerate(self.by_hand[self.address.kind].delete(live)):
            self.person.send(call, f"by-hand-{len(self.hand_wire.seen)}-{n}")


def told(made: Plan) -> str:
    """A plan's actions in one line, noops left out."""
    lines = [*made.stopped, *(told_of(a) for a in made.actions if a.acts or a.op is Op.BLOCKED)]
    return " | ".join(lines) or "no changes"


def told_of(action: Action) -> str:
    """One action in a few words."""
    changes = ", ".join(f"{c.path}: {c.before!r} -> {c.after!r}{' (drift)' if c.drift else ''}" for c in action.changes)
    return f"{action.op.value} {action.address} {action.effect or ''} {action.blocked or ''} {{{changes}}}"
