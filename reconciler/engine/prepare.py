"""Makes calls ready: fills in what is known, opens their intents, and checks where secrets shall go."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from reconciler.clock import Clock
from reconciler.engine import digest, entries
from reconciler.engine.deliver import Sink
from reconciler.engine.filling import filled
from reconciler.engine.journal import Journal
from reconciler.engine.observe import Kinds
from reconciler.engine.steps import Step
from reconciler.engine.work import Job, ready
from reconciler.errors import Refused
from reconciler.ledger import Intent, Ledger
from reconciler.ledger.model import KEY_LIFE
from reconciler.model import Action, Address, Call, Op, Plan, Ref, SecretRef, Want
from reconciler.secret import Secret


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling while an apply runs; `seconds` since the action began."""

    type: str
    address: Address
    text: str = ""
    seconds: float = 0.0


class Prints(Protocol):
    """How fields become digests per path."""

    def __call__(self, kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
        """One digest per leaf path."""


@dataclass(frozen=True, slots=True)
class Means:
    """What an apply works with: all handed in, so that it can be run against anything."""

    kinds: Kinds
    prints: Prints
    secret: Callable[[str], Secret]
    veil: Callable[[Secret], str]
    identify: Callable[[Any], str]
    clock: Clock
    sinks: Mapping[str, Sink] = field(default_factory=dict)
    parallelism: int | None = None
    on_event: Callable[[Event], None] = lambda event: None


@dataclass(slots=True)
class Track:
    """How far one step is: its calls that are left, and how it went."""

    step: Step
    calls: list[Call]
    sent: int = 0
    op: str = ""
    record: Intent | None = None


class Prepare:
    """Turns the next call of a step into a job with its intent; `known` are the outputs so far."""

    def __init__(self, plan: Plan, ledger: Ledger, journal: Journal, means: Means, run: str,
                 known: dict[Address, dict[str, Any]]) -> None:
        self.plan, self.ledger, self.journal, self.means, self.run, self.known = plan, ledger, journal, means, run, known
        self.touched: set[Address] = set()

    def job(self, track: Track, action: Action) -> Job:
        """The job of a step's next call; its intent is left in the track."""
        kind = self.means.kinds[track.step.address.kind]
        call = ready(track.calls[0], self.find)
        creates = track.step.part == "make" and track.sent == 0 and action.op in (Op.CREATE, Op.REPLACE) and not kind.singleton
        want = self.want(action)
        blind = creates and action.want is not None and kind.identity(action.want.fields) is None
        blind = blind and want is not None and kind.identity(want.fields) is not None
        if creates and action.resource is not None:
            self._check_sinks(action)
        first = action.address not in self.touched
        self.touched.add(action.address)
        track.record = self._intent(track, action, call, creates, want)
        id = self.known.get(action.address, {}).get("id", action.id)
        last = len(track.calls) == 1 and track.step.part in ("make", "link") and bool(action.changes)
        return Job(kind, action, call, track.record.key, creates, first, want, blind, last, None if id is None else str(id))

    def _intent(self, track: Track, action: Action, call: Call, creates: bool, want: Any) -> Intent:
        kind = self.means.kinds[action.address.kind]
        payload = digest.sha(digest.of_call(call), self.means.veil)
        act = "create" if creates else "delete" if track.step.part == "drop" else "update"
        key = uuid.uuid4().hex
        spent = self.ledger.spent.get((str(action.address), payload))
        if creates and spent is not None and self.means.clock.now() - spent[1] < KEY_LIFE:
            key = spent[0]
        entry: dict[str, Any] = {}
        fields = want.fields if want is not None else {}
        prints = self.means.prints(action.address.kind, fields) if act != "delete" else {}
        if creates:
            identity = kind.identity(fields)
            made = entries.made(action, self.journal.entries, prints, self.means.clock.now())
            entry = {**made, "identity": self.means.identify(list(identity)) if identity is not None else None,
                     "marked": _carries(call.body, want)}
        id = kind.foretell(want).get("id") if creates and want is not None else action.id
        candidates = (*action.candidates, *((action.live.id,) if action.live is not None else ()))
        return Intent(
            uuid.uuid4().hex,
            str(action.address),
            act,
            call.method,
            call.path,
            payload,
            key,
            self.journal.at[0],
            self.run,
            self.means.clock.now(),
            id,
            candidates,
            prints,
            entry,
            self.plan.digests.get(action.address, ""),
        )

    def want(self, action: Action) -> Want[Any] | None:
        """What an action asks for, with all put in that is known by now."""
        if action.want is None:
            return None
        shape = self.means.kinds[action.address.kind].shape
        return replace(action.want, fields=filled(action.want.fields, self.find, shape))

    def find(self, token: Ref | SecretRef) -> Any:
        """What stands for a token now; the token itself while it is not known."""
        if isinstance(token, SecretRef):
            return self.means.secret(token.name)
        return self.known.get(token.address, {}).get(token.output, token)

    def _check_sinks(self, action: Action) -> None:
        assert action.resource is not None
        for delivery in action.resource.lifecycle.deliver.values():
            sink = self.means.sinks.get(delivery.to)
            if sink is None:
                raise Refused(f"there is no sink {delivery.to!r}", "declare it in reconciler.yaml under sinks:")
            sink.check(delivery)


def _carries(body: Any, want: Want[Any] | None) -> bool:
    """Whether a create writes our mark, which holds the address; then an object without one is not its object."""
    if want is None or want.owner is None:
        return False
    if isinstance(body, str):
        return want.owner.address in body
    if isinstance(body, Mapping):
        return any(_carries(item, want) for item in body.values())
    return isinstance(body, (list, tuple)) and any(_carries(item, want) for item in body)
