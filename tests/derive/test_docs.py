"""A page for each kind, and fields that can be set once."""

from __future__ import annotations

import re

import pytest

from reconciler.derive import docs
from reconciler.derive.locate import every, found
from reconciler.derive.permissions import PAGE
from reconciler.derive.probe import is_one_way
from reconciler.derive.schema import installed
from tests.derive.conftest import kind

PAGES = docs.pages(made(None) for vendor in installed() for made in vendor.kinds)


@pytest.mark.parametrize("name", [name for name in PAGES if name not in (docs.INDEX, PAGE)])
def test_a_page_tells_all_of_a_kind(name: str) -> None:
    """Every field has a row, every table has straight columns, and every link leads to a page."""
    page, of = PAGES[name], kind(name.removesuffix(".md"))
    for field in every(of):
        assert f"\n| `{field.path}` | " in page
    rows = [re.sub(r"\\\||`[^`]*`", "", line).count("|") for line in page.splitlines() if line.startswith("|")]
    assert set(rows) == {3, 7}
    assert set(re.findall(r"\]\(([^)]+)\)", re.sub(r"`[^`]*`", "", page))) <= set(PAGES)
    assert all(f"- `{output}`" in page for output in of.outputs)
    assert f"({name})" in PAGES[docs.INDEX]


def test_a_field_s_row_says_what_a_change_does() -> None:
    """In place, by a new object, in place once, or afterwards."""
    price, product = PAGES["stripe.price.md"], PAGES["stripe.product.md"]
    afterwards, once = "in place, afterwards", "in place, once; then a new object"
    assert "| `unit_amount` | whole number |  | new object (supersede) | money | at least 0 |" in price
    assert f"| `tax_behavior` | unspecified, inclusive or exclusive | `unspecified` | {once} | money |" in price
    assert f"| `default_price` | text |  | {afterwards} | behavioural | refers to [stripe.price](stripe.price.md) |" in product
    assert "| `name` | text | **must be given** | in place | cosmetic | 1 to 5000 characters |" in product


@pytest.mark.parametrize(("name", "path", "once"), [
    ("stripe.price", "tax_behavior", True), ("stripe.price", "active", False), ("stripe.price", "billing_scheme", False),
    ("vault.mount", "config.listing_visibility", False),
])
def test_one_way_fields_are_found_by_asking_the_kind(name: str, path: str, once: bool) -> None:
    """Only what is not immutable and can't be changed back counts."""
    field = found(kind(name), path)
    assert field is not None
    assert is_one_way(kind(name), field) is once


def test_what_is_tried_of_a_field_can_be_shown() -> None:
    """With cases a last column says which of them each field is in."""
    page = docs.page(kind("stripe.price"), (), {"stripe.price": {"nickname": ("set", "cleared")}})
    assert "| to know | tried |" in page
    assert "| `nickname` | text |  | in place | cosmetic |  | set, cleared |" in page
    assert "| `active` | true or false | `true` | in place | behavioural |  |  |" in page


def test_permissions_are_on_the_kinds_page_and_in_one_table() -> None:
    """What a plan needs, what an apply needs besides, and what only feeds facts; fields stand in angle brackets."""
    row = "| [stripe.price](stripe.price.md) | `rak_plan_read` | `rak_plan_write` | `rak_subscription_read` |"
    assert row in PAGES[PAGE]
    both = "`update sys/policies/acl/<name>`, `delete sys/policies/acl/<name>`"
    assert f"| An apply needs besides | {both} |" in PAGES["vault.policy.md"]
    assert all(f"]({name})" in PAGES[PAGE] for name in PAGES if name not in (docs.INDEX, PAGE))


def test_a_text_stays_a_text_in_markdown() -> None:
    """What a docstring says in backticks is code, and nothing else of it is read as Markdown."""
    assert docs.prose("a|b *c* <d> `e*|f` [g]") == r"a\|b \*c\* \<d\> `e*\|f` \[g\]"
