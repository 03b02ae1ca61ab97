"""Stripe's HTTP habits: form bodies, cursor pages, idempotency keys, its error object, test and live mode."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import httpx

from reconciler.contract.http import Api
from reconciler.errors import Denied, Failure, Missing, Refused, Unreadable, Unsure, WrongAccount
from reconciler.vendors.stripe.form import Pairs, encoded, pairs, path_of
from reconciler.vendors.stripe.permissions import LISTS, resource_of

if TYPE_CHECKING:
    from reconciler.vendors.stripe import StripeSettings

PAGE = 100
RATES = {"test": 20.0, "live": 80.0}
AGAIN = 1.0
"""Seconds to wait where Stripe asks to come again and does not say when."""

_MODE = re.compile(r"(?:sk|rk)_(?:org_)?(test|live)_")


class StripeApi(Api):
    """One connection to Stripe.

    No request goes through the `stripe` SDK; docs/decisions/001-stripe-sdk.md says why, and a test compares what is
    sent with what the SDK would send. `declared` are the ids of the products that manifests name, by address.
    """

    default_url = "https://api.stripe.com"
    key_header = "Idempotency-Key"
    _acting = ""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.declared: dict[str, str] = {}

    @property
    def stripe(self) -> StripeSettings:
        """The settings of this connection."""
        return cast("StripeSettings", self.settings)

    def own_rate(self) -> float | None:
        """Requests a second, under Stripe's limits of 25 (test) and 100 (live); other keys are no keys of Stripe's."""
        return RATES.get(self.mode)

    @property
    def mode(self) -> str:
        """`test` or `live`, as the key's prefix says it; empty where it says neither."""
        hit = _MODE.match(self.stripe.api_key.reveal())
        return hit[1] if hit else ""

    def headers(self) -> Mapping[str, str]:
        """The key, the pinned API version, and the connected account that is acted on."""
        acting = {"Stripe-Account": self._acting} if self._acting else {}
        return {"Authorization": f"Bearer {self.stripe.api_key.reveal()}", "Stripe-Version": self.stripe.api_version,
                **acting}

    def encode(self, body: Any) -> tuple[bytes, str]:
        """A form; None and empty lists are empty texts, which clear a field."""
        return encoded(body or {}), "application/x-www-form-urlencoded"

    def flatten(self, params: Mapping[str, Any]) -> Pairs:
        """Query parameters in the same notation as bodies."""
        return pairs(params)

    def complaint(self, response: httpx.Response, reading: bool) -> Failure:
        """Stripe's error object as one of ours, with the parameter it complains about as a path."""
        error = _error(response)
        text = str(error.get("message") or f"Stripe answered {response.status_code}")
        if error.get("code") == "idempotency_key_in_use":
            return Unsure(text, "the first request under this key is still under way: plan again later")
        if error.get("type") == "idempotency_error":
            return Unsure(text, "the same key was sent with something else: plan again, which looks the object up",
                          spent=True)
        if response.status_code >= 500 and response.headers.get("idempotent-replayed") == "true" and not reading:
            return Unsure(text, "Stripe keeps this answer for its key: plan again, which looks the object up", spent=True)
        known: dict[str, Any] = {
            "status": response.status_code, "code": str(error.get("code") or error.get("type") or ""),
            "param": path_of(str(error.get("param") or "")), "request_id": response.headers.get("request-id", "")}
        if response.status_code in (401, 403):
            return Denied(text, "check the API key and its permissions", **known)
        if response.status_code in (404, 410):
            return Missing(text, **known)
        if response.status_code in (400, 402, 422):
            return Refused(text, _next(text), **known)
        return super().complaint(response, reading)

    def retry_after(self, response: httpx.Response) -> float | None:
        """Rate limits, locks on one object and a key still in flight ask to come again; a stored 500 does not."""
        asked, status = response.headers.get("stripe-should-retry"), response.status_code
        if status == 429 or asked == "true" or (status == 409 and asked != "false"):
            return _seconds(response.headers.get("retry-after"))
        return None

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Every object of a list, a hundred a request, by cursor; whatever is not a whole list is no answer."""
        asked = {**(params or {}), "limit": PAGE}
        seen: set[str] = set()
        while True:
            page = self.get(path, asked)
            data = page.get("data") if isinstance(page, dict) and page.get("object") == "list" else None
            if not isinstance(data, list) or not isinstance(page.get("has_more"), bool):
                raise Unreadable(f"{path}: Stripe's answer is not a list", "try again")
            for item in data:
                if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                    raise Unreadable(f"{path}: an object in Stripe's list has no id", "try again")
                if item["id"] not in seen:
                    yield item
            fresh = {item["id"] for item in data} - seen
            if not page["has_more"]:
                return
            if not fresh:
                raise Unreadable(f"{path}: Stripe's pages go round in a circle", "try again")
            seen |= fresh
            asked = {**asked, "starting_after": data[-1]["id"]}

    def pin(self) -> None:
        """The key's mode, then, where an account is pinned, the account: the key's own, or one connected to it."""
        wanted = self.stripe.mode
        if wanted is not None and self.mode != wanted:
            found = f"is a {self.mode} key" if self.mode else "tells no mode by its prefix"
            raise WrongAccount(f"{self.connection}: mode: {wanted} is pinned, and the API key {found}",
                               "give the key of the other mode, or change the pin in reconciler.yaml")
        if self.stripe.account is None or self._own() == self.stripe.account:
            return
        self._acting = self.stripe.account
        try:
            found = self._own()
        except (Denied, Missing) as error:
            raise self._wrong(error.message) from error
        if found != self.stripe.account:
            raise self._wrong(f"the key leads to {found}")

    def _wrong(self, why: str) -> WrongAccount:
        return WrongAccount(f"{self.connection}: account: {self.stripe.account} is pinned: {why}",
                            "give a key of that account, or change the pin in reconciler.yaml")

    def _own(self) -> str:
        account = self.ask("GET", "/v1/account")
        if not isinstance(account, dict):
            raise Unreadable("/v1/account: Stripe's answer is no account", "try again")
        return str(account.get("id"))

    def account(self) -> str:
        """The pinned account."""
        return self.stripe.account or ""

    def leads_to(self) -> Mapping[str, str]:
        """The mode and the account; a restricted key need not be allowed to see its account."""
        mode = {"mode": self.mode} if self.mode else {}
        try:
            return {**mode, "account": self._own()}
        except Denied as error:
            if error.status != 403:
                raise
            return mode

    def held(self, asked: Collection[str]) -> Mapping[str, bool]:
        """A secret key may do everything; of a restricted one Stripe tells nothing, so its reads are tried, each by a list."""
        if not self.stripe.api_key.reveal().startswith("rk_"):
            return dict.fromkeys(asked, True)
        known = {one: resource_of(one) for one in asked}
        return {one: self._lists(LISTS[name]) for one, (name, verb) in known.items() if verb == "read" and name in LISTS}

    def _lists(self, path: str) -> bool:
        try:
            self.get(path, {"limit": 1})
        except Denied:
            return False
        return True

    def remarks(self) -> Iterable[str]:
        """That customers pay what is planned here."""
        if self.mode == "live":
            yield f"{self.connection} is in live mode: customers pay what is applied here."

    def about(self) -> Mapping[str, Any]:
        """The mode."""
        return {"mode": self.mode}


def _error(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _seconds(text: str | None) -> float:
    try:
        return max(float(text or AGAIN), 0.0)
    except ValueError:
        return AGAIN


def _next(text: str) -> str:
    if "default price" in text:
        return "give its product another default_price, or default_price: null, in the same change"
    return ""
