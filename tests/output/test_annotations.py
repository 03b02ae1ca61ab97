"""In a run of GitHub's, findings are annotations, and no text that a vendor wrote becomes a command."""

from __future__ import annotations

import re

import pytest

from reconciler.model import Change, Fact, Impact, Location, Op, Problem
from reconciler.output import json, text
from reconciler.output.annotations import commands, inert
from tests.output.payloads import payloads
from tests.output.plans import act, plan


def is_command(line: str) -> bool:
    """What the runner takes for a command: two colons behind blanks, or the older form anywhere."""
    return re.match(r"\s*::", line) is not None or "##[" in line


def test_a_problem_is_one_line_with_its_place() -> None:
    """File, line and columns as properties; what, hint and next step as the message, line ends escaped."""
    problem = Problem("must be one of day,\nweek: 100%", Location("a,b:c.yaml", 17, 5), hint='did you mean "week"?',
                      help="try\r\nit", width=7)
    assert commands([problem]) == (
        "::error file=a%2Cb%3Ac.yaml,line=17,endLine=17,col=5,endColumn=12::must be one of day,%0Aweek: 100%25%0A"
        'did you mean "week"?%0Atry\\r%0Ait\n')
    assert commands([Problem("x", severity="warning")]) == "::warning::x\n"


def test_no_problem_makes_a_second_command() -> None:
    """300 payloads as message, hint and file: always one line, and nothing but its own command in it."""
    for evil in payloads(300):
        made = commands([Problem(evil, Location(evil, 1, 1), hint=evil, help=evil)])
        assert made.count("\n") == 1, repr(evil)
        assert "\r" not in made
        assert "##[" not in made
        assert re.fullmatch(r"::error file=[^,:]*,line=1,endLine=1,col=1,endColumn=2::[^\n]*\n", made), repr(evil)


def test_a_secret_is_struck_out_before_anything_is_escaped() -> None:
    """The escaped form of a secret is not to be seen either."""
    assert commands([Problem("it is 100%:x")], lambda text: text.replace("100%:x", "(secret)")) == "::error::it is (secret)\n"


@pytest.mark.parametrize(("text", "printed"), [
    ("::error::x", "\\x3a:error::x"),
    ("a\n  ::set-env name=x::y\n", "a\n  \\x3a:set-env name=x::y\n"),
    ("a\r::stop::", "a\r\\x3a:stop::"),
    ("\u3000::add-mask::a", "\u3000\\x3a:add-mask::a"),
    ("see ##[error]no", "see \\x23#[error]no"),
    ("a::b\nC:: d", "a::b\nC:: d"),
])
def test_what_would_be_a_command_is_spelled_out(text: str, printed: str) -> None:
    """At the beginning of a line, and the older form anywhere; everything else stays."""
    assert inert(text) == printed


def test_a_plan_s_values_are_no_commands() -> None:
    """A sentence that is wrapped so that a line of it begins with a command is none, at any width."""
    fact = "x" * 30 + " ::error file=a::pwned ##[command]rm ::warning::y"
    made = plan(act(Op.UPDATE, "stripe.product/pro", Change("name", "::error::a", "a\n::error::b\n"), impact=(Impact.COSMETIC,),
                    facts=(Fact(fact),)))
    raw = [text.render(made, show_unchanged=False, color=False, width=width) for width in range(40, 100)]
    assert any(is_command(line) for one in raw for line in one.split("\n"))
    assert not [line for one in raw for line in inert(one).split("\n") if is_command(line)]


def test_json_says_the_same_without_a_command_in_it() -> None:
    """A saved plan is never altered by the log: what would be a command is escaped as JSON escapes it."""
    made = plan(act(Op.UPDATE, "stripe.product/pro", Change("name", "##[error]a", "::error::b"), impact=(Impact.COSMETIC,)))
    document = json.dump(made, "0.1.0")
    assert not [line for line in document.split("\n") if is_command(line)]
    assert inert(document) == document
    assert json.load(document).plan.actions[0].changes[0].before == "##[error]a"
