"""Texts of a survey as people see them: PostHog takes some HTML out of them and writes the rest its own way."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

ALONE = frozenset({"area", "br", "col", "hr", "img", "wbr"})
"""Elements that have no end."""

TAKEN_OUT = frozenset({"script", "style", "iframe", "object", "embed", "form", "input", "button", "select", "textarea", "svg",
                       "math", "video", "audio", "source", "link", "meta", "base", "title", "template", "noscript"})
"""Elements that PostHog takes out of texts (its `survey.py`)."""

ADDED = frozenset({"rel"})
"""Attributes that PostHog writes itself."""


class _Pieces(HTMLParser):
    """A text as its elements, their attributes in no order, and what stands between them; what is left open is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, Any]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.found.append(("begin", (tag, sorted((name, value or "") for name, value in attrs if name not in ADDED))))
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>` is `<br>`."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """An element ends, and whatever was left open in it."""
        while tag in self.open:
            last = self.open.pop()
            self.found.append(("end", last))
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        """What stands between elements."""
        if self.found and self.found[-1][0] == "text":
            data = self.found.pop()[1] + data
        self.found.append(("text", data))

    def close(self) -> None:
        """The end of the text."""
        super().close()
        self.found += [("end", tag) for tag in reversed(self.open)]


def _pieces(text: str) -> list[tuple[str, Any]]:
    parser = _Pieces()
    parser.feed(text)
    parser.close()
    return parser.found


def rendered(value: Any) -> Any:
    """A text in normal form: the same for the same elements, however they are written."""
    return repr(_pieces(value)) if isinstance(value, str) and ("<" in value or "&lt;" in value) else value


def taken_out(text: str) -> Iterator[str]:
    """What PostHog would take out of a text, in a reader's words."""
    for word, piece in _pieces(text) if "<" in text else ():
        if word == "begin" and piece[0] in TAKEN_OUT:
            yield f"<{piece[0]}>"
        elif word == "begin":
            yield from (f"the attribute {name}" for name, _ in piece[1] if name.startswith("on") or name in ("class", "id"))
