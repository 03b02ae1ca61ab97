"""Resend: the domains that mail is sent from, templates, webhooks, keys, and what is kept of contacts."""

from __future__ import annotations

from typing import Annotated

from reconciler.contract import Env, Settings, Vendor
from reconciler.secret import Secret
from reconciler.vendors.resend.api_key import ApiKey
from reconciler.vendors.resend.contacts import ContactProperty, Segment, Topic
from reconciler.vendors.resend.domain import Domain
from reconciler.vendors.resend.template import Template
from reconciler.vendors.resend.webhook import Webhook


class ResendSettings(Settings):
    """A connection to one Resend team, by a key with full access; without `base_url` it is Resend's own host."""

    api_key: Annotated[Secret, Env("RESEND_API_KEY")]


VENDOR = Vendor(
    "resend", ResendSettings, "reconciler.vendors.resend.api:ResendApi",
    (Domain, Template, Webhook, ApiKey, Segment, Topic, ContactProperty),
    "reconciler.vendors.resend.sandbox:ResendSandbox")
