"""The lock of a stack as one object: written only over what was read, and freed by its owner or `unlock` alone."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from reconciler.errors import Failure
from reconciler.ledger.bucket import Bucket
from reconciler.ledger.hold import Hold, locked
from reconciler.ledger.store import Holder

POLL = 1.0
"""Seconds between two looks at a stack that somebody holds."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What the object says: who holds the stack (None: nobody) for how many seconds, and how far the journal had gone."""

    token: str = ""
    holder: Holder | None = None
    lease: float = 0.0
    serial: int = 0

    def dump(self) -> bytes:
        """As its object holds it."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, data: bytes) -> Lock:
        """What cannot be read holds the stack for nobody knows whom."""
        try:
            said = json.loads(data)
            return cls(**{**said, "holder": Holder(**said["holder"]) if said["holder"] else None})
        except (TypeError, ValueError, LookupError):
            return cls("?", Holder("?"))


class Padlock:
    """Held or not held. Taking it over makes its token another one: the former holder finds that at its next renewal."""

    def __init__(self, bucket: Bucket, key: str, hold: Hold, grace: float) -> None:
        self.bucket, self.key, self.hold, self.grace = bucket, key, hold, grace
        self.token, self._etag, self._serial = "", "", 0

    def take(self, holder: Holder, timeout: float) -> None:
        """Take the lock, or Locked after `timeout` seconds, naming who has it."""
        clock = self.hold.clock
        end = clock.now() + timeout
        while True:
            asked = self.hold.asked(holder)
            found = self.bucket.get(self.key)
            said = Lock.load(found.data) if found is not None else Lock()
            if said.holder is None:
                mine = Lock(uuid.uuid4().hex, asked, self.hold.lease, said.serial)
                etag = self.bucket.put(self.key, mine.dump(), found.etag if found is not None else "")
                if etag is not None:
                    self.token, self._etag, self._serial = mine.token, etag, said.serial
                    self.hold.begin(asked)
                    return
                continue
            left = end - clock.now()
            if left <= 0:
                raise locked(said.holder)
            clock.sleep(min(POLL, left))

    def renew(self) -> None:
        """Prolong the lease; written only when a third of it is gone."""
        if self.hold.due():
            asked = self.hold.asked(self.hold.held())
            etag = self.bucket.put(self.key, Lock(self.token, asked, self.hold.lease, self._serial).dump(), self._etag)
            if etag is None:
                raise self.hold.taken_over()
            self._etag = etag
            self.hold.begin(asked)

    def give_back(self, serial: int) -> None:
        """Free the lock, saying how far the journal goes; nothing happens when it is not ours any more."""
        if self.hold.holder is not None:
            run = self.hold.holder.run
            self.hold.end()
            try:
                self.bucket.put(self.key, Lock(uuid.uuid4().hex, None, 0.0, max(serial, self._serial)).dump(), self._etag)
            except Failure as error:
                raise Failure(f"{error.message}; run {run} still holds the stack",
                              f"reconciler ledger unlock --run {run}, when it can be reached again") from error

    def holder(self) -> Holder | None:
        """Who holds the lock now."""
        return self.hold.holder or self.read().holder

    def read(self) -> Lock:
        """What the object says; nobody holds what is not there."""
        found = self.bucket.get(self.key)
        return Lock.load(found.data) if found is not None else Lock()

    def take_over(self, run: str, between: Callable[[], int]) -> None:
        """End another run's hold: it can write nothing from now on, the next one gets the lock after its last request.

        `between` is done under the lock, before the wait, and says how far the journal goes. Nobody holding it is fine;
        another run holding it is not. Killed in the wait, it can be done again.
        """
        found = self.bucket.get(self.key)
        said = Lock.load(found.data) if found is not None else Lock()
        if found is None or said.holder is None:
            return
        if said.holder.run != run:
            raise locked(said.holder)
        ours = replace(said, token=uuid.uuid4().hex)
        etag = self.bucket.put(self.key, ours.dump(), found.etag)
        if etag is None:
            raise locked(self.read().holder)
        self.token = ours.token
        serial = between()
        self.hold.clock.sleep(max(said.lease + self.grace - found.age, 0.0))
        self.bucket.put(self.key, Lock(uuid.uuid4().hex, None, 0.0, max(serial, said.serial)).dump(), etag)
