"""Kills real processes: a warm parent forks each run of a stack, and the vendor or the ledger kills it at a chosen moment."""

from __future__ import annotations

import os
import random
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.clock import TestClock
from reconciler.contract.owner import ADDRESS
from reconciler.ledger import Holder, Ledger, Record
from reconciler.ledger.sqlite import SqliteStore
from reconciler.model import Plan, Result
from reconciler.sandbox import Request, Response
from reconciler.sandbox.serve import Server
from reconciler.secret import Secret
from reconciler.vendors.stripe import VENDOR, StripeSettings
from reconciler.vendors.stripe.api import StripeApi
from reconciler.vendors.stripe.price import Price
from reconciler.vendors.stripe.product import Product
from reconciler.vendors.stripe.sandbox import StripeSandbox
from tests.stripe.shop import StripeShop

NOW = 1_700_000_000.0


@dataclass(slots=True)
class Kill:
    """When a run dies: at its nth request or commit, before or after it took effect; n of 0 is never."""

    at: str = "request"
    phase: str = "before"
    n: int = 0


class DeadlySandbox(StripeSandbox):
    """Stripe, that may kill its client, or cut the line before or after it did what was asked."""

    victim = 0
    count = 0
    kill = Kill()
    rng: random.Random | None = None
    cut = 0.0

    def handle(self, request: Request) -> Response:
        self.count += 1
        mine = self.kill.at == "request" and self.count == self.kill.n
        if mine and self.kill.phase == "before":
            os.kill(self.victim, signal.SIGKILL)
            raise ConnectionError("killed")
        luck = self.rng.random() if self.rng is not None else 1.0
        if luck < self.cut / 2:
            raise ConnectionError("cut before")
        answer = super().handle(request)
        if mine:
            os.kill(self.victim, signal.SIGKILL)
        if mine or luck < self.cut:
            raise ConnectionError("cut after")
        return answer


class DeadlyStore(SqliteStore):
    """A ledger whose process dies right before or after its nth commit."""

    kill = Kill()
    count = 0

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        self.count += 1
        mine = self.kill.at == "commit" and self.count == self.kill.n
        if mine and self.kill.phase == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().commit(records, expect)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


class CrashShop(StripeShop):
    """The stack as one process sees it: a ledger file and a URL."""

    def __init__(self, folder: Path, url: str, moment: int) -> None:
        super().__init__()
        self.clock = TestClock(NOW + moment)
        self.api = StripeApi(StripeSettings(api_key=Secret("sk_test_1"), base_url=url), connection="stripe", clock=self.clock)
        self.kinds = {"stripe.product": Product(self.api), "stripe.price": Price(self.api)}
        self.store = DeadlyStore(folder / "ledger.db", "shop", "test", clock=self.clock)  # type: ignore[assignment]
        self.runs = moment * 1000 + os.getpid()

    def recover(self) -> Ledger:
        return super().recover()

    def once(self, manifest: Any) -> None:
        """Lock, recover, plan, apply, unlock."""
        self.store.lock(Holder(f"run{self.runs}"))
        self.apply(manifest, allow=allow(manifest))
        self.store.unlock()


class World:
    """One trial's vendor and ledger, served by the warm parent."""

    def __init__(self, server: Server, folder: Path, name: str) -> None:
        self.server, self.folder, self.name = server, folder, name
        self.sandbox = DeadlySandbox(VENDOR.kinds, clock=TestClock(NOW))
        server.sandboxes[name] = self.sandbox  # type: ignore[index]
        self.moment = 0

    def run(self, manifest: Any, kill: Kill, cut: float, rng: random.Random | None) -> bool:
        """One process; True when it came to its own end."""
        self.moment += 1
        self.sandbox.kill, self.sandbox.count, self.sandbox.cut, self.sandbox.rng = kill, 0, cut, rng
        pid = os.fork()
        if pid == 0:
            self._child(manifest, kill)
        self.sandbox.victim = pid
        _, status = os.waitpid(pid, 0)
        self.sandbox.kill, self.sandbox.cut = Kill(), 0.0
        assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) in (0, 1), status
        return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0

    def _child(self, manifest: Any, kill: Kill) -> None:
        try:
            shop = CrashShop(self.folder, self.server.url(self.name), self.moment)
            shop.store.kill = kill  # type: ignore[attr-defined]
            shop.once(manifest)
        except BaseException:
            if os.environ.get("CRASH_DEBUG"):
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)

    def plan(self, manifest: Any) -> tuple[Plan, Ledger]:
        """The plan as a fresh process would see it, and the ledger that it leaves."""
        self.moment += 1
        shop = CrashShop(self.folder, self.server.url(self.name), self.moment)
        shop.store.lock(Holder("look"))
        try:
            return shop.plan(manifest, allow=allow(manifest)), shop.store.read()
        finally:
            shop.store.close()
            shop.api.close()

    def close(self) -> None:
        """Take the vendor off the server."""
        del self.server.sandboxes[self.name]  # type: ignore[attr-defined]


def manifest(rng: random.Random) -> dict[str, Any]:
    """A random shop of two products and up to three prices."""
    products = [p for p in ("pro", "team") if rng.random() < 0.85] or ["pro"]
    prices = {f"p{n}": {"product": {"ref": rng.choice(products)}, "currency": "usd", "unit_amount": rng.choice([900, 1900]),
                        "recurring": {"interval": "month"}, **({"nickname": rng.choice("ab")} if rng.random() < 0.5 else {})}
              for n in range(3) if rng.random() < 0.75}
    found: dict[str, Any] = {"product": {}, "price": prices}
    for product in products:
        own = [name for name, price in prices.items() if price["product"] == {"ref": product}]
        default = {"default_price": {"ref": rng.choice(own)}} if own and rng.random() < 0.6 else {"default_price": None}
        found["product"][product] = {"id": f"id_{product}", "name": rng.choice(["A", "B"]), **default,
                                     "metadata": rng.choice([{}, {"tier": "1"}])}
    return found


def violations(world: World, manifest: Any) -> list[str]:
    """What must never be: two objects for one address, an object of ours that the ledger does not know, a plan left over."""
    found = []
    made, ledger = world.plan(manifest)
    known = {entry.id for entry in ledger.entries.values()}
    for path in ("/v1/products", "/v1/prices"):
        ours = [o for o in world.sandbox.objects.get(path, {}).values() if o["active"] and ADDRESS in o["metadata"]]
        owners = [o["metadata"][ADDRESS] for o in ours]
        found += [f"{path}: {one} is there twice" for one in set(owners) if owners.count(one) > 1]
        found += [f"{path}: {o['id']} is ours and unaccounted" for o in ours if o["id"] not in known]
    found += [f"still planned: {a.op.value} {a.address} {a.effect} {a.blocked or ''}" for a in made.actions
              if a.acts or a.blocked]
    return found


def allow(manifest: Any) -> list[str]:
    """Consent to everything: what is refused is another test's business."""
    return [f"irreversible:stripe.{kind}/{name}" for kind in ("product", "price")
            for name in {*manifest.get(kind, {}), "pro", "team", "p0", "p1", "p2"}]


def trial(server: Server, folder: Path, seed: int) -> tuple[int, list[str]]:
    """One history with kills; returns how often a process was killed, and the violations."""
    rng = random.Random(seed)
    world = World(server, folder, f"t{seed}")
    killed, found = 0, []
    try:
        for _ in range(rng.randint(1, 3)):
            want = manifest(rng)
            for _ in range(rng.randint(1, 3)):
                kill = Kill(rng.choice(["request", "commit"]), rng.choice(["before", "after"]), rng.randint(1, 14))
                killed += not world.run(want, kill, 0.15, rng)
            runs = 0
            while runs < 2 and not world.plan(want)[0].empty:
                world.run(want, Kill(), 0.0, None)
                runs += 1
            found += violations(world, want)
    finally:
        world.close()
    return killed, found


__all__ = ["Result", "trial"]
