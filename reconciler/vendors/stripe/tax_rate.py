"""stripe.tax_rate: a rate of tax. Its percentage never changes: a new percentage is a new rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Mark, Replace, Scene, Spec
from reconciler.contract.compare import empty
from reconciler.model import Action, Change, Impact, Live, Note, Op, Unseen, Want
from reconciler.vendors.stripe.archived import Archived
from reconciler.vendors.stripe.metadata import Metadata
from reconciler.vendors.stripe.permissions import access

TaxType = Literal[
    "admissions_tax", "amusement_tax", "attendance_tax", "communications_tax", "digital_excise_tax", "entertainment_tax",
    "get_fund", "gross_receipts_tax", "gst", "hospitality_tax", "hst", "igst", "jct", "lease_tax", "luxury_tax",
    "mass_transit_parking_tax", "nhil", "parking_tax", "pst", "qst", "resort_tax", "retail_delivery_fee", "rst",
    "sales_tax", "service_tax", "tourism_tax", "utility_users_tax", "vat"]


def _four_decimals(value: float) -> float:
    if round(value, 4) != value:
        raise ValueError("has at most 4 decimals")
    return value


class TaxRateSpec(Spec):
    """The fields of stripe.tax_rate."""

    display_name: Annotated[str, Field(min_length=1, max_length=50), Impact.COSMETIC]
    percentage: Annotated[float, Field(ge=0, le=100), AfterValidator(_four_decimals), Mark.IMMUTABLE, Impact.MONEY]
    inclusive: Annotated[bool, Mark.IMMUTABLE, Impact.MONEY]
    country: Annotated[str | None, Field(pattern="^[A-Z]{2}$"), Impact.MONEY] = None
    state: Annotated[str | None, Field(pattern="^[A-Z0-9]{1,3}$"), Impact.MONEY] = None
    jurisdiction: Annotated[str | None, Field(min_length=1, max_length=50), Impact.COSMETIC] = None
    tax_type: Annotated[TaxType | None, Impact.COSMETIC] = None
    description: Annotated[str | None, Field(min_length=1), Impact.COSMETIC] = None
    active: bool | None = True
    metadata: Metadata = None


class TaxRate(Archived[TaxRateSpec]):
    """A rate of tax. It has no natural key: it is known by its mark, and taken over by `lifecycle.id` or `import`.

    What is said of its place can be changed and not taken away (`stripe` 16.1.0, TaxRateUpdateParams takes no empty
    text): to be without it takes a new rate.
    """

    name, spec, path, replace = "stripe.tax_rate", TaxRateSpec, "/v1/tax_rates", Replace.CREATE_FIRST
    permissions = access("tax_rate")

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The rates in use; those archived too where everything is asked for or an entry rests."""
        for active in (True, False):
            if active or ask.everything or any(self.rests(want) for want in ask.wants):
                for body in self.api.pages(self.path, {"active": active}):
                    yield self.live(body)

    def forces(self, live: Live, want: Want[TaxRateSpec], change: Change) -> bool:
        """What can't be taken away from a rate asks for a new one."""
        taken = empty(change.after) and not empty(change.before) and not change.path.startswith(("metadata", "active"))
        return change.replaces or taken

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Where an archived rate goes on to be charged."""
        yield from self.said_of_switch(action.changes, "archived: what uses it already goes on to charge it")
        if action.op is Op.DELETE:
            yield Note("what uses it already goes on to charge it", subject="archived")
        if action.op is Op.REPLACE:
            yield Note("archived; what uses it already goes on to charge it", subject="old rate")
