"""Events that come into the sandbox: each defines itself and its properties, as PostHog's ingestion does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.vendors.posthog.sandbox_collection import Body
from reconciler.vendors.posthog.sandbox_surveys import Surveys
from reconciler.vendors.posthog.sandbox_taxonomy import EventDefinitions, PropertyDefinitions

if TYPE_CHECKING:
    from reconciler.vendors.posthog.sandbox import PostHogSandbox

PATHS = ("/batch", "/capture", "/e", "/i/v0/e")
"""Where PostHog takes in events."""

UNDEFINED = frozenset({"$set", "$set_once", "$group_type", "$group_key", "$group_set", "$groups", "distinct_id"})
"""Properties that say something else than a value."""


def take_in(box: PostHogSandbox, given: Body) -> None:
    """One event, or a batch of them, of the project that the token stands for."""
    token = str(given.get("api_key") or given.get("token") or "")
    project = token.removeprefix("phc_") or "1"
    events, properties = EventDefinitions(box, project), PropertyDefinitions(box, project)
    batch = given.get("batch")
    for one in batch if isinstance(batch, list) else [given]:
        events.seen(str(one["event"]))
        said: dict[str, Any] = one.get("properties") or {}
        if one["event"] == "survey sent":
            Surveys(box, project).sent(said)
        for name, value in said.items():
            if name not in UNDEFINED:
                properties.seen(name, value)
        for name, value in {**(said.get("$set_once") or {}), **(said.get("$set") or {})}.items():
            properties.seen(name, value, "person")
        index = next((int(n) for n, type in box.group_types.items() if type == said.get("$group_type")), None)
        for name, value in (said.get("$group_set") or {}).items() if index is not None else ():
            properties.seen(name, value, "group", index)
