"""vault.password_policy: what the passwords are like that the server makes, compared by meaning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Kind, Mark, Output, Permissions, Spec, covers
from reconciler.errors import Unreadable
from reconciler.model import Call, Changes, Fate, Fields, Live, Unseen, Want, has_token
from reconciler.vendors.vault.hcl import Body, Item, is_json, parse
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.reading import keys, read_each
from reconciler.vendors.vault.roles import plain_name
from reconciler.vendors.vault.terms import route
from reconciler.vendors.vault.write import marked, quoted, unmarked

FOLDER = "sys/policies/password"
SHORTEST, LONGEST = 4, 100
"""Characters of a password (OpenBao 2.7.2)."""

SHAPE = 'a rule has a kind and a body: rule "charset" { charset = "…" }'

Charset = tuple[str, int]


def understood(text: str) -> tuple[int, list[Charset]]:
    """The length, and each rule as its characters and how many of them there must be; ValueError where it is refused.

    What else stands in a text counts for nothing at the server, and doubled characters count once.
    """
    length: Any = None
    charsets: list[Charset] = []
    for item in parse(text).items:
        if item.keys[0] == "length":
            length = item.value
        elif item.keys[0] == "rule":
            charsets += [_charset(kind, body) for kind, body in _rules(item)]
    _must(type(length) is int, "length = N is missing: how many characters a password has")
    _must(SHORTEST <= length <= LONGEST, f"a password has {SHORTEST} to {LONGEST} characters")
    _must(bool(charsets), 'a rule "charset" { charset = "…" } is missing: which characters a password has')
    least = sum(number for _, number in charsets)
    _must(least <= length, f"the rules ask for at least {least} characters, and length is {length}")
    return length, sorted(charsets)


def _must(holds: bool, text: str) -> None:
    if not holds:
        raise ValueError(text)


def _rules(item: Item) -> Iterable[tuple[str, Body]]:
    """The kind and the body of each rule, as HCL labels them and as JSON nests them."""
    if len(item.keys) == 2 and isinstance(item.value, Body):
        yield item.keys[1], item.value
        return
    for outer in item.value if isinstance(item.value, list) else [item.value]:
        _must(isinstance(outer, Body), SHAPE)
        for one in outer.items:
            for inner in one.value if isinstance(one.value, list) else [one.value]:
                _must(isinstance(inner, Body), SHAPE)
                yield one.keys[0], inner


def _charset(kind: str, body: Body) -> Charset:
    _must(kind == "charset", f"there is no rule {kind!r}: only charset")
    given: dict[str, Any] = {"charset": "", "min-chars": 0, **{one.keys[0]: one.value for one in body.items}}
    text, least = given["charset"], given["min-chars"]
    _must(isinstance(text, str) and text != "", "a charset has characters")
    _must(text.isprintable(), "a charset has printable characters only")
    _must(type(least) is int, "min-chars is a number")
    return "".join(sorted({*text})), max(least, 0)


def normal(value: Any) -> Any:
    """The normal form, for comparing; what can't be parsed stands for itself."""
    try:
        return json.dumps(understood(value)) if isinstance(value, str) else value
    except ValueError:
        return value


def as_hcl(text: str) -> str:
    """A text as it is sent: JSON is written as HCL, which can carry our mark."""
    if not is_json(text):
        return text
    length, charsets = understood(text)
    rules = [f'rule "charset" {{\n  charset = {quoted(chars)}\n  min-chars = {least}\n}}\n' for chars, least in charsets]
    return "\n".join([f"length = {length}\n", *rules])


def _parsed(value: str) -> str:
    if has_token(value):
        return value
    understood(value)
    return as_hcl(value)


class PasswordPolicySpec(Spec):
    """The fields of vault.password_policy; `policy` is HCL or JSON text."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(plain_name)] = None
    policy: Annotated[str, Field(min_length=1), AfterValidator(_parsed), Canonical(normal)]


class PasswordPolicy(Kind[PasswordPolicySpec]):
    """A policy for generated passwords. Its text is kept word for word, so our mark is its first line."""

    name, spec, room = "vault.password_policy", PasswordPolicySpec, True
    permissions = Permissions(at("sys/policies/password/{name}", "read"),
                              at("sys/policies/password/{name}", "update", "delete"))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(foretold="name"), "name": Output(foretold="name")}

    def item(self, id: str) -> str:
        """The path of one policy."""
        return f"/v1/{FOLDER}/{route(id)}"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The policies that are asked for, one GET each: Vault lists names only."""
        wanted = [want.get("name") or want.address.name for want in ask.wants]
        found = [name for name in wanted if not has_token(name)] + sorted(ask.ids)
        if ask.everything:
            found += keys(self.api, f"/v1/{FOLDER}")
        return read_each(self.api, {id: self.item(id) for id in dict.fromkeys(found)}, self.get)

    def get(self, id: str) -> Live | None:
        """One policy; None at 404."""
        body = self.api.find(self.item(id))
        if body is None:
            return None
        if not isinstance(body.get("policy"), str):
            raise Unreadable(f"{self.item(id)}: the answer shows no policy", "try again")
        text, owner = unmarked(body["policy"])
        return Live(id=id, fields={"name": id, "policy": text}, outputs={"id": id, "name": id}, owner=owner, raw=body)

    def create(self, want: Want[PasswordPolicySpec]) -> Call:
        """One POST with our mark."""
        text = marked(as_hcl(want["policy"]), want.owner)
        return Call("POST", self.item(want.get("name") or want.address.name), {"policy": text}, safe=True)

    def update(self, live: Live, want: Want[PasswordPolicySpec], changes: Changes) -> Iterable[Call]:
        """One POST with the whole text."""
        yield self._write(live, marked(as_hcl(want["policy"]), want.owner or live.owner))

    def claim(self, live: Live, want: Want[PasswordPolicySpec]) -> Iterable[Call]:
        """One POST with the live text under our mark; an update writes the mark itself."""
        if want.owner is not None and covers(live.fields, want.fields, self.shape):
            yield self._write(live, marked(as_hcl(live.fields["policy"]), want.owner))

    def release(self, live: Live) -> Iterable[Call]:
        """One POST that takes the mark's line off."""
        if live.owner is not None:
            yield self._write(live, live.fields["policy"])

    def _write(self, live: Live, text: str) -> Call:
        return Call("POST", self.item(live.id), {"policy": text}, safe=True)

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; what is gone already answers the same."""
        yield Call("DELETE", self.item(live.id), safe=True)

    def fate(self, live: Live) -> Fate:
        """Deleted; who names it can make no password."""
        return Fate("delete", why="whatever names it can make no password any more")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """The name, also where it is the manifest's own."""
        try:
            plain_name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)
