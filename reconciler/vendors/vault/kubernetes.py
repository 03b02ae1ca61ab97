"""vault.kubernetes_role: which service accounts of a cluster come in, and with what rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark
from reconciler.model import Call, Changes, Fields, Impact, Live, Want
from reconciler.vendors.vault.inside import changed
from reconciler.vendors.vault.policy import lower
from reconciler.vendors.vault.roles import LoginRole, TokenFields, role_name
from reconciler.vendors.vault.terms import Path, Texts, bare, unordered

TYPE = "kubernetes"
NAMES, SPACES, SELECTOR = ("bound_service_account_names", "bound_service_account_namespaces",
                           "bound_service_account_namespace_selector")


class KubernetesRoleSpec(TokenFields):
    """The fields of vault.kubernetes_role."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(role_name), Canonical(lower)] = None
    mount: Annotated[Path | None, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.auth_method", "path"),
                     Canonical(bare)] = TYPE
    bound_service_account_names: Annotated[list[str], Field(min_length=1), Canonical(unordered), Impact.ACCESS]
    bound_service_account_namespaces: Annotated[Texts, Impact.ACCESS] = None
    bound_service_account_namespace_selector: Annotated[str | None, Impact.ACCESS] = ""
    audience: Annotated[str | None, Impact.ACCESS] = ""
    alias_name_source: Annotated[Literal["serviceaccount_uid", "serviceaccount_name"] | None,
                                 Impact.ACCESS] = "serviceaccount_uid"


class KubernetesRole(LoginRole[KubernetesRoleSpec]):
    """A role of the kubernetes login.

    A write without the selector takes it away (OpenBao 2.7.2): every update carries it.
    """

    name, spec, types = "vault.kubernetes_role", KubernetesRoleSpec, frozenset({TYPE})
    terraform = (("vault_kubernetes_auth_backend_role", "auth/{backend}/role/{role_name}"),)

    def update(self, live: Live, want: Want[KubernetesRoleSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed, and with what the server wants to be told each time."""
        always = {SELECTOR: live.fields[SELECTOR]} if live.fields.get(SELECTOR) else {}
        fields = {**always, **{name: want.get(name) for name in changed(changes)}}
        yield Call("POST", self.item(live.id), self.body(fields), safe=True)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse."""
        yield from super().check(fields)
        for name in (NAMES, SPACES):
            given = fields.get(name) or ()
            if "*" in given and len(given) > 1:
                yield name, '"*" means all, and stands alone'
        if all(name in fields and not fields[name] for name in (SPACES, SELECTOR)):
            yield SPACES, f"a role needs {SPACES} or {SELECTOR}"
