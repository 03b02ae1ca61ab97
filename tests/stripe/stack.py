"""SQL2.AI's billing, as the tests apply it and change it."""

from __future__ import annotations

import copy
from typing import Any

SQL2: dict[str, Any] = {
    "meter": {
        "ai_tokens": {"event_name": "ai_tokens_used", "display_name": "AI tokens",
                      "default_aggregation": {"formula": "sum"}, "value_settings": {"event_payload_key": "tokens"}},
    },
    "feature": {"query_history": {"name": "Query history"}},
    "product": {
        "pro": {"id": "sql2ai_pro", "name": "SQL2.AI Pro", "unit_label": "seat",
                "default_price": {"ref": "pro_monthly"}},
        "enterprise": {"id": "sql2ai_enterprise", "name": "SQL2.AI Enterprise"},
        "tokens": {"id": "sql2ai_tokens", "name": "AI tokens"},
    },
    "price": {
        "pro_monthly": {"product": {"ref": "pro"}, "currency": "usd", "unit_amount": 2900,
                        "recurring": {"interval": "month"}, "tax_behavior": "exclusive"},
        "pro_yearly": {"product": {"ref": "pro"}, "currency": "usd", "unit_amount": 29000,
                       "recurring": {"interval": "year"}, "currency_options": {"eur": {"unit_amount": 27000}}},
        "tokens_tiered": {"product": {"ref": "tokens"}, "currency": "usd", "billing_scheme": "tiered",
                          "tiers_mode": "graduated",
                          "tiers": [{"up_to": 100000, "unit_amount": 0},
                                    {"up_to": "inf", "unit_amount_decimal": "0.0004"}],
                          "recurring": {"interval": "month", "usage_type": "metered", "meter": {"ref": "ai_tokens"}}},
    },
    "product_feature": {"pro_history": {"product": {"ref": "pro"}, "entitlement_feature": {"ref": "query_history"}}},
    "coupon": {"launch30": {"percent_off": 30.0, "duration": "repeating", "duration_in_months": 3,
                            "applies_to": {"products": [{"ref": "pro"}]}}},
    "promotion_code": {"launch30": {"code": "LAUNCH30", "coupon": {"ref": "launch30"}}},
    "tax_rate": {"vat": {"display_name": "VAT", "percentage": 19.0, "inclusive": False, "country": "DE"}},
    "webhook_endpoint": {
        "api": {"url": "https://api.sql2.ai/hooks/stripe",
                "enabled_events": ["customer.subscription.updated", "invoice.paid"],
                "lifecycle": {"deliver": {"secret": {"to": "box", "path": "kv/api/stripe", "key": "webhook_secret"}}}},
    },
    "portal_configuration": {
        "main": {"features": {
            "invoice_history": {"enabled": True},
            "subscription_update": {
                "enabled": True, "default_allowed_updates": ["price"],
                "products": [{"product": {"ref": "pro"}, "prices": [{"ref": "pro_monthly"}, {"ref": "pro_yearly"}]}]}}},
    },
}


def changed(path: str, value: Any, of: dict[str, Any] = SQL2) -> dict[str, Any]:
    """The manifest with one field set, or taken out with `...`."""
    manifest = copy.deepcopy(of)
    *way, last = path.split("/")
    node = manifest
    for part in way:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return manifest


def without(*paths: str, of: dict[str, Any] = SQL2) -> dict[str, Any]:
    """The manifest without some entries, `noun/name`."""
    for path in paths:
        of = changed(path, ..., of)
    return of


def catalogue(*more: str) -> dict[str, Any]:
    """Products and prices alone, with more nouns where they are asked for."""
    return copy.deepcopy({noun: SQL2[noun] for noun in ("product", "price", "meter", *more)})
