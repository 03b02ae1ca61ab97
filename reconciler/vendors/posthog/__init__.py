"""PostHog: the tracking plan, feature flags, cohorts, actions, experiments, surveys and dashboards."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.contract import Env, Kinds, Settings, Vendor
from reconciler.secret import Secret


def _host(value: str | None) -> str | None:
    if value is None:
        return None
    if not value.startswith(("http://", "https://")):
        raise ValueError("begins with https:// or http://")
    if re.search(r"//[a-z-]+\.i\.posthog\.com(/|\Z)", value):
        raise ValueError("this host only takes in events: write https://us.posthog.com or https://eu.posthog.com")
    return value


def _personal(key: Secret) -> Secret:
    if key.reveal().startswith("phc_"):
        raise ValueError("this is a project token, which only takes in events: make a personal API key (phx_…)")
    return key


def _number(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class PostHogSettings(Settings):
    """A connection to one project; `base_url` goes before `host`, and without both it is PostHog's US cloud."""

    personal_api_key: Annotated[Secret, AfterValidator(_personal), Env("POSTHOG_PERSONAL_API_KEY")]
    project: Annotated[str, BeforeValidator(_number), Field(pattern=r"^(@current|[A-Za-z0-9-]+)$"),
                       Env("POSTHOG_PROJECT_ID", "number of the project (@current: the key's own)", "@current")]
    host: Annotated[str | None, AfterValidator(_host), Env("POSTHOG_HOST", "address", "https://us.posthog.com")] = None


VENDOR = Vendor(
    "posthog", PostHogSettings, "reconciler.vendors.posthog.api:PostHogApi",
    Kinds("reconciler.vendors.posthog", {
        "feature_flag": "flag:FeatureFlag", "cohort": "cohort:Cohort", "event_definition": "event:EventDefinition",
        "property_definition": "event_property:PropertyDefinition",
        "schema_property_group": "property_group:SchemaPropertyGroup", "action": "action:Action",
        "experiment": "experiment:Experiment", "survey": "survey:Survey", "dashboard": "dashboard:Dashboard"}),
    "reconciler.vendors.posthog.sandbox:PostHogSandbox", title="PostHog")
