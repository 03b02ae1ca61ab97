"""One request of a history."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any


@dataclass(frozen=True)
class Step:
    """One request; `as_token` is a number of a token made before, or None for root."""

    method: str
    path: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    as_token: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.body} {self.query or ''} as {self.as_token}"


post, get, names, delete = (partial(Step, method) for method in ("POST", "GET", "LIST", "DELETE"))
