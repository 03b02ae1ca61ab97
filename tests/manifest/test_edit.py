"""Other values in a file that somebody wrote: only what differs is written anew."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reconciler import yaml
from reconciler.manifest.edit import CantEdit, edited, paired
from reconciler.yaml.tree import tree
from tests.drift.desk import Writer

SEED = int(os.environ.get("SEED", "1"))
TRIALS = int(os.environ.get("TRIALS", "150"))

TEXT = """# one
a: 1            # first
b: {x: 'q', y: [1, 2]}   # flow

c:
  # above
  - name: n1    # beside
    size: 3
  - {name: n2, size: 4}
d: |
  text
   more
e: "x"
"""


def value() -> dict[str, Any]:
    found: dict[str, Any] = yaml.parse(TEXT.encode(), "t").value
    return found


def put(new: dict[str, Any]) -> str:
    return edited(TEXT.encode(), new).decode()


def test_an_equal_value_changes_no_byte() -> None:
    """What is the same stays as it is written."""
    assert put(value()) == TEXT


@pytest.mark.parametrize(("patch", "old", "new"), [
    ({"a": 20}, "a: 1            # first", "a: 20            # first"),
    ({"a": "yes: no"}, "a: 1 ", "a: 'yes: no' "),
    ({"e": 'say "y"'}, 'e: "x"', 'e: "say \\"y\\""'),
    ({"b": {"x": "it's", "y": [1, 2]}}, "x: 'q'", "x: 'it''s'"),
    ({"b": {"x": "q", "y": [0, 1, 2, 5]}}, "[1, 2]", "[0, 1, 2, 5]"),
    ({"b": {"x": "q", "y": []}}, "[1, 2]", "[]"),
    ({"b": {"y": [1, 2]}}, "{x: 'q', y:", "{y:"),
    ({"b": {"x": "q"}}, ", y: [1, 2]}", "}"),
    ({"b": {"x": "q", "y": [1, 2], "z": None}}, "2]}", "2], z: null}"),
    ({"c": [{"name": "n1", "size": 5}, {"name": "n2", "size": 4}]}, "size: 3", "size: 5"),
    ({"c": [{"name": "n2", "size": 4}]}, "  - name: n1    # beside\n    size: 3\n", "  # beside\n"),
    ({"c": [{"name": "n1", "size": 3}]}, "  - {name: n2, size: 4}\n", ""),
    ({"c": [{"name": "n0"}, {"name": "n1", "size": 3}, {"name": "n2", "size": 4}]},
     "  - name: n1", "  - {name: n0}\n  - name: n1"),
    ({"c": [{"size": 3}, {"name": "n2", "size": 4}]}, "  - name: n1    # beside\n    size: 3", "  # beside\n  - size: 3"),
    ({"d": "text\n less\n"}, " more", " less"),
    ({"d": "short"}, "d: |\n  text\n   more\n", "d: short\n"),
    ({"e": "two\nlines\n"}, 'e: "x"\n', "e: |\n  two\n  lines\n"),
    ({"f": {"g": ["h"]}}, 'e: "x"\n', 'e: "x"\nf: {g: [h]}\n'),
    ({"c": 5}, "c:\n  # above\n  - name: n1    # beside\n    size: 3\n  - {name: n2, size: 4}\n", "# above\n# beside\nc: 5\n"),
], ids=lambda one: repr(one)[:40])
def test_only_what_differs_is_written_anew(patch: dict[str, Any], old: str, new: str) -> None:
    """Quotes, comments, blank lines and the order of everything else stay."""
    made = put({**value(), **patch})
    assert TEXT.count(old) == 1
    assert made == TEXT.replace(old, new)
    assert yaml.parse(made.encode(), "t").value == {**value(), **patch}


def test_an_entry_that_goes_leaves_its_comment() -> None:
    """A comment is somebody's thought: it stands alone from now on."""
    assert put({key: one for key, one in value().items() if key != "a"}).startswith("# one\n# first\nb:")


def test_nothing_is_written_that_would_not_read_back() -> None:
    """A control character can't stand in YAML, and a file does not become another kind of value."""
    with pytest.raises(CantEdit):
        put({})
    with pytest.raises(CantEdit):
        edited(b"- 1\n", {"a": 1})


def test_items_are_paired_by_what_they_share() -> None:
    """An item that changed stays the same item where it says the same name."""
    old = [{"name": "a", "size": 1}, {"name": "b", "size": 2}, {"name": "c", "size": 3}]
    assert paired(old, [{"name": "b", "size": 9}, {"name": "c", "size": 3}]) == [(0, None), (1, 0), (2, 1)]
    assert paired([1, 2, 3], [1, 4, 3]) == [(0, 0), (1, 1), (2, 2)]
    assert paired([], [1]) == [(None, 0)]


def changed(any: random.Random, value: Any, depth: int = 0) -> Any:
    """A value like this one."""
    if isinstance(value, dict):
        made = {key: changed(any, item, depth + 1) for key, item in value.items() if depth < 2 or any.random() > 0.1}
        return made | ({f"new{any.randrange(9)}": odd(any)} if any.random() < 0.15 else {})
    if isinstance(value, list):
        made = [changed(any, item, depth + 1) for item in value if any.random() > 0.15]
        made[any.randrange(len(made) + 1):0] = [odd(any)] if any.random() < 0.2 else []
        return made
    return odd(any) if any.random() < 0.15 else value


def odd(any: random.Random) -> Any:
    """A value that YAML makes trouble of."""
    return any.choice([
        1, 1.5, True, None, "", "x", "yes", "12", "a: b", "# no", "- x", "{a}", "it's", 'é"ü', "two\nlines\n", "x\n  y\n",
        "t\n\n", "no end\nhere", " lead\n", "trail \n x", "x" * 200, [], {}, [1, "a"], {"a": 1, "b": {"c": [1, 2]}},
        ["x" * 60, "y" * 60], [{"a": 1, "b": "q"}], [[1], [2, 3]], "null", "~", "\t",
        "2026-01-01", "*x", "&x", "!x", "%x", "@x"])


@pytest.mark.parametrize("seed", range(SEED, SEED + TRIALS))
def test_any_value_goes_into_any_file(seed: int) -> None:
    """The file reads back as the new value, and every comment is still there."""
    print(f"SEED={seed}")
    any = random.Random(seed)
    files = sorted((Path(__file__).parents[1] / "cases").rglob("*.yaml"))
    old = yaml.parse(any.choice(files).read_bytes(), "t").value
    text = Writer(seed).text(old)
    new = changed(any, old)
    made = edited(text.encode(), new).decode()
    assert yaml.parse(made.encode(), "t").value == new
    kept = Counter(one.text for one in tree(made).comments)
    assert not Counter(one.text for one in tree(text).comments) - kept
    assert edited(text.encode(), old).decode() == text
