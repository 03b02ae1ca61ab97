"""HCL version 1 as Vault reads it in ACL policies: a tokenizer and a parser to a tree; JSON texts become the same tree.

The grammar is that of the server: identifiers may hold `-` and `.`, strings know C escapes and `${…}` in which quotes
count for nothing, a heredoc ends at its anchor, `#`, `//` and `/* */` are comments only outside strings, so that
`kv/data/api/*` keeps its `/*`. Found on OpenBao 2.7.2: a list may end with a comma, `capabilities` given twice is
joined, a label may be an identifier, quotes must be double.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class Malformed(ValueError):
    """A text that the server would not take; line and column count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.message, self.line, self.column = message, line, column


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text; `value` is what it stands for."""

    type: str
    value: Any
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Item:
    """`keys… = value` or `keys… { … }`; the value is a scalar, a list or a Body."""

    keys: tuple[str, ...]
    value: Any
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Body:
    """The items between braces, in order; a key may come more than once."""

    items: tuple[Item, ...]
    line: int
    column: int


_WORDS = re.compile(r"""
    (?P<space>[ \t\r\n]+)
  | (?P<comment>\#[^\n]*|//[^\n]*|/\*.*?\*/)
  | (?P<heredoc><<(?P<indented>-?)(?P<anchor>\w+)\r?\n)
  | (?P<float>-?(?:\d+\.\d*(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?))
  | (?P<number>-?(?:0[xX][0-9a-fA-F]+|\d+))
  | (?P<name>[^\W\d][\w.-]*)
  | (?P<mark>[{}\[\],=])
""", re.VERBOSE | re.DOTALL)

_ESCAPE = re.compile(r"\\(?:([abfnrtv\\\"])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))")
_PLAIN = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def parse(text: str) -> Body:
    """A policy text as a tree, HCL or JSON as its first character says; Malformed where the server would refuse it."""
    return _from_json(text) if text.lstrip().startswith("{") else _Parser(text).body()


def is_json(text: str) -> bool:
    """Whether the server reads the text as JSON."""
    return text.lstrip().startswith("{")


def tokens(text: str) -> Iterator[Token]:
    """The words of an HCL text, comments left out, an `end` at its end."""
    at, line, start = 0, 1, 0
    while at < len(text):
        column = at - start + 1
        if text[at] == '"':
            value, end = _string(text, at, line, column)
            token = Token("string", value, line, column)
        else:
            hit = _WORDS.match(text, at)
            if hit is None:
                raise Malformed(_strange(text, at), line, column)
            token, end = _word(text, hit, line, column)
        if token.type not in ("space", "comment"):
            yield token
        breaks = text.count("\n", at, end)
        if breaks:
            line, start = line + breaks, text.rindex("\n", at, end) + 1
        at = end
    yield Token("end", "", line, at - start + 1)


def _word(text: str, hit: re.Match[str], line: int, column: int) -> tuple[Token, int]:
    kind, found = str(hit.lastgroup), hit[0]
    if hit["heredoc"] is not None:
        value, end = _heredoc(text, hit, line, column)
        return Token("heredoc", value, line, column), end
    if kind == "name":
        return (Token("bool", found == "true", line, column) if found in ("true", "false")
                else Token("name", found, line, column)), hit.end()
    if kind == "number":
        return Token("number", _integer(found, line, column), line, column), hit.end()
    if kind == "float":
        return Token("number", float(found), line, column), hit.end()
    return Token(found if kind == "mark" else kind, found, line, column), hit.end()


def _integer(text: str, line: int, column: int) -> int:
    digits = text.lstrip("-")
    sign = -1 if text.startswith("-") else 1
    if digits[:2] in ("0x", "0X"):
        return sign * int(digits, 16)
    if len(digits) > 1 and digits[0] == "0":
        if not re.fullmatch("[0-7]+", digits):
            raise Malformed("illegal octal number", line, column)
        return sign * int(digits, 8)
    return sign * int(digits)


def _strange(text: str, at: int) -> str:
    if text.startswith("/*", at):
        return "this comment has no end"
    if text.startswith("<<", at):
        return "a heredoc needs an anchor and a line end after <<"
    return f"unexpected character {text[at]!r}" + (": strings stand in double quotes" if text[at] == "'" else "")


def _string(text: str, at: int, line: int, column: int) -> tuple[str, int]:
    """A quoted string from its opening quote; inside `${…}` quotes and line ends don't end it."""
    found: list[str] = []
    here, depth = at + 1, 0
    while here < len(text):
        char = text[here]
        if char == '"' and depth == 0:
            return "".join(found), here + 1
        if char == "\n" and depth == 0:
            break
        if char == "\\":
            hit = _ESCAPE.match(text, here)
            if hit is None:
                raise Malformed(f"unknown escape {text[here:here + 2]!r}", line, column + here - at)
            found.append(hit[0] if depth else _unescaped(hit))
            here = hit.end()
            continue
        if text.startswith("${", here):
            depth += 1
            found.append("$")
            here += 1
        elif char == "{" and depth:
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        found.append(text[here])
        here += 1
    raise Malformed("this string has no end", line, column)


def _unescaped(hit: re.Match[str]) -> str:
    if hit[1]:
        return _PLAIN[hit[1]]
    return chr(int(hit[2], 8)) if hit[2] else chr(int(hit[3] or hit[4] or hit[5], 16))


def _heredoc(text: str, hit: re.Match[str], line: int, column: int) -> tuple[str, int]:
    end = re.compile(rf"^[ \t]*{re.escape(hit['anchor'])}\r*(?:\n)", re.MULTILINE).search(text, hit.end())
    if end is None:
        raise Malformed(f"this heredoc has no end: {hit['anchor']} must stand on a line of its own", line, column)
    lines = text[hit.end():end.start()].splitlines(keepends=True)
    if hit["indented"]:
        margin = re.match(r"[ \t]*", end[0])
        indent = margin[0] if margin else ""
        if all(one.startswith(indent) for one in lines):
            lines = [one[len(indent):] for one in lines]
        else:
            lines = [one.lstrip(" \t") for one in lines]
    return "".join(lines), end.end()


class _Parser:
    """Recursive descent over the words of one text."""

    def __init__(self, text: str) -> None:
        self.words = list(tokens(text))
        self.at = 0

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.words[self.at - 1]

    def wrong(self, expected: str) -> Malformed:
        found = "the end of the text" if self.word.type == "end" else repr(str(self.word.value))
        return Malformed(f"expected {expected}, found {found}", self.word.line, self.word.column)

    def body(self, closes: str = "end") -> Body:
        """Items up to a closing brace or the end; a comma may follow an item."""
        items, first = [], self.word
        while self.word.type != closes:
            items.append(self.item())
            if self.word.type == ",":
                self.take()
        self.take()
        return Body(tuple(items), first.line, first.column)

    def item(self) -> Item:
        first, keys = self.word, []
        while self.word.type in ("name", "string"):
            keys.append(str(self.take().value))
        if not keys:
            raise self.wrong("a key")
        if self.word.type == "{":
            self.take()
            return Item(tuple(keys), self.body("}"), first.line, first.column)
        if self.word.type == "=" and len(keys) == 1:
            self.take()
            return Item(tuple(keys), self.value(), first.line, first.column)
        raise self.wrong("`{`" if len(keys) > 1 else "`=` or `{`")

    def value(self) -> Any:
        word = self.word
        if word.type in ("string", "number", "bool", "heredoc"):
            return self.take().value
        if word.type == "{":
            self.take()
            return self.body("}")
        if word.type == "[":
            self.take()
            return self.items()
        raise self.wrong("a value")

    def items(self) -> list[Any]:
        found: list[Any] = []
        while self.word.type != "]":
            found.append(self.value())
            if self.word.type == ",":
                self.take()
            elif self.word.type != "]":
                raise self.wrong("`,` or `]`")
        self.take()
        return found


def _from_json(text: str) -> Body:
    """A JSON policy as the tree that its HCL would give: each object key is a label."""
    def pairs(found: list[tuple[str, Any]]) -> Body:
        return Body(tuple(Item((key,), value, 1, 1) for key, value in found), 1, 1)

    try:
        found = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg}", error.lineno, error.colno) from None
    return found if isinstance(found, Body) else Body((), 1, 1)
