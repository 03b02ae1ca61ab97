"""The sandbox's feature flags: normalised filters, dependencies, soft deletion, archiving."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.conditions import conditions, variants
from reconciler.vendors.posthog.sandbox_collection import SOMEBODY, Body, Collection, Complaint, boolean, string, tags
from reconciler.vendors.posthog.sandbox_filters import checked, normalised

ASTERISKS = "********* (encrypted)"


class Flags(Collection):
    """Feature flags of one project."""

    noun = "feature_flags"
    required = ("key",)
    fields: ClassVar[Mapping[str, Any]] = {
        "key": "", "name": "", "active": True, "archived": False, "deleted": False, "filters": {}, "tags": [],
        "evaluation_runtime": "all", "bucketing_identifier": "distinct_id", "ensure_experience_continuity": None,
        "is_remote_configuration": False, "has_encrypted_payloads": False, "evaluation_contexts": [],
        "creation_context": "feature_flags", "last_called_at": None, "experiment_set": [], "features": []}

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """Archived flags only where they are asked for, deleted ones and those of surveys never."""
        wanted = query.get("archived", "false").lower() == "true"
        hidden = {one[name] for one in self.other("surveys").held().values() for name in (
            "targeting_flag_id", "internal_targeting_flag_id")}
        text = query.get("search", "").lower()
        return [body for body in reversed(self.held().values()) if not body["deleted"] and body["archived"] is wanted
                and body["id"] not in hidden
                and text in f"{body['key']} {body['name']}".lower() and query.get("key", body["key"]) == body["key"]]

    def made(self, given: Body) -> Body:
        """A new flag; a deleted one that still has its key goes for good."""
        for other in [one for one in self.held().values() if one["deleted"] and one["key"] == given.get("key")]:
            del self.held()[str(other["id"])]
        return super().made(given)

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request."""
        kept = super().kept(given, before)
        for name in ("experiment_set", "features", "last_called_at"):
            kept.pop(name, None)
        for name in ("active", "archived", "deleted"):
            boolean(given, name)
        for name in ("ensure_experience_continuity", "is_remote_configuration", "has_encrypted_payloads"):
            boolean(given, name, null=True)
        string(given, "name", 10_000)
        for name, words in (("evaluation_runtime", ("server", "client", "all")),
                            ("bucketing_identifier", ("distinct_id", "device_id"))):
            if given.get(name) not in (None, *words):
                raise Complaint(f'"{given[name]}" is not a valid choice.', code="invalid_choice", attr=name)
        if "tags" in given:
            kept["tags"] = tags(given, self.box)
        if "evaluation_contexts" in given:
            found = {str(one).strip().lower() for one in given["evaluation_contexts"] or ()}
            kept["evaluation_contexts"] = sorted(found) if self.box.contexts else []
        if "key" in given:
            self._key(given["key"], before)
        if kept.get("deleted") is True and before is not None:
            self._deletable(before, kept)
        if kept.get("deleted") is False and before is not None and before["key"].endswith(f":deleted:{before['id']}"):
            kept["key"] = self._free(before["key"].rpartition(":deleted:")[0])
        if "filters" in given:
            kept["filters"] = self._filters(given["filters"], before)
        return kept

    def _key(self, key: Any, before: Body | None) -> None:
        string({"key": key}, "key", 400)
        mine = before["id"] if before is not None else None
        if any(one["key"] == key and not one["deleted"] and one["id"] != mine for one in self.held().values()):
            raise Complaint("There is already a feature flag with this key.", code="unique", attr="key")
        if not re.fullmatch(r"[a-zA-Z0-9_-]+", key):
            raise Complaint("Only letters, numbers, hyphens (-) & underscores (_) are allowed.", code="invalid_key",
                            attr="key")

    def _free(self, key: str) -> str:
        taken = {one["key"] for one in self.held().values()}
        return next(name for n in range(1, len(taken) + 2) if (name := key if n == 1 else f"{key}-{n}") not in taken)

    def _deletable(self, before: Body, kept: Body) -> None:
        if before["features"]:
            raise Complaint("Cannot delete a feature flag that is in use with early access features. Please delete the "
                            "early access feature before deleting the flag.")
        running = [one for one in before["experiment_set"] if self._runs(one)]
        if running:
            raise Complaint("Cannot delete a feature flag that is linked to running experiment(s). Please stop the "
                            "experiment(s) before deleting the flag.")
        self._independent(before, "delete")
        if before["experiment_set"]:
            kept["key"] = f"{before['key']}:deleted:{before['id']}"

    def _runs(self, experiment: int) -> bool:
        held = self.box.objects.get(f"/api/projects/{self.project}/experiments", {}).get(str(experiment))
        return held is None or bool(held.get("start_date") and not held.get("end_date"))

    def _independent(self, flag: Body, word: str) -> None:
        users = [one["key"] for one in self.held().values() if one["active"] and not one["deleted"] and any(
            c.get("type") == "flag" and str(c.get("key")) == str(flag["id"]) for c in conditions(one["filters"]))]
        if users:
            raise Complaint(f"Cannot {word} this feature flag because other flags depend on it: {', '.join(users)}. "
                            "Please update or disable the dependent flags first.")

    def _filters(self, given: Any, before: Body | None) -> Body:
        """Top-level keys take the place of what is stored; an empty map asks for nothing."""
        if not isinstance(given, dict):
            raise Complaint('Expected a dictionary of items but got type "str".', code="not_a_dict", attr="filters")
        if "version" in given:
            raise Complaint("filters.version is reserved. Remove it from the request.", code="reserved_config_version",
                            attr="filters")
        if before is not None and not given:
            return dict(before["filters"])
        if before is None and not given.get("groups"):
            raise Complaint("Feature flags must have at least one condition set (group).", attr="filters")
        merged = {**(before["filters"] if before is not None else {}), **given}
        found = normalised({k: v for k, v in merged.items() if k not in ("super_groups", "holdout_groups")})
        checked(found, self, before)
        return found

    def finished(self, body: Body, before: Body | None) -> None:
        """What has to hold of the whole."""
        if body["archived"] and body["active"]:
            raise Complaint("Cannot archive an enabled feature flag. Disable it first, or send active: false in the same "
                            "request." if not (before or body)["archived"] or before is None else
                            "Cannot enable an archived feature flag. Unarchive it first.")
        if body["has_encrypted_payloads"] and not body["is_remote_configuration"]:
            raise Complaint("Encrypted payloads require the flag to be a remote configuration.")
        if body["bucketing_identifier"] == "device_id" and body["ensure_experience_continuity"]:
            raise Complaint("Cannot enable 'persist across authentication steps' when using device ID bucketing. These "
                            "features are incompatible.")
        if before is not None and before["active"] and not body["active"]:
            self._independent(body, "disable")
        if before is not None and body["active"] and not before["active"]:
            self._awake(body)
        if body["is_remote_configuration"] and before is None:
            for group in body["filters"].get("groups") or ():
                group["rollout_percentage"] = group.get("rollout_percentage") or 100
        body["version"] = (before or {"version": 0})["version"] + 1
        body["updated_at"], body["last_modified_by"] = self.now(), SOMEBODY

    def _awake(self, flag: Body) -> None:
        off = [self.held()[str(c["key"])]["key"] for c in conditions(flag["filters"]) if c.get("type") == "flag"
               and not self.held().get(str(c["key"]), {"active": True})["active"]]
        if off:
            raise Complaint(f"Cannot enable this feature flag because it depends on disabled flags: {', '.join(off)}. "
                            "Please enable the dependency flags first.")

    def evaluated(self, filters: Body) -> Body:
        """Filters as SDKs get them: another flag by its key, with the flags to evaluate before, itself the last."""
        return {**filters, "groups": [{**group, "properties": [self._chained(one) for one in group.get("properties") or ()]}
                                      for group in filters.get("groups") or ()]}

    def _chained(self, one: Body) -> Body:
        if one.get("type") != "flag":
            return one
        keys = [self.held()[id]["key"] for id in dict.fromkeys(self._before(str(one["key"])))]
        return {**one, "key": keys[-1], "dependency_chain": keys}

    def _before(self, id: str) -> list[str]:
        below = [str(c["key"]) for c in conditions(self.held()[id]["filters"]) if c.get("type") == "flag"]
        return [*(deeper for one in below for deeper in self._before(one)), id]

    def shown(self, body: Body) -> Body:
        """A flag as answers show it: with the names of cohorts, without what is encrypted."""
        cohorts = self.other("cohorts").held()
        filters = {**body["filters"], "groups": [self._named(group, cohorts) for group in body["filters"].get("groups", [])]}
        if body["has_encrypted_payloads"] and filters.get("payloads"):
            filters["payloads"] = dict.fromkeys(filters["payloads"], ASTERISKS)
        groups = filters["groups"]
        simple = len(groups) == 1 and not groups[0].get("properties") and not variants(filters)
        return {**body, "filters": filters, "surveys": [], "rollback_conditions": None, "performed_rollback": False,
                "can_edit": True, "evaluation_tags": body["evaluation_contexts"], "usage_dashboard": None,
                "analytics_dashboards": [], "has_enriched_analytics": False, "user_access_level": "editor",
                "is_simple_flag": simple, "rollout_percentage": groups[0].get("rollout_percentage") if simple else None,
                "status": "DELETED" if body["deleted"] else "ARCHIVED" if body["archived"] else "ACTIVE"}

    @staticmethod
    def _named(group: Body, cohorts: Mapping[str, Body]) -> Body:
        properties = [{**one, "cohort_name": cohorts.get(str(one.get("value")), {}).get("name")}
                      if one.get("type") == "cohort" else one for one in group.get("properties") or ()]
        return {**group, "properties": properties}
