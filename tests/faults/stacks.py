"""A small stack at each vendor, as it is applied first and as it is changed: created, updated, replaced, removed, delivered."""

from __future__ import annotations

from dataclasses import dataclass

KV = """vault.mount:
  kv: {type: kv-v2}
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """One vendor's manifests: `before`, `after`, and `entry`, which `after` updates.

    `edit` is a field of that entry, and what a person writes there by hand; `many` is one entry more, with `{n}` for
    its number.
    """

    vendor: str
    before: str
    after: str
    entry: str
    edit: tuple[str, str]
    many: tuple[str, str]

    @property
    def vendors(self) -> tuple[str, ...]:
        """The vendors that it needs: its own, and the one that keeps what is delivered."""
        return tuple(dict.fromkeys((self.vendor, "vault")))

    def crowd(self, count: int) -> str:
        """So many entries of one kind, which nothing refers to."""
        kind, fields = self.many
        return f"{kind}:\n" + "".join(f"  n{n}: {fields.replace('{n}', str(n))}\n" for n in range(count))


STRIPE = Stack("stripe", KV + """stripe.product:
  pro: {id: pro, name: Pro, default_price: {ref: monthly}}
  team: {id: team, name: Team}
stripe.price:
  _defaults: {currency: usd}
  monthly: {product: {ref: pro}, unit_amount: 2900, recurring: {interval: month}}
  yearly: {product: {ref: pro}, unit_amount: 29000, recurring: {interval: year}}
stripe.coupon:
  launch: {percent_off: 30.0, duration: once}
stripe.promotion_code:
  launch: {code: LAUNCH, coupon: {ref: launch}}
stripe.webhook_endpoint:
  api:
    url: https://api.example.com/hooks
    enabled_events: [invoice.paid]
    lifecycle: {deliver: {secret: {to: vault, path: kv/stripe, key: webhook}}}
""", KV + """stripe.product:
  pro: {id: pro, name: Pro 2, default_price: {ref: monthly}}
  team: {id: team, name: Team}
stripe.price:
  _defaults: {currency: usd}
  monthly: {product: {ref: pro}, unit_amount: 3500, recurring: {interval: month}}
  seats: {product: {ref: team}, unit_amount: 500, recurring: {interval: month}}
stripe.coupon:
  launch: {percent_off: 20.0, duration: once}
stripe.promotion_code:
  launch: {code: LAUNCH, coupon: {ref: launch}}
stripe.webhook_endpoint:
  api:
    url: https://api.example.com/hooks
    enabled_events: [invoice.paid, invoice.voided]
    lifecycle: {deliver: {secret: {to: vault, path: kv/stripe, key: webhook}}}
""", "stripe.product/pro", ("name", "Theirs"), ("stripe.product", "{id: p{n}, name: N{n}}"))

VAULT = Stack("vault", KV + """vault.policy:
  api: {rules: 'path "kv/data/app/*" { capabilities = ["read"] }'}
  old: {rules: 'path "kv/data/old/*" { capabilities = ["read"] }'}
vault.auth_method:
  approle: {type: approle}
vault.approle_role:
  api: {mount: {ref: approle}, token_policies: [{ref: api}], token_ttl: 20m}
vault.kv_secret:
  db: {mount: {ref: kv}, data: {password: {secret: password}, certificate: {secret: certificate}}}
""", KV + """vault.policy:
  api: {rules: 'path "kv/data/app/*" { capabilities = ["read", "list"] }'}
  more: {rules: 'path "kv/data/more/*" { capabilities = ["read"] }'}
vault.auth_method:
  approle: {type: approle}
vault.approle_role:
  api: {mount: {ref: approle}, token_policies: [{ref: api}, {ref: more}], token_ttl: 30m}
vault.kv_secret:
  db: {mount: {ref: kv}, data: {password: {secret: other}, certificate: {secret: certificate}}}
""", "vault.policy/api", ("rules", 'path "theirs" { capabilities = ["read"] }'),
    ("vault.policy", """{rules: 'path "kv/data/{n}" { capabilities = ["read"] }'}"""))

POSTHOG = Stack("posthog", KV + """posthog.cohort:
  people: {name: people, filters: {properties: {type: OR, values: [{type: AND, values: [
    {type: person, key: plan, value: pro}]}]}}}
posthog.feature_flag:
  beta: {name: Beta, filters: {groups: [{properties: [
    {type: cohort, key: id, value: {ref: people}, operator: in}], rollout_percentage: 10}]}}
  gone: {name: Gone, filters: {groups: [{properties: [], rollout_percentage: 1}]}}
posthog.event_definition:
  signup: {description: Somebody signed up}
posthog.action:
  signs_up: {steps: [{event: signup}]}
""", KV + """posthog.cohort:
  people: {name: people, description: New, filters: {properties: {type: OR, values: [{type: AND, values: [
    {type: person, key: plan, value: pro}]}]}}}
posthog.feature_flag:
  beta: {name: Beta 2, filters: {groups: [{properties: [
    {type: cohort, key: id, value: {ref: people}, operator: in}], rollout_percentage: 50}]}}
  fresh: {name: Fresh, filters: {groups: [{properties: [], rollout_percentage: 5}]}}
posthog.event_definition:
  signup: {description: An account was made}
posthog.action:
  signs_up: {steps: [{event: signup}]}
""", "posthog.feature_flag/beta", ("name", "Theirs"), ("posthog.event_definition", "{description: N{n}}"))

RESEND = Stack("resend", KV + """resend.domain:
  mail: {name: mail.example.com, region: eu-west-1}
resend.template:
  welcome: {alias: welcome, subject: Welcome, html: <p>Hello</p>}
resend.topic:
  news: {name: News, default_subscription: opt_in}
resend.segment:
  beta: {name: Beta}
resend.api_key:
  api:
    permission: sending_access
    domain: {ref: mail}
    lifecycle: {deliver: {token: {to: vault, path: kv/resend, key: token}}}
""", KV + """resend.domain:
  mail: {name: mail.example.com, region: eu-west-1}
resend.template:
  welcome: {alias: welcome, subject: Welcome back, html: <p>Hello again</p>}
resend.topic:
  news: {name: News, default_subscription: opt_in, description: Each month}
  other: {name: Other, default_subscription: opt_in}
resend.api_key:
  api:
    permission: full_access
    lifecycle: {deliver: {token: {to: vault, path: kv/resend, key: token}}}
""", "resend.topic/news", ("description", "Theirs"), ("resend.topic", "{name: N{n}, default_subscription: opt_in}"))

SENTRY = Stack("sentry", KV + """sentry.team:
  backend: {name: Backend}
  web: {name: Web}
sentry.project:
  api: {name: API, teams: [{ref: backend}], platform: python}
sentry.client_key:
  service: {name: Service, project: {ref: api}, rate_limit: {window: 60, count: 500}}
sentry.cron_monitor:
  nightly: {name: Nightly, project: {ref: api}, config: {schedule_type: crontab, schedule: 0 3 * * *}}
""", KV + """sentry.team:
  backend: {name: Backend 2}
  data: {name: Data}
sentry.project:
  api: {name: API, teams: [{ref: backend}, {ref: data}], platform: python}
sentry.client_key:
  service: {name: Service, project: {ref: api}, rate_limit: {window: 60, count: 900}}
sentry.cron_monitor:
  nightly: {name: Nightly, project: {ref: api}, config: {schedule_type: crontab, schedule: 0 4 * * *}}
""", "sentry.team/backend", ("name", "Theirs"), ("sentry.team", "{name: N{n}}"))

STACKS = {stack.vendor: stack for stack in (STRIPE, VAULT, POSTHOG, RESEND, SENTRY)}
