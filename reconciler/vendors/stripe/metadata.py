"""Stripe's metadata: the type of its map, and our mark in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.contract import Mark
from reconciler.contract.owner import RESERVED
from reconciler.model import Impact, has_token

KEYS = 50 - len(RESERVED)
"""How many keys are the user's: Stripe takes 50, our mark needs three."""


def _key(key: str) -> str:
    if not 1 <= len(key) <= 40:
        raise ValueError("a metadata key has 1 to 40 characters")
    if "[" in key or "]" in key:
        raise ValueError("a metadata key can't hold [ or ]")
    if key in RESERVED:
        raise ValueError("this metadata key is reserved for our own mark")
    return key


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _value(value: str | None) -> str | None:
    if value == "":
        raise ValueError("an empty text would remove the key: write null to remove it")
    if value is not None and len(value) > 500 and not has_token(value):
        raise ValueError("a metadata value has at most 500 characters")
    return value


Metadata = Annotated[
    dict[Annotated[str, AfterValidator(_key)], Annotated[str | None, BeforeValidator(_text),
                                                         AfterValidator(_value)]] | None,
    Field(max_length=KEYS), Mark.MERGED, Impact.COSMETIC]
"""Merged key by key at Stripe: foreign keys stay, null removes one, numbers and booleans are written as text."""


def removal(metadata: Mapping[str, Any] | None) -> dict[str, None]:
    """Every key of a map as one to remove; `metadata=""` would take our own mark with it."""
    return dict.fromkeys(metadata or {})
