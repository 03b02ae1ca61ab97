"""The fields of sentry.project, and how each is written and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from reconciler.contract import Canonical, Link, Mark, Spec
from reconciler.model import Fields, Impact
from reconciler.secret import Secret
from reconciler.vendors.sentry.terms import Slug, Texts, lines, names

CREATE_NAME = 50
"""Letters of a name that the create takes; a longer one is set by the PUT."""

Text = Annotated[str | None, Canonical(lines)]


class Filters(Spec):
    """What is dropped by address, release or message; each entry may hold `*`."""

    blacklisted_ips: Texts = None
    releases: Texts = None
    error_messages: Texts = None


class ProjectSpec(Spec):
    """The fields of sentry.project; delays in seconds, `resolve_age` in hours (0: never).

    Not in Sentry's document and taken all the same: digests_*, allowed_domains, security_token*, verify_ssl,
    scrape_javascript, filters, fingerprinting_rules, grouping_enhancements (its `project_details.py`). `is_bookmarked`
    is a star of whoever asks, and no business of a manifest.
    """

    slug: Annotated[Slug | None, Field(max_length=100), Mark.NAMED] = None
    name: Annotated[str | None, Field(min_length=1, max_length=200), Impact.COSMETIC] = None
    platform: str | None = None
    teams: Annotated[list[Annotated[str, Link("sentry.team", "slug")]], Field(min_length=1), Canonical(names),
                     Mark.UNORDERED, Impact.ACCESS]
    default_rules: Annotated[bool | None, Mark.CREATE_ONLY] = True
    resolve_age: Annotated[int | None, Field(ge=0)] = 0
    subject_prefix: Annotated[str | None, Field(max_length=200), Impact.COSMETIC] = ""
    subject_template: Annotated[str | None, Field(max_length=200), Impact.COSMETIC] = "$shortID - $title"
    digests_min_delay: Annotated[int | None, Field(ge=60, le=3600)] = 300
    digests_max_delay: Annotated[int | None, Field(ge=60, le=3600)] = 1800
    allowed_domains: Annotated[list[str] | None, Canonical(names), Mark.UNORDERED,
                               Impact.ACCESS] = Field(default_factory=lambda: ["*"])
    security_token: Annotated[str | None, Mark.SECRET, Impact.ACCESS] = None
    security_token_header: Annotated[str | None, Field(max_length=20)] = ""
    verify_ssl: bool | None = False
    scrape_javascript: bool | None = True
    enable_auto_release_creation: bool | None = True
    scm_source_context_enabled: bool | None = False
    filters: Filters | None = None
    fingerprinting_rules: Text = ""
    grouping_enhancements: Text = ""
    highlight_tags: Texts = None
    highlight_context: dict[str, Any] | None = None


WIRE = {
    "name": "name", "slug": "slug", "platform": "platform", "resolve_age": "resolveAge", "subject_prefix": "subjectPrefix",
    "subject_template": "subjectTemplate", "digests_min_delay": "digestsMinDelay", "digests_max_delay": "digestsMaxDelay",
    "allowed_domains": "allowedDomains", "security_token": "securityToken", "security_token_header": "securityTokenHeader",
    "verify_ssl": "verifySSL", "scrape_javascript": "scrapeJavaScript", "scm_source_context_enabled": "scmSourceContextEnabled",
    "enable_auto_release_creation": "enableAutoReleaseCreation", "fingerprinting_rules": "fingerprintingRules",
    "grouping_enhancements": "groupingEnhancements", "highlight_tags": "highlightTags",
    "highlight_context": "highlightContext",
}
"""A setting's name here and at Sentry."""

STUCK = {"security_token": "Sentry made it up: give another one", "name": "leave it out",
         "highlight_tags": "[] for none; the platform's own can't be asked for",
         "highlight_context": "{} for none; the platform's own can't be asked for"}
"""Settings that have no default to go back to."""


def settings(fields: Mapping[str, Any]) -> Fields:
    """The settings as the PUT takes them: filters are options, one text with a line each."""
    body: Fields = {WIRE[name]: value for name, value in fields.items() if name in WIRE}
    if "filters" in fields:
        given = fields["filters"] if fields["filters"] is not None else dict.fromkeys(Filters.model_fields)
        body["options"] = {f"filters:{name}": "\n".join(value or ()) for name, value in given.items()}
    return body


def shown(body: Mapping[str, Any]) -> Fields:
    """The settings that an answer shows; a list of projects shows few of them."""
    found: Fields = {name: body[wire] for name, wire in WIRE.items() if wire in body}
    if "security_token" in found:
        found["security_token"] = Secret(str(found["security_token"] or ""))
    if isinstance(body.get("teams"), list):
        found["teams"] = sorted(str(team["slug"]) for team in body["teams"])
    options = body.get("options")
    if isinstance(options, Mapping):
        found["filters"] = {name: kept for name in Filters.model_fields if (kept := _split(options.get(f"filters:{name}")))}
    return found


def _split(value: Any) -> list[str]:
    """A text with lines, which some answers give as a list."""
    parts: Any = value.splitlines() if isinstance(value, str) else value or ()
    return [text for part in parts if (text := str(part).strip())]
