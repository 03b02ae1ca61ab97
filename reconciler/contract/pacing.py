"""How fast one connection may ask: a bucket of tokens, slowed down by what the vendor says."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.clock import Clock
from reconciler.errors import Exhausted

Budget = tuple[int, float]
"""So many requests in so many seconds, any seconds."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of a rate is left: the free share (0 to 1) of its tightest limit, and seconds until the next request may go."""

    free: float
    wait: float


class Pacing:
    """Hands out one token a request, `rate` a second, after a first burst; None means no limit of ours.

    `hold` keeps everybody waiting until a moment (monotonic seconds), which a vendor's Retry-After asks for. A spent
    budget makes everybody wait too: that is told, and a wait over `most` seconds is Exhausted instead.
    """

    def __init__(self, rate: float | None, clock: Clock, budgets: Sequence[Budget] = (), most: float = float("inf"),
                 tell: Callable[[str], None] = lambda text: None, name: str = "") -> None:
        self.rate, self.clock, self.most, self.tell, self.name = rate, clock, most, tell, name
        self._spent: dict[Budget, deque[float]] = {budget: deque() for budget in budgets}
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()
        self._free = clock.monotonic()
        self._held = 0.0

    def take(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = self.clock.monotonic()
            start = max(now, self._held, self._free - self._burst())
            room, spent = self._room(now)
            if room - now > self.most and room > start:
                raise Exhausted(f"{self.name}: {spent} are used up: more in {room - now:.0f} s (max_wait is {self.most:g} s)",
                                f"run it again in {room - now:.0f} s: what is done is not done again", wait=room - now)
            tell, start = room - now >= 1 and room > start, max(start, room)
            for times in self._spent.values():
                times.append(start)
            if self.rate is not None:
                self._free = max(self._free, start) + 1.0 / self.rate
                self._recent.append(start)
                while self._recent[0] <= now - 1.0:
                    self._recent.popleft()
        if tell:
            self.tell(f"{self.name}: waiting {start - now:.0f} s: {spent} are used up")
        if start > now:
            self.clock.sleep(start - now)

    def room(self) -> Room | None:
        """How much is left right now; None where no limit is known."""
        with self._lock:
            now = self.clock.monotonic()
            shares = [1.0 - sum(time > now - seconds for time in times) / most
                      for (most, seconds), times in self._spent.items()]
            if self.rate is not None:
                shares.append(1.0 - sum(time > now - 1.0 for time in self._recent) / max(self.rate, 1.0))
            next = max(self._held, self._free - self._burst(), self._room(now)[0])
            return Room(max(min(shares), 0.0), max(next - now, 0.0)) if shares else None

    def _room(self, now: float) -> tuple[float, str]:
        """When every budget has room for one more request, and which has it last."""
        room, spent = now, ""
        for (most, seconds), times in self._spent.items():
            while times and times[0] <= now - seconds:
                times.popleft()
            if len(times) >= most and times[-most] + seconds > room:
                room, spent = times[-most] + seconds, f"{most} requests in {seconds:.0f} s"
        return room, spent

    def hold(self, seconds: float) -> None:
        """Nobody asks before this many seconds have passed."""
        with self._lock:
            self._held = max(self._held, self.clock.monotonic() + seconds)

    def slow(self, rate: float) -> None:
        """The vendor allows less than we thought."""
        with self._lock:
            self.rate = rate if self.rate is None else min(self.rate, rate)

    def _burst(self) -> float:
        """Requests saved up in the first tenth of a second are let through at once."""
        return 0.1 if self.rate is not None else 0.0
