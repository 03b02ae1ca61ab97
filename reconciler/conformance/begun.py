"""What an applied example leads to, kept so that each trial of it in this process can begin there."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.ledger import Record
from reconciler.sandbox import Sandbox
from reconciler.secret import Secret

if TYPE_CHECKING:
    from reconciler.conformance.stack import Stack


@dataclass(frozen=True, slots=True)
class Begun:
    """What is there once an example was applied: the vendor's objects, the ledger, what the sink holds, and when that was."""

    objects: dict[str, Any]
    records: list[Record]
    held: dict[tuple[str, str], Secret]
    announced: frozenset[str]
    runs: int
    now: float

    @classmethod
    def of(cls, box: Sandbox, stack: Stack) -> Begun:
        """A copy of it."""
        return cls(deepcopy(box.objects), deepcopy(stack.store.records), dict(stack.sink.held), frozenset(stack.announced),
                   stack.runs, stack.place.clock.now())

    def put(self, box: Sandbox, stack: Stack) -> None:
        """Put a copy of it into an empty place."""
        box.objects.clear()
        box.objects.update(deepcopy(self.objects))
        stack.store.records, stack.sink.held = deepcopy(self.records), dict(self.held)
        stack.announced, stack.runs = set(self.announced), self.runs
        stack.place.clock.sleep(self.now - stack.place.clock.now())


begun: dict[tuple[str, str], Begun] = {}
"""By case and manifest."""
