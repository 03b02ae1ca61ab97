"""What a plan and the end of its apply look like on a terminal of 80 and of 200 columns, with colours and without.

The looks are kept in `golden/`: a change of one is seen in review. Run this file as a program to write them again.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.model import Address, Change, Op, Outcome, Plan, Report, Result
from reconciler.output import text
from reconciler.output.escape import columns
from tests.output.plans import act, every_operation

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = (80, 200)
YAML = "\n" * 39 + "  team_yearly:\n    product: {ref: team}\n    currency: jpy\n    unit_amount: 120000\n"


def ended() -> tuple[Report, Plan]:
    """An apply of which something is done, refused, unknown, stale and not started."""
    made = every_operation()
    ids = {"stripe.price/pro_monthly": "price_1NAaBbCcDdEeFfGgHhIi", "vault.policy/api": "api", "vault.kv_secret/smtp": None,
           "stripe.product/pro": "018f0000-0000-7000-8000-00000000000a"}
    done = [Outcome(Address.parse(name), Result.DONE, id=id) for name, id in ids.items()]
    refused = Outcome(Address("stripe.price", "team_yearly"), Result.FAILED,
                      "No such product: 'sql2ai_team' (request req_8Yc2)", "plan again", path="product")
    unknown = Outcome(Address("sentry.team", "backend"), Result.UNKNOWN, "the connection was reset before the answer came")
    stale = Outcome(Address("posthog.feature_flag", "beta"), Result.STALE, "somebody changed it since it was planned")
    left = Outcome(Address("posthog.feature_flag", "onboarding"), Result.SKIPPED, "waited for posthog.feature_flag/beta")
    others = (Address("vault.policy", "ops"),)
    return Report((*done, refused, unknown, stale, left), run="a887c81cb64a", not_in_plan=others), made


def looks(*, color: bool = False) -> dict[str, str]:
    """Every look by the name of its file."""
    report, made = ended()
    source = {"manifests/stripe.yaml": YAML}.get
    plans = {f"plan-{width}.txt": text.render(made, show_unchanged=False, color=color, width=width) for width in WIDTHS}
    results = {f"result-{width}.txt": text.report(report, made, color=color, source=source, width=width) for width in WIDTHS}
    return plans | results


@pytest.mark.parametrize("name", looks())
def test_it_looks_as_it_was_looked_at(name: str) -> None:
    """Letter by letter; `python -m tests.output.test_terminal` writes the files again."""
    assert looks()[name] == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("name", looks())
def test_colour_repeats_what_the_words_say(name: str) -> None:
    """Without its colours the coloured look is the other one, and it does have some."""
    painted = looks(color=True)[name]
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == looks()[name]


@pytest.mark.parametrize("name", looks())
def test_nothing_is_wrapped_by_the_terminal(name: str) -> None:
    """Every line fits, but where a single word does not."""
    width = int(re.findall(r"\d+", name)[0])
    wide = [line for line in looks()[name].split("\n") if columns(line) > width]
    assert [line for line in wide if " " in line.strip()] == []


def test_a_value_without_room_beside_its_label_stands_below_it() -> None:
    """Instead of a column of single words at the right edge."""
    label = "features.subscription_update.products[pro].prices"
    made = act(Op.UPDATE, "stripe.portal_configuration/main", Change(label, "price_3 and price_4", "price_5 and price_4"))
    lines = text.render(Plan("p", "s", (made,)), show_unchanged=False, color=False, width=80).split("\n")
    assert lines[1:3] == [f"    {label}", "        price_3 and price_4 -> price_5 and price_4"]


def test_long_values_go_on_below_where_they_began() -> None:
    """Sentences at the column of the value, items of a list behind their bar."""
    words = "a sentence that takes more than a line of a narrow terminal and goes on for a while"
    made = act(Op.CREATE, "stripe.product/pro", Change("description", None, words), Change("features", None, [words, "b"]))
    lines = text.render(Plan("p", "s", (made,)), show_unchanged=False, color=False, width=60).split("\n")
    assert lines[1:4] == ["    description    a sentence that takes more than a line of",
                          "                   a narrow terminal and goes on for a while", "    features"]
    assert lines[4:7] == ["      | + a sentence that takes more than a line of a",
                          "      |     narrow terminal and goes on for a while", "      | + b"]


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for file, look in looks().items():
        (GOLDEN / file).write_text(look, "utf-8")
