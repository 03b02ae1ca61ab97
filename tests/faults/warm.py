"""Commands as processes that are forked and not started: the whole tool in each, its vendor in this process, real signals."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest.mock import patch

from reconciler.cli.program import run as typed
from reconciler.contract.owner import ADDRESS
from reconciler.ledger import Ledger
from reconciler.ledger.sqlite import SqliteStore
from reconciler.sandbox import Request, Response
from reconciler.vendors.stripe import VENDOR
from reconciler.vendors.stripe.sandbox import StripeSandbox
from reconciler.workspace.checked import Checked
from tests.cli.project import CONFIG, Account, Done, Project
from tests.faults.conftest import SHOP
from tests.faults.line import Exchange, Line

APPLY = ("apply", "--auto-approve", "--allow", "money,access,delete,drift,adopt")
WRITES = 6
"""How many requests of SHOP's first apply write: two products, three prices, one default price."""


@dataclass(slots=True)
class Started:
    """A command under way: its process, the reading end of its stdout (None once that is closed), the file of its stderr."""

    pid: int
    out: int | None
    err: Path

    def close(self) -> None:
        """Nobody reads its stdout any more."""
        if self.out is not None:
            os.close(self.out)
            self.out = None


class Doorman:
    """Stands before the vendor's door: at the nth request of a sort something happens, before or after it took effect."""

    def __init__(self, stripe: Account) -> None:
        self.sandbox, self.answer = stripe.sandbox, stripe.sandbox.handle
        self.seen: Counter[str] = Counter()
        self.at: tuple[str, int, bool] = ("", 0, False)
        self.what: Callable[[], None] = lambda: None
        stripe.sandbox.handle = self.handle  # type: ignore[method-assign]

    def meet(self, sort: str, nth: int, what: Callable[[], None], *, after: bool = False) -> None:
        """Do `what` once, at the nth `read` or `write` from now."""
        self.seen.clear()
        self.at, self.what = (sort, nth, after), what

    def handle(self, request: Request) -> Response:
        """One request, in place of the vendor's own door."""
        sort = "read" if request.method == "GET" else "write"
        self.seen[sort] += 1
        chosen = self.at[:2] == (sort, self.seen[sort])
        if chosen and not self.at[2]:
            self.what()
        answer = self.answer(request)
        if chosen and self.at[2]:
            self.what()
        return answer


class Warm(Project):
    """A shop at Stripe whose commands run forked (`fork`), or in this process (`run`)."""

    def __init__(self, dir: Path) -> None:
        super().__init__(dir)
        self.write({"reconciler.yaml": CONFIG.format(url="http://stripe.test")}).manifest(SHOP)
        self.stripe = Account("http://stripe.test", StripeSandbox(VENDOR.kinds))
        self.exchange = Exchange(self.stripe.sandbox)
        self.door = Doorman(self.stripe)
        self.count = 0

    def run(self, *words: str, **more: Any) -> Done:
        with self._reaching(self.stripe.sandbox.transport()):
            return super().run(*words, **more)

    def fork(self, *words: str, before: Callable[[], None] = lambda: None) -> Started:
        """A command in a process of its own; `before` is done there first."""
        self.count += 1
        reads, writes = os.pipe()
        err = self.dir.parent / f"{self.dir.name}-{self.count}.err"

        def begun() -> None:
            os.close(reads)
            before()

        pid = self.exchange.fork(lambda line: self._command(line, words, writes, err, begun))
        os.close(writes)
        return Started(pid, reads, err)

    def ended(self, started: Started) -> Done:
        """How it ended; its vendor answers until then."""
        self.exchange.serve(lambda: started.pid in self.exchange.codes)
        out = b""
        while started.out is not None and (piece := os.read(started.out, 65536)):
            out += piece
        started.close()
        return Done(self.exchange.codes[started.pid], out.decode(), started.err.read_text("utf-8"))

    def _command(self, line: Line, words: tuple[str, ...], out: int, err: Path, before: Callable[[], None]) -> int:
        os.chdir(self.dir)
        os.environ.clear()
        os.environ.update({"HOME": str(self.dir), "PATH": os.defpath, **self.environ})
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdin, sys.stdout = io.StringIO(), os.fdopen(out, "w")
        sys.stderr = err.open("w")
        before()
        with self._reaching(line):
            return typed(list(words))

    @staticmethod
    def _reaching(transport: Any) -> Any:
        """Every workspace that is opened meanwhile reaches Stripe by this way."""
        return patch.object(Checked, "__init__", partialmethod(Checked.__init__, transports={"stripe": transport}))

    # what must hold

    def ledger(self) -> Ledger:
        """What its file says; the file has to be sound and free."""
        path = self.dir / ".reconciler" / "default" / "ledger.db"
        with closing(SqliteStore(path, "shop", "default")) as store:
            assert not store.verify()
            assert store.holder() is None
            return store.read()

    def unaccounted(self) -> list[str]:
        """I2: objects of ours that neither the ledger nor an open create knows."""
        objects = {**self.stripe.products(), **self.stripe.prices()}
        if not objects and not (self.dir / ".reconciler" / "default").exists():
            return []
        ledger = self.ledger()
        known = {entry.id for entry in ledger.entries.values()}
        pending = {intent.address for intent in ledger.intents.values() if intent.act == "create"}
        return [id for id, one in objects.items() if id not in known and one["metadata"][ADDRESS] not in pending]

    def settled(self) -> None:
        """I1 and I3: two clean runs at most, then an empty plan, one object per address, all in the ledger, nothing open."""
        if self.run(*APPLY).code != 0:
            self.ok(*APPLY)
        self.ok("plan", "--detailed-exitcode")
        owners = Counter(one["metadata"][ADDRESS] for one in (*self.stripe.products().values(), *self.stripe.prices().values()))
        assert set(owners.values()) == {1}, owners
        assert len(owners) == 5
        assert not self.unaccounted()
        assert not self.ledger().intents


def signalled(pid: int, number: int) -> None:
    """Send it, unless the process has ended by itself."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
