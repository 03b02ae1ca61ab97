"""Problems as people read them: the line, carets under the words, the hint behind them, the next step below."""

from __future__ import annotations

import re

import pytest

from reconciler.errors import Usage
from reconciler.model import Location, Problem
from reconciler.output import problems
from reconciler.output.escape import columns, hidden

YAML = "manifests/stripe.yaml"
TEXT = "\n" * 16 + "      interval: monthly\n"


def shown(*found: Problem, text: str | None = TEXT, color: bool = False) -> str:
    return problems.render(found, lambda file: text, color=color)


def at(line: int, column: int, file: str = YAML) -> Location:
    return Location(file, line, column)


def carets(lines: str) -> tuple[str, str]:
    """What the carets stand under, and what stands behind them."""
    row, under = lines.split("\n")[3:5]
    hit = re.search(r"\^+", under)
    assert hit is not None
    start, end = hit.span()
    text = [one for one in row for _ in range(max(columns(one), 1))]
    return "".join(dict.fromkeys(text[start:end])), under[end:].strip()


def test_a_problem_looks_as_promised() -> None:
    """The look of the documentation, character by character."""
    problem = Problem("recurring.interval: must be one of day, week, month, year", at(17, 17), "recurring.interval",
                      'did you mean "month"?', "reconciler explain stripe.price.recurring", 7)
    assert shown(problem) == """\
error: recurring.interval: must be one of day, week, month, year
  --> manifests/stripe.yaml:17:17
   |
17 |       interval: monthly
   |                 ^^^^^^^ did you mean "month"?
   = help: reconciler explain stripe.price.recurring
"""


def test_they_are_sorted_by_file_and_place_and_counted() -> None:
    """What has no place comes first; the count last, where it is more than one."""
    found = [Problem("e", at(2, 1, "b.yaml")), Problem("d", at(10, 1, "a.yaml"), severity="warning"),
             Problem("c", at(2, 9, "a.yaml")), Problem("b", at(2, 1, "a.yaml")), Problem("a")]
    lines = shown(*found).split("\n")
    assert [line.split(": ")[1] for line in lines if line.startswith(("error: ", "warning: "))] == ["a", "b", "c", "d", "e"]
    assert lines[-2] == "4 errors, 1 warning"
    assert shown() == ""


def test_without_the_file_the_hint_is_still_told() -> None:
    """A file that can't be read takes the line away, not the hint."""
    problem = Problem("no", at(3, 1), hint="did you mean yes?", help="ask")
    assert shown(problem, text=None) == (
        "error: no\n --> manifests/stripe.yaml:3:1\n  = help: did you mean yes?\n  = help: ask\n")
    assert "= help: did you mean yes?" in shown(problem, text="only one line")


@pytest.mark.parametrize(("line", "column", "width", "under"), [
    ("key: value", 6, 5, "value"),
    ("名前: 東京", 5, 2, "東京"),
    ("k: \u202evalue", 5, 5, "value"),
    ("\tkey: x", 2, 3, "key"),
    ("x" * 200 + " here " + "y" * 200, 202, 4, "here"),
    ("东" * 100 + " here " + "西" * 100, 102, 4, "here"),
])
def test_carets_stand_under_the_words(line: str, column: int, width: int, under: str) -> None:
    """Also behind wide letters, tabs and escaped characters, and in a line that has to be cut."""
    found = shown(Problem("no", at(1, column), hint="look", width=width), text=line)
    assert carets(found) == ("".join(dict.fromkeys(under)), "look")
    assert max(map(columns, found.split("\n")[:4])) <= 220
    assert not [one for one in found if hidden(one) and one != "\n"]


@pytest.mark.parametrize(("line", "column", "width"), [
    ("abc", 99, 1), ("abc", 0, 0), ("abc", 2, 99), ("", 1, 1), ("   ", 1, 1)])
def test_a_place_beside_the_text_breaks_nothing(line: str, column: int, width: int) -> None:
    """A place at or behind the end of a line gets one caret, an empty line is not shown."""
    found = shown(Problem("no", at(1, column), hint="h", width=width), text=line)
    assert "h\n" in found
    assert ("^" in found) == bool(line.strip())


def test_a_message_of_several_lines_stays_one_problem() -> None:
    """What a vendor wrote over several lines is indented, and can't look like an error of its own."""
    lines = shown(Problem("first\nerror: second\x1b[31m", help="one\ntwo")).split("\n")
    assert lines == ["error: first", "  error: second\\x1b[31m", "  = help: one", "          two", ""]


def test_colour_only_adds_colour() -> None:
    """Without it there is no escape byte, with it the same words."""
    problem = Problem("no", at(17, 17), hint="h", help="x", width=7)
    assert "\x1b" not in shown(problem)
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown(problem, color=True)) == shown(problem)


def test_a_failure_is_a_message_and_a_next_step() -> None:
    """What has no place in a file."""
    assert problems.failure(Usage("there is no stack 'x'", "there are: y"), color=False) == \
        "error: there is no stack 'x'\n  = help: there are: y\n"


LINE = "    " + "field_of_an_entry: value " * 8
LONG = Problem(
    "this vendor says a thing that takes more than a line of a terminal, and a name-that-is-not-broken at its end",
    Location("manifests/a.yaml", 12, 31), hint="did you mean a rather long word that does not fit beside the carets?", width=9,
    help="reconciler explain stripe.price.recurring tells what may stand there and what the vendor makes of it")


def told(*, color: bool = False, width: int | None = None) -> str:
    return problems.render([LONG], lambda file: "\n" * 11 + LINE, color=color, width=width)


@pytest.mark.parametrize("width", [80, 200])
def test_on_a_terminal_everything_fits_its_width(width: int) -> None:
    """Sentences are wrapped between words and indented, the line is cut around the carets, a long hint stands below."""
    lines = told(width=width).splitlines()
    assert all(columns(line) <= width for line in lines)
    assert "name-that-is-not-broken" in told(width=width)
    number = next(n for n, line in enumerate(lines) if line.startswith("12 |"))
    caret = lines[number + 1].index("^")
    assert lines[number][caret:caret + 9] == LINE[30:39]
    assert ("= help: did you mean" in told(width=width)) is (width == 80)


def test_in_a_log_a_sentence_is_a_line() -> None:
    """Where there is no terminal it can be searched for whole."""
    assert f"error: {LONG.message}\n" in told()
    assert f"= help: {LONG.help}\n" in told()


def test_colour_changes_no_word_of_what_is_wrapped() -> None:
    """With colours the same lines stand there."""
    assert re.sub(r"\x1b\[[0-9;]*m", "", told(color=True, width=80)) == told(width=80)
