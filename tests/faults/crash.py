"""Kills real processes: a warm parent forks each run of a stack, and its vendor or its ledger kills it at a chosen moment."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
import sqlite3
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from reconciler.clock import TestClock
from reconciler.errors import Failure
from reconciler.ledger import Holder, Ledger, Record
from reconciler.ledger.sqlite import SqliteStore
from reconciler.model import Plan
from reconciler.sandbox import Request, Response, Sandbox
from reconciler.sandbox.serve import Server
from tests.faults.sides import SIDES, CloudSide, StripeSide
from tests.faults.weather import Weather
from tests.world import Shop

NOW = 1_700_000_000.0
SHARE = 0.15
CRASHED = 99
"""The exit code of a process that ended in no failure of ours."""

MODES = ("write before", "write after", "read", "commit before", "commit in it", "commit and head", "commit after", "reset")


@dataclass(frozen=True, slots=True)
class Kill:
    """When a run dies: the nth write, the nth read of one collection, or the nth commit of its ledger; n of 0 is never."""

    at: str = ""
    n: int = 0
    place: int = 0

    @classmethod
    def some(cls, rng: random.Random, most: int) -> Kill:
        """A moment among the first ones of its sort."""
        return cls(rng.choice(MODES), rng.randint(1, most), rng.randrange(9))


@dataclass(slots=True)
class Death:
    """What a vendor does to its client: kills it, or resets its connection, at the chosen request; then looks around."""

    box: Sandbox
    side: StripeSide | CloudSide
    kill: Kill = Kill()
    victim: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    sent: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def __call__(self, request: Request, answer: Any) -> Response:
        """One request, in place of the vendor's own door."""
        word = "write" if request.method != "GET" else f"read {request.path}"
        self.seen[word] += 1
        chosen = self.seen[word] == self.kill.n
        if word == "write":
            self.sent.append(f"{request.method} {request.path.lstrip('/')}")
            self.writers.append(request.headers.get("x-run", ""))
        if chosen and word == "write" and self.kill.at == "write before":
            self._shoot()
        response: Response = answer(request)
        if word == "write":
            self.found += [f"{self.sent[-1]}: {text}" for text in self.side.dangling(self.box.objects)]
        if chosen and word == "write" and self.kill.at == "write after":
            self._shoot()
        if chosen and word == "write" and self.kill.at == "reset":
            raise ConnectionResetError("reset")
        if chosen and self.kill.at == "read" and word != "write" and hash_of(request.path) == self.kill.place % 3:
            self._shoot()
        return response

    def _shoot(self) -> None:
        assert self.victim > 0  # 0 would be everybody
        os.kill(self.victim, signal.SIGKILL)
        raise ConnectionError("killed")


def hash_of(path: str) -> int:
    """One of three groups of collections, the same in every run."""
    return sum(path.encode()) % 3


class DeadlyStore(SqliteStore):
    """A ledger whose process dies right before, within, between the files of, or right after its nth commit."""

    kill = Kill()
    count = 0

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        self.count += 1
        mine = self.count == self.kill.n
        if mine and self.kill.at == "commit before":
            self._die()
        if mine and self.kill.at == "commit in it" and self._db is not None:
            self._db.set_trace_callback(lambda sql: self._die() if sql == "COMMIT" else None)
        if mine and self.kill.at == "commit and head":
            self._head.write = lambda serial, tail: self._die()  # type: ignore[method-assign]
        done = super().commit(records, expect)
        if mine and self.kill.at == "commit after":
            self._die()
        return done

    def _die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class World:
    """One trial's vendor and ledger, served by the warm parent."""

    def __init__(self, server: Server, folder: Path, seed: int) -> None:
        self.server, self.folder, self.seed, self.side = server, folder, seed, SIDES[seed % len(SIDES)]
        self.name = f"t{seed}"
        self.box = self.side.served(TestClock(NOW))
        self.death = Death(self.box, self.side)
        answer = self.box.answer
        self.box.answer = lambda request: self.death(request, answer)  # type: ignore[method-assign]
        self.foreign = json.dumps(self.side.strangers(self.box.objects), sort_keys=True)
        server.sandboxes[self.name] = self.box  # type: ignore[index]
        self.moment = 0

    def run(self, manifest: Any, kill: Kill, share: float) -> bool:
        """One process: lock, recover, plan, apply, unlock; True when it was not killed."""
        self.moment += 1
        self.death.kill, self.death.seen = kill, Counter()
        gate, go = os.pipe()
        pid = self.death.victim = self.start(manifest, kill, share, gate)
        os.write(go, b"x")  # it sends nothing before its vendor knows whom to kill
        _, status = os.waitpid(pid, 0)
        self.death.kill, self.death.victim = Kill(), 0
        os.close(gate)
        os.close(go)
        with self.box.lock:
            self.death.found += self.unaccounted()
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, status
            return False
        if os.WEXITSTATUS(status) == CRASHED:
            self.death.found.append(f"a process of its own failed at moment {self.moment}: see its traceback")
        return True

    def start(self, manifest: Any, kill: Kill, share: float, gate: int) -> int:
        """The pid of a process that does that, once there is something to read at `gate`."""
        pid = os.fork()
        if pid == 0:
            os.read(gate, 1)
            self._child(manifest, kill, share)
        return pid

    def _child(self, manifest: Any, kill: Kill, share: float) -> None:
        code = CRASHED
        try:
            shop = self.shop(share)
            shop.store.kill = kill  # type: ignore[attr-defined]
            shop.store.lock(Holder(f"run{self.moment}"))
            shop.apply(manifest, allow=self.side.allow())
            shop.store.unlock()
            code = 0
        except Failure as error:
            code = error.exit_code
        finally:
            if code == CRASHED:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def shop(self, share: float = 0.0) -> Shop:
        """The stack as one process sees it: a ledger file and a URL, in the weather of this moment."""
        shop = self.side.shop()
        shop.clock = TestClock(NOW + self.moment * 60)
        transport = Weather(httpx.HTTPTransport(verify=False), f"{self.seed} {self.moment}", share)
        shop.api, shop.kinds = self.side.reach(self.server.url(self.name), shop.clock, transport)  # type: ignore[attr-defined]
        shop.store = DeadlyStore(self.folder / "ledger.db", "shop", "test", clock=shop.clock)  # type: ignore[assignment]
        shop.runs = self.moment * 1000
        return shop

    def plan(self, manifest: Any) -> Plan:
        """The plan as a fresh process would see it."""
        self.moment += 1
        shop = self.shop()
        shop.store.lock(Holder("look"))
        try:
            return shop.plan(manifest, allow=self.side.allow())
        finally:
            shop.store.close()
            shop.api.close()  # type: ignore[attr-defined]

    def ledger(self) -> Ledger:
        """What the file says now."""
        with closing(SqliteStore(self.folder / "ledger.db", "shop", "test")) as store:
            return store.read()

    def unaccounted(self) -> list[str]:
        """I1 and I2: objects of ours that neither the ledger nor a pending create knows, and two in use for one address."""
        ledger = self.ledger()
        known = {e.id for e in ledger.entries.values()} | {id for e in ledger.entries.values() for id in e.retired}
        known |= {id for _, id in ledger.made}
        pending = {intent.address for intent in ledger.intents.values() if intent.act == "create"}
        return [f"moment {self.moment}: {one} is unaccounted" for one in self.side.held(self.box.objects)
                if one.id not in known and one.address not in pending]

    def judged(self, manifest: Any) -> list[str]:
        """What must never be, after two clean runs."""
        found = list(self.death.found)
        made, ledger = self.plan(manifest), self.ledger()
        found += [f"still planned: {a.op.value} {a.address} {a.effect} {a.blocked or ''} {[n.text for n in a.notes]}"
                  for a in made.actions if a.acts or a.blocked]
        held = list(self.side.held(self.box.objects))
        found += [f"{one} is there twice" for one, n in Counter(h.address for h in held).items() if n > 1]
        entries = {e.id: e.address for e in ledger.entries.values()}
        found += [f"{one} is not in the ledger" for one in held if entries.get(one.id) != one.address]
        found += [f"{i.act} {i.address} is still open" for i in ledger.intents.values()]
        if json.dumps(self.side.strangers(self.box.objects), sort_keys=True) != self.foreign:
            found.append("something foreign was touched")
        found += [f"{one} was sent without an intent" for one in set(self.death.sent) - self.announced()]
        return found

    def announced(self) -> set[str]:
        """Every call that the journal announced; a new key that can't be delivered is undone under its create."""
        with closing(sqlite3.connect(self.folder / "ledger.db")) as db:
            records = [json.loads(body) for (body,) in db.execute("SELECT body FROM journal")]
        said = {f"{r['method']} {r['path'].lstrip('/')}" for r in records if r["t"] == "intent"}
        return said | {f"DELETE keys/{r['id']}" for r in records if r["t"] == "made"}

    def close(self) -> None:
        """Take the vendor off the server."""
        del self.server.sandboxes[self.name]  # type: ignore[attr-defined]


def trial(server: Server, folder: Path, seed: int) -> tuple[int, list[str]]:
    """One history in bad weather: each manifest is applied by a run that dies, and up to three recoveries that may too.

    Returns how often a process was killed, and the violations.
    """
    rng = random.Random(seed)
    world = World(server, folder, seed)
    killed = 0
    gc.freeze()
    try:
        for _ in range(rng.randint(1, 2)):
            want = world.side.manifest(rng)
            deaths = [Kill.some(rng, 14), *(Kill.some(rng, 4) for _ in range(rng.randint(0, 3)))]
            for kill in deaths:
                killed += not world.run(want, kill, SHARE)
            world.run(want, Kill(), 0.0)
            if not world.plan(want).empty:
                world.run(want, Kill(), 0.0)
            found = world.judged(want)
            if found:
                return killed, found
    finally:
        world.close()
    return killed, []
