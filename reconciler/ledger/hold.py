"""A run's hold of a stack as its own process knows it: who it is, and when its lease ends by this machine's clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reconciler.clock import Clock
from reconciler.errors import Locked, Lost
from reconciler.ledger.store import Holder

LEASE, GRACE = 90.0, 30.0
"""Seconds that a lease lasts without being renewed, and that a request under way at its end may still take."""

POLL = 0.2
"""Seconds between two tries for a stack that somebody holds."""

_AGAIN = "run it again; what is open is settled by reads first"


class Hold:
    """Held or not held; any thread may ask. Where the lock lies, and whether it is still ours there, a store says."""

    def __init__(self, clock: Clock, lease: float) -> None:
        self.clock, self.lease = clock, lease
        self.holder: Holder | None = None
        self._over = False

    def asked(self, holder: Holder) -> Holder:
        """The holder as it is written down: since now, until the lease ends."""
        now = self.clock.now()
        return replace(holder, since=holder.since or now, until=now + self.lease)

    def free(self) -> None:
        """Locked when this process holds the stack already."""
        if self.holder is not None:
            raise Locked("this process holds the stack already", "unlock it first")

    def begin(self, holder: Holder) -> None:
        """It is ours from now on, or for longer than before."""
        self.holder, self._over = holder, False

    def end(self) -> None:
        """It is given back."""
        self.holder = None

    def held(self) -> Holder:
        """Who we are; Lost when the stack was never taken, or taken over."""
        holder = self.holder
        if holder is None:
            raise Lost("this run does not hold the stack", "run it again")
        if self._over:
            raise self.taken_over()
        return holder

    def check(self) -> None:
        """Lost unless the lease still runs."""
        holder = self.held()
        if self.clock.now() >= holder.until:
            raise Lost(f"the lease of run {holder.run} ran out", _AGAIN)

    def due(self) -> bool:
        """Whether it is time to renew: a third of the lease is gone."""
        return self.held().until - self.clock.now() < self.lease * 2 / 3

    def taken_over(self) -> Lost:
        """Somebody ended this hold."""
        self._over = True
        run = self.holder.run if self.holder is not None else "?"
        return Lost(f"run {run} no longer holds the stack: somebody unlocked it", _AGAIN)


def locked(said: Holder | None) -> Locked:
    """Who holds the stack, and what can be done about it."""
    if said is None:
        return Locked("another run holds this stack", "try again, or wait with --lock-timeout")
    since = datetime.fromtimestamp(said.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    whose = f" of {said.who}" if said.who else ""
    where = f" on {said.host}" if said.host else ""
    return Locked(f"run {said.run}{whose}{where} (pid {said.pid}) holds this stack since {since}",
                  f"wait with --lock-timeout, or `reconciler ledger unlock --run {said.run}` if it is stuck")
