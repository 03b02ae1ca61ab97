"""The one lock of a stack's file: `flock`, which the kernel frees with its holder, and a lease that ends by itself."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from reconciler.clock import Clock
from reconciler.errors import Failure, Locked
from reconciler.ledger.hold import POLL, Hold, locked
from reconciler.ledger.store import Holder

PROBES = 5


class Lease:
    """Held or not held; `held` and `check` may be asked from any thread.

    The lock is on `<ledger>.lock`, and that file's identity is the token: who takes over puts another file in its
    place, and the former holder, frozen or not, sees that before its next call. `<ledger>.holder` says who it is,
    for messages and for the end of the lease; it is never what decides.
    """

    def __init__(self, path: Path, clock: Clock, lease: float, grace: float) -> None:
        self.lock_path = path.with_name(path.name + ".lock")
        self.holder_path = path.with_name(path.name + ".holder")
        self.clock, self.grace = clock, grace
        self._hold = Hold(clock, lease)
        self._fd: int | None = None

    def take(self, holder: Holder, timeout: float) -> None:
        """Take the lock, or Locked after `timeout` seconds, naming who has it."""
        self._hold.free()
        end = self.clock.now() + timeout
        tries = 0
        while (fd := self._try()) is None:
            tries += 1
            if self.clock.now() >= end and tries > PROBES:
                raise locked(self._read())
            self.clock.sleep(POLL if timeout else 0.01)
        self._fd = fd
        try:
            self._write(self._hold.asked(holder))
        except Failure:
            self.give_back()
            raise

    def held(self) -> Holder:
        """Who we are; Lost when the lock was taken over or never taken."""
        fd, holder = self._fd, self._hold.held()
        if fd is None or not _is_at(fd, self.lock_path):
            raise self._hold.taken_over()
        return holder

    def check(self) -> None:
        """Raise Lost unless the lock is ours and the lease still runs."""
        self.held()
        self._hold.check()

    def renew(self) -> None:
        """Prolong the lease; written only when a third of it is gone."""
        holder = self.held()
        if self._hold.due():
            self._write(self._hold.asked(holder))

    def give_back(self) -> None:
        """Free the lock; nothing happens when it is not ours any more."""
        fd, self._fd = self._fd, None
        self._hold.end()
        if fd is None:
            return
        if _is_at(fd, self.lock_path):
            with suppress(OSError):
                self.holder_path.unlink()
        os.close(fd)

    def holder(self) -> Holder | None:
        """Who holds the lock now; None when nobody does, whatever a killed run has left behind."""
        if self._fd is not None and _is_at(self._fd, self.lock_path):
            return self._hold.holder
        said = self._read()
        if said is None:
            return None
        try:
            fd = os.open(self.lock_path, os.O_RDONLY)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return said
        finally:
            os.close(fd)
        return None

    def take_over(self, run: str, between: Callable[[], None]) -> None:
        """End another run's hold: it loses the lock at once, the next one gets it after its lease and last request.

        `between` is done under the lock, before the wait. Nobody holding it is fine; another run holding it is not.
        """
        said = self.holder()
        if said is None:
            with suppress(OSError):
                self.holder_path.unlink()
            return
        if said.run != run:
            raise locked(said)
        fresh = self.lock_path.with_name(self.lock_path.name + ".new")
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fresh.replace(self.lock_path)
            between()
            while (rest := said.until + self.grace - self.clock.now()) > 0:
                self.clock.sleep(rest)
            with suppress(OSError):
                self.holder_path.unlink()
        except BlockingIOError:
            raise Locked(f"somebody else is unlocking run {run} now", "wait for it") from None
        finally:
            os.close(fd)

    def _try(self) -> int | None:
        try:
            fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unwritable(self.lock_path, error) from error
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(fd, self.lock_path):
                return fd
        except BlockingIOError:
            pass
        except OSError as error:
            os.close(fd)
            raise unwritable(self.lock_path, error) from error
        os.close(fd)
        return None

    def _read(self) -> Holder | None:
        try:
            return Holder(**json.loads(self.holder_path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, holder: Holder) -> None:
        fresh = self.holder_path.with_name(self.holder_path.name + ".new")
        try:
            fresh.write_text(json.dumps(asdict(holder)), "utf-8")
            fresh.replace(self.holder_path)
        except OSError as error:
            raise unwritable(self.holder_path, error) from error
        self._hold.begin(holder)


def unwritable(path: Path, error: OSError) -> Failure:
    """What the system said about a file of the ledger, as a failure with a next step."""
    return Failure(f"the ledger can't be written: {path}: {error.strerror or error}",
                   "make room or give access; nothing was sent to a vendor after this")


def _is_at(fd: int, path: Path) -> bool:
    try:
        there, ours = path.stat(), os.fstat(fd)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)
