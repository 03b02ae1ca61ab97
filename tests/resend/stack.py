"""SQL2.AI's mail as a manifest, and ways to change it."""

from __future__ import annotations

import copy
from typing import Any

TOKEN = {"token": {"to": "box", "path": "kv/api/resend", "key": "api_key"}}
SECRET = {"signing_secret": {"to": "box", "path": "kv/api/resend", "key": "webhook_secret"}}

MAIL: dict[str, Any] = {
    "domain": {"mail": {"name": "mail.sql2.ai", "region": "eu-west-1", "tls": "enforced", "click_tracking": False}},
    "template": {
        "welcome": {"alias": "sql2ai-welcome", "from": "SQL2.AI <hello@mail.sql2.ai>", "subject": "Welcome, {{{USER_NAME}}}",
                    "html": "<p>Hello {{{USER_NAME}}}</p>",
                    "variables": [{"key": "USER_NAME", "type": "string", "fallback_value": "there"}]},
        "usage_warning": {"alias": "sql2ai-usage-warning", "html": "<p>{{{PERCENT}}} %</p>",
                          "variables": [{"key": "PERCENT", "type": "number", "fallback_value": 80}]}},
    "webhook": {"delivery": {"endpoint": "https://api.sql2.ai/hooks/resend", "events": ["email.bounced", "email.complained"],
                             "lifecycle": {"deliver": SECRET}}},
    "api_key": {"api": {"name": "sql2ai-api", "permission": "sending_access", "domain": {"ref": "mail"},
                        "lifecycle": {"deliver": TOKEN}}},
    "topic": {"updates": {"name": "Product updates", "default_subscription": "opt_in", "visibility": "public"}}}

ONLY_KEY = {"api_key": {"api": {"name": "sql2ai-api", "lifecycle": {"deliver": TOKEN}}}}


def changed(path: str, value: Any, of: dict[str, Any] = MAIL) -> dict[str, Any]:
    """The manifest with one field set, or taken out with `...`."""
    manifest = copy.deepcopy(of)
    *way, last = path.split("/")
    node: Any = manifest
    for part in way:
        node = node[part]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return manifest
