"""The sandbox's cohorts: names that are not unique, soft deletion, and what PostHog works out of conditions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.cohort_filters import JOINTS, NEEDED, behavioural, leaves
from reconciler.vendors.posthog.conditions import conditions
from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, boolean, string


class Cohorts(Collection):
    """Cohorts of one project."""

    noun = "cohorts"
    fields: ClassVar[Mapping[str, Any]] = {"name": None, "description": "", "groups": [], "deleted": False, "filters": None,
                                           "query": None, "is_static": False, "cohort_type": None}

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request."""
        kept = super().kept(given, before)
        string(given, "name", 400, null=True)
        string(given, "description", 1000)
        boolean(given, "is_static")
        boolean(given, "deleted")
        static = given.get("is_static", (before or {}).get("is_static"))
        if given.get("filters") is not None and not static:
            kept["filters"] = self._filters(given["filters"])
        query = given.get("query")
        if query and query.get("kind") not in ("ActorsQuery", "HogQLQuery"):
            raise Complaint(f"Query must be an ActorsQuery or HogQLQuery. Got: {query.get('kind')}", attr="query")
        if before is not None:
            self._usable(kept, before)
        return kept

    def _filters(self, given: Any) -> Body:
        if not isinstance(given, dict) or "properties" not in given:
            raise Complaint("Must contain a 'properties' key with type and values", attr="filters")
        found = json.loads(json.dumps(given))
        found["properties"] = self._worked_out(found["properties"])
        return dict(found)

    def _worked_out(self, node: Body) -> Body:
        """A condition with what PostHog adds to it, nulls left out."""
        kind = str(node.get("type"))
        if kind not in NEEDED:
            raise Complaint(f"Invalid filter type: {kind}", attr="filters")
        for name in NEEDED[kind]:
            if node.get(name) is None:
                raise Complaint(f"Missing required keys for {kind} filter: {name}", attr="filters")
        kept = {name: value for name, value in node.items() if value is not None}
        if kind in JOINTS:
            return {**kept, "values": [self._worked_out(one) for one in node["values"]]}
        if kind == "cohort" and str(node["value"]) not in self.held():
            raise Complaint("Invalid Cohort ID in filter", attr="filters")
        print = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]
        return {"negation": False, **kept, "bytecode": ["_H", 1, 29], "conditionHash": print}

    def _usable(self, kept: Body, before: Body) -> None:
        """What flags that use it forbid."""
        flags = [one["key"] for one in self.other("feature_flags").held().values() if one["active"] and not one["deleted"]
                 and any(c.get("type") == "cohort" and str(c.get("value")) == str(before["id"])
                         for c in conditions(one["filters"]))]
        if flags and kept.get("deleted") is True:
            raise Complaint(f"This cohort is used in {len(flags)} active feature flag(s): {', '.join(flags)}. Please remove "
                            "the cohort from these feature flags before deleting it.")
        if flags and behavioural(kept.get("filters")):
            raise Complaint("Behavioral filters cannot be added to cohorts used in feature flags.",
                            code="behavioral_cohort_found", attr="filters")
        users = [one["name"] for one in self.held().values() if not one["deleted"] and any(
            leaf.get("type") == "cohort" and str(leaf.get("value")) == str(before["id"])
            for leaf in leaves((one["filters"] or {}).get("properties")))]
        if users and kept.get("deleted") is True:
            raise Complaint(f"This cohort is used in {len(users)} other cohort(s): {', '.join(map(str, users))}.")

    def finished(self, body: Body, before: Body | None) -> None:
        """It is counted anew after every write, unless it is a list."""
        for name, value in (("count", None), ("errors_calculating", 0), ("last_calculation", None), ("experiment_set", []),
                            ("version", None)):
            body.setdefault(name, value)
        body["is_calculating"] = not body["is_static"]
        if body["filters"] is not None:
            self._no_loop(body)

    def _no_loop(self, body: Body) -> None:
        left, seen = [body], set()
        while left:
            for leaf in leaves((left.pop()["filters"] or {}).get("properties")):
                if leaf.get("type") != "cohort":
                    continue
                if str(leaf.get("value")) == str(body["id"]):
                    raise Complaint("Cohorts cannot reference other cohorts in a loop.")
                if str(leaf.get("value")) not in seen:
                    seen.add(str(leaf.get("value")))
                    left.append(self.held()[str(leaf.get("value"))])

    def shown(self, body: Body) -> Body:
        """A cohort without conditions shows empty ones."""
        return {**body, "filters": body["filters"] or {"properties": {}}}
