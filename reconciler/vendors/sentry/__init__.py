"""Sentry: teams, projects and their keys, what is dropped on the way in, what makes issues, and who hears of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.contract import Env, Kinds, Settings, Vendor
from reconciler.secret import Secret


def _scoped(token: Secret) -> Secret:
    if token.reveal().startswith("sntrys_"):
        raise ValueError("this is an organization token, which only uploads: make one of an internal integration")
    return token


class SentrySettings(Settings):
    """A connection to one organization of sentry.io, or of a server of one's own (`base_url`)."""

    auth_token: Annotated[Secret, AfterValidator(_scoped), Env("SENTRY_AUTH_TOKEN")]
    organization: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$"), Env("SENTRY_ORG", "slug of the organization")]
    base_url: Annotated[str | None, Env("SENTRY_URL")] = None


VENDOR = Vendor(
    "sentry", SentrySettings, "reconciler.vendors.sentry.api:SentryApi",
    Kinds("reconciler.vendors.sentry", {
        "team": "team:Team", "project": "project:Project", "client_key": "key:ClientKey", "alert": "alert:Alert",
        "metric_monitor": "metric_monitor:MetricMonitor", "cron_monitor": "cron_monitor:CronMonitor",
        "inbound_filters": "inbound_filters:InboundFilters", "ownership": "ownership:Ownership"}),
    "reconciler.vendors.sentry.sandbox:SentrySandbox")
