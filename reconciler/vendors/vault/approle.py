"""vault.approle_role: what a service that logs in with a role id may do, and for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Kind, Link, Mark, Output, Spec
from reconciler.contract.spec import Shape
from reconciler.errors import Denied
from reconciler.model import Action, Call, Changes, Fact, Fate, Fields, Impact, Live, Unseen, Want, has_token
from reconciler.secret import Secret
from reconciler.vendors.vault.engines import mounts_meant
from reconciler.vendors.vault.policy import lower
from reconciler.vendors.vault.reading import keys, read_each
from reconciler.vendors.vault.terms import (
    Duration,
    Networks,
    Path,
    bare,
    duration,
    names,
    network,
    networks,
    route,
    sent,
)

TYPE = "approle"
TYPES = frozenset({TYPE})
_NAME = re.compile(r"\w(?:[\w.-]*\w)?")


def role_name(value: str | None) -> str | None:
    """A role's name as the server keeps it; ValueError where it would be another one or is refused."""
    if value is None or has_token(value):
        return value
    if value != lower(value) or not value:
        raise ValueError(f"the server keeps names in lower case, without blanks around them: write {lower(value)!r}")
    if not _NAME.fullmatch(value):
        raise ValueError("has letters, digits, _ . - only, and begins and ends with a letter, digit or _")
    return value


class TokenFields(Spec):
    """What the tokens of a role are like; 0 leaves it to the mount."""

    token_policies: Annotated[list[Annotated[str, Link("vault.policy", "name")]] | None, Canonical(names),
                              Impact.ACCESS] = None
    token_ttl: Duration = 0
    token_max_ttl: Duration = 0
    token_explicit_max_ttl: Duration = 0
    token_period: Duration = 0
    token_num_uses: Annotated[int | None, Field(ge=0)] = 0
    token_bound_cidrs: Annotated[Networks, Impact.ACCESS] = None
    token_no_default_policy: Annotated[bool | None, Impact.ACCESS] = False
    token_type: Literal["default", "service", "batch"] | None = "default"  # noqa: S105 - a type, not a token


class AppRoleSpec(TokenFields):
    """The fields of vault.approle_role; a secret id is never one of them."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(role_name), Canonical(lower)] = None
    mount: Annotated[Path | None, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.auth_method", "path"),
                     Canonical(bare)] = TYPE
    bind_secret_id: Annotated[bool | None, Impact.ACCESS] = True
    secret_id_bound_cidrs: Annotated[Networks, Impact.ACCESS] = None
    secret_id_num_uses: Annotated[int | None, Field(ge=0)] = 0
    secret_id_ttl: Duration = 0
    local_secret_ids: Annotated[bool | None, Mark.IMMUTABLE] = False
    role_id: Annotated[str | None, Mark.SECRET, Impact.ACCESS] = None


class AppRole(Kind[AppRoleSpec]):
    """A role of the AppRole login. Its role id is half a credential: read only where it is asked for, never shown.

    The server takes a write as it is and leaves out what is not in it, so a cleared field is sent with its default.
    """

    name, spec, parent, create_impact = "vault.approle_role", AppRoleSpec, "vault.auth_method", Impact.ACCESS
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "name": Output(foretold="name"),
                                               "role_id": Output(secret=True)}

    def item(self, id: str) -> str:
        """The path of one role."""
        return f"/v1/{route(id)}"

    def id_of(self, fields: Mapping[str, Any], name: str) -> str:
        """A role's handle: its path, which policies name too."""
        return f"auth/{fields.get('mount') or TYPE}/role/{lower(fields.get('name') or name)}"

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        """The name in its mount; no mount is the usual one."""
        return super().identity({**fields, "mount": fields.get("mount") or TYPE})

    def foretell(self, want: Want[AppRoleSpec]) -> Mapping[str, str]:
        """Its id is its path."""
        id = self.id_of(want.fields, want.address.name)
        return {**super().foretell(want), **({} if has_token(id) else {"id": id})}

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The roles that are asked for, one GET each, and their role ids where an entry names or refers to them."""
        with_id: dict[str, bool] = {}
        for want in ask.wants:
            for id in self._candidates(want, ask):
                with_id[id] = with_id.get(id, False) or want.get("role_id") is not None
        ids = [*with_id, *sorted(ask.ids), *(self._all(ask) if ask.everything else ())]
        referred, named = "role_id" in ask.outputs, any(with_id.values())
        return read_each(self.api, {id: self.item(id) for id in dict.fromkeys(ids)},
                         lambda id: self._read(id, referred or with_id.get(id, named)))

    def _candidates(self, want: Want[Any], ask: Ask) -> Iterable[str]:
        """Where a wanted role may be; a mount may be a reference."""
        mounts = mounts_meant(self.api, want.get("mount") or TYPE, ask, TYPES)
        found = (self.id_of({**want.fields, "mount": one}, want.address.name) for one in mounts)
        return [id for id in found if not has_token(id)]

    def _all(self, ask: Ask) -> Iterable[str]:
        return [f"auth/{one.id}/role/{key}" for one in ask.parents if one.fields.get("type") in TYPES
                for key in keys(self.api, f"/v1/auth/{route(one.id)}/role")]

    def get(self, id: str) -> Live | None:
        """One role; with its role id where we may read that, because a new one may have to be handed over."""
        try:
            return self._read(id, True)
        except Denied:
            return self._read(id, False)

    def _read(self, id: str, with_role_id: bool) -> Live | None:
        body = self.api.find(self.item(id))
        if body is None:
            return None
        mount, _, name = id.removeprefix("auth/").rpartition("/role/")
        fields = {field: body[field] for field in self.shape.children if field in body}
        fields |= {"name": name, "mount": mount}
        outputs: dict[str, Any] = {"id": id, "name": name}
        if with_role_id:
            role_id = Secret(str(self.api.get(f"{self.item(id)}/role-id")["role_id"]))
            fields["role_id"] = outputs["role_id"] = role_id
        return Live(id=id, fields=fields, outputs=outputs, raw=body)

    # writing

    def create(self, want: Want[AppRoleSpec]) -> Call:
        """One POST with what was given."""
        return Call("POST", self.item(self.id_of(want.fields, want.address.name)), self._body(want.fields), safe=True)

    def update(self, live: Live, want: Want[AppRoleSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed."""
        changed = {change.path.partition("[")[0].partition(".")[0] for change in changes}
        yield Call("POST", self.item(live.id), self._body({name: want.get(name) for name in changed}), safe=True)

    def _body(self, fields: Mapping[str, Any]) -> Fields:
        shapes = self.shape.children
        given = {name: value for name, value in sorted(fields.items()) if name not in ("name", "mount")}
        body = {name: _sent(value, shapes[name]) for name, value in given.items()}
        if body.get("role_id", 0) is None:
            del body["role_id"]
        return body

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; what is gone already answers the same."""
        yield Call("DELETE", self.item(live.id), safe=True)

    # judgement

    def fate(self, live: Live) -> Fate:
        """It is deleted: nobody logs in with it any more."""
        return Fate("delete", why="nobody can log in with it any more; tokens that are out stay until they end")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse, some of it with a 500."""
        try:
            role_name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)
        bound = fields.get("secret_id_bound_cidrs") or fields.get("token_bound_cidrs")
        if fields.get("bind_secret_id") is False and not bound:
            yield "bind_secret_id", "without a secret id the server wants secret_id_bound_cidrs or token_bound_cidrs"
        if fields.get("token_type") == "batch":
            for name in ("token_num_uses", "token_period"):
                if duration(fields.get(name) or 0) != 0:
                    yield name, "batch tokens have no limited uses and no period"
        least, most = duration(fields.get("token_ttl")), duration(fields.get("token_max_ttl"))
        if isinstance(least, int) and isinstance(most, int) and least > most > 0:
            yield "token_ttl", "is longer than token_max_ttl"

    def look(self, action: Action) -> Iterable[Fact]:
        """Policies that are named and are not there: legal, and worth nothing."""
        named = action.resource.fields.get("token_policies") if action.resource is not None else None
        given = {str(lower(name)) for name in named or () if not has_token(name)} - {"default"}
        absent = sorted(given - {*map(str.lower, keys(self.api, "/v1/sys/policies/acl"))}) if given else ()
        return [Fact(f"there is no policy {name} yet: it gives nothing", subject="token_policies") for name in absent]


def _sent(value: Any, shape: Shape) -> Any:
    if shape.normal is duration:
        return sent(value)
    if shape.normal is networks:
        return [network(block) for block in value or ()]
    if value is None:
        return [] if shape.kind == "list" else shape.default
    return value
