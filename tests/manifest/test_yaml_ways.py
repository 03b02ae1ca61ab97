"""The short way through a file and the whole one say the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from reconciler.errors import Invalid
from reconciler.yaml import parse
from reconciler.yaml.build import Builder
from reconciler.yaml.quick import Odd, quick

ROOT = Path(__file__).parents[2]
TEXTS = [path.read_text("utf-8") for path in sorted(ROOT.glob("manifests/*.yaml"))]
TEXTS += [path.read_text("utf-8") for path in sorted((Path(__file__).parent / "broken").glob("*.txt"))]
PIECES = ["&a ", "*a", "!t ", "<<: {}", "~", "null", "0o7", "0x1F", "1e5", "01", "-", ":", "? ", "- ", "{", "}", "[", "]",
          '"', "'", "\\x07", "|", ">", "#", "\n", "\t", "  ", "---\n", "...\n", "%",
          "\x00", "\ufeff", "yes", "1" * 500, "é", ",", "a: b\n"]


def mutated(draw: random.Random) -> str:
    """A manifest with a few things put in, taken out or doubled."""
    text = draw.choice(TEXTS)
    start = draw.randrange(max(len(text) - 200, 1))
    text = text[start:start + draw.randrange(1, 400)] if draw.random() < 0.5 else text
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(text) + 1)
        to = min(len(text), at + draw.randrange(6))
        text = text[:at] + draw.choice([*PIECES, "", text[at:to] * 2]) + text[to if draw.random() < 0.5 else at:]
    return text


@pytest.mark.parametrize("seed", range(40))
def test_both_ways_read_the_same(seed: int) -> None:
    """Where the short way gives an answer, the whole one finds no problem, the same value and the same places."""
    draw = random.Random(seed)
    for _ in range(50):
        text = mutated(draw)
        try:
            value, heads = quick(text)
        except Odd:
            continue
        whole = Builder("x.yaml", text)
        assert repr(whole.build()) == repr(value), f"seed {seed}: {text!r}"
        assert not whole.problems, f"seed {seed}: {text!r}: {whole.problems}"
        assert {path: whole.places[path] for path in heads} == heads, f"seed {seed}: {text!r}"


def test_places_are_found_when_somebody_asks() -> None:
    """A field's place is known although the file was read the short way."""
    document = parse(b"stripe.price:\n  pro:\n    recurring: {interval: month}\n", "x.yaml")
    assert str(document.at(("stripe.price", "pro"), key=True)) == "x.yaml:2:3"
    assert str(document.at(("stripe.price", "pro", "recurring", "interval"))) == "x.yaml:3:27"


@pytest.mark.parametrize("text", ["a: &x 1", "a: *x", "a: !t 1", "a: 1\na: 2", "? [a]\n: 1", "a: 1\n---\nb: 2", "<<: {}",
                                  "a: [1", ""])
def test_what_has_to_be_told_goes_the_whole_way(text: str) -> None:
    """The short way never hides a mistake."""
    with pytest.raises(Odd):
        quick(text)
    with pytest.raises(Invalid):
        parse(text.encode(), "x.yaml")
