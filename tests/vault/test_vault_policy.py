"""Policies, on a real OpenBao and in the sandbox; and our reading of the language against the server's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from reconciler.contract import Ask
from reconciler.model import Address, Want
from reconciler.vendors.vault.rules import rules
from tests.vault.desk import Desk, Place

TEXT = """# who reads what
path "kv/data/api/*" {
  capabilities = ["read", "list"]
}
"""
LIST = [{"path": "kv/data/api/*", "capabilities": ["list", "read"]}]
KEEP: dict[str, Any] = {"mount": {"t": {"type": "transit"}}}


def policies(**entries: Any) -> dict[str, Any]:
    """A manifest with these policies."""
    return {**KEEP, "policy": entries}


def test_a_policy_lives_from_create_to_deletion(desk: Desk) -> None:
    """One POST each with our mark as its first line, and the plan after each is empty."""
    assert "POST sys/policies/acl/api" in desk.settle(policies(api={"rules": TEXT}))
    kept = desk.place.ask("GET", "sys/policies/acl/api")["policy"]
    assert kept == f"# reconciler: shop/test vault.policy/api\n{TEXT}"
    assert desk.plan(policies(api={"rules": LIST})).empty
    wider = [*LIST, {"path": "kv/data/api/*", "capabilities": ["delete"]}]
    made = desk.plan(policies(api={"rules": wider}))
    notes = {(note.subject, note.text) for note in desk.action(made, "policy/api").notes}
    assert ("gains", "delete  kv/data/api/*  (e.g. kv/data/api/x)") in notes
    assert any(subject == "warning" for subject, _ in notes)
    assert desk.settle(policies(api={"rules": wider})) == ["POST sys/policies/acl/api"]
    assert desk.settle(KEEP) == ["DELETE sys/policies/acl/api"]
    assert desk.place.ask("GET", "sys/policies/acl/api") is None


def test_a_list_of_rules_is_compared_as_the_text_that_is_sent(desk: Desk) -> None:
    """A plan shows one text against the other, whichever way the manifest writes its rules."""
    desk.settle(policies(api={"rules": TEXT}))
    wider = [*LIST, {"path": "kv/metadata/*", "capabilities": ["list"], "comment": "names only"}]
    (change,) = desk.action(desk.plan(policies(api={"rules": wider})), "policy/api").changes
    assert (change.path, change.before) == ("rules", TEXT)
    assert change.after == ('path "kv/data/api/*" {\n  capabilities = ["list", "read"]\n}\n\n'
                            'path "kv/metadata/*" {\n  # names only\n  capabilities = ["list"]\n}\n')


def test_text_that_means_the_same_is_no_difference(desk: Desk) -> None:
    """Whitespace, comments, the order of stanzas and of capabilities, JSON or HCL."""
    both = TEXT + 'path "a" { capabilities = ["read"] }'
    desk.settle(policies(api={"rules": both}))
    same = ('{"path": {"a": {"capabilities": ["read"]}, "kv/data/api/*": {"capabilities": ["list", "read"]}}}',
            '/* x */ path "a" { policy = "" capabilities = ["read"] }\n\n' + TEXT,
            [{"path": "a", "capabilities": ["read"]}, *LIST])
    for text in same:
        assert desk.plan(policies(api={"rules": text})).empty, text


def test_drift_is_undone_and_a_policy_removed_by_hand_is_made_again(desk: Desk) -> None:
    """Somebody's edit takes our mark off, and it comes back with the rules."""
    given = policies(api={"rules": TEXT})
    desk.settle(given)
    desk.place.ask("POST", "sys/policies/acl/api", {"policy": 'path "*" { capabilities = ["sudo"] }'})
    assert "drift" in [i.value for i in desk.action(desk.plan(given), "policy/api").impact]
    desk.settle(given)
    desk.place.ask("DELETE", "sys/policies/acl/api")
    assert desk.acts(given) == {"policy/api": "create"}
    desk.settle(given)


def test_a_list_of_rules_is_planned_as_text(desk: Desk) -> None:
    """Both sides of a change are the language's text, so that a reader sees one diff, whatever the manifest says it in."""
    desk.settle(policies(api={"rules": TEXT}))
    made = desk.plan(policies(api={"rules": [{"path": "kv/data/*", "capabilities": ["read"]}]}))
    before, after = desk.paths(made, "policy/api")["rules"]
    assert before == TEXT
    assert after.startswith('path "kv/data/*" {')


def test_an_equal_policy_is_adopted_with_its_mark_and_another_needs_consent(desk: Desk) -> None:
    """Digest, scenario 7: without consent nothing is written."""
    desk.settle(KEEP)
    desk.place.ask("POST", "sys/policies/acl/api", {"policy": TEXT})
    assert desk.acts(policies(api={"rules": [{"path": "x", "capabilities": ["read"]}]})) == {"policy/api": "blocked"}
    assert desk.settle(policies(api={"rules": LIST})) == ["POST sys/policies/acl/api"]
    kept = desk.place.ask("GET", "sys/policies/acl/api")["policy"]
    assert kept.startswith("# reconciler: shop/test vault.policy/api\n")
    desk.settle(policies(api={"rules": LIST, "lifecycle": {"on_remove": "keep"}}))
    assert desk.settle(KEEP) == ["POST sys/policies/acl/api"]
    assert desk.place.ask("GET", "sys/policies/acl/api")["policy"] == TEXT


def test_somebody_who_was_quicker_is_not_overwritten(bao: Place) -> None:
    """A write is on the version that was seen (OpenBao; Vault has no such condition)."""
    desk = Desk(bao)
    desk.settle(policies(api={"rules": TEXT}))
    made = desk.plan(policies(api={"rules": [*LIST, {"path": "x", "capabilities": ["read"]}]}, new={"rules": LIST}))
    bao.ask("POST", "sys/policies/acl/new", {"policy": TEXT})
    results = {o.address.name: o for o in desk.run(made).outcomes}
    assert (results["api"].result.value, results["new"].result.value) == ("done", "failed")
    assert bao.ask("GET", "sys/policies/acl/new")["policy"] == TEXT


def test_the_servers_own_default_is_only_released(desk: Desk) -> None:
    """It may be edited and never deleted."""
    given = policies(default={"rules": TEXT, "lifecycle": {"adopt": "changes"}})
    desk.settle(given)
    assert desk.acts(KEEP) == {"policy/default": "forget"}
    desk.settle(KEEP)
    assert desk.place.ask("GET", "sys/policies/acl/default")["policy"] == TEXT


def test_the_servers_own_default_is_not_among_everything(desk: Desk) -> None:
    """It is nobody's to export; declared, it is read."""
    desk.settle(policies(api={"rules": TEXT}))
    kind = desk.kinds["vault.policy"]
    assert [live.id for live in kind.list(Ask(everything=True))] == ["api"]
    wants = (Want(Address("vault.policy", "default"), {"name": "default"}),)
    assert [live.id for live in kind.list(Ask(wants=wants, everything=True))] == ["default", "api"]


STRICTER = {
    'path "a" { capabilities = [,] }', 'path "a" { capabilities = ["read",,"list"] }',
    'path "a" { required_parameters = [1] }', '{"path":{"a":{"capabilities":["read"],}}}',
    'path "a" { capabilities = ["deny", "bogus"] }'}
"""Slips that the server overlooks and we tell."""

UNCHECKED = {
    'path "a" { capabilities = ["list"] list_scan_response_keys_filter_path = "x" }',
    'path "a" { capabilities = ["list"] list_scan_response_keys_filter_path = "{{ .path }}" }'}
"""Templates that only the server can try out."""


def test_our_reading_accepts_what_the_server_accepts(bao: Place) -> None:
    """Every text of the collection is taken by both or refused by both, but for the differences that are named."""
    texts = (Path(__file__).parent / "policy_texts.txt").read_text("utf-8").split("\n---\n")
    headers = {"X-Vault-Token": bao.token, "X-Vault-Namespace": bao.namespace or ""}
    with httpx.Client(base_url=bao.url, headers=headers) as client:
        theirs = {text for text in texts
                  if client.post("/v1/sys/policies/acl/probe", json={"policy": text}).is_success}
    ours = {text for text in texts if understood(text)}
    assert len(texts) > 40
    assert (theirs - ours, ours - theirs) == (STRICTER, UNCHECKED)


def understood(text: str) -> bool:
    """Whether we can read it."""
    try:
        rules(text)
    except ValueError:
        return False
    return True
