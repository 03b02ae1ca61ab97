"""Stripe: what is sold, what it costs, what is counted, taken off and taxed, and where customers and events go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.contract import Env, Settings, Vendor
from reconciler.secret import Secret
from reconciler.vendors.stripe.coupon import Coupon
from reconciler.vendors.stripe.entitlement import Feature, ProductFeature
from reconciler.vendors.stripe.meter import Meter
from reconciler.vendors.stripe.portal import PortalConfiguration
from reconciler.vendors.stripe.price import Price
from reconciler.vendors.stripe.product import Product
from reconciler.vendors.stripe.promotion_code import PromotionCode
from reconciler.vendors.stripe.tax_rate import TaxRate
from reconciler.vendors.stripe.webhook import WebhookEndpoint


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
    (Product, Price, Coupon, PromotionCode, TaxRate, Meter, Feature, ProductFeature, WebhookEndpoint,
     PortalConfiguration),
    "reconciler.vendors.stripe.sandbox:StripeSandbox")
