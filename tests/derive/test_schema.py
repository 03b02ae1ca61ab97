"""The schemas agree with the checks: what is fine validates, and what a schema can know to be wrong does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler import yaml
from reconciler.derive import keys
from reconciler.derive.schema import schemas
from reconciler.errors import Invalid
from reconciler.project.model import Config, LedgerSettings, Limits, OutputFile, SinkCommand, Source
from tests.derive.conftest import ROOT
from tests.manifest.conftest import Case

BROKEN = ROOT / "tests" / "manifest" / "broken"
PRO, MONTHLY = "$['stripe.product'].pro", "$['stripe.price'].monthly"
CAUGHT = {
    "config-allow": "$.allow[0]", "config-connection-use-unknown": "$.vendors.stripe_eu",
    "config-ledger-store": "$.ledger.store", "config-limits": "$.limits.max_delete_percent",
    "config-literal-credential": "$.vendors.stripe", "config-no-project": "$", "config-unknown-key": "$",
    "config-secret-two-sources": "$.secrets.smtp", "config-secret-without-key": "$.secrets.smtp",
    "config-setting-unknown": "$.vendors.stripe", "config-stack-unknown-key": "$.stacks.production",
    "defaults-is-list": "$['stripe.product']['_defaults']", "entry-name-bad": "$['stripe.product']",
    "field-in-list-item": PRO, "field-limit-length": PRO, "field-not-one-of": MONTHLY, "field-pattern": MONTHLY,
    "field-required-cleared": PRO, "field-unknown": PRO, "field-wrong-type": PRO, "kind-unknown": "$",
    "lifecycle-unknown-word": PRO, "lifecycle-wrong-word": PRO, "overlay-field-wrong": PRO, "ref-not-text": PRO,
    "secret-in-plain-field": PRO, "yaml-list-at-top": "$",
}
EVERY_KEY = """
project: sql2ai
formerly: [sql-ai]
requires: ">=0.1,<0.2"
ledger: {store: sqlite, key: {env: RECONCILER_KEY}, previous: [{vault: kv/old, key: k}], ephemeral: true}
vendors:
  stripe:    {api_key: {env: STRIPE_API_KEY}, mode: test, account: acct_1N, timeout: 10, proxy: null}
  stripe_eu: {use: stripe, api_key: {secret: stripe_eu}, base_url: {var: eu}}
  vault:     {address: {env: VAULT_ADDR}, auth: {method: approle, role_id: {env: ROLE}, secret_id: {file: secret}}}
vars:    {api_host: api.sql2.ai, seats: 3, from: {env: HOST}, hosts: [a, b]}
secrets: {smtp: {env: SMTP}, db: {vault: kv/api/db, key: root}, cert: {file: tls.pem}, op: {op: "op://a/b/c"},
          spare: {env: null, file: x}}
sinks:   {gh: {command: [gh, secret, set, X]}}
limits:  {max_delete_percent: 30, max_changes: 500}
outputs: {dotenv: {file: .env.generated, prefix: SQL2AI_}, json: {file: out.json}}
allow:   ["irreversible:resend.domain/old.sql2.ai"]
stacks:
  staging:    {vars: {api_host: null}, vendors: {vault: null, stripe_eu: {mode: test}}, secrets: {db: {key: x}},
               ledger: {key: null}}
  production: {formerly: [prod], vendors: {stripe: {mode: live}}, consent: digest, limits: {max_changes: 5}, allow: null}
  plain:
"""


@pytest.fixture(scope="module")
def validators() -> dict[str, Draft202012Validator]:
    return {name: Draft202012Validator(schema) for name, schema in schemas().items()}


def wrong(validators: dict[str, Draft202012Validator], name: str, text: str) -> list[str]:
    """The places at which a file is not what its schema says."""
    value: Any = yaml.parse(text.encode(), name).value
    which = "reconciler" if name.endswith("reconciler.yaml") else "manifest"
    return [error.json_path for error in validators[which].iter_errors(value)]


@pytest.mark.parametrize("path", [ROOT / "reconciler.yaml", *sorted((ROOT / "manifests").glob("**/*.yaml"))],
                         ids=lambda path: path.name)
def test_the_example_project_validates(validators: dict[str, Draft202012Validator], path: Path) -> None:
    """Every file of it is as its schema says, and its first line leads an editor to that schema."""
    text = path.read_text("utf-8")
    assert wrong(validators, path.name, text) == []
    mark, _, schema = text.splitlines()[0].partition("$schema=")
    assert mark == "# yaml-language-server: "
    name = "reconciler.json" if path.name == "reconciler.yaml" else "manifest.json"
    assert (path.parent / schema).resolve() == ROOT / "schemas" / name


def test_every_key_of_reconciler_yaml_validates(validators: dict[str, Draft202012Validator]) -> None:
    """Credentials and settings may be named, stacks may say any part and leave out with null."""
    assert wrong(validators, "reconciler.yaml", EVERY_KEY) == []


@pytest.mark.parametrize("name", CAUGHT)
def test_a_mistake_is_seen_in_the_editor(validators: dict[str, Draft202012Validator], name: str) -> None:
    """What a schema can know to be wrong is marked where it stands."""
    places = [place for file, text in Case(BROKEN / f"{name}.txt").files.items() for place in wrong(validators, file, text)]
    assert CAUGHT[name] in places


def test_most_mistakes_are(validators: dict[str, Draft202012Validator]) -> None:
    """Of the broken projects whose files can be parsed, more than half are caught before anything is run."""
    caught = parsed = 0
    for path in BROKEN.glob("*.txt"):
        try:
            found = [wrong(validators, file, text) for file, text in Case(path).files.items() if file.endswith(".yaml")]
        except Invalid:
            continue
        parsed += 1
        caught += any(found)
    assert caught > parsed / 2


@pytest.mark.parametrize("text", [
    "stripe.product: {pro: {name: {var: x}, metadata: {seats: 3, beta: true}, description: null}}",
    "stripe.product: {pro: {name: {format: 'a {b}', with: {b: {var: x}}}, images: [{file: a.txt}]}}",
    "stripe.price: {_defaults: {currency: usd}, m: {product: {ref: pro}, tiers: [{up_to: inf, unit_amount: {var: x}}]}}",
    "stripe.product: {old: null, pro: {lifecycle: {protect: true, formerly: [a], seed: [name], adopt: changes}}}",
    "stripe_eu.product: {pro: {name: Pro}}",
    "vault.kv_secret: {api: {mount: kv, data: {key: {secret: smtp}, other: {ref: hook, output: secret}, gone: null}}}",
    "vault.policy: {api: {rules: [{path: a, capabilities: [read]}]}, web: {rules: {file: web.hcl}}}",
])
def test_every_way_to_write_a_value_validates(validators: dict[str, Draft202012Validator], text: str) -> None:
    """Maps that stand for a value fit in its place, null clears, an overlay leaves out, and other connections pass."""
    assert wrong(validators, "x.yaml", text) == []


@pytest.mark.parametrize("text", [
    "vault.kv_secret: {api: {mount: kv, data: {key: plain}}}",
    "vault.kv_secret: {api: {mount: kv, data: {key: {var: smtp}}}}",
    "stripe.product: {pro: {name: {secret: smtp}}}",
    "stripe.product: {pro: {name: {ref: a, output: b, more: c}}}",
    "stripe.product: {pro: {name: {format: 'a'}}}",
])
def test_secrets_and_indirections_are_told_apart(validators: dict[str, Draft202012Validator], text: str) -> None:
    """A secret field takes nothing but a secret or a reference, and no other field takes a secret."""
    assert wrong(validators, "x.yaml", text)


def test_every_key_has_a_word() -> None:
    """An editor tells what each key of reconciler.yaml is for, and no word is left over."""
    parts = (Config, LedgerSettings, Limits, OutputFile, SinkCommand, Source)
    assert {name for part in parts for name in part.model_fields} | {"stacks"} == set(keys.PROJECT)


def test_what_the_conformance_suite_writes_validates(validators: dict[str, Draft202012Validator]) -> None:
    """Every example of every case file is a manifest that an editor finds fine."""
    for path in sorted((ROOT / "tests" / "cases").glob("*/*.yaml")):
        case: Any = yaml.parse(path.read_bytes(), path.name).value
        manifests = [case.get("beside") or {}]
        manifests += [{case["kind"]: {"x": one["fields"]}} for one in case["examples"].values() if "fields" in one]
        for manifest in manifests:
            assert [error.message for error in validators["manifest"].iter_errors(manifest)] == [], path
