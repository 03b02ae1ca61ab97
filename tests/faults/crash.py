"""Kills real processes: a warm parent forks each run of a stack, and its vendor or its ledger kills it at a chosen moment."""

from __future__ import annotations

import gc
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from multiprocessing import Value
from pathlib import Path
from typing import Any

from reconciler.clock import SystemClock, TestClock
from reconciler.ledger import Holder, Ledger
from reconciler.model import Plan
from reconciler.sandbox import Request, Response, Sandbox
from tests.canary import Canary
from tests.faults.line import CRASHED, Exchange, Line
from tests.faults.sides import SIDES, CloudSide, StripeSide
from tests.faults.stores import Die, Mortal, Opener, freed
from tests.faults.weather import Weather
from tests.world import Shop

NOW = 1_700_000_000.0
SHARE = 0.15
NOBODY = "http://vendor.test"

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
    victim: Callable[[], int] = lambda: 0
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
        victim = self.victim()
        assert victim > 0  # 0 would be everybody
        os.kill(victim, signal.SIGKILL)
        raise ConnectionAbortedError("killed")


def hash_of(path: str) -> int:
    """One of three groups of collections, the same in every run."""
    return sum(path.encode()) % 3


class SharedClock(TestClock):
    """The time of one process, and the seconds that have passed for all of them, awake or not."""

    __test__ = False

    def __init__(self, now: float, slept: Any) -> None:
        super().__init__(now)
        self.passed = slept

    def now(self) -> float:
        """Seconds since the epoch."""
        passed: float = self.passed.value
        return super().now() + passed

    def monotonic(self) -> float:
        """The same count."""
        return self.now()


class World:
    """One trial's vendor and ledger: the vendor in the warm parent, the ledger in a folder, each run a process."""

    def __init__(self, folder: Path, seed: int, opener: Opener) -> None:
        self.folder, self.seed, self.opener, self.side = folder, seed, opener, SIDES[seed % len(SIDES)]
        self.box = self.side.served(TestClock(NOW))
        self.exchange = Exchange(self.box)
        self.death = Death(self.box, self.side, victim=lambda: self.exchange.speaker)
        answer = self.box.answer
        self.box.answer = lambda request: self.death(request, answer)  # type: ignore[method-assign]
        self.slept = Value("d", 0.0, lock=False)
        opener(folder, SystemClock()).close()  # whatever there has to be is there before the first fork
        self.foreign = json.dumps(self.side.strangers(self.box.objects), sort_keys=True)
        self.moment = 0

    def run(self, manifest: Any, kill: Kill, share: float) -> bool:
        """One process: lock, recover, plan, apply, unlock; True when it was not killed."""
        self.death.kill, self.death.seen = kill, Counter()
        pid = self.start(manifest, kill, share)
        self.exchange.serve()
        self.death.kill, code = Kill(), self.exchange.codes[pid]
        self.death.found += self.unaccounted()
        if code < 0:
            assert code == -signal.SIGKILL, code
            freed(self.opener, self.folder)
            return False
        if code == CRASHED:
            self.death.found.append(f"a process of its own failed at moment {self.moment}: see its traceback")
        return True

    def start(self, manifest: Any, kill: Kill, share: float) -> int:
        """The pid of a process that does that, as soon as it is answered."""
        self.moment += 1
        return self.exchange.fork(lambda line: self._child(line, manifest, kill, share))

    def _child(self, line: Line, manifest: Any, kill: Kill, share: float) -> int:
        shop = self.shop(line, share)
        shop.store = Mortal(shop.store, Die(kill.at, kill.n), lambda records: line.tell("committed", [*records]))  # type: ignore[assignment]
        shop.store.lock(Holder(f"run{self.moment}"))
        try:
            report = shop.apply(manifest, allow=self.side.allow())
        finally:
            shop.store.unlock()
        line.tell("said", [outcome.error for outcome in report.outcomes])
        return 0

    def shop(self, line: Any, share: float = 0.0) -> Shop:
        """The stack as one process sees it: its ledger and its vendor, in the weather of this moment."""
        shop = self.side.shop()
        shop.clock = SharedClock(NOW + self.moment * 60, self.slept)
        transport = Weather(line, f"{self.seed} {self.moment}", share)
        shop.api, shop.kinds = self.side.reach(NOBODY, shop.clock, transport)  # type: ignore[attr-defined]
        shop.store = self.opener(self.folder, shop.clock)  # type: ignore[assignment]
        shop.runs = self.moment * 1000
        return shop

    def plan(self, manifest: Any) -> Plan:
        """The plan as a fresh process would see it."""
        self.moment += 1
        shop = self.shop(self.box.transport())
        shop.store.lock(Holder("look"))
        try:
            return shop.plan(manifest, allow=self.side.allow())
        finally:
            shop.store.unlock()
            shop.store.close()
            shop.api.close()  # type: ignore[attr-defined]

    def ledger(self) -> Ledger:
        """What the file says now."""
        with closing(self.opener(self.folder, SystemClock())) as store:
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
        return [*found, *Canary.seen_in({**Canary.files(self.folder), "said": str(self.exchange.told)})]

    def announced(self) -> set[str]:
        """Every call that the journal announced; a new key that can't be delivered is undone under its create."""
        records = [record for word, *said in self.exchange.told if word == "committed" for record in said[0]]
        said = {f"{r['method']} {r['path'].lstrip('/')}" for r in records if r["t"] == "intent"}
        return said | {f"DELETE keys/{r['id']}" for r in records if r["t"] == "made"}


def trial(folder: Path, seed: int, opener: Opener) -> tuple[int, list[str]]:
    """One history in bad weather: each manifest is applied by a run that dies, and up to three recoveries that may too.

    Returns how often a process was killed, and the violations.
    """
    rng = random.Random(seed)
    world = World(folder, seed, opener)
    killed = 0
    gc.freeze()
    for _ in range(rng.choice([1, 1, 1, 2])):
        want = world.side.manifest(rng)
        deaths = [Kill.some(rng, 14), *(Kill.some(rng, 4) for _ in range(rng.choice([0, 0, 1, 1, 2, 3])))]
        for kill in deaths:
            killed += not world.run(want, kill, SHARE)
        world.run(want, Kill(), 0.0)
        if not world.plan(want).empty:
            world.run(want, Kill(), 0.0)
        found = world.judged(want)
        if found:
            return killed, found
    return killed, []
