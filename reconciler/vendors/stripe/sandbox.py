"""Stripe in the sandbox: forms in, cursor pages out, expansions, idempotency keys, and Stripe's own error object."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from reconciler.sandbox.store import Request, Response, Sandbox
from reconciler.vendors.stripe import sandbox_catalog as catalog
from reconciler.vendors.stripe.form import nested, split
from reconciler.vendors.stripe.sandbox_catalog import PRICES, PRODUCTS, Body
from reconciler.vendors.stripe.sandbox_params import EXPAND, INT, TEXT, Complaint, Param, made_of, read

ACCOUNT = "acct_1Sandbox"
SUBSCRIPTIONS = "/v1/subscriptions"
_NOUNS = {PRODUCTS: "product", PRICES: "price", SUBSCRIPTIONS: "subscription"}
_HIDDEN = {PRICES: ("tiers", "currency_options")}
_LINKS = {PRODUCTS: {"default_price": PRICES}, PRICES: {"product": PRODUCTS}, SUBSCRIPTIONS: {}}
_LISTS: Mapping[str, Param] = {
    PRODUCTS: catalog.PRODUCT_LIST, PRICES: catalog.PRICE_LIST,
    SUBSCRIPTIONS: made_of(price=TEXT, status=TEXT)}
_PAGING = {"limit": INT, "starting_after": TEXT, "ending_before": TEXT, "expand": EXPAND}


class StripeSandbox(Sandbox):
    """Products, prices and as much of subscriptions as is read of them."""

    connected: frozenset[str] = frozenset()

    def answer(self, request: Request) -> Response:
        """One request as Stripe would answer it."""
        try:
            self._admit(request)
            return self._once(request, lambda: self._routed(request))
        except Complaint as complaint:
            return Response(complaint.status, complaint.body, self._headers(request))

    def subscribe(self, price: str, count: int = 1, status: str = "active") -> None:
        """Let customers subscribe to a price; what follows from that is not played."""
        held = self.objects.setdefault(SUBSCRIPTIONS, {})
        for _ in range(count):
            id = f"sub_{len(held) + 1}"
            item = {"id": f"si_{id}", "object": "subscription_item", "price": {"id": price, "object": "price"}}
            items = {"object": "list", "data": [item], "has_more": False,
                     "url": f"/v1/subscription_items?subscription={id}"}
            held[id] = {"id": id, "object": "subscription", "status": status, "livemode": False,
                        "created": int(self.clock.now()), "items": items}

    def decode(self, request: Request) -> Any:
        """A form as a tree of texts."""
        return nested(split(request.body.decode())) if request.body else None

    # the door

    def _admit(self, request: Request) -> None:
        if not re.match(r"Bearer \S", request.headers.get("authorization", "")):
            raise Complaint("You did not provide an API key.", status=401)
        account = request.headers.get("stripe-account", ACCOUNT)
        if account != ACCOUNT and account not in self.connected:
            raise Complaint(f"The provided key does not have access to account '{account}' (or that account does not "
                            "exist).", status=403, code="account_invalid")

    def _headers(self, request: Request) -> dict[str, str]:
        version = request.headers.get("stripe-version")
        return {"request-id": f"req_{len(self.requests) + 1}", **({"stripe-version": version} if version else {})}

    def _once(self, request: Request, made: Callable[[], Body]) -> Response:
        """A POST with a key is done once: the same again replays its answer, another one under it is refused."""
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return Response(200, made(), self._headers(request))
        kept = self.objects.setdefault("/idempotency", {})
        print = hashlib.sha256(f"{request.path}\n{sorted(split(request.body.decode()))}".encode()).hexdigest()
        if key in kept:
            if kept[key]["print"] != print:
                raise Complaint("Keys for idempotent requests can only be used with the same parameters they were "
                                f"first used with. Try using a key other than '{key}' if you meant to execute a "
                                "different request.", type="idempotency_error")
            return Response(kept[key]["status"], kept[key]["body"],
                            {**self._headers(request), "idempotent-replayed": "true"})
        try:
            status, body = 200, made()
        except Complaint as complaint:
            status, body = complaint.status, complaint.body
        kept[key] = {"print": print, "status": status, "body": body}
        return Response(status, body, self._headers(request))

    # the counter

    def _routed(self, request: Request) -> Body:
        given = nested(split(request.body.decode()) if request.method == "POST" else request.query)
        if request.path == "/v1/account" and request.method == "GET":
            return {"id": request.headers.get("stripe-account", ACCOUNT), "object": "account"}
        for path in _LISTS:
            if request.path == path and request.method == "GET":
                return self._list(path, given, request)
            if request.path == path and request.method == "POST" and path != SUBSCRIPTIONS:
                return self._create(path, given, request)
            if request.path.startswith(f"{path}/") and path != SUBSCRIPTIONS:
                return self._one(path, unquote(request.path[len(path) + 1:]), given, request)
        raise Complaint(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _held(self, path: str) -> dict[str, Body]:
        return self.objects.setdefault(path, {})

    def _find(self, path: str, id: str, param: str = "id", status: int = 404) -> Body:
        found = self._held(path).get(id)
        if found is None:
            raise Complaint(f"No such {_NOUNS[path]}: '{id}'", status=status, code="resource_missing", param=param)
        return found

    def _one(self, path: str, id: str, given: Body, request: Request) -> Body:
        held = self._find(path, id, "price" if path == PRICES else "id")
        if request.method == "GET":
            expand = read(given, made_of(expand=EXPAND)).get("expand", [])
            return self._shown(path, held, expand)
        if request.method == "DELETE" and path == PRODUCTS:
            if any(price["product"] == id for price in self._held(PRICES).values()):
                raise Complaint("This product cannot be deleted because it has one or more user-created prices.")
            del self._held(path)[id]
            return {"id": id, "object": "product", "deleted": True}
        if request.method == "POST":
            return self._update(path, held, given)
        raise Complaint(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _create(self, path: str, given: Body, request: Request) -> Body:
        params, expand = self._params(given, catalog.PRODUCT_CREATE if path == PRODUCTS else catalog.PRICE_CREATE)
        live = bool(re.match(r"Bearer (sk|rk)_live_", request.headers.get("authorization", "")))
        return self._shown(path, self._made(path, params, live), expand)

    def _made(self, path: str, params: Body, live: bool) -> Body:
        first = params.pop("default_price_data", None)
        if params.get("id") in self._held(path):
            raise Complaint("Product already exists.", code="resource_already_exists", param="id")
        fields = catalog.new_product(params) if path == PRODUCTS else catalog.new_price(params, self._held(PRODUCTS))
        if path == PRICES:
            self._take_key(params, None)
        fields["metadata"] = _merged({}, params.get("metadata"))
        stamp = int(self.clock.now())
        body = {"id": self._id(path), "object": _NOUNS[path], "created": stamp, "livemode": live, **fields,
                **({"updated": stamp} if path == PRODUCTS else {})}
        self._held(path)[body["id"]] = body
        if first is not None:
            body["default_price"] = self._made(PRICES, {**first, "product": body["id"]}, live)["id"]
        return body

    def _id(self, path: str) -> str:
        numbers = self._held("/numbers").setdefault(path, {"next": 0})
        numbers["next"] += 1
        return f"{'prod' if path == PRODUCTS else 'price'}_{numbers['next']}"

    def _update(self, path: str, held: Body, given: Body) -> Body:
        params, expand = self._params(given, catalog.PRODUCT_UPDATE if path == PRODUCTS else catalog.PRICE_UPDATE)
        if path == PRODUCTS:
            changed = catalog.changed_product(held, params, self._held(PRICES))
            changed["updated"] = int(self.clock.now())
        else:
            changed = catalog.changed_price(held, params, self._held(PRODUCTS))
            self._take_key(params, held["id"])
        changed["metadata"] = _merged(held["metadata"],
                                      params["metadata"]) if "metadata" in params else held["metadata"]
        self._held(path)[held["id"]] = changed
        return self._shown(path, changed, expand)

    @staticmethod
    def _params(given: Body, allowed: Param) -> tuple[Body, list[str]]:
        params = read(given, made_of(allowed.required, **allowed.fields, expand=EXPAND))
        return params, params.pop("expand", [])

    def _take_key(self, params: Body, id: str | None) -> None:
        """A lookup key has one holder, archived or not; it is moved when that is asked for."""
        key = params.get("lookup_key")
        for other in self._held(PRICES).values() if key else ():
            if other["lookup_key"] == key and other["id"] != id:
                if not params.get("transfer_lookup_key"):
                    raise Complaint(f"A price (`{other['id']}`) already uses that lookup key.", param="lookup_key")
                other["lookup_key"] = None

    # what is shown

    def _list(self, path: str, given: Body, request: Request) -> Body:
        params = read(given, made_of(**_LISTS[path].fields, **_PAGING))
        limit = params.pop("limit", 10)
        if not 1 <= limit <= 100:
            raise Complaint("This value must be between 1 and 100 (inclusive).", code="parameter_invalid_integer",
                            param="limit")
        expand = [_below_data(name) for name in params.pop("expand", [])]
        after, before = params.pop("starting_after", None), params.pop("ending_before", None)
        found = [body for body in reversed(self._held(path).values()) if all(_fits(body,
                                                                                   *one) for one in params.items())]
        for cursor, param in ((after, "starting_after"), (before, "ending_before")):
            if cursor is not None:
                self._find(path, cursor, param, 400)
        place = {id: n for n, id in enumerate(reversed(self._held(path)))}
        if after is not None:
            found = [body for body in found if place[body["id"]] > place[after]]
        if before is not None:
            found = [body for body in found if place[body["id"]] < place[before]]
        page = found[-limit:] if before is not None else found[:limit]
        return {"object": "list", "url": path, "has_more": len(found) > limit,
                "data": [self._shown(path, body, expand) for body in page]}

    def _shown(self, path: str, body: Body, expand: list[str]) -> Body:
        """An object with what was asked for; the rest of what is shown on demand stays out."""
        shown = {key: value for key, value in body.items() if key not in _HIDDEN.get(path, ()) or key in expand}
        for name in expand:
            if name in _LINKS[path]:
                target = _LINKS[path][name]
                shown[name] = body[name] and self._shown(target, self._held(target)[body[name]], [])
            elif name not in _HIDDEN.get(path, ()):
                raise Complaint(f"This property cannot be expanded ({name}).", param="expand")
        if "currency_options" in shown:
            shown["currency_options"] = catalog.options_shown(body)
        return shown


def _below_data(name: str) -> str:
    if not name.startswith("data."):
        raise Complaint(f"This property cannot be expanded ({name}). You may want to try expanding 'data.{name}'.",
                        param="expand")
    return name[len("data."):]


def _merged(held: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys are merged, an empty text takes one away, an empty map takes all."""
    merged = {key: value for key, value in {**held, **given}.items() if value != ""} if given is not None else {}
    if len(merged) > 50:
        raise Complaint(f"Metadata can have at most 50 keys; you have {len(merged)}.", param="metadata")
    return merged


def _fits(body: Body, name: str, wanted: Any) -> bool:
    if name in ("ids", "lookup_keys"):
        return body["id" if name == "ids" else "lookup_key"] in wanted
    if name == "created":
        tests = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
        return all(tests[how](body["created"], limit) for how, limit in wanted.items())
    if name == "recurring":
        return all((body["recurring"] or {}).get(key) == value for key, value in wanted.items())
    if name == "price":
        return any(item["price"]["id"] == wanted for item in body["items"]["data"])
    return bool(body.get(name) == wanted)
