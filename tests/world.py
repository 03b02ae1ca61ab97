"""One stack over the invented vendor: apply manifests written as dicts, look at what was sent, kill and start again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reconciler.clock import TestClock
from reconciler.conformance import store
from reconciler.contract.kind import Kind
from reconciler.contract.spec import Mark
from reconciler.engine.apply import Apply, Means
from reconciler.engine.guard import Consent, Limits
from reconciler.engine.journal import Journal
from reconciler.engine.observe import observe
from reconciler.engine.plan import World, plan
from reconciler.engine.recover import recover, unsettled
from reconciler.engine.selection import Selection
from reconciler.ledger import Ledger
from reconciler.model import Action, Address, Delivery, Lifecycle, Location, Op, Plan, Ref, Report, Resource, SecretRef
from reconciler.paths import leaves
from reconciler.secret import Secret
from tests.cloud import Cloud, kinds


class MemoryStore(store.MemoryStore):
    """The ledger of this stack, in memory."""

    def __init__(self) -> None:
        super().__init__("shop", "test")


def sha(value: Any) -> str:
    value = value.reveal() if isinstance(value, Secret) else value
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


class FakeSink:
    """Remembers what it was given; `broken` refuses to take anything."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.broken = ""

    def check(self, delivery: Delivery) -> None:
        if self.broken == "check":
            from reconciler.errors import Refused
            raise Refused("the sink is shut")

    def put(self, delivery: Delivery, value: Secret) -> str:
        if self.broken == "put":
            from reconciler.errors import Refused
            raise Refused("the sink is shut")
        self.held[f"{delivery.path}#{delivery.key}"] = value.reveal()
        return "r1"


class Shop:
    """One stack: a cloud, a ledger, a clock."""

    def __init__(self) -> None:
        self.cloud, self.store, self.clock, self.sink = Cloud(), MemoryStore(), TestClock(), FakeSink()
        self.kinds: dict[str, Kind[Any]] = kinds(self.cloud)
        self.secrets = {"pw": "hunter2"}
        self.stack = "test"
        self.runs = 0

    def resources(self, manifest: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        found = []
        for kind, entries in manifest.items():
            bound = f"cloud.{kind}"
            for name, fields in entries.items():
                fields = dict(fields)
                life = dict(fields.pop("lifecycle", {}))
                life["deliver"] = {k: Delivery(**v) for k, v in life.get("deliver", {}).items()}
                for key in ("formerly", "seed", "ignore"):
                    life[key] = tuple(life.get(key, ()))
                shape = self.kinds[bound].shape
                for field, child in shape.children.items():
                    if Mark.NAMED in child.marks and field not in fields:
                        fields[field] = name
                fields = {k: self._value(v, shape.child(k)) for k, v in fields.items()}
                found.append(Resource(Address(bound, name), fields, Location("shop.yaml", 1, 1), Lifecycle(**life)))
        return tuple(found)

    def _value(self, value: Any, shape: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"ref"}:
            target = value["ref"] if "/" in value["ref"] else f"{shape.link.kind}/{value['ref']}"
            return Ref.to(Address.parse(target), shape.link.output if shape.link else "id")
        if isinstance(value, dict) and value.keys() == {"secret"}:
            return SecretRef.to(value["secret"])
        return value

    def world(self, manifest: Mapping[str, Any], **more: Any) -> World:
        resources = self.resources(manifest)
        ledger = self.recover()
        more.setdefault("consent", Consent(tuple(more.pop("allow", ()))))
        more.setdefault("limits", Limits())
        more.setdefault("selection", Selection())
        more.setdefault("unsettled", unsettled(ledger))
        seen = observe(self.kinds, resources, ledger)
        return World("shop", self.stack, resources, seen, ledger, self.kinds, same=lambda p, v: p == sha(v),
                     seal=lambda o: o, valid=lambda o: True, secret=lambda n: Secret(self.secrets[n]),
                     veil=lambda s: sha(s), now=self.clock.now(), **more)

    def recover(self) -> Ledger:
        ledger = self.store.read()
        journal = Journal(self.store, ledger)
        journal.write(*recover(ledger, self.kinds, f"shop/{self.stack}", lambda o: True, sha, self.clock))
        return journal.ledger()

    def plan(self, manifest: Mapping[str, Any], **more: Any) -> Plan:
        return plan(self.world(manifest, **more))

    def apply(self, manifest: Mapping[str, Any], **more: Any) -> Report:
        made = self.plan(manifest, **more)
        return self.run(made)

    def run(self, made: Plan) -> Report:
        return self.applying(made).do()

    def applying(self, made: Plan, **more: Any) -> Apply:
        self.runs += 1
        ledger = self.store.read()
        means = Means(self.kinds, self.prints, lambda n: Secret(self.secrets[n]), lambda s: sha(s), sha, self.clock,
                      sinks={"box": self.sink}, parallelism=1, **more)
        return Apply(made, ledger, Journal(self.store, ledger), means, f"run{self.runs}")

    def prints(self, kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
        return {path: sha(value) for path, value in leaves(dict(fields)).items()}

    def sent(self) -> list[str]:
        """The writes since the last look."""
        found, self.cloud.sent = self.cloud.sent, []
        self.cloud.bodies = []
        return found

    def ops(self, made: Plan) -> dict[str, str]:
        return {str(a.address).removeprefix("cloud."): a.op.value for a in made.actions}

    def action(self, made: Plan, address: str) -> Action:
        return next(a for a in made.actions if str(a.address) == f"cloud.{address}")

    def acts(self, manifest: Mapping[str, Any], **more: Any) -> dict[str, str]:
        return {a: op for a, op in self.ops(self.plan(manifest, **more)).items() if op != Op.NOOP.value}
