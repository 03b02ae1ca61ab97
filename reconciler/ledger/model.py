"""What the ledger remembers: the fold of its journal. It holds ids and digests, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Record = dict[str, Any]
"""One line of the journal; `t` names its type, `at` is seconds since the epoch. Only JSON values."""

KEY_LIFE = 12 * 3600.0
"""For how long, in seconds, a create that is planned again reuses its stored idempotency key."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object that is ours.

    `prints` are digests of the desired fields as last applied, per path. `needs` are addresses it pointed at
    when it was last applied. `protect` and `on_remove` outlive the manifest entry. `delivered` maps an output
    to the receipt of its sink; an output of an object that is `made` and not delivered is rotated. `retired` maps
    ids that this address has left behind to the time (seconds since the epoch) from which they may be dropped.
    """

    address: str
    id: str
    prints: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    protect: bool = False
    on_remove: str = "delete"
    rotate: str | None = None
    delivered: Mapping[str, str] = field(default_factory=dict)
    undelivered: tuple[str, ...] = ()
    retired: Mapping[str, float] = field(default_factory=dict)

    def record(self) -> Record:
        """The journal record that sets this entry."""
        return {"t": "entry", "address": self.address, "id": self.id, "prints": dict(self.prints),
                "needs": list(self.needs), "protect": self.protect, "on_remove": self.on_remove,
                "rotate": self.rotate, "delivered": dict(self.delivered), "undelivered": list(self.undelivered),
                "retired": dict(self.retired)}

    @classmethod
    def of(cls, r: Record) -> Entry:
        """The entry that a record sets."""
        return cls(r["address"], r["id"], dict(r["prints"]), tuple(r["needs"]), r["protect"], r["on_remove"],
                   r.get("rotate"), dict(r.get("delivered", {})), tuple(r.get("undelivered", ())),
                   dict(r.get("retired", {})))


@dataclass(frozen=True, slots=True)
class Intent:
    """A call that was about to be sent: nothing is known of it until a result is recorded.

    `act` is create, update, link, unlink, delete, deliver or settle. `digest` is of method, path and body. `candidates`
    are ids that matched before a create, so that a found object outside them must be the new one. `prints`
    are the desired digests per path; while it is pending they count as applied. `state` is intent, sent or unknown.
    """

    op: str
    address: str
    act: str
    method: str
    path: str
    digest: str
    key: str
    epoch: int
    run: str
    at: float
    id: str | None = None
    candidates: tuple[str, ...] = ()
    prints: Mapping[str, str] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)
    action: str = ""
    state: str = "intent"

    def record(self) -> Record:
        """The journal record that opens this intent."""
        return {"t": "intent", "op": self.op, "address": self.address, "act": self.act, "method": self.method,
                "path": self.path, "digest": self.digest, "key": self.key, "epoch": self.epoch, "run": self.run,
                "at": self.at, "id": self.id, "candidates": list(self.candidates), "prints": dict(self.prints),
                "entry": dict(self.entry), "action": self.action}

    @classmethod
    def of(cls, r: Record) -> Intent:
        """The intent that a record opens."""
        return cls(r["op"], r["address"], r["act"], r["method"], r["path"], r["digest"], r["key"], r["epoch"],
                   r["run"], r["at"], r.get("id"), tuple(r.get("candidates", ())), dict(r.get("prints", {})),
                   dict(r.get("entry", {})), r.get("action", ""))


@dataclass(frozen=True, slots=True)
class Run:
    """One apply: who, when, under which plan, and how it ended (`outcome` is empty while it runs or when it died).

    `approved` are the digests of the approved actions by address, `done` the addresses
    finished under them, `begun` those for which a call was about to be sent. `pull_request` is the number of the one
    that it applies.
    """

    run: str
    at: float
    command: str = "apply"
    who: str = ""
    host: str = ""
    pid: int = 0
    commit: str = ""
    digest: str = ""
    approved: Mapping[str, str] = field(default_factory=dict)
    done: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()
    outcome: Mapping[str, int] = field(default_factory=dict)
    ended: float | None = None
    pull_request: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a stack remembers, at one (epoch, serial).

    `intents` are the open ones by op; `spent` maps (address, payload digest) of closed or open creates to the
    key they were sent under and when, so that the same create within 12 h reuses it. `left` says to which store it
    was moved, and when: nothing goes on here after that.
    """

    project: str = ""
    stack: str = ""
    lineage: str = ""
    epoch: int = 0
    serial: int = 0
    entries: Mapping[str, Entry] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)
    spent: Mapping[tuple[str, str], tuple[str, float]] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    made: frozenset[tuple[str, str]] = frozenset()
    left: tuple[str, float] | None = None


class Fold:
    """Builds a Ledger from records, in place; `ledger()` gives a frozen copy.

    Record types: lineage {project, stack, id} · epoch {epoch} · run {run, at, command, who, host, pid, commit,
    pull_request, digest, approved} · end {run, at, outcome} · finished {run, address} · entry {…} · gone {address} ·
    moved {from, to} · intent {…} · sent {op} · done {op} · made {op, id} · rejected {op} · unknown {op, spent} ·
    absent {op} · delivered {address, output, receipt} · formerly {project, stack} · left {to, at}.
    """

    def __init__(self) -> None:
        self.head: dict[str, Any] = {"project": "", "stack": "", "lineage": "", "epoch": 0, "left": None}
        self.serial = 0
        self.entries: dict[str, Entry] = {}
        self.intents: dict[str, Intent] = {}
        self.spent: dict[tuple[str, str], tuple[str, float]] = {}
        self.runs: dict[str, Run] = {}
        self.done: dict[str, dict[str, None]] = {}  # by run; tuples in `runs` would be copied at every record
        self.begun: dict[str, dict[str, None]] = {}
        self.made: set[tuple[str, str]] = set()

    @classmethod
    def of(cls, ledger: Ledger) -> Fold:
        """A fold that goes on from a ledger."""
        fold = cls()
        fold.head = {"project": ledger.project, "stack": ledger.stack, "lineage": ledger.lineage, "epoch": ledger.epoch,
                     "left": ledger.left}
        fold.serial = ledger.serial
        fold.entries, fold.intents = dict(ledger.entries), dict(ledger.intents)
        fold.spent, fold.made = dict(ledger.spent), set(ledger.made)
        fold.runs = {run.run: run for run in ledger.runs}
        fold.done = {run.run: dict.fromkeys(run.done) for run in ledger.runs if run.done}
        fold.begun = {run.run: dict.fromkeys(run.begun) for run in ledger.runs if run.begun}
        return fold

    def add(self, records: Iterable[Record]) -> Fold:
        """Take records in, in their order."""
        for record in records:
            self.serial += 1
            getattr(self, f"_{record['t']}")(record)
        return self

    def ledger(self) -> Ledger:
        """The state now, as a value."""
        runs = tuple(replace(run, done=tuple(self.done.get(run.run, ())), begun=tuple(self.begun.get(run.run, ())))
                     for run in self.runs.values())
        return Ledger(**self.head, serial=self.serial, entries=dict(self.entries), intents=dict(self.intents),
                      spent=dict(self.spent), runs=runs, made=frozenset(self.made))

    def _lineage(self, r: Record) -> None:
        self.head.update(project=r["project"], stack=r["stack"], lineage=r["id"])

    def _formerly(self, r: Record) -> None:
        self.head.update(project=r["project"], stack=r["stack"])

    def _epoch(self, r: Record) -> None:
        self.head["epoch"] = r["epoch"]

    def _left(self, r: Record) -> None:
        self.head["left"] = (r["to"], r["at"])

    def _run(self, r: Record) -> None:
        self.runs[r["run"]] = Run(r["run"], r["at"], r.get("command", "apply"), r.get("who", ""), r.get("host", ""),
                                  r.get("pid", 0), r.get("commit", ""), r.get("digest", ""),
                                  dict(r.get("approved", {})), pull_request=r.get("pull_request"))

    def _end(self, r: Record) -> None:
        if r["run"] in self.runs:
            self.runs[r["run"]] = replace(self.runs[r["run"]], outcome=dict(r.get("outcome", {})), ended=r["at"])

    def _finished(self, r: Record) -> None:
        if r["run"] in self.runs:
            self.done.setdefault(r["run"], {})[r["address"]] = None

    def _entry(self, r: Record) -> None:
        self.entries[r["address"]] = Entry.of(r)
        self._settle(r["address"])

    def _gone(self, r: Record) -> None:
        self.entries.pop(r["address"], None)
        self._settle(r["address"])

    def _settle(self, address: str) -> None:
        """Updates and deletes that were still open count as told by the entry from here on."""
        for op in [i.op for i in self.intents.values() if i.address == address and i.act != "create"]:
            del self.intents[op]

    def _moved(self, r: Record) -> None:
        entry = self.entries.pop(r["from"], None)
        if entry is not None:
            self.entries[r["to"]] = replace(entry, address=r["to"])

    def _intent(self, r: Record) -> None:
        intent = Intent.of(r)
        self.intents[intent.op] = intent
        if intent.run in self.runs:
            self.begun.setdefault(intent.run, {})[intent.address] = None
        if intent.act == "create":
            at = self.spent.get((intent.address, intent.digest), ("", intent.at))
            self.spent[intent.address, intent.digest] = (intent.key, at[1] if at[0] == intent.key else intent.at)

    def _state(self, r: Record, state: str) -> None:
        if r["op"] in self.intents:
            self.intents[r["op"]] = replace(self.intents[r["op"]], state=state)

    def _sent(self, r: Record) -> None:
        self._state(r, "sent")

    def _unknown(self, r: Record) -> None:
        """What may have happened; a key under which the vendor only repeats its answer is not used again."""
        intent = self.intents.get(r["op"])
        if intent is not None and r.get("spent"):
            self.spent.pop((intent.address, intent.digest), None)
        self._state(r, "unknown")

    def _done(self, r: Record) -> None:
        self.intents.pop(r["op"], None)

    def _rejected(self, r: Record) -> None:
        intent = self.intents.pop(r["op"], None)
        if intent is not None:
            self.spent.pop((intent.address, intent.digest), None)

    def _absent(self, r: Record) -> None:
        self.intents.pop(r["op"], None)

    def _made(self, r: Record) -> None:
        """A create succeeded: its id is ours from this moment, complete or not."""
        intent = self.intents.pop(r["op"], None)
        if intent is None:
            return
        self.spent.pop((intent.address, intent.digest), None)
        self.made.add((intent.address, r["id"]))
        self.entries[intent.address] = Entry.of({
            "prints": {}, "needs": [], "protect": False, "on_remove": "delete",
            **intent.entry, "address": intent.address, "id": r["id"]})

    def _delivered(self, r: Record) -> None:
        entry = self.entries.get(r["address"])
        if entry is not None:
            self.entries[r["address"]] = replace(
                entry, delivered={**entry.delivered, r["output"]: r["receipt"]},
                undelivered=tuple(o for o in entry.undelivered if o != r["output"]))
