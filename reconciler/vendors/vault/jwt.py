"""vault.jwt_role: who comes in with a signed token of another system, such as a CI job, or through OpenID Connect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from reconciler.contract import Canonical, Link, Mark
from reconciler.model import Call, Changes, Fields, Impact, Live, Want
from reconciler.vendors.vault.inside import changed
from reconciler.vendors.vault.policy import lower
from reconciler.vendors.vault.roles import LoginRole, TokenFields, role_name
from reconciler.vendors.vault.terms import Duration, Path, Signed, Text, Texts, bare

TYPE = "jwt"
TOLD = ("role_type", "bound_claims_type")
BOUNDS = ("bound_audiences", "bound_subject", "bound_claims", "token_bound_cidrs")


Claim = str | bool | int | float


def sets_of(value: Any) -> Any:
    """Bound claims in normal form: of several values any will do, so their order does not count."""
    if not isinstance(value, Mapping):
        return value or {}
    return {name: sorted(one, key=repr) if isinstance(one, list) else one for name, one in value.items()}


class JwtRoleSpec(TokenFields):
    """The fields of vault.jwt_role; a claim is bound to one text or to any of several."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(role_name), Canonical(lower)] = None
    mount: Annotated[Path | None, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.auth_method", "path"),
                     Canonical(bare)] = TYPE
    role_type: Literal["oidc", "jwt"] | None = "oidc"
    user_claim: Annotated[str, Impact.ACCESS]
    user_claim_json_pointer: bool | None = False
    bound_audiences: Annotated[Texts, Impact.ACCESS] = None
    bound_subject: Annotated[str | None, Impact.ACCESS] = ""
    bound_claims: Annotated[dict[str, Claim | list[Claim]] | None, Canonical(sets_of), Impact.ACCESS] = None
    bound_claims_type: Annotated[Literal["string", "glob"] | None, Impact.ACCESS] = "string"
    groups_claim: Annotated[str | None, Impact.ACCESS] = ""
    claim_mappings: dict[str, Text] | None = None
    allowed_redirect_uris: Annotated[Texts, Impact.ACCESS] = None
    oidc_scopes: Texts = None
    max_age: Duration = 0
    expiration_leeway: Signed = 0
    not_before_leeway: Signed = 0
    clock_skew_leeway: Signed = 0
    verbose_oidc_logging: bool | None = False


class JwtRole(LoginRole[JwtRoleSpec]):
    """A role of the jwt (or oidc) login.

    A write without `role_type` is taken for one of an oidc role and refused (OpenBao 2.7.2), and one without
    `bound_claims_type` takes it back to `string`: every update carries both. A claim is equal to a value of the same type only.
    """

    name, spec, types = "vault.jwt_role", JwtRoleSpec, frozenset({"jwt", "oidc"})
    terraform = (("vault_jwt_auth_backend_role", "auth/{backend}/role/{role_name}"),)

    def update(self, live: Live, want: Want[JwtRoleSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed, and with what the server wants to be told each time."""
        always = {name: live.fields[name] for name in TOLD if name in live.fields}
        fields = {**always, **{name: want.get(name) for name in changed(changes)}}
        yield Call("POST", self.item(live.id), self.body(fields), safe=True)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse."""
        yield from super().check(fields)
        if fields.get("role_type") == "jwt":
            if all(name in fields and not fields[name] for name in BOUNDS):
                yield "bound_audiences", f"a jwt role needs one of {', '.join(BOUNDS)}"
        elif "allowed_redirect_uris" in fields and not fields["allowed_redirect_uris"]:
            yield "allowed_redirect_uris", "an oidc role needs one"
        if fields.get("bound_claims_type") == "glob":
            for name, value in (fields.get("bound_claims") or {}).items():
                if not all(isinstance(one, str) for one in (value if isinstance(value, list) else [value])):
                    yield f"bound_claims.{name}", "only a text can be a pattern: write it in quotes"
        mapped = [str(value) for value in (fields.get("claim_mappings") or {}).values()]
        if len(mapped) != len({*mapped}):
            yield "claim_mappings", "two claims can't be mapped to one name"
