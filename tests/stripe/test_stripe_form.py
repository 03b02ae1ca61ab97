"""Our form encoding against the official SDK's."""

from __future__ import annotations

import random
from typing import Any

import pytest

from reconciler.vendors.stripe.form import encoded, nested, pairs, path_of, split

stripe = pytest.importorskip("stripe")


def invented(dice: random.Random, depth: int = 3) -> Any:
    """A value as a body may hold it; without None, empty lists and booleans in lists, which the SDK gets wrong."""
    roll = dice.randrange(6 if depth else 4)
    if roll == 4:
        return [dice.choice(["a", 5, {"name": invented(dice, depth - 1)}]) for _ in range(dice.randint(1, 3))]
    if roll == 5:
        return {dice.choice("abcdef"): invented(dice, depth - 1) for _ in range(dice.randint(1, 3))}
    return [dice.randint(0, 10**6), dice.random() < 0.5, dice.choice(["", "a b", "ä&=[]%+", "2900"]),
            dice.random()][roll]


def test_bodies_are_encoded_as_the_sdk_encodes_them() -> None:
    """For 500 invented bodies the pairs are those of the official SDK, in its order."""
    from stripe._encode import _api_encode
    seed = 20261124
    print("seed", seed)
    dice = random.Random(seed)
    for _ in range(500):
        body = {name: invented(dice) for name in ("x", "y", "metadata")}
        assert pairs(body) == [(key, str(value)) for key, value in _api_encode(body)]


def test_what_clears_a_field_is_an_empty_text() -> None:
    """None, an empty list and an empty map, which the SDK leaves out, are written as nothing after the name."""
    assert encoded({"description": None, "images": [],
                    "metadata": {"tier": None}}) == b"description=&images=&metadata[tier]="


def test_a_form_is_read_back_as_it_was_written() -> None:
    """The sandbox reads what the client writes, umlauts and brackets in values included."""
    tiers = [{"up_to": "inf", "unit_amount": "0"}, {"up_to": "5"}]
    body = {"tiers": tiers, "metadata": {"a b": "ü&[x]=+"}, "name": ""}
    assert nested(split(encoded(body).decode())) == body


@pytest.mark.parametrize(("text", "tree"), [
    ("expand[]=tiers&expand[]=product", {"expand": ["tiers", "product"]}),
    ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
    ("a=1&a[b]=2", {"a": {"b": "2"}}),
    ("", {}),
])
def test_forms_of_other_clients_are_read(text: str, tree: dict[str, Any]) -> None:
    """Unnamed brackets make lists; a name that is both a text and a map is a map."""
    assert nested(split(text)) == tree


@pytest.mark.parametrize(("param", "path"), [
    ("name", "name"), ("recurring[interval]", "recurring.interval"), ("tiers[0][up_to]", "tiers[0].up_to"),
    ("metadata[tier]", "metadata.tier"), ("", ""),
])
def test_parameters_are_named_as_manifests_name_them(param: str, path: str) -> None:
    """A vendor's complaint points at the manifest's field."""
    assert path_of(param) == path
