"""What one of Stripe's collections takes, keeps and shows, as a value; the sandbox plays them all alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.vendors.stripe.sandbox_params import INT, METADATA, Complaint, Param, made_of

Body = dict[str, Any]

CREATED = made_of(gt=INT, gte=INT, lt=INT, lte=INT)


@dataclass(frozen=True)
class Account:
    """What a request may look at beside its own object: all that the account holds, the time, the API version."""

    objects: dict[str, dict[str, Body]]
    now: int
    live: bool = False
    version: str = ""
    parent: str = ""

    def held(self, path: str) -> dict[str, Body]:
        """The objects of one collection by id, oldest first."""
        return self.objects.setdefault(path, {})

    def find(self, path: str, noun: str, id: str, param: str, status: int = 400) -> Body:
        """One object, or Stripe's complaint that there is none."""
        found = self.held(path).get(id)
        if found is None:
            raise Complaint(f"No such {noun}: '{id}'", status=status, code="resource_missing", param=param)
        return found


New = Callable[[Body, Account], Body]
Changed = Callable[[Body, Body, Account], Body]


def merged_over(held: Body, given: Body, account: Account) -> Body:
    """An update that has no rule of its own."""
    return {**held, **given}


def equal(body: Body, name: str, wanted: Any) -> bool:
    """Whether an object passes a filter."""
    if name == "created":
        tests = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
        return all(tests[how](body["created"], limit) for how, limit in wanted.items())
    return bool(body.get(name) == wanted)


@dataclass(frozen=True)
class Collection:
    """One path. `hidden` are fields shown on demand, `links` ids that can be expanded, both by dotted path.

    `new` and `changed` get checked parameters without metadata, which is merged alike everywhere. `stamps` are the
    fields that hold a time. `acts` are POSTs below an object, `gone` is asked before a DELETE, `shown` has the last
    word on how an object looks. A key that begins with `_` is kept and never shown.
    """

    path: str
    noun: str
    prefix: str
    list: Param
    new: New | None = None
    create: Param = made_of()
    changed: Changed = merged_over
    update: Param | None = None
    type: str = ""
    key: str = "id"
    acts: Mapping[str, Callable[[Body, Account], Body]] = field(default_factory=dict)
    gone: Callable[[Body, Account], None] | None = None
    hidden: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    stamps: tuple[str, ...] = ("created",)
    fits: Callable[[Body, str, Any], bool] = equal
    shown: Callable[[Body, Account], Body] = lambda body, account: body

    @property
    def object(self) -> str:
        """What Stripe calls the type of its objects."""
        return self.type or self.noun

    @property
    def marked(self) -> bool:
        """Whether its objects have metadata."""
        return self.create.fields.get("metadata") == METADATA


def merged(held: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """Metadata after an update: keys are merged, an empty text takes one away, an empty map takes all."""
    found = {key: value for key, value in {**held, **given}.items() if value != ""} if given is not None else {}
    if len(found) > 50:
        raise Complaint(f"Metadata can have at most 50 keys; you have {len(found)}.", param="metadata")
    return found


def without(body: Any, path: str) -> Any:
    """A body without what lies at a dotted path; what is above it is copied."""
    name, _, rest = path.partition(".")
    if not isinstance(body, dict) or name not in body:
        return body
    if not rest:
        return {key: value for key, value in body.items() if key != name}
    return {**body, name: without(body[name], rest)}


def at(body: Any, path: str) -> Any:
    """What lies at a dotted path; nothing where there is no such place."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def replaced(body: Any, path: str, value: Any) -> Any:
    """A body with another value at a dotted path; what is above it is copied."""
    name, _, rest = path.partition(".")
    if not isinstance(body, dict) or name not in body:
        return body
    return {**body, name: replaced(body[name], rest, value) if rest else value}
