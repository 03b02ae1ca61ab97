"""Puts what is known in the place of references; what ends in a field for secrets is a secret from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.contract.spec import PLAIN, Mark, Shape
from reconciler.model import Fields, fill, has_token
from reconciler.secret import Secret


def filled(fields: Fields, known: Callable[[Any], Any], shape: Shape) -> Fields:
    """Fields with every reference that is known put in.

    An output that anybody may read (a DSN) is compared, digested and shown as a secret where it is kept as one.
    """
    found: Fields = fill(fields, known)
    return {name: _kept(value, shape.child(name), secret=False) for name, value in found.items()}


def _kept(value: Any, shape: Shape, *, secret: bool) -> Any:
    secret = secret or Mark.SECRET in shape.marks
    if isinstance(value, dict):
        return {key: _kept(item, shape.child(key), secret=secret) for key, item in value.items()}
    if isinstance(value, list):
        return [_kept(item, shape.item or PLAIN, secret=secret) for item in value]
    return Secret(value) if secret and isinstance(value, str) and not has_token(value) else value
