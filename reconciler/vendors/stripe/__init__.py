"""Stripe: what is sold, what it costs, what is counted, taken off and taxed, and where customers and events go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.contract import Env, Kinds, Settings, Vendor
from reconciler.secret import Secret


class StripeSettings(Settings):
    """A connection to one Stripe account in one mode.

    `mode` pins what the key's prefix says, `account` the account that is acted on (a connected one is reached
    through the platform's key).
    """

    api_key: Annotated[Secret, Env("STRIPE_API_KEY")]
    mode: Literal["test", "live"] | None = None
    account: Annotated[str | None, Field(pattern=r"^acct_[A-Za-z0-9]+$"), Env("STRIPE_ACCOUNT")] = None
    api_version: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")] = "2026-10-28.endive"


VENDOR = Vendor(
    "stripe", StripeSettings, "reconciler.vendors.stripe.api:StripeApi",
    Kinds("reconciler.vendors.stripe", {
        "product": "product:Product", "price": "price:Price", "coupon": "coupon:Coupon",
        "promotion_code": "promotion_code:PromotionCode", "tax_rate": "tax_rate:TaxRate", "meter": "meter:Meter",
        "feature": "entitlement:Feature", "product_feature": "entitlement:ProductFeature",
        "webhook_endpoint": "webhook:WebhookEndpoint", "portal_configuration": "portal:PortalConfiguration"}),
    "reconciler.vendors.stripe.sandbox:StripeSandbox")
