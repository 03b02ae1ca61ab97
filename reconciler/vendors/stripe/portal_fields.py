"""The fields of stripe.portal_configuration: what customers may do in the portal."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Canonical, Keyed, Link, Mark, Named, Spec
from reconciler.model import Impact
from reconciler.vendors.stripe.metadata import Metadata

Proration = Annotated[Literal["none", "create_prorations", "always_invoice"] | None, Impact.MONEY]


def anchor(value: Any) -> Any:
    """Stripe shows nothing where the anchor stays as it is."""
    return value or "unchanged"


class BusinessProfile(Spec):
    """What the portal says of the business."""

    headline: str | None = None
    privacy_policy_url: str | None = None
    terms_of_service_url: str | None = None


class LoginPage(Spec):
    """Whether there is a page where customers log in by themselves."""

    enabled: bool


class CustomerUpdate(Spec):
    """What customers may change of their own data."""

    enabled: bool
    allowed_updates: Annotated[list[Literal["address", "email", "name", "phone", "shipping", "tax_id"]] | None,
                               Mark.UNORDERED] = None


class InvoiceHistory(Spec):
    """Whether customers see their invoices."""

    enabled: bool


class PaymentMethodUpdate(Spec):
    """Whether customers may change how they pay."""

    enabled: bool
    payment_method_configuration: str | None = None


class CancellationReason(Spec):
    """Whether customers are asked why they leave."""

    enabled: bool
    options: Annotated[list[Literal["customer_service", "low_quality", "missing_features", "other", "switched_service",
                                    "too_complex", "too_expensive", "unused"]] | None, Mark.UNORDERED] = None
    feedback_options: Annotated[list[str] | None, Mark.UNORDERED] = None


class SubscriptionCancel(Spec):
    """Whether and how customers may cancel."""

    enabled: bool
    mode: Literal["at_period_end", "immediately"] | None = "at_period_end"
    proration_behavior: Proration = "none"
    cancellation_reason: CancellationReason | None = Field(default_factory=lambda: CancellationReason(enabled=False))


class PauseOption(Spec):
    """A time that customers may choose."""

    interval: Literal["day", "week", "month", "year"]
    interval_count: Annotated[int | None, Field(ge=1)] = 1


class PauseDuration(Spec):
    """For how long a subscription may be paused."""

    type: Literal["indefinite", "interval_options"]
    interval_options: Annotated[list[PauseOption] | None, Mark.UNORDERED] = None


class SubscriptionPause(Spec):
    """Whether customers may pause a subscription; a month, if nothing else is said."""

    enabled: bool | None = False
    duration: PauseDuration | None = Field(default_factory=lambda: PauseDuration(
        type="interval_options", interval_options=[PauseOption(interval="month", interval_count=1)]))


class AdjustableQuantity(Spec):
    """Whether customers may change how many they have."""

    enabled: bool
    minimum: Annotated[int | None, Field(ge=0)] = 0
    maximum: Annotated[int | None, Field(ge=1)] = None


class PortalProduct(Spec):
    """A product and the prices of it that customers may change to."""

    product: Annotated[str, Link("stripe.product")]
    prices: Annotated[list[Annotated[str, Link("stripe.price")]], Field(min_length=1), Mark.UNORDERED]
    adjustable_quantity: AdjustableQuantity | None = Field(default_factory=lambda: AdjustableQuantity(enabled=False))


class Condition(Spec):
    """When a change waits for the end of the period."""

    type: Literal["decreasing_item_amount", "shortening_interval"]


class ScheduleAtPeriodEnd(Spec):
    """Which changes wait for the end of the period."""

    conditions: Annotated[list[Condition] | None, Mark.UNORDERED] = None


class SubscriptionUpdate(Spec):
    """Whether and how customers may change a subscription."""

    enabled: bool
    default_allowed_updates: Annotated[list[Literal["price", "quantity", "promotion_code"]] | None,
                                       Mark.UNORDERED] = None
    products: Annotated[list[PortalProduct] | None, Field(max_length=10), Keyed("product"), Impact.MONEY] = None
    proration_behavior: Proration = "none"
    billing_cycle_anchor: Annotated[Literal["unchanged", "now"] | None, Canonical(anchor), Impact.MONEY] = "unchanged"
    schedule_at_period_end: ScheduleAtPeriodEnd | None = Field(
        default_factory=lambda: ScheduleAtPeriodEnd(conditions=[]))
    trial_update_behavior: Annotated[Literal["end_trial", "continue_trial"] | None, Impact.MONEY] = "end_trial"


class Features(Spec):
    """What the portal offers; a block that is null is off."""

    customer_update: CustomerUpdate | None = Field(default_factory=lambda: CustomerUpdate(enabled=False))
    invoice_history: InvoiceHistory | None = Field(default_factory=lambda: InvoiceHistory(enabled=False))
    payment_method_update: PaymentMethodUpdate | None = Field(
        default_factory=lambda: PaymentMethodUpdate(enabled=False))
    subscription_cancel: SubscriptionCancel | None = Field(default_factory=lambda: SubscriptionCancel(enabled=False))
    subscription_pause: SubscriptionPause | None = Field(default_factory=lambda: SubscriptionPause(enabled=False))
    subscription_update: SubscriptionUpdate | None = Field(default_factory=lambda: SubscriptionUpdate(enabled=False))


def nothing_offered() -> Features:
    """Every block off, as Stripe fills what is not given."""
    return Features(
        customer_update=CustomerUpdate(enabled=False), invoice_history=InvoiceHistory(enabled=False),
        payment_method_update=PaymentMethodUpdate(enabled=False), subscription_cancel=SubscriptionCancel(enabled=False),
        subscription_pause=SubscriptionPause(enabled=False), subscription_update=SubscriptionUpdate(enabled=False))


class PortalConfigurationSpec(Spec):
    """The fields of stripe.portal_configuration."""

    name: Annotated[Named, Field(min_length=1, max_length=5000), Impact.COSMETIC] = None
    business_profile: Annotated[BusinessProfile | None, Impact.COSMETIC] = None
    default_return_url: Annotated[str | None, Impact.COSMETIC] = None
    features: Features | None = Field(default_factory=nothing_offered)
    login_page: Annotated[LoginPage | None, Impact.ACCESS] = Field(default_factory=lambda: LoginPage(enabled=False))
    active: bool | None = True
    metadata: Metadata = None
