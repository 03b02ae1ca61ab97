"""A plan with every operation and most of what can be said of one, as the engine would make it."""

from __future__ import annotations

from typing import Any

from reconciler.model import (
    Action,
    Address,
    Call,
    Change,
    Fact,
    Fields,
    Impact,
    Live,
    Location,
    Note,
    Op,
    Plan,
    Ref,
    Resource,
    Want,
)
from reconciler.secret import Secret

CANARY = "canary-7f3a9c51"
OLD_RULES = """path "kv/data/app/*" {
  capabilities = ["read"]
}

path "kv/metadata/prod" {
  capabilities = ["list"]
}
"""
NEW_RULES = OLD_RULES.replace('"read"]', '"read", "list"]')


def sha(text: str) -> str:
    return "sha256:" + (text.encode().hex() * 64)[:64]


def act(op: Op, address: str, *changes: Change, line: int | None = 1, fields: Fields | None = None, **more: Any) -> Action:
    """An action with the place, want and resource that the engine would give it."""
    parsed = Address.parse(address)
    at = Location(f"manifests/{parsed.connection}.yaml", line, 3) if line else None
    if "live" not in more and more.get("id"):
        more["live"] = Live(more["id"], {})
    wanted = fields or {}
    resource = Resource(parsed, wanted, at) if at else None
    return Action(op, parsed, changes=changes, at=at, want=Want(parsed, wanted), resource=resource, **more)


def plan(*actions: Action, **more: Any) -> Plan:
    """A plan of these, with digests as the engine counts them."""
    digests = {a.address: sha(str(a.address)) for a in actions if a.op is not Op.NOOP or a.after}
    return Plan("sql2ai", "staging", actions, digest=sha("7c1f9e2a the plan"), digests=digests, serial=41,
                **{"reads": 9, "writes": 6, **more})


def superseded() -> Action:
    fields = {"lookup_key": "pro_monthly", "product": "sql2ai_pro", "currency": "usd", "unit_amount": 3500}
    return act(Op.REPLACE, "stripe.price/pro_monthly", Change("unit_amount", 2900, 3500, replaces=True), line=12,
               fields=fields, id="price_1N", impact=(Impact.MONEY,), effect="supersede",
               needs=(Address("stripe.product", "pro"),),
               notes=(Note("immutable in Stripe", path="unit_amount"),
                      Note("moves to the new price", subject="lookup_key", path="lookup_key"),
                      Note("archived", subject="old price")),
               facts=(Fact("more than 100 subscriptions stay on it", subject="old price"),))


def policy() -> Action:
    return act(Op.UPDATE, "vault.policy/api", Change("rules", OLD_RULES, NEW_RULES), line=4, id="api",
               fields={"name": "api", "rules": NEW_RULES}, impact=(Impact.ACCESS,),
               notes=(Note("read  kv/data/app/*", subject="gains"), Note("list  kv/metadata/prod", subject="loses")))


def drifted() -> Action:
    path = "filters.groups[0].rollout_percentage"
    return act(Op.UPDATE, "posthog.feature_flag/beta", Change(path, 25, 10, drift=True), line=9, id="71",
               impact=(Impact.DRIFT,), fields={"key": "beta", "filters": {"groups": [{"rollout_percentage": 10}]}})


def held_back() -> Action:
    """Refused by its kind; the reason says what lifts it."""
    why = "its mail stops at once"
    return act(Op.BLOCKED, "resend.domain/old.sql2.ai", line=None, id="d_91", impact=(Impact.IRREVERSIBLE, Impact.DELETE),
               effect="delete", notes=(Note(why, refuse=True, impact=Impact.IRREVERSIBLE),),
               blocked=f"{why}: needs `--allow irreversible:resend.domain/old.sql2.ai`, or that line in `allow:` of "
                       "reconciler.yaml")


def created() -> Action:
    product = Address("stripe.product", "team")
    return act(Op.CREATE, "stripe.price/team_yearly",
               Change("product", None, Ref.to(product), unknown=True), Change("currency", None, "jpy"),
               Change("unit_amount", None, 120000), Change("recurring", None, {"interval": "year"}), line=40,
               fields={"product": Ref.to(product), "currency": "jpy", "unit_amount": 120000, "recurring": {"interval": "year"}},
               impact=(Impact.MONEY,), needs=(product,))


def secretive() -> Action:
    return act(Op.UPDATE, "vault.kv_secret/smtp", Change("data.password", None, Secret(CANARY), secret=True),
               Change("data.user", None, "mailer"), line=30, id="kv/smtp", impact=(Impact.ACCESS,),
               fields={"mount": "kv", "path": "smtp", "data": {"password": Secret(CANARY), "user": "mailer"}},
               notes=(Note("a new version is written", subject="version"),))


def variants() -> Action:
    before = [{"key": "control", "rollout": 50}, {"key": "old", "rollout": 50}]
    after = [{"key": "control", "rollout": 40}, {"key": "test", "rollout": 60}]
    return act(Op.UPDATE, "posthog.feature_flag/onboarding", Change("filters.variants", before, after), line=22, id="72",
               impact=(Impact.BEHAVIOURAL,), fields={"key": "onboarding", "filters": {"variants": after}})


def every_operation() -> Plan:
    """What the look is judged by."""
    return plan(
        held_back(),
        act(Op.DELETE, "stripe.coupon/summer", line=None, id="SUMMER24", impact=(Impact.DELETE,), effect="delete",
            notes=(Note("4 customers keep the discount they have"),)),
        act(Op.REPLACE, "vault.transit_key/pay", Change("type", "aes256-gcm96", "ed25519", replaces=True), line=50,
            id="transit/pay", fields={"name": "pay", "type": "ed25519"}, impact=(Impact.DELETE,), effect="replace"),
        superseded(), created(), policy(), secretive(),
        act(Op.ADOPT, "sentry.team/backend", line=3, id="backend", impact=(Impact.ADOPT,), fields={"slug": "backend"}),
        drifted(), variants(),
        act(Op.UPDATE, "stripe.product/pro",
            Change("description", "Natural language to SQL", "Natural language to SQL, safely"),
            Change("active", False, True), line=5, id="sql2ai_pro", effect="restore", impact=(Impact.BEHAVIOURAL,),
            fields={"id": "sql2ai_pro", "name": "Pro", "description": "Natural language to SQL, safely", "active": True}),
        act(Op.MOVE, "sentry.project/api", line=8, id="api", fields={"slug": "api"},
            moved_from=Address("sentry.project", "backend_api"),
            notes=(Note("was sentry.project/backend_api", subject="moved"),)),
        act(Op.FORGET, "vault.kv_config/kv", line=None, id="kv", notes=(Note("released: its settings stay"),)),
        act(Op.NOOP, "resend.domain/sql2.ai", line=2, id="d_1", fields={"name": "sql2.ai"},
            after=(Call("POST", "/domains/d_1/verify"),)),
        act(Op.NOOP, "stripe.product/team", line=20, id="sql2ai_team", fields={"name": "Team"},
            notes=(Note("no longer managed (stays seat)", subject="unit_label"),)),
        *(act(Op.NOOP, f"posthog.action/a{n}", line=n + 100, id=f"{n}", fields={"name": f"a{n}"}) for n in range(312)),
        left_out=("3 entries of sentry are left out: the stack has no such vendor.",),
        warnings=("allow: irreversible:resend.domain/older.sql2.ai is spent: nothing in this plan needs it",),
    )
