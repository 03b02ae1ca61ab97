"""Every way to log in, against a real OpenBao; jwt and kubernetes with keys and a cluster that are made up here."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.errors import Denied, Failure, Refused
from reconciler.secret import Secret
from reconciler.vendors.vault.api import VaultApi
from reconciler.vendors.vault.settings import POD_TOKEN
from tests.vault.desk import Desk, Place, Recorder

TIMES = {"iat": 1_700_000_000, "nbf": 1_700_000_000, "exp": 4_000_000_000}
RULES = 'path "kv/*" { capabilities = ["create", "read", "update"] }'


@pytest.fixture
def at(bao: Place) -> Place:
    """A namespace with a kv and a policy for it."""
    bao.ask("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "1"}})
    bao.ask("POST", "kv/x", {"a": "1"})
    bao.ask("POST", "sys/policies/acl/app", {"policy": RULES})
    return bao


def wire(api: VaultApi) -> Recorder:
    """What went over the wire."""
    assert isinstance(api._transport, Recorder)
    return api._transport


def used(at: Place, auth: dict[str, Any]) -> list[str]:
    """Log in, read, close; the requests, and the token must be dead at the end."""
    api = at.connect(auth=auth, read_only=True)
    assert not api._own
    assert api.get("/v1/kv/x") == {"a": "1"}
    token = api._own
    assert token and "app" in api.about()["policies"] and not api.about()["root"]
    assert at.ask("GET", "auth/token/lookup-self", token=token)
    api.close()
    with pytest.raises(AssertionError, match="403"):
        at.ask("GET", "auth/token/lookup-self", token=token)
    seen = wire(api).seen
    return [f"{method} {path}" for method, path, _, _ in seen]


def test_a_given_token_is_used_as_it_is_and_never_revoked(at: Place) -> None:
    """It is somebody else's."""
    token = at.token_of("app")
    auth = {"method": "token", "token": Secret(token)}
    for settings in ({"token": Secret(token)}, {"auth": auth, "token": Secret("x")}):
        api = at.connect(**settings)
        assert api.get("/v1/kv/x") == {"a": "1"}
        api.close()
        assert [method for method, _, _, _ in api._transport.seen] == ["GET"]  # type: ignore[union-attr]
    assert at.ask("GET", "auth/token/lookup-self", token=token)["policies"] == ["app", "default"]


def test_approle(at: Place) -> None:
    """With both halves, or with a role id alone where the role is bound to networks; in any mount."""
    at.ask("POST", "sys/auth/ci/approle", {"type": "approle"})
    at.ask("POST", "auth/ci/approle/role/r", {"token_policies": ["app"]})
    role_id = at.ask("GET", "auth/ci/approle/role/r/role-id")["role_id"]
    secret_id = at.ask("POST", "auth/ci/approle/role/r/secret-id")["secret_id"]
    auth = {"method": "approle", "role_id": Secret(role_id), "secret_id": Secret(secret_id), "mount": "ci/approle"}
    assert used(at, auth) == ["POST /v1/auth/ci/approle/login", "GET /v1/kv/x", "GET /v1/auth/token/lookup-self",
                              "GET /v1/auth/token/lookup-self", "POST /v1/auth/token/revoke-self"]
    at.ask("POST", "auth/ci/approle/role/b", {"token_policies": ["app"], "bind_secret_id": False,
                                             "secret_id_bound_cidrs": ["127.0.0.0/8"]})
    role_id = at.ask("GET", "auth/ci/approle/role/b/role-id")["role_id"]
    used(at, {"method": "approle", "role_id": Secret(role_id), "mount": "ci/approle"})


def test_userpass(at: Place) -> None:
    """The user's name is a part of the path."""
    at.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    at.ask("POST", "auth/userpass/users/ci.bot", {"password": "hunter2", "token_policies": "app"})
    auth = {"method": "userpass", "username": "ci.bot", "password": Secret("hunter2")}
    assert used(at, auth)[0] == "POST /v1/auth/userpass/login/ci.bot"


def test_jwt(at: Place) -> None:
    """Signed with a key of the server's own transit, as an identity provider would sign it."""
    pem, sign = signer(at)
    at.ask("POST", "sys/auth/jwt", {"type": "jwt"})
    at.ask("POST", "auth/jwt/config", {"jwt_validation_pubkeys": [pem], "default_role": "ci"})
    at.ask("POST", "auth/jwt/role/ci", {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"],
                                       "token_policies": ["app"]})
    token = sign({"sub": "pipeline", "aud": "vault", **TIMES})
    used(at, {"method": "jwt", "role": "ci", "jwt": Secret(token)})
    used(at, {"method": "jwt", "jwt": Secret(token)})


def test_kubernetes(at: Place, tmp_path: Path) -> None:
    """The service account's token is read at the login, and the cluster asked what it is worth."""
    _, sign = signer(at)
    account = {"namespace": "prod", "serviceaccount": {"name": "ci", "uid": "u1"}}
    token = sign({"sub": "system:serviceaccount:prod:ci", "iss": "kubernetes/serviceaccount", **TIMES,
                  "kubernetes.io": account})
    with cluster() as host:
        at.ask("POST", "sys/mounts/pki", {"type": "pki"})
        root = at.ask("POST", "pki/root/generate/internal", {"common_name": "cluster", "key_type": "ec"})
        at.ask("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
        at.ask("POST", "auth/kubernetes/config", {
            "kubernetes_host": host, "disable_local_ca_jwt": True, "kubernetes_ca_cert": root["certificate"],
            "disable_iss_validation": True, "token_reviewer_jwt": token})
        at.ask("POST", "auth/kubernetes/role/ci", {
            "bound_service_account_names": ["ci"], "bound_service_account_namespaces": ["prod"],
            "token_policies": ["app"]})
        file = tmp_path / "token"
        file.write_text(token + "\n")
        used(at, {"method": "kubernetes", "role": "ci", "jwt_file": str(file)})
    with pytest.raises(Denied, match="can't be read"):
        at.connect(auth={"method": "kubernetes", "role": "ci", "jwt_file": str(tmp_path / "none")}).get("/v1/kv/x")
    settings = at.connect(auth={"method": "kubernetes", "role": "ci"}).vault
    assert settings.auth is not None and settings.auth.jwt_file == POD_TOKEN  # type: ignore[union-attr]


def test_a_refused_login_is_tried_once_and_says_where(at: Place) -> None:
    """Servers lock accounts after a few failures, and many reads wait for one login."""
    at.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    at.ask("POST", "auth/userpass/users/bob", {"password": "right"})
    desk = Desk(at, at.connect(auth={"method": "userpass", "username": "bob", "password": Secret("wrong-pass")}))
    made = desk.plan({"policy": {"a": {"rules": RULES}}, "mount": {"m": {"type": "kv"}}})
    assert all("auth/userpass/login/bob failed" in why for why in desk.blocked(made).values())
    assert len(desk.recorder.seen) == 1
    with pytest.raises(Refused) as caught:
        desk.api.get("/v1/kv/x")
    assert "wrong-pass" not in str(caught.value)
    desk.api.close()
    assert len(desk.recorder.seen) == 1


def test_many_readers_share_one_login(at: Place) -> None:
    """However many threads come at once."""
    at.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    at.ask("POST", "auth/userpass/users/bob", {"password": "right", "token_policies": "app"})
    api = at.connect(auth={"method": "userpass", "username": "bob", "password": Secret("right")})
    threads = [threading.Thread(target=lambda: api.get("/v1/kv/x")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    paths = [path for _, path, _, _ in wire(api).seen]
    assert paths.count("/v1/auth/userpass/login/bob") == 1 and len(paths) == 13
    api.close()


def test_a_login_that_runs_out_is_made_again(at: Place) -> None:
    """Before its lease is over."""
    at.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    at.ask("POST", "auth/userpass/users/bob", {"password": "right", "token_policies": "app", "token_ttl": "10m"})
    clock = TestClock()
    at.clock = clock
    api = at.connect(auth={"method": "userpass", "username": "bob", "password": Secret("right")})
    api.get("/v1/kv/x")
    first = api._own
    clock.sleep(530)
    api.get("/v1/kv/x")
    assert api._own == first
    clock.sleep(20)
    api.get("/v1/kv/x")
    assert api._own != first
    api.close()


def test_reading_only_lets_the_login_through_and_nothing_that_looks_like_one(at: Place) -> None:
    """A secret called login is a write like any other."""
    auth = {"method": "userpass", "username": "bob", "password": Secret("right")}
    at.ask("POST", "sys/auth/userpass", {"type": "userpass"})
    at.ask("POST", "auth/userpass/users/bob", {"password": "right", "token_policies": "app"})
    api = at.connect(auth=auth, read_only=True)
    assert api.ask("POST", "/v1/sys/capabilities-self", {"paths": ["kv/x"]})["kv/x"] == ["create", "read", "update"]
    for path in ("/v1/kv/login", "/v1/auth/approle/login", "/v1/auth/userpass/login/alice", "/v1/auth/token/create"):
        with pytest.raises(RuntimeError):
            api.ask("POST", path, {})
    given = at.connect(read_only=True)
    with pytest.raises(RuntimeError):
        given.ask("POST", "/v1/auth/token/revoke-self")
    api.close()
    given.close()


def test_a_server_that_answers_nonsense_to_a_login_is_told(at: Place) -> None:
    """Its answer holds no token."""
    api = at.connect(auth={"method": "approle", "role_id": Secret("r")})
    api.ask = lambda *given: {"data": {}}  # type: ignore[method-assign]
    with pytest.raises(Failure, match="holds no token"):
        api.get("/v1/kv/x")


def signer(at: Place) -> tuple[str, Any]:
    """A public key, and what signs claims with the other half."""
    at.ask("POST", "sys/mounts/transit", {"type": "transit"})
    at.ask("POST", "transit/keys/issuer", {"type": "rsa-2048"})
    pem = at.ask("GET", "transit/keys/issuer")["keys"]["1"]["public_key"]

    def sign(claims: dict[str, Any]) -> str:
        head = url64(json.dumps({"alg": "RS256", "typ": "JWT"}).encode())
        text = f"{head}.{url64(json.dumps(claims).encode())}"
        made = at.ask("POST", "transit/sign/issuer/sha2-256", {
            "input": base64.b64encode(text.encode()).decode(), "signature_algorithm": "pkcs1v15"})["signature"]
        return f"{text}.{url64(base64.b64decode(made.rpartition(':')[2]))}"

    return pem, sign


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class cluster:  # noqa: N801 - used like a function
    """A Kubernetes API that knows one service account."""

    def __enter__(self) -> str:
        class Review(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                user = {"username": "system:serviceaccount:prod:ci", "uid": "u1",
                        "groups": ["system:serviceaccounts", "system:serviceaccounts:prod"]}
                body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                                   "status": {"authenticated": True, "user": user}}).encode()
                self.send_response(201)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is printed."""

        self.server = HTTPServer(("127.0.0.1", 0), Review)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

