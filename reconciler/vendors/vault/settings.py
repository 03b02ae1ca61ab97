"""What a connection to Vault or OpenBao takes, and the five ways to log in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from reconciler.contract import Env, Settings
from reconciler.contract.rest import segment
from reconciler.errors import Denied
from reconciler.secret import Secret
from reconciler.vendors.vault.terms import Path as MountPath
from reconciler.vendors.vault.terms import route

POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - where a pod finds it, not what it is


def _url(value: str | None) -> str | None:
    if value is not None and not value.startswith(("http://", "https://")):
        raise ValueError("begins with https:// or http://")
    return value


Name = Annotated[str, Field(min_length=1)]


class Login(BaseModel, ABC):
    """One login method: a path below `auth/` and what is posted there."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @property
    @abstractmethod
    def path(self) -> str:
        """Where it logs in."""

    @abstractmethod
    def body(self) -> Mapping[str, Any]:
        """What proves who we are."""


class TokenAuth(BaseModel):
    """A token that somebody gives us; it is never revoked by us."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    method: Literal["token"]
    token: Secret | None = None


class AppRoleAuth(Login):
    """A role id and, where the role asks for one, a secret id."""

    method: Literal["approle"]
    role_id: Secret
    secret_id: Secret | None = None
    mount: MountPath = "approle"

    @property
    def path(self) -> str:
        """Where it logs in."""
        return f"/v1/auth/{route(self.mount)}/login"

    def body(self) -> Mapping[str, Any]:
        """Both halves of the credential."""
        return {"role_id": self.role_id} | ({"secret_id": self.secret_id} if self.secret_id is not None else {})


class JwtAuth(Login):
    """A signed token of a CI system or another identity provider."""

    method: Literal["jwt"]
    role: Name | None = None
    jwt: Secret
    mount: MountPath = "jwt"

    @property
    def path(self) -> str:
        """Where it logs in."""
        return f"/v1/auth/{route(self.mount)}/login"

    def body(self) -> Mapping[str, Any]:
        """The token and the role; without one the mount's default role is meant."""
        return {"jwt": self.jwt} | ({"role": self.role} if self.role is not None else {})


class KubernetesAuth(Login):
    """The service account of the pod that we run in; its token is read at the login, because it is renewed on disk."""

    method: Literal["kubernetes"]
    role: Name
    jwt_file: str = POD_TOKEN
    mount: MountPath = "kubernetes"

    @property
    def path(self) -> str:
        """Where it logs in."""
        return f"/v1/auth/{route(self.mount)}/login"

    def body(self) -> Mapping[str, Any]:
        """The service account's token and the role."""
        try:
            return {"role": self.role, "jwt": Secret(Path(self.jwt_file).read_text("utf-8").strip())}
        except (OSError, UnicodeDecodeError) as error:
            raise Denied(f"the service account token {self.jwt_file} can't be read: {type(error).__name__}",
                         "name its file in auth.jwt_file") from error


class UserpassAuth(Login):
    """A user name and a password."""

    method: Literal["userpass"]
    username: Name
    password: Secret
    mount: MountPath = "userpass"

    @property
    def path(self) -> str:
        """Where it logs in; the name is a part of the path."""
        return f"/v1/auth/{route(self.mount)}/login/{segment(self.username)}"

    def body(self) -> Mapping[str, Any]:
        """The password."""
        return {"password": self.password}


Auth = Annotated[TokenAuth | AppRoleAuth | JwtAuth | KubernetesAuth | UserpassAuth, Field(discriminator="method")]


class VaultSettings(Settings):
    """A connection to one server and one namespace of it.

    `base_url` goes before `address`. Where `auth` names a login method, `token` stays empty; else it is the token that
    every request carries.
    """

    address: Annotated[str | None, AfterValidator(_url), Env("VAULT_ADDR", "address")] = None
    namespace: Annotated[str | None, Env("VAULT_NAMESPACE")] = None
    ca_bundle: Annotated[str | None, Env("VAULT_CACERT")] = None
    auth: Auth | None = None
    token: Annotated[Secret, Env("VAULT_TOKEN")]

    @model_validator(mode="before")
    @classmethod
    def _one_way_in(cls, raw: Any) -> Any:
        """`auth` decides: a token in it goes before VAULT_TOKEN, and a login method needs none."""
        auth = raw.get("auth") if isinstance(raw, dict) else None
        if not isinstance(auth, dict):
            return raw
        if auth.get("method") == "token":
            return {**raw, "token": auth["token"]} if auth.get("token") is not None else raw
        return {**raw, "token": Secret("")}

    @property
    def login(self) -> Login | None:
        """How to log in; None where a token was given."""
        return self.auth if isinstance(self.auth, Login) else None
