"""A plan of five hundred changes over five vendors, seeded, as a big pull request would have it."""

from __future__ import annotations

import random
from collections.abc import Callable

from reconciler.model import Action, Address, Change, Fact, Impact, Note, Op, Plan
from tests.output.plans import act, held_back, plan

SEED = 4711
COUNTRIES = ("de", "fr", "it", "es", "pl", "nl", "se", "no", "fi", "dk", "at", "ch", "us", "ca", "jp", "br")


def five_hundred(seed: int = SEED) -> Plan:
    """Two blocked, five archived, forty prices, policies and roles, drift; the rest are flags, templates, projects."""
    print("seed", seed)
    rng = random.Random(seed)
    made: list[Action] = [held_back(), _unreadable()]
    makers: tuple[tuple[int, Callable[[random.Random, int], Action]], ...] = (
        (5, _archived), (40, _price), (25, _policy), (12, _role), (9, _drifted), (180, _flag), (60, _event), (70, _template),
        (50, _project), (47, _product))
    made += [make(rng, n) for count, make in makers for n in range(count)]
    made += [act(Op.NOOP, f"posthog.action/a{n}", line=n + 1, id=str(n), fields={"name": "a"}) for n in range(700)]
    made.sort(key=lambda action: min((impact.rank for impact in action.impact), default=99))
    return plan(*made, reads=412, writes=871, unreadable=False,
                warnings=("allow: irreversible:resend.domain/older.sql2.ai is spent: nothing in this plan needs it",))


def _unreadable() -> Action:
    return act(Op.BLOCKED, "vault.policy/ops", line=88, effect="update", impact=(Impact.ACCESS,), id="ops",
               blocked="it would take away the access of this run's own token: needs `--allow access:vault.policy/ops`")


def _archived(rng: random.Random, n: int) -> Action:
    return act(Op.DELETE, f"stripe.price/legacy_{n}", line=None, id=f"price_{rng.getrandbits(40):x}", effect="archive",
               impact=(Impact.DELETE,), facts=(Fact(f"{rng.randrange(2, 90)} subscriptions stay on it"),))


def _price(rng: random.Random, n: int) -> Action:
    before = rng.randrange(9, 99) * 100
    after = before + rng.choice((-300, 200, 500, 1000))
    country = COUNTRIES[n % len(COUNTRIES)]
    fields = {"lookup_key": f"pro_{country}_{n}", "currency": "eur", "unit_amount": after, "product": "pro"}
    return act(Op.REPLACE, f"stripe.price/pro_{country}_{n}", Change("unit_amount", before, after, replaces=True),
               line=10 + n * 6, fields=fields, id=f"price_{rng.getrandbits(40):x}", impact=(Impact.MONEY,), effect="supersede",
               notes=(Note("immutable in Stripe", path="unit_amount"), Note("archived", subject="old price")),
               facts=(Fact(f"{rng.randrange(3, 400)} subscriptions stay on it", subject="old price"),))


def _policy(rng: random.Random, n: int) -> Action:
    before = "".join(f'path "kv/data/app{n}/{part}" {{\n  capabilities = ["read"]\n}}\n' for part in ("api", "web", "jobs"))
    after = before.replace('web" {\n  capabilities = ["read"]', 'web" {\n  capabilities = ["read", "update"]')
    return act(Op.UPDATE, f"vault.policy/app{n}", Change("rules", before, after), line=4 + n * 9, id=f"app{n}",
               fields={"rules": after}, impact=(Impact.ACCESS,), notes=(Note(f"update  kv/data/app{n}/web", subject="gains"),))


def _role(rng: random.Random, n: int) -> Action:
    return act(Op.CREATE, f"vault.approle_role/worker{n}", Change("token_policies", None, [f"app{n}"]),
               Change("token_ttl", None, "20m"), Change("mount", None, "approle"), line=300 + n * 4, impact=(Impact.ACCESS,))


def _drifted(rng: random.Random, n: int) -> Action:
    return act(Op.UPDATE, f"posthog.feature_flag/rollout_{n}",
               Change("filters.groups[0].rollout_percentage", rng.randrange(100), 10, drift=True), line=9 + n * 5,
               id=str(n), impact=(Impact.DRIFT,))


def _flag(rng: random.Random, n: int) -> Action:
    return act(Op.CREATE, f"posthog.feature_flag/flag_{n}", Change("key", None, f"flag_{n}"),
               Change("name", None, f"Flag number {n}"), Change("active", None, True),
               Change("filters", None, {"groups": [{"rollout_percentage": rng.randrange(100), "properties": []}]}),
               line=900 + n * 7, impact=(Impact.ADDITIVE,))


def _event(rng: random.Random, n: int) -> Action:
    return act(Op.UPDATE, f"posthog.event_definition/event_{n}", Change("description", f"Old words {n}", f"New words {n}"),
               line=2400 + n * 3, id=str(n), impact=(Impact.COSMETIC,))


def _template(rng: random.Random, n: int) -> Action:
    before = "".join(f"<p>Line {line} of mail {n}</p>\n" for line in range(40))
    return act(Op.UPDATE, f"resend.template/mail_{n}", Change("html", before, before.replace("Line 2", "Paragraph 2")),
               line=3 + n * 8, id=f"t{n}", impact=(Impact.BEHAVIOURAL,))


def _project(rng: random.Random, n: int) -> Action:
    return act(Op.UPDATE, f"sentry.project/service-{n}", Change("resolve_age", 168, 720), Change("platform", "python", "go"),
               line=11 + n * 7, id=f"service-{n}", impact=(Impact.BEHAVIOURAL,), needs=(Address("sentry.team", "backend"),))


def _product(rng: random.Random, n: int) -> Action:
    return act(Op.UPDATE, f"stripe.product/add_on_{n}", Change("description", "An add-on", f"Add-on number {n}, explained"),
               line=600 + n * 5, id=f"prod_{n}", impact=(Impact.COSMETIC,), needs=(Address("stripe.price", "legacy_0"),))
