"""What a changed policy gains and loses: against a naive matcher, and against what a real OpenBao allows to a login."""

from __future__ import annotations

import itertools
import os
import random
import re
from typing import Any

import httpx

from reconciler.vendors.vault.acl import allowed, grants
from reconciler.vendors.vault.judge import meaning
from reconciler.vendors.vault.reach import MORE, differences
from reconciler.vendors.vault.rules import rules
from tests.vault.desk import Desk, Place

SEED = int(os.environ.get("SEED", "1"))
Policy = list[dict[str, Any]]
PATHS = ["/".join(parts) for length in range(1, 6)
         for parts in itertools.product(("a", "b", "ab", "abz") if length < 4 else ("a", "b", "z"), repeat=length)]


def policy(chance: random.Random) -> Policy:
    """A few rules whose patterns meet often."""
    found = []
    for _ in range(chance.randint(1, 4)):
        parts = [chance.choice(("a", "b", "ab", "+")) for _ in range(chance.randint(1, 4))]
        end = chance.choice(("", "", "/*", "/a*"))
        found.append({"path": "/".join(parts) + end, "capabilities": chance.sample(("read", "list", "update", "deny"),
                                                                                  chance.randint(0, 2))})
    return found


def naive(given: Policy, path: str) -> set[str]:
    """What a policy allows at a path, by Vault's documentation: regular expressions, and its list of what goes first."""
    words: dict[str, set[str]] = {}
    for rule in given:
        words.setdefault(rule["path"], set()).update(rule["capabilities"])
    fitting = [one for one in words if re.fullmatch(
        "/".join("[^/]*" if part == "+" else re.escape(part) for part in one.removesuffix("*").split("/")) + (
            ".*" if one.endswith("*") else ""), path)]
    exact = [one for one in fitting if one == path]

    def first(one: str) -> tuple[Any, ...]:
        wild = min(n for n, char in enumerate(one) if char in "+*" and (char == "+" or n == len(one) - 1))
        return wild, not one.endswith("*"), -one.count("+"), len(one), one

    best = exact[0] if exact else max(fitting, key=first, default=None)
    found = words[best] if best is not None else set()
    return set() if "deny" in found else found


def test_no_difference_is_missed_and_none_is_made_up() -> None:
    """Over all paths of a small world: a capability differs somewhere where it is told, and each told path shows it."""
    for seed in range(SEED, SEED + 150):
        chance = random.Random(seed)
        old, new = policy(chance), policy(chance)
        told = differences(grants(rules(old)), grants(rules(new)))
        for one in told:
            assert one.capability in naive(new, one.path) - naive(old, one.path), (seed, one, old, new)
        truth = {word for path in PATHS for word in naive(new, path) - naive(old, path)}
        assert truth <= {one.capability for one in told}, (seed, old, new)


def test_one_path_is_judged_as_the_naive_matcher_does() -> None:
    """Exact paths, globs, parts and deny, at every path of the small world."""
    for seed in range(SEED, SEED + 25):
        given = policy(random.Random(seed))
        held = grants(rules(given))
        assert [p for p in PATHS if allowed(held, p) != naive(given, p)] == [], (seed, given)


def test_the_server_allows_what_is_gained_and_denies_what_is_lost(bao: Place) -> None:
    """Each path that a plan tells is asked of a real OpenBao, as whoever logs in with the old policy and with the new one."""
    for seed in range(SEED, SEED + 6):
        chance = random.Random(seed)
        both = {name: policy(chance) for name in ("old", "new")}
        held = {name: grants(rules(given)) for name, given in both.items()}
        may = {name: entered(bao, name, given) for name, given in both.items()}
        for less, more in (("old", "new"), ("new", "old")):
            for one in differences(held[less], held[more]):
                assert one.capability in capabilities(bao, may[more], one.path), (seed, one, both)
                assert one.capability not in capabilities(bao, may[less], one.path), (seed, one, both)


def entered(place: Place, name: str, given: Policy) -> str:
    """The token of a login with this policy alone."""
    desk = Desk(place)
    desk.run(desk.plan({"policy": {name: {"rules": given, "lifecycle": {"adopt": "changes"}}}}))
    place.ask("POST", "sys/auth/approle", {"type": "approle"}) if "approle/" not in place.ask("GET", "sys/auth") else None
    place.ask("POST", f"auth/approle/role/{name}", {"token_policies": [name], "token_no_default_policy": True})
    role = {"role_id": place.ask("GET", f"auth/approle/role/{name}/role-id")["role_id"],
            "secret_id": place.ask("POST", f"auth/approle/role/{name}/secret-id", {})["secret_id"]}
    return str(place.ask("POST", "auth/approle/login", role)["client_token"])


def capabilities(place: Place, token: str, path: str) -> list[str]:
    """What the server says this token may do there."""
    asked = place.ask("POST", "sys/capabilities", {"token": token, "paths": [path]})
    return list(asked[path])


SHUT = """
path "kv/data/*"          { capabilities = ["read"] }
path "kv/data/prod/*"     { capabilities = ["deny"] }
path "kv/data/+/shared"   { capabilities = ["read"] }
"""
SHORTER = 'path "kv/data/*" { capabilities = ["read"] }'


def test_a_shorter_policy_that_widens_is_told_as_widened_and_the_path_proves_it(bao: Place) -> None:
    """A deny that goes opens what lay under it: before the edit the server answers 403 there, after it the secret."""
    desk = Desk(bao)
    stack: dict[str, Any] = {"mount": {"kv": {"type": "kv-v2"}}, "auth_method": {"approle": {"type": "approle"}}}
    desk.settle({**stack, "policy": {"api": {"rules": SHUT}}})
    bao.ask("POST", "auth/approle/role/api", {"token_policies": ["api"]})
    role = {"role_id": bao.ask("GET", "auth/approle/role/api/role-id")["role_id"],
            "secret_id": bao.ask("POST", "auth/approle/role/api/secret-id", {})["secret_id"]}
    token = bao.ask("POST", "auth/approle/login", role)["client_token"]
    shorter = {**stack, "policy": {"api": {"rules": SHORTER}}}
    notes = [note.text for note in desk.action(desk.plan(shorter), "policy/api").notes if note.subject == "reach"]
    told = [re.fullmatch(r"widened: read on (\S+) is allowed now", text) for text in notes]
    assert len(told) == 1 and told[0], notes
    witness = told[0][1]
    assert witness.startswith("kv/data/prod/")
    bao.ask("POST", witness, {"data": {"k": "v"}})

    def status() -> int:
        headers = {"X-Vault-Token": token, "X-Vault-Namespace": bao.namespace or ""}
        return httpx.get(f"{bao.url}/v1/{witness}", headers=headers).status_code

    assert status() == 403
    desk.settle(shorter)
    assert status() == 200


def test_places_that_no_policy_writes_are_told_too() -> None:
    """Where two patterns meet a third decides otherwise: the place between them is named, with a path of it."""
    old = [{"path": "kv/data/*", "capabilities": ["read"]}]
    notes = list(meaning(old, [*old, {"path": "kv/data/+/keys", "capabilities": []}]))
    assert [(note.subject, note.text) for note in notes[:2]] == [
        ("loses", "read  kv/data/+/keys  (e.g. kv/data/x/keys)"),
        ("reach", "narrowed: read on kv/data/x/keys is allowed no more")]
    wide = [{"path": "+/x*", "capabilities": ["read"]}]
    narrow = [*wide, {"path": "a/+/b", "capabilities": ["deny"]}]
    assert any(MORE in one.place for one in differences(grants(rules(narrow)), grants(rules(wide))))
