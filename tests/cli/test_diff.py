"""`diff --stack A --stack B`: two stacks in the manifests' terms, offline."""

from __future__ import annotations

import pytest

from tests.cli.project import Project

STACKS = """project: shop
vendors: {stripe: {api_key: {env: NOT_SET}}, stripe_eu: {use: stripe}, vault: {address: "https://vault.example"}}
vars: {name: Pro}
secrets: {one: {env: ONE}, two: {env: TWO}}
stacks:
  staging: {vars: {name: Pro (staging)}, vendors: {stripe_eu: null}}
  production: {}
"""
TEXT = """stripe.product:
  pro: {id: pro, name: {var: name}, default_price: {ref: monthly}, marketing_features: [{name: One}]}
  trial: {id: trial, name: Trial}
  same: {id: same, name: Same}
stripe.price:
  monthly: {product: {ref: pro}, currency: usd, unit_amount: 2900}
  yearly: {product: {ref: pro}, currency: usd, unit_amount: 29000}
stripe_eu.product:
  pro: {id: pro, name: Pro EU}
vault.mount:
  kv: {type: kv-v2}
vault.kv_secret:
  mail: {mount: {ref: kv}, data: {key: {secret: one}, user: {secret: one}}}
"""
OVER = """stripe.product:
  pro: {default_price: {ref: yearly}, marketing_features: [{name: One}, {name: Two}], description: "Line one.\\nLine two."}
  trial: null
stripe.price:
  monthly: {nickname: null, lifecycle: {protect: true}}
vault.kv_secret:
  mail: {data: {key: {secret: two}}}
"""


@pytest.fixture
def two(box: Project) -> Project:
    return box.write({"reconciler.yaml": STACKS, "manifests/shop.yaml": TEXT, "overlays/production/shop.yaml": OVER})


def test_two_stacks_side_by_side(two: Project) -> None:
    """What only one has, and each field that differs, with variables put in and references by name; no credential is read."""
    done = two.ok("diff", "--stack", "staging", "--stack", "production")
    shown = [line.split("   manifests/")[0].rstrip().replace("   ~", "  ~") for line in done.out.splitlines()]
    assert shown == [
        "stripe.price/monthly   ~ differs",
        "    nickname           (left out) -> null",
        "    lifecycle.protect  (left out) -> true",
        "stripe.product/pro     ~ differs",
        "    name           Pro (staging) -> Pro",
        "    default_price",
        "      | ref  stripe.price/monthly -> stripe.price/yearly",
        "    marketing_features",
        "      | + {name: Two}",
        "      | (1 unchanged)",
        '    description    (left out) -> "Line one.\\nLine two."',
        "stripe.product/trial    - only in staging",
        "stripe_eu.product/pro   + only in production",
        "vault.kv_secret/mail   ~ differs",
        "    data.key       (secret, changed)",
        "",
        "1 only in staging, 1 only in production, 3 differ, 3 the same.",
    ], done.out
    assert "1 entry of stripe_eu is left out: staging has no stripe_eu." in done.err


def test_programs_get_the_same(two: Project) -> None:
    """Values by stack; a field that one leaves out is missing there; of a secret only that it differs."""
    found = two.run("diff", "-s", "production", "-s", "staging", "--format", "json", "--detailed-exitcode")
    assert found.code == 2
    entries = {one["address"]: one for one in found.json()["entries"]}
    assert entries["stripe_eu.product/pro"]["only_in"] == "production"
    fields = {one["path"]: one for one in entries["stripe.product/pro"]["fields"]}
    assert fields["default_price"]["values"] == {
        "production": {"ref": "stripe.price/yearly"}, "staging": {"ref": "stripe.price/monthly"}}
    assert fields["description"]["values"] == {"production": "Line one.\nLine two."}
    assert entries["vault.kv_secret/mail"]["fields"] == [
        {"path": "data.key", "values": {"production": "(secret)", "staging": "(secret)"}, "secret": True}]
    assert found.json()["unchanged"] == 3


def test_equal_stacks_and_wrong_questions(two: Project) -> None:
    """Without a difference one line says so; it takes two stacks, and two that are there."""
    two.write({"reconciler.yaml": STACKS.replace(" {vars: {name: Pro (staging)}, vendors: {stripe_eu: null}}", " {}"),
               "overlays/production/shop.yaml": "stripe.product: {pro: {name: {var: name}}}\n"})
    assert two.ok("diff", "-s", "staging", "-s", "production", "--detailed-exitcode").out == (
        "No difference. 8 the same in staging and production.\n")
    for words in ([], ["-s", "staging"], ["-s", "staging", "-s", "staging"], ["-s", "staging", "-s", "x"]):
        assert two.run("diff", *words).code == 64
