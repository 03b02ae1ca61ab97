"""How fast one connection may ask: a bucket of tokens, slowed down by what the vendor says."""

from __future__ import annotations

import threading

from reconciler.clock import Clock


class Pacing:
    """Hands out one token a request, `rate` a second, after a first burst; None means no limit of ours.

    `hold` keeps everybody waiting until a moment (monotonic seconds), which a vendor's Retry-After asks for.
    """

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self.rate, self.clock = rate, clock
        self._lock = threading.Lock()
        self._free = clock.monotonic()
        self._held = 0.0

    def take(self) -> None:
        """Wait for this request's turn."""
        with self._lock:
            now = self.clock.monotonic()
            start = max(now, self._held, self._free - self._burst())
            if self.rate is not None:
                self._free = max(self._free, start) + 1.0 / self.rate
        if start > now:
            self.clock.sleep(start - now)

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
