"""Roles of the jwt and kubernetes logins in the sandbox; nobody can log in with them there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_roles import TOKEN, adjusted, token_fields
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    period,
    refused,
    texts,
    told,
    truth,
    unsupported,
)

_NAME = r"\w(?:[\w.-]*\w)?"
_REDIRECT = "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified."
_LOUD = ("verbose_oidc_logging has been enabled for this role. This is not recommended in production since sensitive "
         "information may be present in OIDC responses.")

JWT: Mapping[str, Any] = {
    "allowed_redirect_uris": None, "bound_audiences": None, "bound_claims": None, "bound_claims_type": "string",
    "bound_subject": "", "callback_mode": "client", "claim_mappings": None, "clock_skew_leeway": 0, "expiration_leeway": 0,
    "groups_claim": "", "max_age": 0, "not_before_leeway": 0, "oauth2_metadata": None, "oidc_disable_confirmation": False,
    "oidc_scopes": None, "role_type": "oidc", "token_policies_template_claims": False, "user_claim": "",
    "user_claim_json_pointer": False, "verbose_oidc_logging": False, **TOKEN}
KUBERNETES: Mapping[str, Any] = {
    "alias_name_source": "serviceaccount_uid", "bound_service_account_names": [],
    "bound_service_account_namespace_selector": "", "bound_service_account_namespaces": None, **TOKEN}

LISTS = ("allowed_redirect_uris", "bound_audiences", "oidc_scopes")
LEEWAYS = ("clock_skew_leeway", "expiration_leeway", "not_before_leeway", "max_age")


def roles(asked: Asked, mount: Body, rest: str) -> Response:
    """`auth/MOUNT/…` of the types jwt, oidc and kubernetes."""
    kubernetes = mount["type"] == "kubernetes"
    held = asked.held(f"{mount['type']}/{mount['uuid']}")
    if rest.strip("/") == "role":
        if asked.op == "list":
            return names(asked, held)
        raise unsupported(asked)
    hit = re.fullmatch(rf"role/({_NAME})/?", rest)
    if hit is None:
        raise joined(404, "unsupported path")
    name = hit[1].lower()
    if asked.op == "read":
        if name not in held:
            raise missing()
        return told(asked, held[name])
    if asked.op == "delete":
        held.pop(name, None)
        return done()
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    before = dict(held.get(name) or (KUBERNETES if kubernetes else JWT))
    tokens = token_fields(asked.body, before)
    own = (_kubernetes if kubernetes else _jwt)(asked.body, before)
    held[name] = {**before, **tokens, **own}
    warnings = list(adjusted(asked.body))
    if not kubernetes and held[name]["verbose_oidc_logging"]:
        warnings.append(_LOUD)
    if held[name]["token_max_ttl"] > LONGEST_LEASE:
        warnings.append("token max ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max "
                        "TTL value will be truncated")
    return told(asked, warnings=warnings) if warnings else done()


def _jwt(body: Mapping[str, Any], before: Mapping[str, Any]) -> Body:
    kind = str(body.get("role_type") or "oidc")
    if kind not in ("jwt", "oidc"):
        raise refused(400, f"invalid 'role_type': {kind}")
    found: Body = {"role_type": kind}
    found |= {name: texts(body[name]) for name in LISTS if body.get(name) is not None}
    if isinstance(body.get("bound_audiences"), list) and not body["bound_audiences"]:
        found["bound_audiences"] = []
    found |= {name: str(body[name]) for name in ("bound_subject", "groups_claim") if body.get(name) is not None}
    found |= {name: period(body, name, f'error converting input for field "{name}": ') for name in LEEWAYS if body.get(
        name) is not None}
    found |= {name: truth(body, name) for name in ("verbose_oidc_logging", "user_claim_json_pointer") if body.get(
        name) is not None}
    found["bound_claims_type"] = str(body.get("bound_claims_type") or "string")
    if found["bound_claims_type"] not in ("string", "glob"):
        raise refused(400, f"invalid 'bound_claims_type': {found['bound_claims_type']}")
    if body.get("bound_claims") is not None:
        found["bound_claims"] = dict(body["bound_claims"])
    if body.get("claim_mappings") is not None:
        found["claim_mappings"] = _mapped(body["claim_mappings"])
    found["user_claim"] = str(body["user_claim"] if body.get("user_claim") is not None else before["user_claim"])
    if not found["user_claim"]:
        raise refused(400, "a user claim must be defined on the role")
    if found["bound_claims_type"] == "glob":
        _texts(body.get("bound_claims") or {})
    _bound({**before, **token_fields(body, before), **found}, kind)
    return found


def _texts(given: Mapping[str, Any]) -> None:
    """Only texts can be matched with a pattern."""
    for value in given.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, (int, float)):
                raise refused(400, f"claim is not a string: {str(one).lower()}")


def _mapped(given: Mapping[str, Any]) -> Body:
    seen: set[str] = set()
    for value in map(str, given.values()):
        if value in seen:
            raise refused(400, f'multiple keys are mapped to metadata key "{value}"')
        seen.add(value)
    return {name: str(value) for name, value in given.items()}


def _bound(role: Mapping[str, Any], kind: str) -> None:
    if kind == "oidc" and not role["allowed_redirect_uris"]:
        raise refused(400, _REDIRECT)
    if kind == "jwt" and not any(role[name] for name in ("bound_audiences", "bound_subject", "bound_claims",
                                                         "token_bound_cidrs")):
        raise refused(400, "must have at least one bound constraint when creating/updating a role")


def _kubernetes(body: Mapping[str, Any], before: Body) -> Body:
    found: Body = {}
    for name in ("bound_service_account_names", "bound_service_account_namespaces"):
        if body.get(name) is not None:
            found[name] = texts(body[name])
    found["bound_service_account_namespace_selector"] = str(body.get("bound_service_account_namespace_selector") or "")
    if body.get("audience"):
        found["audience"] = str(body["audience"])
    elif body.get("audience") is not None:
        before.pop("audience", None)
    if body.get("alias_name_source") is not None:
        found["alias_name_source"] = str(body["alias_name_source"])
        if found["alias_name_source"] not in ("serviceaccount_uid", "serviceaccount_name"):
            raise refused(400, f'invalid "alias_name_source": {found["alias_name_source"]}')
    role = {**before, **found}
    if not role["bound_service_account_names"]:
        raise refused(400, '"bound_service_account_names" can not be empty')
    if not role["bound_service_account_namespaces"] and not role["bound_service_account_namespace_selector"]:
        raise refused(400, '"bound_service_account_namespaces" can not be empty if '
                           '"bound_service_account_namespace_selector" is not set')
    for name in ("bound_service_account_names", "bound_service_account_namespaces"):
        if "*" in (role[name] or ()) and len(role[name]) > 1:
            raise refused(400, 'can not mix "*" with values')
    return found
