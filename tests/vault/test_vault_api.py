"""How requests look, what answers mean, and when the same is asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from reconciler.clock import TestClock
from reconciler.errors import Denied, Exhausted, Failure, Missing, Refused, Stale, Unreadable, Unsure
from reconciler.model import Call
from reconciler.secret import Secret
from reconciler.vendors.vault import VaultSettings
from reconciler.vendors.vault.api import VaultApi
from reconciler.vendors.vault.engines import Engine, Removed

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Script(httpx.BaseTransport):
    """Gives prepared answers in order, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        status, body, *headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(status, json=body, headers=headers[0] if headers else {})


def talk(*answers: Answer, said: Callable[[str], None] | None = None, **settings: Any) -> tuple[VaultApi, Script]:
    """A client and the script that it talks to."""
    script = Script(*answers)
    given = {"address": "https://vault.test", "token": Secret("t0k"), **settings}
    return VaultApi(VaultSettings.model_validate(given), connection="vault", transport=script, clock=TestClock(),
                    progress=said), script


def test_every_request_carries_token_namespace_and_the_request_header() -> None:
    """And no namespace where none is set."""
    api, script = talk((200, {"data": {"a": 1}}), namespace="team/a")
    assert api.get("/v1/x") == {"a": 1}
    headers = script.asked[0].headers
    sent = tuple(headers[f"x-vault-{name}"] for name in ("token", "namespace", "request"))
    assert sent == ("t0k", "team/a", "true")
    api, script = talk((200, {"data": {}}))
    api.get("/v1/x")
    assert "x-vault-namespace" not in script.asked[0].headers


@pytest.mark.parametrize(("settings", "url"), [
    ({}, "https://vault.test"), ({"address": "https://vault.test/v1/"}, "https://vault.test"),
    ({"address": None}, "https://127.0.0.1:8200"), ({"base_url": "http://127.0.0.1:1/vault"}, "http://127.0.0.1:1/vault"),
])
def test_base_url_goes_before_address(settings: dict[str, Any], url: str) -> None:
    """And a `/v1` behind it is not sent twice."""
    assert talk((200, {}), **settings)[0].base_url == url


@pytest.mark.parametrize(("body", "found"), [
    ({"data": {"a": 1}, "auth": None}, {"a": 1}), ({"data": None, "auth": None}, {}),
    ({"data": None, "auth": {"client_token": "x"}}, {"client_token": "x"}),
    ({"initialized": True}, {"initialized": True}),
    ({"data": {"data": {"x": 1}, "metadata": {}}}, {"data": {"x": 1}, "metadata": {}}), ([1], [1]),
])
def test_the_envelope_is_taken_off(body: Any, found: Any) -> None:
    """`data`, else `auth`, else the answer itself."""
    assert talk((200, body))[0].get("/v1/x") == found


def test_a_list_is_a_method_of_its_own_and_warnings_are_told() -> None:
    """The server's warnings reach the reader."""
    said: list[str] = []
    api, script = talk((200, {"data": {"keys": ["a"]}, "warnings": ["role has no policies"]}), said=said.append)
    assert api.ask("LIST", "/v1/auth/approle/role") == {"keys": ["a"]}
    assert script.asked[0].method == "LIST" and said == ["vault: role has no policies"]


@pytest.mark.parametrize(("status", "errors", "kind"), [
    (400, ["bad", "worse\n\t* still"], Refused), (403, ["permission denied"], Denied), (404, [], Missing),
    (405, ["unsupported operation"], Refused), (500, ["internal"], Unsure), (502, None, Unsure),
    (400, ["check-and-set parameter did not match the current version"], Stale), (503, ["Vault is sealed"], Refused),
    (500, ["1 error occurred:\n\t* role_id already in use\n\n"], Refused), (307, None, Refused),
    (500, ["1 error occurred:\n\t* at least one constraint should be enabled on the role\n\n"], Refused),
])
def test_the_list_of_errors_becomes_one_failure(status: int, errors: list[str] | None, kind: type[Failure]) -> None:
    """A write whose outcome is known is refused, any other unsure; the words are the server's, in one line."""
    api, _ = talk((status, {"errors": errors} if errors is not None else {}))
    with pytest.raises(kind) as caught:
        api.send(Call("POST", "/v1/x", {"a": Secret("hunter2")}))
    assert type(caught.value) is kind and "\n" not in caught.value.message
    for text in errors or ():
        assert " ".join(text.split()) in caught.value.message


def test_a_sealed_server_is_unreadable_and_says_so() -> None:
    """Nothing is taken for absent."""
    api, _ = talk((503, {"errors": ["Vault is sealed"]}))
    with pytest.raises(Unreadable, match="sealed") as caught:
        api.find("/v1/sys/mounts")
    assert caught.value.next == "unseal it"


def test_a_secret_in_a_servers_words_is_struck_out() -> None:
    """Vault quotes what it does not like."""
    api, _ = talk((400, {"errors": ["can't parse hunter2"]}))
    with pytest.raises(Refused) as caught:
        api.send(Call("POST", "/v1/kv/x", {"a": Secret("hunter2")}))
    assert caught.value.message == "vault: can't parse (secret)"


def test_a_deleted_secret_is_missing_and_tells_its_version() -> None:
    """A 404 may hold the metadata of what was there."""
    api, _ = talk((404, {"data": {"data": None, "metadata": {"version": 3}}}))
    with pytest.raises(Removed) as caught:
        api.get("/v1/kv/data/x")
    assert caught.value.metadata == {"version": 3}
    assert api.find("/v1/kv/data/x") is None


@pytest.mark.parametrize(("status", "errors", "headers", "wait"), [
    (412, ["required index state not present"], {}, 1.0), (472, [], {}, 1.0), (473, [], {}, 1.0),
    (429, [], {"retry-after": "7"}, 7.0), (429, [], {}, 1.0), (429, [], {"retry-after": "soon"}, 1.0),
    (503, ["Vault is in standby mode"], {}, 1.0), (503, [], {"retry-after": "2"}, 2.0),
    (400, ["Upgrading from non-versioned to versioned data. This backend will be unavailable"], {}, 1.0),
])
def test_who_asks_to_come_again_is_asked_again(status: int, errors: list[str], headers: dict[str, str],
                                               wait: float) -> None:
    """Also for a write that must not happen twice: it was turned away before anything was done."""
    api, script = talk((status, {"errors": errors}, headers), (200, {"data": {"ok": True}}))
    assert api.send(Call("POST", "/v1/x", {})) == {"ok": True}
    assert len(script.asked) == 2
    clock = api.clock
    assert isinstance(clock, TestClock) and wait <= sum(clock.slept) < wait + 1


def test_a_wait_that_is_too_long_ends_the_run_resumably() -> None:
    """`max_wait` is the measure."""
    api, script = talk((429, {"errors": []}, {"retry-after": "600"}))
    with pytest.raises(Exhausted):
        api.get("/v1/x")
    assert len(script.asked) == 1


def test_a_write_on_a_version_is_never_repeated() -> None:
    """After a lost answer it would meet its own version and look refused."""
    api, script = talk((502, {}))
    with pytest.raises(Unsure):
        api.send(Call("POST", "/v1/kv/data/x", {"options": {"cas": 1}}))
    assert len(script.asked) == 1
    with pytest.raises(Unsure):
        api.send(Call("POST", "/v1/kv/config", {}, safe=True))
    assert len(script.asked) == 6


def test_the_state_of_the_last_write_is_sent_along() -> None:
    """So that a standby that lags behind answers 412 and not something old."""
    api, script = talk((204, None, {"X-Vault-Index": "abc"}), (200, {"data": {}}))
    api.send(Call("POST", "/v1/x", {}))
    api.get("/v1/x")
    assert "x-vault-index" not in script.asked[0].headers and script.asked[1].headers["x-vault-index"] == "abc"


@pytest.mark.parametrize(("answer", "about"), [
    ((200, {"data": {"policies": ["default", "a"], "identity_policies": ["b", "a"]}}),
     {"policies": ("default", "a", "b"), "root": False}),
    ((200, {"data": {"policies": ["root"]}}), {"policies": ("root",), "root": True}),
    ((403, {"errors": ["permission denied"]}), {}),
])
def test_about_tells_our_own_policies(answer: Answer, about: dict[str, Any]) -> None:
    """Those of groups too; nothing where the token may not look at itself."""
    assert talk(answer)[0].about() == about


def test_settings_need_a_token_or_a_login() -> None:
    """The token of the environment fills in for a missing one, and a login method leaves it out."""
    with pytest.raises(ValueError, match="token"):
        VaultSettings.model_validate({"auth": {"method": "token"}})
    auth = {"method": "approle", "role_id": Secret("r")}
    login = VaultSettings.model_validate({"auth": auth, "token": Secret("env")})
    assert login.login is not None and login.token == Secret("")
    assert VaultSettings.model_validate({"token": Secret("x")}).login is None
    for wrong in ({"auth": {"method": "approle"}}, {"auth": {"method": "ldap"}}, {"token": "literal"},
                  {"token": Secret("x"), "address": "vault.test"}, {"auth": {"method": "approle", "role_id": "r"}}):
        with pytest.raises(ValueError, match="validation error"):
            VaultSettings.model_validate(wrong)
    made = VaultSettings.placeholder()
    assert made.token == Secret("placeholder") and made.login is None


def test_checking_manifests_imports_no_client() -> None:
    """`validate` stays light."""
    import subprocess
    import sys

    code = "import sys, reconciler.vendors.vault; print('httpx' in sys.modules or 'hvac' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(("engine", "path", "handle"), [
    (Engine("kv", 2), "a/b", "kv/data/a/b"), (Engine("team/kv", 1), "a", "team/kv/a"),
])
def test_a_handle_leads_back_to_its_path(engine: Engine, path: str, handle: str) -> None:
    """In both versions, and one of version 1 after an upgrade."""
    assert engine.handle(path) == handle and engine.inner(handle) == path
    assert Engine("kv", 2).inner("kv/a/b") == "a/b"
    assert json.dumps(Engine.of("kv/", "kv-v2", None).version) == "2"
