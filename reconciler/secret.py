"""Values that must never be seen: kept as a type, read late, printed as `(secret)`."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, quote_plus


class Given(str):
    """A text that came from the environment, a file or a secret store: the only kind that a credential may be."""

    __slots__ = ()


class Secret:
    """A value that prints as `(secret)` everywhere; only `reveal()` gives it, right before it is sent."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; for the transport, sinks and digests only."""
        return self._value

    def __repr__(self) -> str:
        return "(secret)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "(secret)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(hashlib.sha256(self._value.encode()).digest())

    def __reduce__(self) -> Any:
        raise TypeError("a secret is never pickled or copied to disk")

    def __deepcopy__(self, memo: Any) -> Secret:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """In settings: a Secret, or a text that was Given; never one that was written down."""
        from pydantic_core import core_schema

        def check(value: Any) -> Secret:
            if isinstance(value, Secret):
                return value
            if isinstance(value, Given):
                return cls(str(value))
            raise ValueError("a credential is never written down: name where it comes from, {env: NAME}")

        return core_schema.no_info_plain_validator_function(check)


def reveal(value: Any) -> Any:
    """The value with every Secret in it opened, at any depth; only for a body that is about to be sent."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [reveal(item) for item in value]
    return value


def disguises(value: str) -> tuple[str, ...]:
    """A secret as a message may quote it: plain, in JSON, as Python writes it, in a URL, a form or HTML; the longest first."""
    from html import escape  # most commands quote no secret

    found = {value, repr(value)[1:-1], quote(value, safe=""), quote(value), quote_plus(value), escape(value),
             json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return tuple(sorted(found, key=lambda form: (-len(form), form)))
