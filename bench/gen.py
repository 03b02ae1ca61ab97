"""Seeded projects of any size: reconciler.yaml, manifests, and what a vendor would hold if they had been applied.

    python -m bench.gen DIR --n 10000 --shape fan-out --change 1
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT, STACK = "bench", "default"
A_FILE = 500
"""Entries in one manifest file, which keeps the densest under 1 MB."""

SHAPES = ("flat", "chain", "fan-out", "dense", "references", "mixed")
FAN, DENSE = 100, 20
VARS = {"brand": "Acme", "currency": "usd", "unit": "seat"}
PRODUCTS, PRICES = "/v1/products", "/v1/prices"
_WORDS = ("audit", "batch", "cache", "delta", "event", "fleet", "graph", "house", "index", "joint", "kernel", "ledger")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_ -]*\Z")
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as its manifest says it."""

    kind: str
    name: str
    fields: Fields

    @property
    def address(self) -> str:
        return f"{self.kind}/{self.name}"


def entries(n: int, shape: str = "fan-out", seed: int = 1, *, fan: int = FAN,
            connection: str = "stripe") -> list[Entry]:
    """Exactly `n` entries, the same for the same arguments.

    flat: products that need nothing. fan-out: `fan` prices a product. chain: each needs the one before. dense: every
    price needs twenty products. references: every text is an indirection. mixed: products, prices and Vault policies.
    """
    if shape not in SHAPES:
        raise ValueError(f"the shapes are: {', '.join(SHAPES)}")
    rng = random.Random(f"{seed} {shape} {connection}")
    product, price = f"{connection}.product", f"{connection}.price"
    if shape == "mixed":
        policies = [Entry("vault.policy", f"policy-{i}", _policy(rng, i)) for i in range(n // 3)]
        return entries(n - n // 3, "fan-out", seed, fan=3, connection=connection) + policies
    if shape == "flat":
        return [Entry(product, f"product_{i}", _product(rng, connection, i)) for i in range(n)]
    if shape == "chain":
        return list(_chain(rng, connection, n))
    firsts = min(n, max(DENSE if shape == "dense" else 1, n // (fan + 1)))
    found = [Entry(product, f"product_{i}", _product(rng, connection, i)) for i in range(firsts)]
    for i in range(n - firsts):
        fields = _price(rng, f"product_{i % firsts}", i)
        if shape == "dense":
            fields["metadata"] = {f"needs_{k}": {"ref": f"{product}/product_{k}", "output": "id"} for k in range(DENSE)}
        found.append(Entry(price, f"price_{i}", fields))
    return [_indirect(entry) for entry in found] if shape == "references" else found


def _product(rng: random.Random, connection: str, i: int) -> Fields:
    return {"id": f"{connection}_{i}", "name": f"{_words(rng, 2)} {i}".capitalize(), "description": _words(rng, 8),
            "unit_label": "seat", "marketing_features": [{"name": _words(rng, 3)} for _ in range(rng.randint(1, 3))],
            "metadata": {"tier": rng.choice(_WORDS), "rank": str(rng.randint(1, 99))}}


def _price(rng: random.Random, product: str, i: int) -> Fields:
    return {"product": {"ref": product}, "currency": "usd", "unit_amount": rng.randint(100, 99_900),
            "nickname": f"{_words(rng, 2)} {i}", "tax_behavior": "exclusive",
            "recurring": {"interval": rng.choice(["month", "year"])}, "metadata": {"tier": rng.choice(_WORDS)}}


def _policy(rng: random.Random, i: int) -> Fields:
    return {"rules": [{"path": f"kv/data/{rng.choice(_WORDS)}/{i}/*", "capabilities": ["read", "list"]},
                      {"path": f"transit/encrypt/{rng.choice(_WORDS)}", "capabilities": ["update"]}]}


def _chain(rng: random.Random, connection: str, n: int) -> Iterator[Entry]:
    for i in range(n):
        if i % 2:
            yield Entry(f"{connection}.price", f"price_{i}", _price(rng, f"product_{i - 1}", i))
        else:
            fields = _product(rng, connection, i)
            if i:
                fields["metadata"]["after"] = {"ref": f"{connection}.price/price_{i - 1}", "output": "id"}
            yield Entry(f"{connection}.product", f"product_{i}", fields)


def _indirect(entry: Entry) -> Entry:
    """The entry with an indirection wherever a text may be one."""
    fields = dict(entry.fields)
    for name in ("name", "nickname", "description"):
        if name in fields:
            fields[name] = {"format": f"{{brand}} {fields[name]}", "with": {"brand": {"var": "brand"}}}
    for name, var in (("unit_label", "unit"), ("currency", "currency")):
        if name in fields:
            fields[name] = {"var": var}
    return Entry(entry.kind, entry.name, fields)


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(count))


# as files


def write(folder: Path, found: Sequence[Entry], vendors: Mapping[str, Mapping[str, Any]]) -> None:
    """A project of these entries."""
    (folder / "manifests").mkdir(parents=True, exist_ok=True)
    config = {"project": PROJECT, "ledger": {"store": "sqlite"}, "vars": VARS, "vendors": vendors}
    (folder / "reconciler.yaml").write_text("\n".join(_block(config, 0)) + "\n", "utf-8")
    for start in range(0, len(found), A_FILE):
        tree: dict[str, dict[str, Fields]] = {}
        for entry in found[start:start + A_FILE]:
            tree.setdefault(entry.kind, {})[entry.name] = entry.fields
        path = folder / "manifests" / f"part-{start // A_FILE:04}.yaml"
        path.write_text("\n".join(_block(tree, 0)) + "\n", "utf-8")


def stripe(base_url: str, **more: Any) -> Fields:
    """One connection of reconciler.yaml to a server on loopback."""
    return {"use": "stripe", "base_url": base_url, "api_key": {"env": "STRIPE_API_KEY"}, "mode": "test", **more}


VAULT = {"address": "http://127.0.0.1:8200", "auth": {"method": "token", "token": {"env": "VAULT_TOKEN"}}}


def _block(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    """A map in block style; lists, and maps of plain values deep down, in one line, as people write them."""
    for key, item in value.items():
        if isinstance(item, Mapping) and item and (depth < 2 or any(isinstance(v, Mapping) for v in item.values())):
            yield f"{'  ' * depth}{key}:"
            yield from _block(item, depth + 1)
        else:
            yield f"{'  ' * depth}{key}: {_flow(item)}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _RESERVED and value == value.strip():
        return value
    return json.dumps(value)


# as the vendor's objects


def population(found: Sequence[Entry], change: float = 0, seed: int = 1) -> dict[str, dict[str, list[Fields]]]:
    """Connection → path → Stripe's objects in the order of their making, marked as this project's own.

    `change` is how many of a hundred differ from their manifest, in a text that can be updated.
    """
    rng = random.Random(f"{seed} change")
    altered = {entry.address for entry in rng.sample(list(found), round(len(found) * change / 100))}
    held: dict[str, dict[str, list[Fields]]] = {}
    shops: dict[str, Any] = {}
    for entry in sorted(found, key=lambda entry: not entry.kind.endswith(".product")):
        connection, _, noun = entry.kind.partition(".")
        if noun not in ("product", "price"):
            continue
        given = _resolved(entry.fields, connection)
        if entry.address in altered:
            given["name" if noun == "product" else "nickname"] += " of old"
        marks = {"reconciler_stack": f"{PROJECT}/{STACK}", "reconciler_address": entry.address}
        given["metadata"] = {**given.get("metadata", {}), **marks}
        body = _made(shops, connection, f"/v1/{noun}s", given if noun == "product" else {**given, "lookup_key": entry.name})
        body["id"] = id_of(connection, noun, entry.name)
        held.setdefault(connection, {PRODUCTS: [], PRICES: []})[f"/v1/{noun}s"].append(body)
    return held


def _made(shops: dict[str, Any], connection: str, path: str, given: Fields) -> Fields:
    """What Stripe's sandbox keeps after a create."""
    from reconciler.clock import TestClock
    from reconciler.sandbox.store import Request
    from reconciler.vendors.stripe import VENDOR
    from reconciler.vendors.stripe.form import encoded
    from reconciler.vendors.stripe.sandbox import StripeSandbox

    shop = shops.setdefault(connection, StripeSandbox(VENDOR.kinds, clock=TestClock()))
    answer = shop.handle(Request("POST", path, headers={"authorization": "Bearer sk_test_bench"}, body=encoded(given)))
    assert answer.status == 200, answer.body
    shop.requests.clear()
    kept: Fields = shop.objects[path][answer.body["id"]]
    return dict(kept)


def id_of(connection: str, noun: str, name: str) -> str:
    """The vendor's id of an entry, by the last word of its kind."""
    return f"{connection}_{name.rpartition('_')[2]}" if noun == "product" else f"price_{connection}_{name}"


def _resolved(value: Any, connection: str) -> Any:
    """A value with every indirection followed."""
    if isinstance(value, list):
        return [_resolved(item, connection) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == {"var"}:
        return VARS[value["var"]]
    if value.keys() == {"format", "with"}:
        return value["format"].format(**_resolved(value["with"], connection))
    if "ref" in value and value.keys() <= {"ref", "output"}:
        kind, slash, name = value["ref"].rpartition("/")
        return id_of(connection, kind.partition(".")[2] if slash else "product", name)
    return {key: _resolved(item, connection) for key, item in value.items()}


def main() -> None:
    """Write one project and its population.json."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--n", type=int, default=1000)
    asked.add_argument("--shape", choices=SHAPES, default="fan-out")
    asked.add_argument("--change", type=float, default=0, help="how many of a hundred differ at the vendor")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--base-url", default="http://127.0.0.1:9300/stripe", help="of bench/server.py")
    given = asked.parse_args()
    found = entries(given.n, given.shape, given.seed)
    vendors: dict[str, Any] = {"stripe": stripe(given.base_url)}
    write(given.folder, found, {**vendors, "vault": VAULT} if given.shape == "mixed" else vendors)
    held = population(found, given.change, given.seed)
    (given.folder / "population.json").write_text(json.dumps(held), "utf-8")


if __name__ == "__main__":
    main()
