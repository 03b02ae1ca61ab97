"""vault.policy: who may do what at which path, compared by meaning, never by text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Kind, Mark, Output, Permissions, Scene, Spec, covers
from reconciler.errors import Unreadable
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.vault.hcl import is_json
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.reading import keys, read_each
from reconciler.vendors.vault.rules import normal, rules
from reconciler.vendors.vault.terms import Duration, route
from reconciler.vendors.vault.write import as_text, marked, unmarked

FIXED = frozenset({"root", "response-wrapping", "control-group"})
OWN = "default"
"""The server's own, which may be edited and is never deleted; it is read where somebody declares it."""

KEPT = ("expiration", "cas_required", "allow_slashes_in_identity_templates", "allow_wildcards_in_identity_templates")
"""What OpenBao keeps beside the text and forgets in every write that leaves it out (found on 2.7.2)."""

Capability = Literal["create", "read", "update", "patch", "delete", "list", "scan", "sudo", "subscribe", "recover", "deny"]
Values = dict[str, list[Any]]


def lower(value: Any) -> Any:
    """A name as the server keeps it."""
    return value.strip().lower() if isinstance(value, str) and not has_token(value) else value


def _name(value: str | None) -> str | None:
    if value is None or has_token(value):
        return value
    if value != lower(value) or not value:
        raise ValueError(f"the server keeps names in lower case, without blanks around them: write {lower(value)!r}")
    if value in FIXED:
        raise ValueError(f"the policy {value!r} is the server's own and can't be written")
    if any(char in value for char in "/?#%*") or not value.isprintable():
        raise ValueError("has no / ? # % * and no control characters")
    return value


class Rule(Spec):
    """What is allowed at one path pattern: `+` is one part of a path, `*` at the end any rest."""

    path: Annotated[str, Field(min_length=1)]
    capabilities: Annotated[list[Capability], Field(default_factory=list)]
    comment: str | None = None
    allowed_parameters: Values | None = None
    denied_parameters: Values | None = None
    required_parameters: list[str] | None = None
    min_wrapping_ttl: Duration = None
    max_wrapping_ttl: Duration = None
    subscribe_event_types: list[str] | None = None
    mfa_methods: list[str] | None = None
    control_group: dict[str, Any] | None = None
    pagination_limit: int | None = None
    expiration: str | None = None
    list_scan_response_keys_filter_path: str | None = None


def _parsed(value: Any) -> Any:
    """Rules that the server would take; a list becomes the text that is sent, so that a plan compares text with text."""
    given = value if isinstance(value, str) else [each.given() for each in value or ()]
    if has_token(given):
        return value
    rules(given)
    return given if isinstance(given, str) and not is_json(given) else as_text(given)


class PolicySpec(Spec):
    """The fields of vault.policy; `rules` is HCL or JSON text, or a list of {path, capabilities, …}."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(_name), Canonical(lower)] = None
    rules: Annotated[Annotated[str, Field(min_length=1)] | list[Rule], AfterValidator(_parsed), Canonical(normal),
                     Impact.ACCESS]


class Policy(Kind[PolicySpec]):
    """Who may do what at which path. Takes effect at once, for tokens that are in use too.

    Names are lower case at the server (`API` and `api` are one policy). The text is kept word for word, so our mark
    is its first line. A policy named by a role may be absent: that is legal, and gives nothing.

    Writes carry `cas`, the version they were planned on, which OpenBao checks (2.7.2: a stale one is refused with 400,
    `-1` means "must not exist yet"); Vault knows no `cas` and ignores it. OpenBao forgets `expiration`, `cas_required`
    and the two template switches when a write leaves them out, so what is live there is sent again.
    """

    name, spec, room, create_impact = "vault.policy", PolicySpec, True, Impact.ACCESS
    terraform = (("vault_policy", "{name}"),)
    permissions = Permissions(at("sys/policies/acl/{name}", "read"), at("sys/policies/acl/{name}", "update", "delete"))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(foretold="name"), "name": Output(foretold="name")}

    def item(self, id: str) -> str:
        """The path of one policy."""
        return f"/v1/sys/policies/acl/{route(id)}"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The policies that are asked for, one GET each: Vault lists names only."""
        wanted = [want.get("name") or want.address.name for want in ask.wants]
        found = [str(lower(name)) for name in wanted if not has_token(name)] + sorted(ask.ids)
        if ask.everything or any(has_token(name) for name in wanted):
            unasked = FIXED | ({OWN} if ask.everything else set())
            found += [key for key in keys(self.api, "/v1/sys/policies/acl") if key not in unasked]
        return read_each(self.api, {id: self.item(id) for id in dict.fromkeys(found)}, self.get)

    def get(self, id: str) -> Live | None:
        """One policy; None at 404."""
        body = self.api.find(self.item(id))
        if body is None:
            return None
        if not isinstance(body.get("policy"), str):
            raise Unreadable(f"{self.item(id)}: the answer shows no policy", "try again")
        text, owner = unmarked(body["policy"])
        name = str(body.get("name") or id)
        return Live(id=name, fields={"name": name, "rules": text}, outputs={"id": name, "name": name}, owner=owner, raw=body)

    def create(self, want: Want[PolicySpec]) -> Call:
        """One POST that is refused when somebody was quicker (OpenBao)."""
        name = want.get("name") or want.address.name
        return Call("POST", self.item(name), {"policy": marked(as_text(want["rules"]), want.owner), "cas": -1})

    def update(self, live: Live, want: Want[PolicySpec], changes: Changes) -> Iterable[Call]:
        """One POST with the whole text, on the version that was seen."""
        if any(change.path.startswith("rules") for change in changes):
            yield self._write(live, marked(as_text(want["rules"]), want.owner or live.owner))

    def claim(self, live: Live, want: Want[PolicySpec]) -> Iterable[Call]:
        """One POST with the live text under our mark; an update writes the mark itself."""
        if want.owner is not None and covers(live.fields, want.fields, self.shape):
            yield self._write(live, marked(as_text(live.fields["rules"]), want.owner))

    def release(self, live: Live) -> Iterable[Call]:
        """One POST that takes the mark's line off."""
        if live.owner is not None and live.fields["rules"].strip():
            yield self._write(live, live.fields["rules"])

    def _write(self, live: Live, text: str) -> Call:
        raw = live.raw if isinstance(live.raw, Mapping) else {}
        kept: Fields = {name: raw[name] for name in KEPT if raw.get(name)}
        cas = {"cas": raw["version"]} if "version" in raw else {}
        return Call("POST", self.item(live.id), {"policy": text, **kept, **cas}, safe=not cas)

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; none for `default`, which the server never lets go."""
        if live.id != OWN:
            yield Call("DELETE", self.item(live.id), safe=True)

    def fate(self, live: Live) -> Fate:
        """Deleted at once, for tokens in use too."""
        if live.id == OWN:
            return Fate("release", why="the server never lets `default` go")
        return Fate("delete", why="tokens and roles that name it lose its rights at once")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """The name, also where it is the manifest's own."""
        try:
            _name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What is gained and lost, what is dangerously wide, and whether we lock ourselves out."""
        before = action.live.fields.get("rules") if action.live is not None else None
        gone = action.op in (Op.DELETE, Op.FORGET)
        after = None if gone or action.want is None else action.want.get("rules", before)
        if action.op is Op.FORGET or has_token(after):
            return
        from reconciler.vendors.vault.judge import lockout, meaning  # only plans need it, and it is large

        yield from meaning(before, after)
        if action.live is not None:
            yield from lockout(self, action.live, after, scene)
