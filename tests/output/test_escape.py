"""What others wrote can't hide anything, and can't move anything."""

from __future__ import annotations

import json
import random
import unicodedata

import pytest

from reconciler.output.escape import columns, in_json, pad, safe


@pytest.mark.parametrize(("text", "shown"), [
    ("plain, with ~ and {}", "plain, with ~ and {}"),
    ("Grüße, 東京 → ¥ 🎉", "Grüße, 東京 → ¥ 🎉"),
    ("abc\u202edef", "abc\\u202edef"),
    ("a\u200bb\u200db\ufeff", "a\\u200bb\\u200db\\ufeff"),
    ("\x1b[2J\x07", "\\x1b[2J\\x07"),
    ("a\u00a0b", "a\\xa0b"),
    ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
    ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
    ("tag \U000e0041\ufe0f", "tag \\U000e0041\\ufe0f"),
    ("half \ud800", "half \\ud800"),
    ("empty \u3164 letter", "empty \\u3164 letter"),
])
def test_what_hides_or_moves_text_is_spelled_out(text: str, shown: str) -> None:
    """Control, bidi and zero-width characters are escaped; letters of any script stay as they are."""
    assert safe(text) == shown


def test_newlines_stay_only_where_they_are_asked_for() -> None:
    """A value is one line; a text that has lines keeps them, and nothing else."""
    assert safe("a\nb\r\n", lines=True) == "a\nb\\r\n"
    assert safe("a\nb") == "a\\nb"


def test_nothing_that_is_shown_is_invisible() -> None:
    """After escaping, no character of a control, format or separator category is left but the blank."""
    seed = 4711
    print("seed", seed)
    rng = random.Random(seed)
    for _ in range(300):
        text = "".join(chr(rng.choice((rng.randrange(0x300), rng.randrange(0x2000, 0x2100), rng.randrange(0x110000))))
                       for _ in range(30))
        for one in safe(text):
            assert one in " \u3000" or unicodedata.category(one)[0] not in "CZ", (text, one)


def test_escaped_json_reads_as_the_same_values() -> None:
    """JSON on a terminal hides nothing either, and loses nothing."""
    value = {"name": "a\u202eb \U000e0041 Grüße \x7f\x9b \ud83c", "list": ["\u200b"]}
    text = in_json(json.dumps(value, ensure_ascii=False))
    assert json.loads(text) == value
    assert "Grüße" in text
    assert safe(text) == text


def test_columns_are_counted_as_a_terminal_does() -> None:
    """Wide letters take two columns, combining marks none."""
    assert (columns("abc"), columns("東京"), columns("e\u0301")) == (3, 4, 1)
    assert pad("東京", 6) == "東京  "
