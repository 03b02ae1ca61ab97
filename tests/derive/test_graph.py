"""Dependencies as text, Mermaid and DOT."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from reconciler.derive.graph import graph
from reconciler.model import Address, Location, Ref, Resource
from tests.derive.conftest import Shop, kind

KINDS: dict[str, Any] = {name: kind(name) for name in ("stripe.product", "stripe.price")}


def test_a_deferred_link_is_marked(shop: Shop) -> None:
    """Two entries may refer to each other; the link that is set afterwards says so in every form."""
    resources = shop.resources()
    assert graph(resources, KINDS, "text") == (
        "stripe.price/monthly\n    needs stripe.product/pro  product\n"
        "stripe.product/pro\n    needs stripe.price/monthly  default_price  (set afterwards)\n")
    assert graph(resources, KINDS, "mermaid") == (
        'graph LR\n    n0["stripe.price/monthly"]\n    n1["stripe.product/pro"]\n'
        '    n0 -->|"product"| n1\n    n1 -.->|"default_price"| n0\n')
    dot = graph(resources, KINDS, "dot")
    assert '"stripe.product/pro" -> "stripe.price/monthly" [label="default_price", style=dashed' in dot


@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_the_order_of_the_files_does_not_matter(shop: Shop, form: str) -> None:
    """The same entries give the same graph."""
    resources = shop.resources()
    assert graph(resources, KINDS, form) == graph(resources[::-1], KINDS, form)


def test_names_can_t_break_out_of_their_quotes() -> None:
    """A key of a map may be anything; in Mermaid and DOT it stays a label."""
    at = Location("m.yaml", 1, 1)
    odd = {"metadata": {'a"]; x --> y <b>\x1b': Ref.to(Address("stripe.product", "b"))}}
    resources = [Resource(Address("stripe.product", "a"), odd, at), Resource(Address("stripe.product", "b"), {}, at)]
    for form in ("mermaid", "dot", "text"):
        assert "\x1b" not in graph(resources, KINDS, form)
    label = graph(resources, KINDS, "mermaid").splitlines()[-1].partition("|")[2]
    assert not {"<", "]", ">"} & set(label)
    dot = graph(resources, KINDS, "dot")
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tdot"], input=dot, text=True, check=True, capture_output=True)
    assert r'label="metadata.a\"]; x --> y <b>\\u001b"' in dot


def test_no_entries_are_no_mistake() -> None:
    """An empty project has an empty graph."""
    assert graph([], {}, "text") == "There are no entries.\n"
    assert graph([], {}, "mermaid") == "graph LR\n"
