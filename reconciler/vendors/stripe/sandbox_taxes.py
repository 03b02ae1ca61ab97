"""The sandbox's tax rates."""

from __future__ import annotations

from typing import get_args

from reconciler.vendors.stripe.sandbox_collection import CREATED, Account, Body, Collection
from reconciler.vendors.stripe.sandbox_params import BOOL, FLOAT, METADATA, TEXT, Complaint, Param, made_of, one_of
from reconciler.vendors.stripe.tax_rate import TaxType

RATES = "/v1/tax_rates"

_SAID = {"active": BOOL, "country": TEXT, "description": TEXT, "display_name": Param(longest=50),
         "jurisdiction": Param(longest=50), "metadata": METADATA, "state": TEXT, "tax_type": one_of(*get_args(TaxType))}


def _new(given: Body, account: Account) -> Body:
    if not 0 <= given["percentage"] <= 100 or round(given["percentage"], 4) != given["percentage"]:
        raise Complaint("Invalid percentage: must be between 0 and 100, with at most 4 decimals.", param="percentage")
    empty = dict.fromkeys(("country", "description", "effective_percentage", "flat_amount", "jurisdiction",
                           "jurisdiction_level", "state", "tax_type"))
    return {**empty, "active": True, "rate_type": "percentage", **given}


TAXES = (Collection(RATES, "tax rate", "txr", made_of(active=BOOL, created=CREATED, inclusive=BOOL), _new,
                    made_of(("display_name", "inclusive", "percentage"), **_SAID, inclusive=BOOL, percentage=FLOAT),
                    update=made_of(**_SAID), type="tax_rate", key="tax_rate"),)
