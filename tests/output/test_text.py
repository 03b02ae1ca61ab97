"""What a plan looks like: every operation, in columns, and nothing that a reader could mistake."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reconciler.model import Change, Fact, Impact, Note, Op, Plan
from reconciler.output import text
from reconciler.output.escape import columns, hidden
from reconciler.secret import Secret
from tests.output.plans import CANARY, act, created, drifted, every_operation, plan, policy, secretive, superseded, variants

EVIL = "a\x1b[2J\u202eb\u200b\x9b1m\nPlan: 0 to create"


def shown(made: Plan, *, show_unchanged: bool = False, color: bool = False, width: int = 110) -> list[str]:
    return text.render(made, show_unchanged=show_unchanged, color=color, width=width).split("\n")


def heads(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"[a-z_]+\.[a-z_]+/", line)]


def test_every_operation_has_its_symbol_and_its_word() -> None:
    """Operations are told by symbol and word; a delete says what the vendor really does, an unchanged entry has no symbol."""
    said = {line.split()[0]: re.split(r" {2,}", line)[1] for line in heads(shown(every_operation()))}
    assert said == {
        "resend.domain/old.sql2.ai": "! blocked delete",
        "stripe.coupon/summer": "- delete",
        "vault.transit_key/pay": "-/+ replace",
        "stripe.price/pro_monthly": "+/- supersede",
        "stripe.price/team_yearly": "+ create",
        "vault.policy/api": "~ update",
        "vault.kv_secret/smtp": "~ update",
        "sentry.team/backend": "= adopt",
        "posthog.feature_flag/beta": "~ update",
        "posthog.feature_flag/onboarding": "~ update",
        "stripe.product/pro": "~ restore",
        "sentry.project/api": "> move",
        "vault.kv_config/kv": "< forget",
        "resend.domain/sql2.ai": "unchanged",
        "stripe.product/team": "unchanged",
    }
    archived = act(Op.DELETE, "stripe.product/old", line=None, id="p1", effect="archive", impact=(Impact.DELETE,))
    assert heads(shown(plan(archived)))[0].split("   ")[1] == "- archive"


def test_a_supersede_reads_as_promised() -> None:
    """Address, operation, impact and place; below it money with its percent, what moves, and what becomes of the old one."""
    assert shown(plan(superseded()))[:5] == [
        "stripe.price/pro_monthly   +/- supersede   [money]   manifests/stripe.yaml:12:3",
        "    unit_amount    2900 -> 3500  (29.00 -> 35.00 USD, +20.7%)   # immutable in Stripe",
        "    lookup_key     pro_monthly                                  # moves to the new price",
        "    old price      archived; more than 100 subscriptions stay on it",
        "    (3 fields unchanged)",
    ]


def test_a_create_shows_its_fields() -> None:
    """Amounts in the currency's own decimals, `?` where the value comes with the apply."""
    assert shown(plan(created()))[1:5] == [
        "    product        ? (known after apply)",
        "    currency       jpy",
        "    unit_amount    120000  (120,000 JPY)",
        "    recurring      {interval: year}",
    ]


def test_a_changed_text_is_a_unified_diff_with_what_it_means() -> None:
    """Long text is a diff; a policy's gains and losses stand below it."""
    lines = shown(plan(policy()))
    assert '      | -  capabilities = ["read"]' in lines
    assert '      | +  capabilities = ["read", "list"]' in lines
    assert lines.index("    gains          read  kv/data/app/*") + 1 == lines.index("    loses          list  kv/metadata/prod")


def test_a_list_is_shown_by_key() -> None:
    """What goes, what changes inside an item, what comes; never by index."""
    assert shown(plan(variants()))[2:5] == [
        "      | - {key: old, rollout: 50}",
        "      | ~ [control].rollout  50 -> 40",
        "      | + {key: test, rollout: 60}",
    ]


def test_drift_says_that_somebody_changed_it() -> None:
    """The value that was found, marked as changed outside, and the one that is put back."""
    assert shown(plan(drifted()))[1] == "    filters.groups[0].rollout_percentage   (changed outside) 25 -> 10"
    unknown = act(Op.UPDATE, "vault.policy/a", Change("rules", None, "x", drift=True), impact=(Impact.DRIFT,))
    assert shown(plan(unknown))[1] == "    rules          (changed outside) -> x"


def test_secrets_are_words() -> None:
    """A changed secret is `(secret, changed)`, also where the field was not marked; its value is nowhere."""
    lines = shown(plan(secretive(), act(Op.UPDATE, "vault.auth_method/x", Change("config", {}, {"a": [Secret(CANARY)]}))))
    assert "    data.password  (secret, changed)" in lines
    assert "(secret)" in "".join(lines)
    assert CANARY not in "".join(lines)


def test_what_is_blocked_says_why_and_what_lifts_it() -> None:
    """The reason and the next step, once; and it is counted."""
    lines = shown(every_operation())
    said = " ".join(line.strip() for line in lines[1:3])
    assert said.startswith("blocked        its mail stops at once: needs `--allow irreversible:resend.domain/old.sql2.ai`")
    assert "1 blocked" in lines[-5]
    unreadable = act(Op.BLOCKED, "stripe.price/x", blocked="can't be read: 403 Forbidden")
    assert "check what the credential may read" in shown(plan(unreadable, unreadable=True))[1]


def test_unchanged_entries_are_hidden_and_counted() -> None:
    """They stand in the list with --show-unchanged only, unless they have something to say."""
    made = every_operation()
    assert not [line for line in shown(made) if line.startswith("posthog.action/")]
    assert len([line for line in shown(made, show_unchanged=True) if line.startswith("posthog.action/")]) == 312
    assert "314 unchanged." in text.render(made, show_unchanged=False, color=False, width=110)
    assert "    sends          POST /domains/d_1/verify" in shown(made)
    assert "    unit_label     no longer managed (stays seat)" in shown(made)


def test_drift_that_is_left_is_listed() -> None:
    """With --leave-drift the difference is shown and the entry is not counted among the changes."""
    left = replace(drifted(), op=Op.NOOP)
    lines = shown(plan(left, writes=0))
    assert re.split(r" {2,}", lines[0])[1:3] == ["left as it is", "[drift]"]
    assert lines[1].endswith("(changed outside) 25 -> 10")
    assert lines[-2] == "No changes. 1 drifted and left, 0 unchanged.   Requests: 9 read, 0 write."


def test_what_was_archived_and_is_left_is_drift_too() -> None:
    """No field differs, and it is counted as left, and nothing is said to be brought back or sent."""
    left = act(Op.NOOP, "stripe.product/old", impact=(Impact.DRIFT,), effect="restore",
               notes=(Note("archived by hand; brought back", subject="drift"),))
    lines = shown(plan(left, writes=0))
    assert re.split(r" {2,}", lines[0])[1:3] == ["left as it is", "[drift]"]
    assert lines[1:3] == ["    drift          archived by hand", ""]
    assert lines[-2] == "No changes. 1 drifted and left, 0 unchanged.   Requests: 9 read, 0 write."


def test_no_changes_is_one_line() -> None:
    """Where there is nothing to do or to say, the plan is one line."""
    made = plan(*(act(Op.NOOP, f"stripe.price/p{n}") for n in range(3)), writes=0)
    assert shown(made) == ["No changes. 3 unchanged.   Requests: 9 read, 0 write.", ""]


def test_the_summary_comes_last_and_is_greppable() -> None:
    """Two lines, in words that don't depend on what is in the plan; the digest short."""
    lines = shown(plan(superseded(), policy(), drifted(), created()))
    assert lines[-3] == "Plan: 1 to create, 2 to update, 1 to replace, 0 to delete, 1 drifted, 0 unchanged."
    assert lines[-2].startswith("Impact: money 2, access 1, drift 1.   Requests: 9 read, 6 write.   Digest sha256:")
    assert re.fullmatch(r"Digest sha256:[0-9a-f]{8}…", lines[-2].split("   ")[-1])
    assert lines[-1] == ""


def test_what_stops_and_what_is_left_out_stands_before_the_summary() -> None:
    """Sentences on what was left out, warnings, and thresholds that stop everything."""
    made = plan(superseded(), left_out=("2 entries are left out by the selection.",), warnings=("a spent line",),
                stopped=("stripe: 12 of 30 entries would go",))
    lines = shown(made)
    start = lines.index("2 entries are left out by the selection.")
    assert lines[start + 1:start + 5] == ["warning: a spent line", "stopped: stripe: 12 of 30 entries would go", "", lines[-3]]
    assert lines[-3].startswith("Plan: ")


def test_the_order_is_the_plans() -> None:
    """The engine says what is read first."""
    made = plan(policy(), superseded(), drifted())
    assert [line.split()[0] for line in heads(shown(made))] == [str(action.address) for action in made.actions]


@pytest.mark.parametrize("width", [80, 100, 110])
def test_columns_line_up_within_the_width(width: int) -> None:
    """Nearly all heads have their place in one column, and no head is wider than it was asked for."""
    found = heads(shown(every_operation(), width=width))
    assert all(columns(line) <= width for line in found)
    places = [line.index("manifests/") for line in found if "manifests/" in line and "adopt" not in line]
    assert len(set(places)) == 1
    assert len(places) >= len(found) - 6


@pytest.mark.parametrize("width", [1, 20, 80])
def test_nothing_breaks_where_there_is_hardly_room(width: int) -> None:
    """A place that does not fit stands below."""
    lines = shown(plan(superseded()), width=width)
    assert any(line.endswith("manifests/stripe.yaml:12:3") for line in lines)


def test_without_colour_there_is_no_escape_byte_and_with_it_the_words_are_the_same() -> None:
    """Colour adds nothing that is not there without it."""
    plain, painted = "\n".join(shown(every_operation())), "\n".join(shown(every_operation(), color=True))
    assert "\x1b" not in plain
    assert "\x1b" in painted
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


@pytest.mark.parametrize("color", [False, True])
def test_names_from_vendors_can_hide_and_move_nothing(*, color: bool) -> None:
    """Control, bidi and zero-width characters are escaped wherever a vendor's text may stand."""
    action = act(Op.UPDATE, "stripe.product/pro", Change(f"metadata.{EVIL}", EVIL, {EVIL: [EVIL]}),
                 Change("name", EVIL, EVIL * 30), line=None, id=EVIL, effect=EVIL, impact=(Impact.MONEY,),
                 fields={"name": EVIL}, notes=(Note(EVIL, subject=EVIL), Note(EVIL, path="name"), Note(EVIL, refuse=True)),
                 facts=(Fact(EVIL), Fact(EVIL, subject=EVIL)))
    made = plan(action, replace(action, op=Op.BLOCKED, blocked=EVIL), left_out=(EVIL,), warnings=(EVIL,), stopped=(EVIL,))
    lines = shown(made, color=color)
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines] if color else lines
    assert not [one for line in bare for one in line if hidden(one)]
    assert [line for line in bare if line.startswith("Plan: ")] == [bare[-3]]
