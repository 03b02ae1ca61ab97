"""Resend: the domains that mail is sent from, templates, webhooks, keys, and what is kept of contacts."""

from __future__ import annotations

from typing import Annotated

from reconciler.contract import Env, Kinds, Settings, Vendor
from reconciler.secret import Secret


class ResendSettings(Settings):
    """A connection to one Resend team, by a key with full access; without `base_url` it is Resend's own host."""

    api_key: Annotated[Secret, Env("RESEND_API_KEY")]


VENDOR = Vendor(
    "resend", ResendSettings, "reconciler.vendors.resend.api:ResendApi",
    Kinds("reconciler.vendors.resend", {
        "domain": "domain:Domain", "template": "template:Template", "webhook": "webhook:Webhook",
        "api_key": "api_key:ApiKey", "segment": "contacts:Segment", "topic": "contacts:Topic",
        "contact_property": "contacts:ContactProperty"}),
    "reconciler.vendors.resend.sandbox:ResendSandbox")
