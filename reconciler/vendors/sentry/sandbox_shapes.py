"""Parts of answers that are the same for every object of the sandbox's Sentry."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]

ACCESS = ["team:read", "team:write", "team:admin", "project:read", "project:write", "project:admin", "alerts:read",
          "alerts:write", "org:read"]
"""What the token may do."""

AVATAR: Body = {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None}

HAS = ("Feedbacks", "Flags", "InsightsAgentMonitoring", "InsightsAppStart", "InsightsAssets", "InsightsCaches", "InsightsDb",
       "InsightsHttp", "InsightsMCP", "InsightsQueues", "InsightsScreenLoad", "InsightsVitals", "Logs", "MinifiedStackTrace",
       "Monitors", "NewFeedbacks", "Profiles", "Replays", "Sessions", "TraceMetrics")

COMMON: Body = {"access": ACCESS, "features": [], "firstEvent": None, "firstTransactionEvent": False, "hasAccess": True,
                "isBookmarked": False, "isMember": True, **{f"has{name}": False for name in HAS}}
"""What every form of a project shows."""

SUMMARY: Body = {"environments": [], "hasUserReports": False, "latestRelease": None, "platforms": []}
"""What a project in a list shows besides."""

DETAIL: Body = {
    "autofixAutomationTuning": "off", "avatar": AVATAR, "builtinSymbolSources": [], "color": "#3f70bf", "dataScrubber": True,
    "dataScrubberDefaults": True, "debugFilesRole": None, "defaultEnvironment": None, "derivedGroupingEnhancements": "",
    "dynamicSamplingBiases": [], "groupingConfig": "newstyle:2023-01-11", "highlightPreset": {"tags": [], "context": {}},
    "isDynamicallySampled": False, "isInternal": False, "isPublic": False, "latestRelease": None, "platforms": [],
    "processingIssues": 0, "relayPiiConfig": None, "safeFields": [], "scrubIPAddresses": False,
    "secondaryGroupingConfig": None, "secondaryGroupingExpiry": 0, "seerNightshiftTweaks": None,
    "seerScannerAutomation": False, "sensitiveFields": [], "status": "active", "storeCrashReports": None,
    "symbolSources": "[]", "tempestFetchScreenshots": False}
"""What a project on its own shows besides, and what none of our fields says."""

ORGANIZATION: Body = {
    "id": "1", "slug": "", "name": "", "status": {"id": "active", "name": "active"}, "avatar": AVATAR, "features": [],
    "dateCreated": "2024-01-01T00:00:00Z", "isEarlyAdopter": False, "require2FA": False, "allowMemberInvite": True,
    "allowMemberProjectCreation": True, "allowSuperuserAccess": False, "hasAuthProvider": False,
    "links": {"organizationUrl": "https://sentry.invalid", "regionUrl": "https://us.sentry.invalid"}}

TEAM: Body = {"access": ACCESS, "avatar": AVATAR, "externalTeams": [], "flags": {"idp:provisioned": False}, "hasAccess": True,
              "isMember": True, "isPending": False, "memberCount": 1, "teamRole": None}

SETTINGS: Body = {
    "platform": None, "resolveAge": 0, "subjectPrefix": "", "subjectTemplate": "$shortID - $title", "digestsMinDelay": 300,
    "digestsMaxDelay": 1800, "allowedDomains": ["*"], "securityTokenHeader": None, "verifySSL": False,
    "scrapeJavaScript": True, "enableAutoReleaseCreation": True, "scmSourceContextEnabled": False,
    "fingerprintingRules": "", "groupingEnhancements": "", "highlightTags": ["environment", "handled", "level"],
    "highlightContext": {"browser": ["name"]}}
"""A new project's settings."""

FILTERS: Body = {"browser-extensions": False, "filtered-transaction": True, "legacy-browsers": [], "localhost": False,
                 "web-crawlers": True}
OPTIONS = ("filters:blacklisted_ips", "filters:releases", "filters:error_messages")


def dsn(host: str, project: str, public: str, secret: str) -> Body:
    """The addresses of one key."""
    base, asked = f"https://{host}/api/{project}", f"?sentry_key={public}"
    return {
        "public": f"https://{public}@{host}/{project}", "secret": f"https://{public}:{secret}@{host}/{project}",
        "csp": f"{base}/csp-report/{asked}", "security": f"{base}/security/{asked}", "minidump": f"{base}/minidump/{asked}",
        "nel": f"{base}/nel/{asked}", "unreal": f"{base}/unreal/{public}/", "cdn": f"https://js.{host}/{public}.min.js",
        "crons": f"{base}/cron/___MONITOR_SLUG___/{public}/", "playstation": f"{base}/playstation/{asked}",
        "integration": f"{base}/integration/", "otlp_traces": f"{base}/integration/otlp/v1/traces",
        "otlp_logs": f"{base}/integration/otlp/v1/logs"}
