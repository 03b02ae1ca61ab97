"""The whole tool in this process over the sandboxes of all vendors: no socket, a clock of its own, and faults on every road."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx

from reconciler.clock import TestClock
from reconciler.contract import registry
from reconciler.contract.http import Api
from reconciler.contract.kind import Kind
from reconciler.contract.vendor import load
from reconciler.engine import observe as observing
from reconciler.engine.observe import Kinds, observe
from reconciler.ledger import Ledger
from reconciler.ledger.sqlite import SqliteStore
from reconciler.model import Address, Change, Live, Want
from reconciler.sandbox import Response, Sandbox
from reconciler.vendors.vault.sandbox import VaultSandbox
from reconciler.workspace.checked import Checked
from tests.canary import Canary
from tests.cli.project import Done, Project
from tests.faults.stacks import STACKS, Stack
from tests.faults.weather import Weather

CREDENTIALS = {
    "stripe": "{api_key: {env: STRIPE_API_KEY}, mode: test, base_url: http://stripe.test}",
    "vault": "{address: http://vault.test, auth: {method: token, token: {env: VAULT_TOKEN}}}",
    "posthog": "{base_url: http://posthog.test, project: 4711, personal_api_key: {env: POSTHOG_PERSONAL_API_KEY}}",
    "resend": "{api_key: {env: RESEND_API_KEY}, base_url: http://resend.test}",
    "sentry": "{auth_token: {env: SENTRY_AUTH_TOKEN}, organization: acme, base_url: http://sentry.test}",
}
BEFORE = {"STRIPE_API_KEY": "sk_test_", "VAULT_TOKEN": "hvs.", "POSTHOG_PERSONAL_API_KEY": "phx_", "RESEND_API_KEY": "re_",
          "SENTRY_AUTH_TOKEN": "sntryu_", "LEDGER_KEY": "a key of more than thirty-two letters ", "DB_PASSWORD": "pw"}
ELSEWHERE = {"posthog": {"project": "4711"}, "sentry": {"organization": "acme"}}
"""What a placeholder's settings can't guess."""

MOST_REQUESTS, MOST_SECONDS = 3_000, 7_200.0
"""What one command may ask and wait, on the clock of the town, before it counts as endless (I8)."""

SHOWN_ONCE = re.compile(r"(?:whsec_|re_)[A-Za-z0-9_]{6,}")
"""Secrets that a vendor makes, as they lie where they were delivered."""

Handler = Callable[[httpx.Request], httpx.Response]
Fault = Callable[[httpx.Request, Handler], httpx.Response]
"""Stands on the road to a vendor: gives the request to the handler, or does something else."""


class Road(httpx.BaseTransport):
    """The way to one vendor; its fault is asked for each request, and what was asked is remembered."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = self.way = inner
        self.fault: Fault | None = None
        self.asked: list[tuple[str, str, int]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        path = request.url.raw_path.decode()
        at = len(self.asked)
        self.asked.append((request.method, path, 0))
        assert at < MOST_REQUESTS, "I8: requests without an end"
        response = self.fault(request, self.way.handle_request) if self.fault else self.way.handle_request(request)
        self.asked[at] = request.method, path, response.status_code
        return response

    def close(self) -> None:
        """It goes on: a command that ends takes no vendor with it."""


UNTOUCHED: dict[str, dict[str, set[str]]] = {}
"""What a fresh vendor has already, by the stack's vendor."""


class AtOnce(Executor):
    """Does what it is given right away, so that a trial is the same whenever it is replayed."""

    def __init__(self, max_workers: int = 0, thread_name_prefix: str = "") -> None:
        self.name = thread_name_prefix

    def submit(self, fn: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        """Done, well or not."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **more))
        except Exception as error:  # noqa: BLE001 - as a pool does
            future.set_exception(error)
        return future


class Known(VaultSandbox):
    """Vault, with one more root token."""

    token = ""

    def _admitted(self, asked: Any, token: str) -> Response:
        return super()._admitted(asked, "root" if token == self.token else token)


class Town(Project):
    """One project over one vendor's stack; `run` types a command, and everything that is said is kept."""

    def __init__(self, dir: Path, stack: Stack) -> None:
        self.canary = Canary()
        super().__init__(dir, {name: self.canary.secret(name, before) for name, before in BEFORE.items()})
        self.environ["CERTIFICATE"] = self.canary.awkward("CERTIFICATE")
        self.stack, self.clock = stack, TestClock()
        self.boxes: dict[str, Sandbox] = {}
        for name in stack.vendors:
            vendor = registry.vendor(name)
            assert vendor is not None
            made = Known if name == "vault" else load(vendor.sandbox)
            self.boxes[name] = made(vendor.kinds, clock=self.clock)
        self.roads = {name: Road(box.transport()) for name, box in self.boxes.items()}
        self.boxes["vault"].token = self.environ["VAULT_TOKEN"]  # type: ignore[attr-defined]
        self.said: list[str] = []
        self.theirs: dict[str, set[str]] = {}
        self.configure()
        self.theirs = UNTOUCHED[stack.vendor] = UNTOUCHED.get(stack.vendor) or self.census()

    def configure(self, more: str = "", **vendors: str) -> None:
        """Write reconciler.yaml, with other settings for some vendors."""
        lines = "".join(f"  {name}: {vendors.get(name, CREDENTIALS[name])}\n" for name in self.stack.vendors)
        self.write({"reconciler.yaml": "project: shop\nledger: {store: sqlite, key: {env: LEDGER_KEY}}\nvendors:\n" + lines
                    + "secrets: {password: {env: DB_PASSWORD}, other: {env: LEDGER_KEY}, certificate: {env: CERTIFICATE}}\n"
                    + more})

    def run(self, *words: str, **more: Any) -> Done:
        transports = dict(self.roads)
        inject = partialmethod(Checked.__init__, clock=self.clock, transports=transports)
        began = self.clock.now()
        with patch.object(Checked, "__init__", inject), patch.object(observing, "ThreadPoolExecutor", AtOnce):
            done = super().run(*words, **more)
        self.said.append(done.said)
        assert "Traceback" not in done.said, done
        assert self.clock.now() - began < MOST_SECONDS, "I8: waits without an end"
        return done

    def apply(self, *words: str) -> Done:
        """An apply that consents to everything."""
        return self.run("apply", "--auto-approve", "--allow", ",".join(self.consent()), *words)

    def consent(self) -> list[str]:
        """Every impact, and what is irreversible by the address of every entry."""
        names = {name for text in (self.stack.before, self.stack.after) for name in addresses(text)}
        return ["money", "access", "delete", "drift", "adopt", *(f"irreversible:{name}" for name in sorted(names))]

    # faults

    def faulty(self, fault: Fault | None) -> None:
        """The same fault on every road from now on; None for good weather."""
        for road in self.roads.values():
            road.fault, road.way = fault, road.inner

    def weather(self, seed: str, share: float, *faults: str) -> None:
        """Bad weather on every road from now on, until `faulty` says otherwise."""
        for name, road in self.roads.items():
            road.way = Weather(road.inner, f"{seed} {name}", share, faults, self.clock)

    @property
    def asked(self) -> list[tuple[str, str, int]]:
        """Every request so far, by vendor: method, path with its query, status."""
        return [one for road in self.roads.values() for one in road.asked]

    def writes(self) -> int:
        """How many requests have changed something."""
        return sum(len(box.sent()) for box in self.boxes.values())

    # what is there

    def kinds(self) -> Kinds:
        """Every kind over a client of somebody else's, who meets no fault."""
        found: dict[str, Kind[Any]] = {}
        for name, box in self.boxes.items():
            vendor = registry.vendor(name)
            assert vendor is not None
            settings = vendor.settings.placeholder().model_copy(update=ELSEWHERE.get(name, {}))
            api: Api = load(vendor.api)(settings, connection=name, transport=box.transport(), clock=self.clock)
            found.update({kind.name: kind(api) for kind in vendor.kinds})
        return found

    def census(self) -> dict[str, set[str]]:
        """The ids of what is in use at the vendors, by kind; what was there before and what a vendor makes is left out."""
        kinds = self.kinds()
        seen = observe(kinds, (), self.ledger(), everything=True)
        return {name: {id for id, live in seen.of(name).items() if not live.archived and not live.by_vendor}
                - self.theirs.get(name, set()) for name, kind in kinds.items() if not kind.singleton}

    def ledger(self) -> Ledger:
        """What the file says now."""
        path = self.dir / ".reconciler" / "default" / "ledger.db"
        with closing(SqliteStore(path, "shop", "default")) as store:
            return store.read()

    def edit(self) -> None:
        """Somebody else writes something into the stack's entry."""
        kind = self.kinds()[self.stack.entry.partition("/")[0]]
        live, (field, value) = self.edited(), self.stack.edit
        want: Want[Any] = Want(Address.parse(self.stack.entry), {**live.fields, field: value}, live.owner)
        for call in kind.update(live, want, (Change(field, live.fields.get(field), value),)):
            kind.api.send(call)

    def edited(self) -> Live:
        """The stack's entry as somebody else reads it."""
        found = self.kinds()[self.stack.entry.partition("/")[0]].get(self.ledger().entries[self.stack.entry].id)
        assert found is not None
        return found

    # what must hold

    def lost(self) -> Iterator[str]:
        """I2: objects in use that neither the ledger nor an open create of their kind knows."""
        ledger = self.ledger()
        known = {(name.partition("/")[0], id) for name, e in ledger.entries.items() for id in (e.id, *e.retired)}
        known |= {(name.partition("/")[0], id) for name, id in ledger.made}
        pending = Counter(i.address.partition("/")[0] for i in ledger.intents.values() if i.act == "create")
        for kind, ids in self.census().items():
            left = [id for id in ids if (kind, id) not in known]
            if len(left) > pending[kind]:
                yield f"I2: {kind} {sorted(left)} is unaccounted"

    def settled(self, manifest: str) -> list[str]:
        """I1 to I3 and I6, once the weather is good: two runs at most, then an empty plan, one object for each entry."""
        self.faulty(None)
        found: list[str] = []
        self.manifest(manifest)
        self.clock.sleep(120)
        first = self.apply()
        last = first if first.code == 0 else self.apply()
        if last.code != 0:
            return [*found, f"I3: exit {last.code}: {last.said}"]
        planned = self.run("plan", "--detailed-exitcode")
        if planned.code != 0:
            found.append(f"I3: still planned: {planned.out}")
        return [*found, *self.counted(manifest), *self.told()]

    def counted(self, manifest: str) -> Iterator[str]:
        """I1: as many objects as entries, and those of the ledger; nothing open."""
        ledger, want = self.ledger(), Counter(name.partition("/")[0] for name in addresses(manifest))
        for kind, ids in self.census().items():
            mine = {e.id for name, e in ledger.entries.items() if name.partition("/")[0] == kind}
            if len(ids) != want[kind] or ids != mine:
                yield f"I1: {kind}: {sorted(ids)} are there, {sorted(mine)} in the ledger, {want[kind]} declared"
        for intent in ledger.intents.values():
            yield f"I2: {intent.act} {intent.address} is still open"

    def told(self) -> list[str]:
        """I6: where a secret was seen, in outputs and files; those that vendors made and that were delivered too."""
        texts: dict[str, str | bytes] = {**{f"said {n}": text for n, text in enumerate(self.said)},
                                         **self.canary.files(self.dir)}
        made = set(SHOWN_ONCE.findall(json.dumps(self.boxes["vault"].objects, default=str)))
        return [*self.canary.seen_in(texts), *(f"{name}: a delivered secret" for name, text in texts.items() for secret in made
                                               if (secret in text if isinstance(text, str) else secret.encode() in text))]


def addresses(manifest: str) -> list[str]:
    """The addresses of a manifest that is written two blanks deep."""
    found, kind = [], ""
    for line in manifest.splitlines():
        if line and line[0] != " ":
            kind = line.partition(":")[0]
        elif line.startswith("  ") and line[2] not in " _":
            found.append(f"{kind}/{line.strip().partition(':')[0]}")
    return found


class Towns:
    """A fresh town for each trial, in a folder that is emptied between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def built(self, vendor: str, manifest: str = "") -> Town:
        """A town of this vendor; with a manifest it has been applied, and all went well."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        town = Town(self.folder, STACKS[vendor])
        town.manifest(manifest or STACKS[vendor].before)
        if manifest:
            done = town.apply()
            assert done.code == 0, done
        return town
