"""A plan as a comment: enough to say yes or no, never too long, and nothing in it that a vendor's text made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.model import Action, Change, Fact, Impact, Op
from reconciler.output import json
from reconciler.output.markdown import LIMIT, comment, opening, section
from reconciler.secret import Secret
from tests.output.many import five_hundred
from tests.output.payloads import WORD, everywhere, payloads
from tests.output.plans import CANARY, act, created, drifted, every_operation, plan, policy, superseded

OURS = re.compile(r"<!-- reconciler plan -->|</?details>|<details open>|"
                  r"<summary>(in full|each|<b>[\w :]*</b>: [\w ,]+)</summary>|\s")
FOREIGN = re.compile(r"<code>[^<>]*</code>")


def tokens(text: str) -> Iterator[Token]:
    """What a GFM parser makes of a comment, bare links included."""
    for token in MarkdownIt("gfm-like", {"linkify": True}).parse(text):
        yield token
        yield from token.children or ()


def active(text: str) -> list[str]:
    """What is alive in a comment and is not ours."""
    found = []
    for token in tokens(text):
        if (token.type in ("link_open", "image", "em_open", "s_open")
                or (token.type == "html_block" and OURS.sub("", FOREIGN.sub("", token.content)))
                or (token.type == "html_inline" and token.content != "<br>")
                or (token.type == "text" and WORD in token.content)):
            found.append(f"{token.type} {token.attrs} {token.content}")
    return found


def test_nothing_is_alive_that_came_from_a_value() -> None:
    """300 payloads in every place of a plan: no link, mention, image, tag or heading; the structure is always the same."""
    shape = [token.type for token in tokens(comment([section(everywhere(WORD))])) if token.type != "text"]
    for evil in payloads(300):
        text = comment([section(everywhere(evil))])
        assert active(text) == [], repr(evil)
        assert [token.type for token in tokens(text) if token.type != "text"] == shape, repr(evil)


def test_several_plans_with_forged_names_are_one_comment() -> None:
    """Names of projects and stacks make nothing in the table of plans either."""
    for evil in payloads(40):
        assert active(comment([section(everywhere(evil)), section(everywhere(WORD))], limit=6000)) == [], repr(evil)
        assert active(comment([section(everywhere(evil), redact=True)])) == [], repr(evil)


def test_a_saved_plan_gives_the_same_comment_as_the_live_one() -> None:
    """The job that comments has only the file, and needs no more."""
    live = every_operation()
    saved = json.load(json.dump(live, "0.1.0")).plan
    assert comment([section(saved)]) == comment([section(live)])


def test_the_verdict_and_the_digest_come_first() -> None:
    """Below the hidden marker and the title: what to think of it, what an approval names, what is blocked, the impacts."""
    lines = comment([section(every_operation())]).split("\n")
    assert lines[0] == opening()
    wanted = ["## reconciler: `sql2ai` / `staging`", "> **Blocked: 1 of 13 actions can't be done as it stands.**",
              f"Digest `{every_operation().digest}`", "#### Blocked: 1", "| impact | actions | which |", "#### Deletes: 2",
              "#### Money: 2", "#### Access: 2"]
    places = [lines.index(one) for one in wanted]
    assert places == sorted(places)
    assert not [line for line in lines if "Cut to fit" in line]


def test_what_must_be_decided_is_told_in_full() -> None:
    """A price with its percent and what stays on the old one; a policy as a diff whose signs stand first in the line."""
    text = comment([section(plan(superseded(), created(), policy(), drifted()))])
    assert "> **To decide: 4 changes, of them money 2, access 1, drift 1.**" in text
    assert "    unit_amount    2900 -> 3500  (29.00 -> 35.00 USD, +20.7%)   # immutable in Stripe\n" in text
    assert '\n+     |   capabilities = ["read", "list"]\n' in text
    assert "(changed outside) 25 -> 10" in text
    assert "`+/- supersede stripe.price/pro_monthly  29.00 -> 35.00 USD, +20.7%`" in text


@pytest.mark.parametrize(("action", "sentence"), [
    (act(Op.UPDATE, "stripe.product/p", Change("name", "a", "b"), impact=(Impact.COSMETIC,)),
     "Ready: 1 change; nothing costs, deletes or grants anything."),
    (act(Op.DELETE, "posthog.property_definition/p", effect="release"), "To decide: 1 change, of them removed 1."),
    (act(Op.ADOPT, "sentry.team/t", impact=(Impact.ADOPT,)), "To decide: 1 change, of them adopt 1."),
])
def test_nothing_that_goes_away_is_called_harmless(action: Action, sentence: str) -> None:
    """What costs, deletes, grants, adopts or undoes is to be decided, and so is a removal that deletes nothing."""
    assert f"> **{sentence}**" in comment([section(plan(action))])


@pytest.mark.parametrize(("count", "tag"), [(3, "<details open>"), (4, "<details>")])
def test_a_small_plan_is_read_without_a_click(count: int, tag: str) -> None:
    """Three entries of a vendor at most that weigh little stand open; more are folded."""
    flags = [act(Op.UPDATE, f"posthog.feature_flag/f{n}", Change("active", True, False)) for n in range(count)]
    assert f"{tag}<summary><b>The rest: <code>posthog</code></b>: {count}</summary>" in comment([section(plan(*flags))])


def test_a_plan_without_changes_is_short() -> None:
    """One sentence."""
    text = comment([section(plan(act(Op.NOOP, "stripe.price/p"), writes=0))])
    assert text == "<!-- reconciler plan -->\n## reconciler: `sql2ai` / `staging`\n\n> [!NOTE]\n> **No changes.**\n"


def test_five_hundred_changes_fit_and_the_first_screen_tells_what_to_decide() -> None:
    """60,000 characters; the first lines have the verdict, the digest, both blockers and every impact with its count."""
    made = five_hundred()
    text = comment([section(made)])
    assert len(text) <= LIMIT
    first = "\n".join(text.split("\n")[:43])
    for wanted in ("Blocked: 2 of 500", made.digest, "its mail stops at once", "| **delete** | 5 | `- archive stripe.price/",
                   "| **money** | 40 |", "| **access** | 37 |", "| **drift** | 9 |", "| `vault` | 12 | 25 |"):
        assert wanted in first
    assert all(f"archive   stripe.price/legacy_{n}   [delete]" in text for n in range(5))
    assert "36 more; all between" in first
    assert re.search(r"^Cut to fit: \d+ of 500 shown in full\.", text, re.MULTILINE)
    assert text.count("+/- supersede   ") == 40
    assert text.count("gains          update  kv/data/app") == 25


@pytest.mark.parametrize("limit", [30_000, 12_000, 4_000])
def test_a_cut_never_hides_deletes(limit: int) -> None:
    """Of 150 deletes every name is there, however little room there is; the rest is counted."""
    gone = [act(Op.DELETE, f"stripe.price/gone_{n}", line=None, id=f"p{n}", effect="archive", impact=(Impact.DELETE,),
                facts=(Fact("x" * 200),)) for n in range(150)]
    text = comment([section(plan(*gone, *five_hundred().actions[7:]))], limit=limit)
    assert len(text) <= limit
    found = set(re.findall(r"gone_\d+", text))
    assert found == {f"gone_{n}" for n in range(150)}
    assert "| **delete** | 150 |" in text or "150 to delete" in text


def test_where_names_alone_are_too_many_it_says_how_many_are_missing() -> None:
    """A thousand deletes in two thousand characters: the comment is short enough, and warns."""
    gone = [act(Op.DELETE, f"stripe.price/gone_{n}", line=None, id=f"p{n}", impact=(Impact.DELETE,)) for n in range(1000)]
    text = comment([section(plan(*gone))], limit=2_000)
    assert len(text) <= 2_000
    named = len(set(re.findall(r"gone_\d+", text)))
    assert f"**{1000 - named} more are not even named here" in text


def test_several_stacks_share_one_comment() -> None:
    """A table of all of them, a section each, deletes of every one named, within the limit."""
    stacks = [replace(five_hundred(n), stack=f"stack{n}") for n in range(6)]
    text = comment([section(one) for one in stacks])
    assert len(text) <= LIMIT
    assert text.split("\n")[1] == "## reconciler: 6 plans, 6 blocked"
    for one in stacks:
        assert f"| `sql2ai` / `{one.stack}` | blocked | 192 create" in text
        assert f"### `sql2ai` / `{one.stack}`" in text
    assert text.count("legacy_4") >= 6


def test_a_hundred_stacks_are_a_list() -> None:
    """With no room for sections there is a line each, the blocked ones first, and how many are shown."""
    quiet = plan(act(Op.UPDATE, "stripe.product/p", Change("name", "a", "b"), impact=(Impact.COSMETIC,)))
    many = [replace(quiet, stack=f"s{n}") for n in range(100)]
    text = comment([section(one) for one in (*many, every_operation())], limit=4_000)
    assert len(text) <= 4_000
    assert re.search(r"^\d+ of 101 plans shown\.$", text, re.MULTILINE)
    assert text.index("Blocked: 1 of 13") < text.index("Ready: 1 change")


def test_redacted_it_tells_no_value() -> None:
    """Addresses, operations, impacts and places; no value, id, note, fact or reason, only that there are some."""
    text = comment([section(every_operation(), redact=True)])
    for value in ("2900", "price_1N", "SUMMER24", "immutable", "subscriptions", "kv/data", "mail stops", "29.00",
                  "is spent", "mailer"):
        assert value not in text
    assert "+/- supersede   stripe.price/pro_monthly   [money]   manifests/stripe.yaml:12:3" in text
    assert "In the log of the plan: 1 warning, 1 remark." in text


def test_secrets_are_words() -> None:
    """A secret's value is nowhere, though a live plan still holds it."""
    made = plan(act(Op.UPDATE, "vault.auth_method/x", Change("config", {}, {"a": [Secret(CANARY)]})))
    assert CANARY not in comment([section(made)])


def test_a_marker_is_a_comment_whatever_it_is() -> None:
    """It names the comment, and can't end it."""
    assert opening("reconciler plan shop/a --> <img>") == "<!-- reconciler plan shop/a - -img- -->"
    assert comment([section(plan())], marker="mine").startswith("<!-- mine -->\n")
