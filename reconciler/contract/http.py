"""The one HTTP client of all vendors: retry, pacing, paging, redaction, read-only mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Api:
    """Placeholder of the interface; see the finished module."""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any: ...
    def find(self, path: str, params: Mapping[str, Any] | None = None) -> Any | None: ...
    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]: ...
