"""Entries are written so that the loader reads the same values back."""

from __future__ import annotations

import random
from typing import Any

import pytest

from reconciler import yaml
from reconciler.manifest.write import text, unwritable
from reconciler.model import Address

WORDS = ["", "no", "yes", "null", "~", "true", "0o14", "0x1f", "012", "1e3", "1_000", "-", "- x", "a: b", "#x", "@x", "*x",
         "&x", "!x", "%x", "x #y",
         "2026-11-01", "1.5", ".5", "=", "<<", "é漢", "a\nb", "a\nb\n", " lead", "trail ", "a\n b\n\nc",
         "tab\tin", "'q'", '"q"', "\\", "x\u2028y", "\u202ex", "a\r\nb", "long " * 60, "🎈", "|", ">", "?", "[a]", "{a}", "a,b"]


def value(draw: random.Random, depth: int) -> Any:
    """Any value that a vendor may give."""
    sort = draw.randrange(9 if depth else 6)
    if sort < 3:
        return draw.choice(WORDS)
    if sort < 6:
        return draw.choice([0, 1, -7, 2900, 10**20, 0.5, -1.25, 1e21, True, False, None])
    if sort == 6:
        return [value(draw, depth - 1) for _ in range(draw.randrange(4))]
    return {draw.choice([*WORDS, "name", "x"]) or "k": value(draw, depth - 1) for _ in range(draw.randrange(5))}


@pytest.mark.parametrize("seed", range(200))
def test_what_is_written_reads_back_the_same(seed: int) -> None:
    """Words that look like something else, odd characters, texts of several lines: nothing changes on the way."""
    draw = random.Random(seed)
    fields = {"name": draw.choice(WORDS), "value": value(draw, 4), "other": value(draw, 3)}
    written = text({Address("stripe.product", "a"): fields, Address("stripe.price", "b"): {}})
    found = yaml.parse(written.encode(), "m.yaml").value
    assert found == {"stripe.product": {"a": fields}, "stripe.price": {"b": {}}}, f"seed {seed}\n{written}"


def test_it_reads_as_a_person_would_write_it() -> None:
    """Short leaves stand on one line, longer things in lines, long texts as blocks."""
    fields = {"id": "sql2ai_pro", "metadata": {"tier": "pro"}, "default_price": {"ref": "pro_monthly"},
              "tiers": [{"up_to": 100, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.4"}],
              "rules": 'path "kv/*" {\n  capabilities = ["read"]\n}\n', "active": "no"}
    assert text({Address("stripe.product", "pro"): fields}, schema="../schemas/manifest.json") == """\
# yaml-language-server: $schema=../schemas/manifest.json
stripe.product:
  pro:
    id: sql2ai_pro
    metadata: {tier: pro}
    default_price: {ref: pro_monthly}
    tiers:
      - {up_to: 100, unit_amount: 0}
      - {up_to: inf, unit_amount_decimal: "0.4"}
    rules: |
      path "kv/*" {
        capabilities = ["read"]
      }
    active: 'no'
"""


def test_control_characters_are_known_beforehand() -> None:
    """They can't be part of a manifest, at any depth."""
    assert unwritable({"a": [{"b\x07": 1}]})
    assert unwritable(["\ufeff"])
    assert not unwritable({"a": ["ok\n", 5, None]})
