"""How many requests may be under way at the same time, as Sentry's headers say it."""

from __future__ import annotations

import threading


class Crowd:
    """A door that lets in `most` at a time; it only ever gets narrower, and never shuts."""

    def __init__(self, most: int) -> None:
        self.most, self.inside = most, 0
        self._door = threading.Condition()

    def shrink(self, most: int) -> None:
        """Sentry lets in fewer than we thought."""
        with self._door:
            self.most = max(min(self.most, most), 1)

    def __enter__(self) -> None:
        with self._door:
            self._door.wait_for(lambda: self.inside < self.most)
            self.inside += 1

    def __exit__(self, *error: object) -> None:
        with self._door:
            self.inside -= 1
            self._door.notify()
