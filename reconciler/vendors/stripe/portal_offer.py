"""What a portal offers to switch to: prices that can't be archived while it does."""

from __future__ import annotations

from reconciler.model import Action, Fields, Op

UPDATE = "subscription_update"


def listed(fields: Fields) -> set[str]:
    """The prices that a portal offers."""
    products = ((fields.get("features") or {}).get(UPDATE) or {}).get("products") or ()
    return {str(price) for product in products for price in product.get("prices") or ()}


def turns_away(action: Action) -> bool:
    """Whether an action changes which prices a portal offers, or ends it."""
    offer = f"features.{UPDATE}.products"
    return action.live is not None and action.op is not Op.BLOCKED and (action.op is Op.DELETE or any(
        change.path.startswith(offer) or offer.startswith(f"{change.path}.") for change in action.changes))
