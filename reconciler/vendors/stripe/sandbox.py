"""Stripe in the sandbox: forms in, cursor pages out, expansions, idempotency keys, and Stripe's own error object."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from reconciler.sandbox.store import Request, Response, Sandbox
from reconciler.vendors.stripe.form import nested, split
from reconciler.vendors.stripe.sandbox_catalog import CATALOG, PRICES, PRODUCTS
from reconciler.vendors.stripe.sandbox_collection import Account, Body, Collection, at, equal, merged, replaced, without
from reconciler.vendors.stripe.sandbox_discounts import DISCOUNTS
from reconciler.vendors.stripe.sandbox_params import EXPAND, INT, TEXT, Complaint, Param, made_of, read
from reconciler.vendors.stripe.sandbox_portal import PORTAL
from reconciler.vendors.stripe.sandbox_taxes import TAXES
from reconciler.vendors.stripe.sandbox_usage import USAGE
from reconciler.vendors.stripe.sandbox_webhooks import WEBHOOKS

ACCOUNT = "acct_1Sandbox"
SUBSCRIPTIONS = "/v1/subscriptions"
_PAGING = {"limit": INT, "starting_after": TEXT, "ending_before": TEXT, "expand": EXPAND}


def _fits(body: Body, name: str, wanted: Any) -> bool:
    if name == "price":
        return any(item["price"]["id"] == wanted for item in body["items"]["data"])
    return equal(body, name, wanted)


COLLECTIONS = (*CATALOG, *DISCOUNTS, *TAXES, *USAGE, *WEBHOOKS, *PORTAL,
               Collection(SUBSCRIPTIONS, "subscription", "sub", made_of(price=TEXT, status=TEXT), fits=_fits))


def _pattern(collection: Collection) -> re.Pattern[str]:
    """Which paths are this collection's: itself, its objects, and what can be done to them."""
    path = re.escape(collection.path).replace(r"\{parent\}", "(?P<parent>[^/]+)")
    acts = "|".join(collection.acts)
    return re.compile(rf"(?P<path>{path})(?:/(?P<id>[^/]+)(?:/(?P<act>{acts}))?)?" if acts else
                      rf"(?P<path>{path})(?:/(?P<id>[^/]+))?(?P<act>)")


_ROUTES = tuple((_pattern(collection), collection) for collection in COLLECTIONS)


class StripeSandbox(Sandbox):
    """Every collection that has a kind, and as much of subscriptions as is read of them."""

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
        for pattern, collection in _ROUTES:
            hit = pattern.fullmatch(request.path)
            if hit is not None:
                account = self._account(request, unquote(hit.groupdict().get("parent") or ""))
                if account.parent:
                    account.find(PRODUCTS, "product", account.parent, "product", 404)
                id = hit["id"]
                found = self._all(collection, hit["path"], given, account, request) if id is None else \
                    self._one(collection, hit["path"], unquote(id), given, account, request, hit["act"])
                if found is not None:
                    return found
        raise Complaint(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _account(self, request: Request, parent: str) -> Account:
        live = bool(re.match(r"Bearer (sk|rk)_live_", request.headers.get("authorization", "")))
        return Account(self.objects, int(self.clock.now()), live, request.headers.get("stripe-version", ""), parent)

    def _all(self, collection: Collection, path: str, given: Body, account: Account, request: Request) -> Body | None:
        if request.method == "GET":
            return self._list(collection, path, given, account)
        return self._create(collection, path, given, account) if request.method == "POST" and collection.new else None

    def _one(self, collection: Collection, path: str, id: str, given: Body, account: Account, request: Request,
             act: str) -> Body | None:
        held = account.find(path, collection.noun, id, collection.key, 404)
        if request.method == "DELETE" and collection.gone is not None:
            collection.gone(held, account)
            del account.held(path)[id]
            return {"id": id, "object": collection.object, "deleted": True}
        if request.method == "POST" and act:
            return self._kept(collection, path, collection.acts[act](held, account), given, account)
        if request.method == "POST" and collection.update is not None:
            return self._update(collection, path, held, given, account)
        if request.method == "GET" and not act:
            expand = read(given, made_of(expand=EXPAND)).get("expand", [])
            return self._shown(collection, held, expand, account)
        return None

    def _create(self, collection: Collection, path: str, given: Body, account: Account) -> Body:
        params, expand = self._params(given, collection.create)
        shown = self._shown(collection, self._made(collection, path, params, account), expand, account)
        once = account.held(path)[shown["id"]].pop("_once", {})
        return {**shown, **once}

    def _made(self, collection: Collection, path: str, params: Body, account: Account) -> Body:
        assert collection.new is not None
        first, metadata = params.pop("default_price_data", None), params.pop("metadata", None)
        marked = {"metadata": merged({}, metadata)} if collection.marked else {}
        fields = collection.new(params, account)
        body = {"id": self._id(collection), "object": collection.object, "livemode": account.live,
                **dict.fromkeys(collection.stamps, account.now), **fields, **marked}
        account.held(path)[body["id"]] = body
        if first is not None:
            prices = next(one for one in COLLECTIONS if one.path == PRICES)
            body["default_price"] = self._made(prices, PRICES, {**first, "product": body["id"]}, account)["id"]
        return body

    def _id(self, collection: Collection) -> str:
        numbers = self.objects.setdefault("/numbers", {}).setdefault(collection.path, {"next": 0})
        numbers["next"] += 1
        return f"{collection.prefix}_{numbers['next']}"

    def _update(self, collection: Collection, path: str, held: Body, given: Body, account: Account) -> Body:
        params, expand = self._params(given, collection.update or made_of())
        metadata = params.pop("metadata", ...)
        marked = {} if metadata is ... else {"metadata": merged(held["metadata"], metadata)}
        changed = {**collection.changed(held, params, account), **marked}
        return self._kept(collection, path, changed, {"expand": expand} if expand else {}, account)

    def _kept(self, collection: Collection, path: str, body: Body, given: Body, account: Account) -> Body:
        touched = {"updated": account.now} if "updated" in collection.stamps else {}
        account.held(path)[body["id"]] = {**body, **touched}
        return self._shown(collection, account.held(path)[body["id"]], given.get("expand", []), account)

    @staticmethod
    def _params(given: Body, allowed: Param) -> tuple[Body, list[str]]:
        params = read(given, made_of(allowed.required, **allowed.fields, expand=EXPAND))
        return params, params.pop("expand", [])

    # what is shown

    def _list(self, collection: Collection, path: str, given: Body, account: Account) -> Body:
        params = read(given, made_of(**collection.list.fields, **_PAGING))
        limit = params.pop("limit", 10)
        if not 1 <= limit <= 100:
            raise Complaint("This value must be between 1 and 100 (inclusive).", code="parameter_invalid_integer",
                            param="limit")
        expand = [_below_data(name) for name in params.pop("expand", [])]
        after, before = params.pop("starting_after", None), params.pop("ending_before", None)
        params |= {name: False for name in ("archived",) if name in collection.list.fields and name not in params}
        held = account.held(path)
        found = [body for body in reversed(held.values())
                 if all(collection.fits(body, *one) for one in params.items())]
        for cursor, param in ((after, "starting_after"), (before, "ending_before")):
            if cursor is not None:
                account.find(path, collection.noun, cursor, param)
        place = {id: n for n, id in enumerate(reversed(held))}
        if after is not None:
            found = [body for body in found if place[body["id"]] > place[after]]
        if before is not None:
            found = [body for body in found if place[body["id"]] < place[before]]
        page = found[-limit:] if before is not None else found[:limit]
        return {"object": "list", "url": path, "has_more": len(found) > limit,
                "data": [self._shown(collection, body, expand, account) for body in page]}

    def _shown(self, collection: Collection, body: Body, expand: list[str], account: Account) -> Body:
        """An object with what was asked for; the rest of what is shown on demand stays out."""
        shown: Body = {key: value for key, value in body.items() if not key.startswith("_")}
        for name in collection.hidden:
            if name not in expand:
                shown = without(shown, name)
        for name in expand:
            if name in collection.links:
                gone = body.get("_gone", {}).get(name)
                target = gone or self._target(collection.links[name], at(shown, name), account)
                shown = replaced(shown, name, target)
            elif name not in collection.hidden:
                raise Complaint(f"This property cannot be expanded ({name}).", param="expand")
        return collection.shown(shown, account)

    def _target(self, path: str, id: Any, account: Account) -> Any:
        target = next(one for one in COLLECTIONS if one.path == path)
        return id and self._shown(target, account.held(path)[id], [], account)


def _below_data(name: str) -> str:
    if not name.startswith("data."):
        raise Complaint(f"This property cannot be expanded ({name}). You may want to try expanding 'data.{name}'.",
                        param="expand")
    return name[len("data."):]
