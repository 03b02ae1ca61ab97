"""vault.approle_role: what a service that logs in with a role id may do, and for how long."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Link, Mark, Output, Permissions
from reconciler.errors import Denied
from reconciler.model import Fields, Impact, Live, Unseen
from reconciler.secret import Secret
from reconciler.vendors.vault.permissions import LIST_POLICIES, at
from reconciler.vendors.vault.policy import lower
from reconciler.vendors.vault.reading import read_each
from reconciler.vendors.vault.roles import LoginRole, TokenFields, role_name
from reconciler.vendors.vault.terms import Duration, Networks, Path, bare

TYPE = "approle"


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


class AppRole(LoginRole[AppRoleSpec]):
    """A role of the AppRole login. Its role id is half a credential: read only where it is asked for, never shown.

    The server takes a write as it is and leaves out what is not in it, so a cleared field is sent with its default.
    """

    name, spec, types = "vault.approle_role", AppRoleSpec, frozenset({TYPE})
    terraform = (("vault_approle_auth_backend_role", "auth/{backend}/role/{role_name}"),)
    permissions = Permissions(
        (*LoginRole.permissions.read, *at("auth/{mount}/role/{name}/role-id", "read")),
        LoginRole.permissions.write, LIST_POLICIES)
    outputs: ClassVar[Mapping[str, Output]] = {**LoginRole.outputs, "role_id": Output(secret=True)}

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The roles that are asked for, one GET each, and their role ids where an entry names or refers to them."""
        with_id: dict[str, bool] = {}
        for want in ask.wants:
            for id in self.candidates(want, ask):
                with_id[id] = with_id.get(id, False) or want.get("role_id") is not None
        ids = [*with_id, *sorted(ask.ids), *(self.all(ask) if ask.everything else ())]
        referred, named = "role_id" in ask.outputs, any(with_id.values())
        return read_each(self.api, {id: self.item(id) for id in dict.fromkeys(ids)},
                         lambda id: self._read(id, referred or with_id.get(id, named)))

    def get(self, id: str) -> Live | None:
        """One role; with its role id where we may read that, because a new one may have to be handed over."""
        try:
            return self._read(id, True)
        except Denied:
            return self._read(id, False)

    def _read(self, id: str, with_role_id: bool) -> Live | None:
        live = super().get(id)
        if live is None or not with_role_id:
            return live
        role_id = Secret(str(self.api.get(f"{self.item(id)}/role-id")["role_id"]))
        return Live(id=id, fields={**live.fields, "role_id": role_id}, outputs={**live.outputs, "role_id": role_id},
                    raw=live.raw)

    # writing

    def body(self, fields: Mapping[str, Any]) -> Fields:
        """What is sent; a role always has a role id, and null leaves it to the server."""
        body = super().body(fields)
        if body.get("role_id", 0) is None:
            del body["role_id"]
        return body

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse, some of it with a 500."""
        yield from super().check(fields)
        bound = fields.get("secret_id_bound_cidrs") or fields.get("token_bound_cidrs")
        if fields.get("bind_secret_id") is False and not bound:
            yield "bind_secret_id", "without a secret id the server wants secret_id_bound_cidrs or token_bound_cidrs"
