"""How the sandbox cleans texts of surveys: elements that PostHog does not allow go, the rest is written anew."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Any

ALLOWED = frozenset({
    "a", "abbr", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "hr", "i", "img", "ins", "kbd", "li",
    "mark", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr",
    "u", "ul", "wbr"})
ATTRIBUTES = {"style", "lang", "title", "width", "height", "href", "target", "src", "alt"}
SILENT = ("script", "style")
"""Elements that go with what is in them."""

ENDLESS = ("br", "hr", "img", "wbr")


class _Cleaner(HTMLParser):
    """Writes what it reads, without what is not allowed; what is left open is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent += 1
        if tag not in ALLOWED:
            return
        kept = "".join(f' {name}="{escape(value)}"' for name, value in attrs if name in ATTRIBUTES and value is not None)
        safe = ' rel="noopener"' if tag == "a" else ""
        self.out.append(f"<{tag}{kept}{safe}>")
        if tag not in ENDLESS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent -= 1
        while tag in self.open:
            self.out.append(f"</{self.open[-1]}>")
            if self.open.pop() == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.out.append(escape(data, quote=False))


def cleaned(text: str) -> str:
    """One text as it is kept; without any HTML in it, it stays as it is."""
    if not re.search(r"<[a-zA-Z/!]", text):
        return text
    cleaner = _Cleaner()
    cleaner.feed(text)
    cleaner.close()
    return "".join([*cleaner.out, *(f"</{tag}>" for tag in reversed(cleaner.open))])


def clean(value: Any, names: frozenset[str], name: str = "") -> Any:
    """JSON with each text of these names cleaned, at every depth."""
    if isinstance(value, dict):
        return {key: clean(item, names, key) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, names, name) for item in value]
    return cleaned(value) if isinstance(value, str) and name in names else value
