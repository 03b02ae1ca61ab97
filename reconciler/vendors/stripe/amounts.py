"""Amounts: the types that manifests give them in, and the normal form in which they are compared."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.contract import Canonical

_DECIMAL = re.compile(r"\d+(\.\d{1,12})?\Z")


def number(value: Any) -> Any:
    """A number as plain decimal text, however it was written ("10.0", 10 and "10" are one); anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return value
    return format(found.normalize(), "f") if found.is_finite() else value


def number_or_zero(value: Any) -> Any:
    """The same where a missing amount charges nothing, as in a tier."""
    return number(0 if value is None else value)


def _text(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return format(Decimal(repr(value)), "f")
    return value


def _decimal(value: str | None) -> str | None:
    if value is not None and not _DECIMAL.match(value):
        raise ValueError('must be a number such as "0.0004", not negative, with at most 12 decimals')
    return value


Minor = Annotated[int | None, Field(ge=0), Canonical(number)]
"""A whole amount in the currency's smallest unit; 0 is a free price, not a missing one."""

Fraction = Annotated[str | None, BeforeValidator(_text), AfterValidator(_decimal), Canonical(number)]
"""An amount in the smallest unit with up to 12 decimals."""

TierMinor = Annotated[int | None, Field(ge=0), Canonical(number_or_zero)]
TierFraction = Annotated[str | None, BeforeValidator(_text), AfterValidator(_decimal), Canonical(number_or_zero)]


def both(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """The fields with each amount in both its forms, so that whichever a manifest gives can be compared.

    Stripe leaves the whole form null where the amount has decimals; here it then holds the decimal text, or a
    whole amount of 0 would look like an amount of 0.5 whose whole form is null.
    """
    found = dict(fields)
    for name in names:
        whole, fraction = found.get(name), found.get(f"{name}_decimal")
        if fraction is None and whole is not None:
            found[f"{name}_decimal"] = str(whole)
        elif whole is None and fraction is not None:
            plain = str(number(fraction))
            found[name] = int(plain) if plain.isdigit() else plain
    return found


def one_form(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """The fields with each amount in the form that says it whole: a manifest gives one of the two."""
    found = dict(fields)
    for name in names:
        found.pop(f"{name}_decimal" if isinstance(found.get(name), int) else name, None)
    return found
