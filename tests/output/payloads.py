"""What somebody would put into a name at a vendor to have it do something in a terminal, a comment or a page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from reconciler.model import Address, Change, Fact, Impact, Location, Note, Op, Plan
from tests.output.plans import act, plan

SEED = 4711
WORD = "zqxwv"
"""Stands in every payload, so that what came from a value is known."""

PARTS = (
    "@octocat", "@org/team", "[x](http://evil.example)", "![i](https://evil.example/p.png)", "<img src=x onerror=alert(1)>",
    "</details>", "</summary>", "</code>", "<!--", "-->", "```", "````````", "~~~~", "`", "``", "|", "\\|", "\\\\|", "\n",
    "\r\n", "\n\n# head\n", "\n\n---\n\n", "#123", "GH-7", "owner/repo#5", "0123456789abcdef0123456789abcdef01234567",
    "http://evil.example", "www.evil.example", "mail@evil.example", "<https://evil.example>", "&lt;b&gt;", "&#64;me", "\u202e",
    "\u200b", "     ", "\t", "\n- [ ] todo", "\n> [!NOTE]\n", "[^1]", "$$x$$", ":tada:", "\\`", "\\", "**", "__", "~~",
    "\n| a |\n|-|",
    "::error::x", "[ref]\n\n[ref]: http://evil.example", "\x00", "\ud800", " ", "<script>", "<a href='//evil.example'>",
)


def payloads(count: int) -> Iterator[str]:
    print("seed", SEED)
    rng = random.Random(SEED)
    for _ in range(count):
        parts = [rng.choice(PARTS) for _ in range(rng.randrange(1, 7))]
        parts.insert(rng.randrange(len(parts) + 1), WORD)
        yield rng.choice(("", " ")).join(parts)


def everywhere(evil: str) -> Plan:
    """A plan that somebody forged: the payload stands in all that a file can carry."""
    bad = Address(f"{evil}.price", evil)
    action = act(Op.UPDATE, "stripe.product/pro", Change(f"metadata.{evil}", evil, {evil: [evil]}),
                 Change("rules", f"{evil}\nb\n", f"a\n{evil}\n"), Change("name", evil, evil * 30),
                 Change("list", [evil], [evil, "b"]), line=None, id=evil, effect=evil,
                 impact=(Impact.ACCESS,), fields={"name": evil},
                 notes=(Note(evil, subject=evil), Note(evil, path="name"), Note(evil, refuse=True)),
                 facts=(Fact(evil), Fact(evil, subject=evil)))
    impacts = ((Impact.DELETE,), (Impact.MONEY,), (Impact.DRIFT,), (Impact.ADDITIVE,))
    others = [replace(action, address=bad._replace(name=f"{evil}{n}"), impact=impact, at=Location(evil, 1, 1))
              for n, impact in enumerate(impacts)]
    held = replace(action, op=Op.BLOCKED, blocked=evil, address=bad)
    return replace(plan(left_out=(evil,), warnings=(evil,), stopped=(evil,)), project=evil, stack=evil, digest=evil,
                   actions=(action, held, *others))
