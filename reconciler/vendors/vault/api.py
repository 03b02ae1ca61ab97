"""Vault's HTTP habits: its token and namespace, its envelope, its list of errors, logging in and out."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import httpx

from reconciler.contract.http import Api
from reconciler.errors import Denied, Failure, Missing, Refused, Stale, Unreadable
from reconciler.vendors.vault.engines import Engine, Removed
from reconciler.vendors.vault.permissions import by_path

if TYPE_CHECKING:
    from reconciler.vendors.vault.settings import Login, VaultSettings

AGAIN = 1.0
"""Seconds to wait where the server asks to come again and does not say when."""

REVOKE = "/v1/auth/token/revoke-self"
CAPABILITIES = "/v1/sys/capabilities-self"
ASKS = frozenset({CAPABILITIES})
"""POSTs that change nothing."""

_GONE = re.compile(r"could not delete key; not found|no existing key named .* could be found")
"""What the server says of a transit key that is not there, with a 400 (OpenBao 2.7.2)."""

_MOVED_ON = "check-and-set parameter did not match"
_NO = re.compile(r"at least one constraint should be enabled|role_id already in use|failed to validate CIDR blocks")
"""What the server refuses with a 500 (OpenBao 2.7.2)."""


class VaultApi(Api):
    """One connection to Vault or OpenBao.

    A login is made before the first request that needs one, and its token revoked at the end; a token that was given
    to us is left alone. `engines`, `declared` and `removed` are what is known of the mounts, see `engines.py`; `closed`
    that the server makes no audit device.
    """

    default_url = "https://127.0.0.1:8200"

    def __init__(self, *given: Any, **named: Any) -> None:
        self.engines: dict[str, Engine] = {}
        self.declared: dict[str, str] = {}
        self.removed: dict[str, int] = {}
        self.closed = False
        self._door = threading.RLock()
        self._entering = False
        self._own = ""
        self._until = 0.0
        self._turned_away: Refused | None = None
        self._index = ""
        super().__init__(*given, **named)

    @property
    def vault(self) -> VaultSettings:
        """The settings of this connection."""
        return cast("VaultSettings", self.settings)

    def url(self) -> str:
        """Where the server is, without the `/v1` that some write behind it."""
        return (self.vault.base_url or self.vault.address or self.default_url).rstrip("/").removesuffix("/v1")

    # the door

    def headers(self) -> Mapping[str, str]:
        """The token, the namespace, and the state of the last write, so that a standby answers no older one."""
        token = self._token()
        return {"X-Vault-Request": "true",
                **({"X-Vault-Token": token} if token else {}),
                **({"X-Vault-Namespace": self.vault.namespace} if self.vault.namespace else {}),
                **({"X-Vault-Index": self._index} if self._index else {})}

    def _exchange(self, *given: Any, **named: Any) -> Any:
        """Log in first: a login that is refused is no passing fault of the request that needed it."""
        self._token()
        return super()._exchange(*given, **named)

    def pace(self, response: httpx.Response) -> None:
        """Remember the state that a write brought about."""
        self._index = response.headers.get("x-vault-index", self._index)

    def _token(self) -> str:
        login = self.vault.login
        if login is None:
            return self.vault.token.reveal()
        with self._door:
            if self._entering:
                return ""
            if not self._own or self.clock.monotonic() >= self._until:
                self._enter(login)
            return self._own

    def _enter(self, login: Login) -> None:
        """Log in; what was refused once is not tried again, because servers lock accounts for that."""
        if self._turned_away is not None:
            raise self._turned_away
        self._entering = True
        try:
            auth = self.ask("POST", login.path, login.body())
            self._own = str(auth["client_token"])
        except Refused as error:
            error.message = f"{self.connection}: the login at {login.path.removeprefix('/v1/')} failed: {error.message}"
            self._turned_away = error
            raise
        except (KeyError, TypeError) as error:
            raise Unreadable(f"{self.connection}: the login's answer holds no token") from error
        finally:
            self._entering = False
        lease = float(auth.get("lease_duration") or 0)
        self._until = self.clock.monotonic() + lease * 0.9 if lease else float("inf")

    def close(self) -> None:
        """Give our own login back; a token that was given to us stays as it is."""
        if self._own:
            with suppress(Failure):
                self.ask("POST", REVOKE)
            self._own = ""
        super().close()

    def only_reads(self, method: str, path: str) -> bool:
        """Questions that are POSTs, our own login, and the end of our own login."""
        login = self.vault.login
        own = {login.path, REVOKE} if login is not None else set()
        return method == "POST" and path in {*ASKS, *own}

    # answers

    def unwrap(self, body: Any) -> Any:
        """What is in the envelope; the server's warnings are told."""
        if not isinstance(body, dict):
            return body
        for warning in body.get("warnings") or ():
            self.progress(f"{self.connection}: {warning}")
        if body.get("data") is None and isinstance(body.get("auth"), dict):
            return body["auth"]
        return (body["data"] if body["data"] is not None else {}) if "data" in body else body

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """Vault's list of errors as one of ours."""
        status, text = response.status_code, self.message(response)
        if status == 404:
            return _missing(text, response)
        if status == 400 and _GONE.search(text):
            return Missing(text, status=404)
        if status == 403:
            return Denied(text, "check the token and its policies", status=status)
        if status == 400 and _MOVED_ON in text:
            return Stale(f"it was changed after the plan was made ({text})", "plan again")
        if status == 503 and "sealed" in text:
            return Unreadable(text, "unseal it") if reading else Refused(text, "unseal it", status=status)
        if status == 500 and _NO.search(text):
            return Refused(text, status=status)
        return super().complaint(response, reading)

    def message(self, response: httpx.Response) -> str:
        """The server's own words in one line, where it has any."""
        body = _body(response)
        said = [" ".join(str(one).split()) for one in body.get("errors") or () if isinstance(one, str)]
        return f"{self.connection}: {'; '.join(said)}" if said else super().message(response)

    def retry_after(self, response: httpx.Response) -> float | None:
        """Quotas, a standby that lags behind or has no active node, a kv engine that is still being made ready.

        All of these turn a request away before anything is done.
        """
        status = response.status_code
        if status in (412, 472, 473):
            return AGAIN
        if status == 503 and ("retry-after" in response.headers or "standby" in self.message(response)):
            return _seconds(response.headers.get("retry-after"))
        if status == 400 and re.search(r"upgrading from non-versioned|waiting for the primary to upgrade",
                                       self.message(response), re.IGNORECASE):
            return AGAIN
        return _seconds(response.headers.get("retry-after")) if status == 429 else None

    def leads_to(self) -> Mapping[str, str]:
        """Nobody by name: a look at itself proves the token."""
        self.ask("GET", "/v1/auth/token/lookup-self")
        return {}

    def held(self, asked: Collection[str]) -> Mapping[str, bool]:
        """By what the server says of our token at each path."""
        paths = sorted(by_path(asked))
        told = self.ask("POST", CAPABILITIES, {"paths": paths}) if paths else {}
        found = {path: set(map(str, told.get(path) or ())) for path in paths} if isinstance(told, dict) else {}
        pairs = {one: one.partition(" ")[::2] for one in asked}
        return {one: bool({word, "root"} & found[path]) for one, (word, path) in pairs.items() if path in found}

    def about(self) -> Mapping[str, Any]:
        """Our own token's policies, and whether it is root; nothing where it may not even look at itself."""
        try:
            me = self.get("/v1/auth/token/lookup-self")
        except Failure:
            return {}
        if not isinstance(me, dict):
            return {}
        held = [*(me.get("policies") or ()), *(me.get("identity_policies") or ())]
        return {"policies": tuple(dict.fromkeys(map(str, held))), "root": "root" in held}


def _missing(text: str, response: httpx.Response) -> Missing:
    data = _body(response).get("data")
    metadata = data.get("metadata") if isinstance(data, dict) else None
    return Removed(text, metadata) if isinstance(metadata, dict) else Missing(text, status=404)


def _body(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(text: str | None) -> float:
    try:
        return max(float(text or AGAIN), 0.0)
    except ValueError:
        return AGAIN
