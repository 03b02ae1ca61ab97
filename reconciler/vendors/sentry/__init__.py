"""Sentry: teams, projects and their keys, what is dropped on the way in, what makes issues, and who hears of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.contract import Env, Settings, Vendor
from reconciler.secret import Secret
from reconciler.vendors.sentry.alert import Alert
from reconciler.vendors.sentry.cron_monitor import CronMonitor
from reconciler.vendors.sentry.inbound_filters import InboundFilters
from reconciler.vendors.sentry.key import ClientKey
from reconciler.vendors.sentry.metric_monitor import MetricMonitor
from reconciler.vendors.sentry.ownership import Ownership
from reconciler.vendors.sentry.project import Project
from reconciler.vendors.sentry.team import Team


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
    (Team, Project, ClientKey, Alert, MetricMonitor, CronMonitor, InboundFilters, Ownership),
    "reconciler.vendors.sentry.sandbox:SentrySandbox")
