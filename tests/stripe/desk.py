"""Stripe's kinds over Stripe's sandbox without the engine, and the referee: the vendor's own description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from reconciler.clock import TestClock
from reconciler.contract import Ask, covers
from reconciler.contract.kind import Kind
from reconciler.engine.diff import NOTHING, Applied, diff
from reconciler.model import Address, Call, Changes, Live, Owner, Want
from reconciler.secret import Secret
from reconciler.vendors.stripe import VENDOR, StripeSettings
from reconciler.vendors.stripe.api import StripeApi
from reconciler.vendors.stripe.form import nested, split
from reconciler.vendors.stripe.price import Price
from reconciler.vendors.stripe.product import Product
from reconciler.vendors.stripe.sandbox import StripeSandbox

CONTRACT = Path(__file__).parents[3] / "shared" / "contracts" / "stripe.json"


class Desk:
    """One Stripe account in the sandbox, and the two kinds over it."""

    def __init__(self, **settings: Any) -> None:
        self.clock = TestClock()
        self.sandbox = StripeSandbox(VENDOR.kinds, clock=self.clock)
        self.api = self.connect(**settings)
        self.product, self.price = Product(self.api), Price(self.api)

    def connect(self, key: str = "sk_test_123", **settings: Any) -> StripeApi:
        """Another client of the same account."""
        return StripeApi(StripeSettings(api_key=Secret(key), **settings), connection="stripe",
                         transport=self.sandbox.transport(), clock=self.clock)

    def want(self, kind: Kind[Any], name: str, fields: Mapping[str, Any]) -> Want[Any]:
        """An entry's fields as the loader hands them over."""
        spec = kind.spec.model_validate(dict(fields))
        found = list(kind.check(spec.given()))
        assert not found, found
        address = Address(kind.name, name)
        return Want(address, spec.given(), Owner("shop/test", str(address)))

    def make(self, kind: Kind[Any], key: str, /, **fields: Any) -> Live:
        """Create, and see that what was wanted is there."""
        want = self.want(kind, key, fields)
        live = self.seen(kind, self.api.send(kind.create(want), f"key-{key}-{len(self.sandbox.requests)}"))
        assert covers(live.fields, want.fields, kind.shape), (live.fields, want.fields)
        assert live.owner == want.owner
        return live

    def seen(self, kind: Kind[Any], answer: Any) -> Live:
        """The object in an answer, which must be what a read and a list show too."""
        live = kind.read(answer)
        assert live is not None
        assert kind.get(live.id) == live
        assert [one for one in kind.list(Ask()) if isinstance(one, Live) and one.id == live.id] in ([live], [])
        return live

    def changes(self, kind: Kind[Any], live: Live, fields: Mapping[str, Any], applied: Applied = NOTHING) -> Changes:
        """What differs."""
        return diff(dict(fields), live.fields, kind.shape, applied)

    def change(self, kind: Kind[Any], live: Live, applied: Applied = NOTHING, /, **fields: Any) -> Live:
        """Update, and see that a second look finds no difference."""
        want = Want(Address(kind.name, "x"), fields, live.owner)
        changes = self.changes(kind, live, fields, applied)
        assert changes, (fields, live.fields)
        for call in kind.update(live, want, changes):
            live = self.seen(kind, self.send(call))
        assert not self.changes(kind, live, fields), self.changes(kind, live, fields)
        return live

    def send(self, call: Call) -> Any:
        """One write under a key of its own."""
        return self.api.send(call, f"key-{len(self.sandbox.requests)}")

    def bodies(self) -> list[dict[str, str]]:
        """The writes as pairs, without the expansions."""
        return [{key: value for key, value in split(raw_body(one)) if not key.startswith("expand")}
                for one in self.sandbox.requests if one.method != "GET"]


def raw_body(recorded: Any) -> str:
    """The body of a recorded request as text."""
    body = recorded.body
    return body.decode() if isinstance(body, bytes) else body or ""


@cache
def contract() -> dict[str, Any]:
    """The vendor's own description; the test is skipped where it is not at hand."""
    if not CONTRACT.exists():
        pytest.skip("../shared/contracts is not there: nobody to judge the traffic")
    document: dict[str, Any] = json.loads(CONTRACT.read_text())
    return document


OUTSIDE = ("/v1/account", "/v1/subscriptions")
"""Paths that the document does not hold: both are only read."""


def judge(recorded: Any) -> None:
    """Check one request and its answer against the vendor's description."""
    from jsonschema import Draft202012Validator
    document = contract()
    path = recorded.path
    if path in OUTSIDE:
        return
    template = next((t for t in document["paths"] if t == path), None) or next(
        t for t in document["paths"] if _fits(t, path))
    operation = document["paths"][template][recorded.method.lower()]
    query = nested(list(recorded.query))
    known = {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}
    assert set(query) <= set(known), (recorded.method, path, query)
    for name, value in query.items():
        _check(Draft202012Validator, _typed(value, known[name], document), known[name], document)
    if recorded.method == "POST":
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        if recorded.status == 200:
            _check(Draft202012Validator, _typed(nested(split(raw_body(recorded))), schema, document), schema, document)
    answers = operation["responses"]
    schema = (answers["200"] if recorded.status == 200 else answers["default"])["content"]["application/json"]["schema"]
    _check(Draft202012Validator, recorded.answer, schema, document)


def _fits(template: str, path: str) -> bool:
    ours, theirs = unquote(path).split("/"), template.split("/")
    return len(ours) == len(theirs) and all(t.startswith("{") or t == o for o, t in zip(ours, theirs, strict=True))


def _check(validator: Any, value: Any, schema: Any, document: Any) -> None:
    whole = {**_plain(schema), "components": _plain(document["components"])}
    errors = [f"{list(e.absolute_path)}: {e.message}" for e in validator(whole).iter_errors(value)]
    assert not errors, errors


_PLAIN: dict[int, Any] = {}


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema says it."""
    if id(schema) not in _PLAIN:
        _PLAIN[id(schema)] = (_converted(schema), schema)
    return _PLAIN[id(schema)][0]


def _converted(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_converted(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _converted(item) for key, item in schema.items()}
    if found.get("nullable") is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found


def _typed(value: Any, schema: Any, document: Any) -> Any:
    """Form texts as the types that the schema names."""
    while "$ref" in schema or "allOf" in schema:
        named = schema.get("$ref", "").rpartition("/")[2]
        schema = document["components"]["schemas"][named] if named else schema["allOf"][0]
    if "anyOf" in schema:
        if isinstance(value, str):
            kinds = [s.get("type") for s in schema["anyOf"]]
            return int(value) if "integer" in kinds and value.isdigit() else value
        schema = next(s for s in schema["anyOf"] if s.get("type") != "string")
        return _typed(value, schema, document)
    if isinstance(value, dict):
        inside, other = schema.get("properties", {}), schema.get("additionalProperties")
        return {k: _typed(v, inside.get(k) or (other if isinstance(other, dict) else {}), document) for k,
                v in value.items()}
    if isinstance(value, list):
        return [_typed(item, schema.get("items", {}), document) for item in value]
    if schema.get("type") == "integer" and value.lstrip("-").isdigit():
        return int(value)
    if schema.get("type") == "number":
        return float(value)
    return {"true": True, "false": False}.get(value, value) if schema.get("type") == "boolean" else value
