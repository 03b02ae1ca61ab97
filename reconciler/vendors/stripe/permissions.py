"""What a restricted key of Stripe's must be allowed: a resource is read or written, and who writes it reads it too.

The names are those of Stripe's "API permissions reference" (2026), with the `rak_` in front that its errors and the form
for new keys have; prices go by their former name, plan. That document names none for the features of a product: they are
taken to be a part of the product.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.contract import Permissions

LISTS: Mapping[str, str] = {
    "product": "/v1/products", "plan": "/v1/prices", "coupon": "/v1/coupons", "promotion_code": "/v1/promotion_codes",
    "tax_rate": "/v1/tax_rates", "billing_meter": "/v1/billing/meters", "entitlement": "/v1/entitlements/features",
    "webhook": "/v1/webhook_endpoints", "customer_portal": "/v1/billing_portal/configurations",
    "subscription": "/v1/subscriptions"}
"""A list of each resource: only who may read it gets one."""


def access(resource: str, *also: str, look: str | None = None) -> Permissions:
    """A resource to read and to write, others that are only read, and one that only feeds facts."""
    return Permissions(tuple(_to("read", one) for one in (resource, *also)), (_to("write", resource),),
                       (_to("read", look),) if look is not None else ())


def _to(verb: str, resource: str) -> str:
    return f"rak_{resource}_{verb}"


def resource_of(permission: str) -> tuple[str, str]:
    """`rak_plan_read` → (plan, read)."""
    name, _, verb = permission.removeprefix("rak_").rpartition("_")
    return name, verb
