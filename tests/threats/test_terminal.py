"""T06: names and messages from vendors hide nothing and move nothing, in whatever a terminal shows."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest

from reconciler.sandbox import Request, Response
from tests.cli.project import Account, Done, Project
from tests.faults.tally import Row

ESCAPES = ("\x1b[2J", "\x1b]8;;http://evil.test\x07", "\x1b]0;title\x07", "\x1b[1A\x1b[2K", "\x9b31m", "\x1bP", "\r", "\b\b\b",
           "\x07", "\x00", "\x7f", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\x85", "\u00ad", "\U000e0041", "\ud83d",
           "\x0e", "\x1b(0")
"""What moves a cursor, turns text round, or is not to be seen."""


def payload(rng: random.Random) -> str:
    """Words with some of those between them."""
    parts = [rng.choice([rng.choice(ESCAPES), "No changes.", "Plan: 0 to create", "name", "\n", "✓ done", "a\tb"])
             for _ in range(rng.randint(2, 6))]
    return "".join([*parts, rng.choice(ESCAPES)])


def shown_plainly(done: Done) -> bool:
    """Whether only letters, blanks and line ends were written."""
    return all(one in "\n \u3000" or unicodedata.category(one)[0] not in "CZ" for one in done.said)


def test_t06_names_from_vendors_are_letters(row: Row, shop: Project, stripe: Account) -> None:
    """300 names that try: planned, shown, exported and told as JSON, every character is one that can be seen."""
    rng = random.Random("terminal")
    names = {f"p{n}": payload(rng) for n in row.each(range(300))}
    for id in names:
        stripe.sandbox.handle(Request("POST", "/v1/products", headers={"authorization": "Bearer sk_test_x"},
                                      body=f"id={id}&name=x".encode()))
    for id, name in names.items():
        stripe.products()[id].update(name=name, description=name)
    shop.manifest("stripe.product:\n" + "".join(f"  {id}: {{id: {id}, name: Clean, description: Clean}}\n" for id in names))
    for words in (["plan", "--out", "plan.json"], ["show", "plan.json"], ["plan", "--format", "json"], ["plan", "-v"],
                  ["import", "stripe.product/p0"], ["import", "stripe.product/p1"], ["drift"],
                  ["explain", "stripe.product/p2"]):
        done = shop.run(*words)
        assert done.said, words
        assert shown_plainly(done), words
    (shop.dir / "manifests" / "shop.yaml").write_text("stripe.product:\n  other: {id: other, name: O}\n")
    done = shop.run("export", "--vendor", "stripe")
    assert shown_plainly(done)


@pytest.mark.parametrize("form", ["text", "json"])
def test_t06_messages_from_vendors_are_letters(row: Row, shop: Project, stripe: Account, form: str, tmp_path: Path) -> None:
    """Refusals with codes, parameters and request ids that try: what is told of them can be seen."""
    rng = random.Random("messages")
    for _ in row.each(range(15)):
        evil = payload(rng).encode("utf-8", "replace").decode()
        error = {"message": evil, "code": evil, "param": evil, "type": "invalid_request_error"}
        header = "".join(char for char in evil if char.isascii() and char.isprintable())
        stripe.sandbox.faults[:] = [lambda request, n, error=error, header=header: Response(
            400, {"error": error}, {"request-id": header}) if request.method == "POST" else None]
        done = shop.run("apply", "--auto-approve", "--allow", "money", "--format", form)
        assert done.code == 6, done
        assert shown_plainly(done), done
