"""A file in its layout: what it says stays, and a second time changes nothing."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from reconciler import yaml
from reconciler.errors import Invalid
from reconciler.manifest.layout import laid_out, same
from reconciler.manifest.write import text as exported
from reconciler.model import Address
from reconciler.yaml.tree import tree
from tests.drift.desk import Writer

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("SEED", "1"))
TRIALS = int(os.environ.get("TRIALS", "60"))
OURS = sorted([ROOT / "reconciler.yaml", *(ROOT / "manifests").rglob("*.yaml"), *(ROOT / "examples").rglob("*.yaml")])

UGLY = b"""\xef\xbb\xbf\r
# top   \r
\r
\r
a :   1   # one space\r
b:\r
- x:  1\r
  y: { q: 'a',  r: "b" }\r
-   - [ 1,2 ]\r
    -  3\r
\r
\r
# about c\r
c:    # behind\r
      d: |\r
          text\r
            deep\r
\r
      # at the foot\r
e: { long: LONG, list: [yyyyyyyyyyyyyyyyyyyyyyyyyyy, zzzzzzzzzzzzzzzzz],  last: xxxxxxxxxx }\r
f: [1,   # first\r
    2]\r
g: two\r
  lines\r
h:\r
\r
\r
""".replace(b"LONG", b"x" * 60)
TIDY = """# top

a: 1   # one space
b:
  - x: 1
    y: {q: 'a', r: "b"}
  - - [1, 2]
    - 3

# about c
c:    # behind
  d: |
    text
      deep

  # at the foot
e:
  long: LONG
  list: [yyyyyyyyyyyyyyyyyyyyyyyyyyy, zzzzzzzzzzzzzzzzz]
  last: xxxxxxxxxx
f:
  - 1   # first
  - 2
g: two
  lines
h:
""".replace("LONG", "x" * 60)


def test_the_layout() -> None:
    """Two spaces a level, one behind a colon, short maps on one line, no blank line twice, Unix line ends."""
    assert laid_out(UGLY, "ugly.yaml") == TIDY
    assert laid_out(TIDY.encode(), "tidy.yaml") == TIDY


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_own_files_are_laid_out(path: Path) -> None:
    """The example stack and the examples are as `fmt` leaves them."""
    assert laid_out(path.read_bytes(), path.name) == path.read_text("utf-8")


@pytest.mark.parametrize("text", [
    "a: |+\n  x\n\n\nb: 1\n", "a: |2\n    x\n  y\nb: >-\n  one\n  two\n\n  three\n", "a:\n  - |\n   x\n  - >+\n   y\n\nb: 2\n",
    'a: "x\\\n   y"\n', "? a\n: b\n", "a: {x: , y: 1}\n", "--- # head\na: 1\n...\n# end\n", "# only at the top\n---\na: 1\n",
    "{a: 1, b: [2]}\n", "a: 'it''s\n\n  two'\n", "a: # behind\n  x\n", "a:\n  # above\n  x\n", "a:\n- b\n# of c\nc: 1\n",
    "a: [ # first\n  1,\n  # second\n  2, # third\n  ]\n", "a:\n  - # dash\n    b: 1\n", "a: {}  # empty\nb: []\n",
    "'a b': \"c\"\n",
])
def test_odd_texts_say_the_same(text: str) -> None:
    """Whatever YAML allows is laid out without a change of what it says, comments included, and once is enough."""
    made = laid_out(text.encode(), "odd.yaml")
    assert same(yaml.parse(made.encode(), "o").value, yaml.parse(text.encode(), "o").value)
    assert sorted(one.text for one in tree(made).comments) == sorted(one.text for one in tree(text).comments)
    assert laid_out(made.encode(), "odd.yaml") == made
    assert not any(line.endswith(" ") for line in made.splitlines())


@pytest.mark.parametrize("seed", range(SEED, SEED + TRIALS))
def test_any_file_says_the_same(seed: int) -> None:
    """Files as people write them: equal in what they say and in their comments, and once is enough."""
    print(f"SEED={seed}")
    files = sorted((ROOT / "tests" / "cases").rglob("*.yaml"))
    old = yaml.parse(random.Random(seed).choice(files).read_bytes(), "t").value
    made = laid_out(Writer(seed).text(old).encode(), "t")
    assert same(yaml.parse(made.encode(), "t").value, old)
    assert laid_out(made.encode(), "t") == made


def test_an_export_is_laid_out() -> None:
    """What `export` writes needs no `fmt`."""
    fields = {"id": "pro", "tiers": [{"up_to": 100, "unit_amount": 0}, {"up_to": "inf", "long": "x" * 90}],
              "rules": "path {\n  x\n}\n", "metadata": {"a": "b"}, "events": ["e" * 50, "f" * 50]}
    made = exported({Address("stripe.product", "pro"): fields}, schema="../schemas/manifest.json")
    assert laid_out(made.encode(), "e") == made


def test_a_broken_file_is_a_finding() -> None:
    """It is told where it is broken, as `validate` would."""
    with pytest.raises(Invalid) as told:
        laid_out(b"a: [1\nb: 2\n", "broken.yaml")
    assert str(told.value.problems[0].at) == "broken.yaml:2:2"
    with pytest.raises(Invalid, match="problem"):
        laid_out(b"%YAML 1.2\n---\na: 1\n", "directive.yaml")
