"""Outputs for applications: a shell reads back exactly what was written, and no secret is in it."""

from __future__ import annotations

import json
import random
import re
import subprocess
from typing import Any

from reconciler.derive import code
from reconciler.model import Address
from reconciler.secret import Secret

PRO = Address("stripe.product", "pro")
HOOK = Address("stripe.webhook_endpoint", "api")


def sourced(text: str) -> dict[str, str]:
    """The variables that a POSIX shell has after it read the file."""
    names = re.findall(r"^([A-Za-z_][A-Za-z0-9_]*)=", text, re.MULTILINE)
    script = f"set -eu\n{text}\n" + "".join(f"printf '%s\\0' \"${name}\"\n" for name in names)
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={})
    return dict(zip(names, done.stdout.decode().split("\0")[:-1], strict=True))


def test_json_is_by_address_without_secrets() -> None:
    """Every output of every entry, sorted; a secret is not even named."""
    made = code.as_json({HOOK: {"id": "we_1", "secret": Secret("whsec_x")}, PRO: {"id": "pro", "default_price": None}})
    assert json.loads(made) == {"stripe.product/pro": {"default_price": None, "id": "pro"},
                                "stripe.webhook_endpoint/api": {"id": "we_1"}}
    assert made.index("product") < made.index("webhook")


def test_names_are_upper_snake_under_the_prefix() -> None:
    """Kind, name and output make up the variable's name; what is null has none, and secrets are counted."""
    hook = {"id": "we_1", "secret": Secret("whsec_x")}
    made = code.dotenv({PRO: {"id": "sql2ai_pro", "default_price": None}, HOOK: hook}, "SQL2AI_")
    assert made.splitlines()[1:] == ["# 1 secret is left out.", "SQL2AI_STRIPE_PRODUCT_PRO_ID=sql2ai_pro",
                                     "SQL2AI_STRIPE_WEBHOOK_ENDPOINT_API_ID=we_1"]


def test_a_name_never_begins_with_a_digit() -> None:
    """A prefix may; the variable then has an underscore in front."""
    assert "\n_2X_STRIPE_PRODUCT_PRO_ID=1\n" in code.dotenv({PRO: {"id": 1}}, "2X_")


def test_two_names_are_never_the_same() -> None:
    """Entries whose names differ only in signs get a mark each, which no third entry changes."""
    twins: dict[Address, dict[str, Any]] = {Address("stripe.price", name): {"id": name} for name in ("a-b", "a_b", "a.b")}
    made = sourced(code.dotenv(twins))
    assert sorted(made.values()) == ["a-b", "a.b", "a_b"]
    assert all(re.fullmatch(r"STRIPE_PRICE_A_B_ID_[0-9A-F]{8}", name) for name in made)
    fewer = sourced(code.dotenv(dict(list(twins.items())[:2])))
    assert fewer.items() <= made.items()


def test_lists_and_maps_are_json() -> None:
    """What is no text is written as JSON."""
    made = sourced(code.dotenv({PRO: {"records": [{"type": "TXT", "value": "a 'b' \"c\""}], "on": True, "n": 3}}))
    assert json.loads(made["STRIPE_PRODUCT_PRO_RECORDS"]) == [{"type": "TXT", "value": "a 'b' \"c\""}]
    assert (made["STRIPE_PRODUCT_PRO_ON"], made["STRIPE_PRODUCT_PRO_N"]) == ("true", "3")


def test_any_text_comes_back_from_a_shell() -> None:
    """Quotes, dollars, backslashes, newlines and all: nothing is run and nothing is lost."""
    seed = 20261101
    print(f"seed {seed}")
    pick = random.Random(seed)
    texts = ["", " ", "$(touch x)", "`id`", "${HOME}", "a'b", 'a"b', "a\\", "\\n", "a\nb", "#no", "a=b", "!x", "~", "*", "é→"]
    texts += ["".join(pick.choice("ab'\"\\$`{}()\n #;&|<>*?!~=\t") for _ in range(pick.randint(1, 12))) for _ in range(200)]
    outputs = {Address("stripe.product", f"p{n}"): {"id": text} for n, text in enumerate(texts)}
    made = sourced(code.dotenv(outputs))
    assert [made[f"STRIPE_PRODUCT_P{n}_ID"] for n in range(len(texts))] == texts


def test_control_characters_are_left_out_and_said() -> None:
    """A vendor's text that could play with a terminal is not written; that it is missing is."""
    made = code.dotenv({PRO: {"id": "a\x1b[31m", "name": "a\u202eb"}})
    assert "# 2 values with control or invisible characters are left out." in made.splitlines()
    assert "PRO" not in made
    assert "\x1b" not in code.as_json({PRO: {"id": "a\x1b[31m"}})
