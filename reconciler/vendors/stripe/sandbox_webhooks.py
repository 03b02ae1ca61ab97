"""The sandbox's webhook endpoints: the secret is shown once."""

from __future__ import annotations

import re

from reconciler.vendors.stripe.sandbox_collection import Account, Body, Collection
from reconciler.vendors.stripe.sandbox_params import BOOL, METADATA, TEXT, Complaint, made_of, many

ENDPOINTS = "/v1/webhook_endpoints"

_EVENT = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")


def _checked(given: Body, account: Account) -> None:
    for n, event in enumerate(given.get("enabled_events", ["*"]) or [""]):
        if not _EVENT.fullmatch(event):
            raise Complaint(f"Invalid enabled_events[{n}]: {event!r} is no event.", param=f"enabled_events[{n}]")
    url = given.get("url", "https://")
    if not re.match(r"https?://", url) or (account.live and not url.startswith("https://")):
        raise Complaint("Invalid URL: URL must be publicly accessible, and begin with https in live mode.", param="url")


def _new(given: Body, account: Account) -> Body:
    _checked(given, account)
    connect = given.pop("connect", False)
    return {"api_version": None, "description": None, **given, "status": "enabled",
            "application": "ca_sandbox" if connect else None,
            "_once": {"secret": f"whsec_sandbox{len(account.held(ENDPOINTS)) + 1}"}}


def _changed(held: Body, given: Body, account: Account) -> Body:
    _checked(given, account)
    status = {} if "disabled" not in given else {"status": "disabled" if given.pop("disabled") else "enabled"}
    return {**held, **given, **status}


WEBHOOKS = (Collection(
    ENDPOINTS, "webhook endpoint", "we", made_of(), _new,
    made_of(("enabled_events", "url"), api_version=TEXT, connect=BOOL, description=TEXT.clearable,
            enabled_events=many(TEXT), metadata=METADATA, url=TEXT), _changed,
    made_of(description=TEXT.clearable, disabled=BOOL, enabled_events=many(TEXT), metadata=METADATA, url=TEXT),
    type="webhook_endpoint", key="webhook_endpoint", gone=lambda held, account: None),)
