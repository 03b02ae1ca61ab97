"""The sandbox's experiments: the flag below them, what PostHog adds, and the calls of their life."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.posthog.conditions import variants
from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, boolean, minimal, string, tags

METRICS = ("metrics", "metrics_secondary")


class Experiments(Collection):
    """Experiments of one project."""

    noun = "experiments"
    required = ("name", "feature_flag_key")
    fields: ClassVar[Mapping[str, Any]] = {
        "name": "", "description": "", "feature_flag_key": "", "type": "product", "holdout_id": None, "parameters": {},
        "metrics": [], "metrics_secondary": [], "saved_metrics_ids": [], "exposure_criteria": {}, "stats_config": {},
        "running_time_calculation": None, "scheduling_config": None, "repository": None, "excluded_variants": [],
        "conclusion": None, "conclusion_comment": None, "only_count_matured_users": False,
        "tags": [], "deleted": False, "start_date": None, "end_date": None, "archived": False}

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """Archived ones only where they are asked for, deleted ones never."""
        wanted = query.get("archived", "false").lower() == "true"
        return [body for body in super().listed(query) if body["archived"] is wanted]

    def visible(self, body: Body) -> bool:
        """A deleted one is not found any more."""
        return not body["deleted"]

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request."""
        kept = super().kept(given, before)
        string(given, "name", 400)
        string(given, "description", 3000, null=True)
        boolean(given, "deleted", null=True)
        boolean(given, "only_count_matured_users")
        if "tags" in given:
            kept["tags"] = tags(given, self.box)
        if before is not None and kept.get("feature_flag_key", before["feature_flag_key"]) != before["feature_flag_key"]:
            raise Complaint("Can't update keys: feature_flag_key on Experiment")
        for name in METRICS:
            if name in given:
                kept[name] = [self._metric(one) for one in given[name] or ()]
        return kept

    def _metric(self, one: Body) -> Body:
        if one.get("kind") != "ExperimentMetric":
            raise Complaint("Metric kind must be ExperimentMetric", attr="metrics")
        print = hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest()
        return {**one, "uuid": one.get("uuid") or f"{print[:8]}-0000-4000-8000-{print[8:20]}", "fingerprint": print}

    def finished(self, body: Body, before: Body | None) -> None:
        """The flag below it, made where there is none, and defaults of its maps."""
        body["exposure_criteria"] = {"filterTestAccounts": True, **(body["exposure_criteria"] or {})}
        body["stats_config"] = {"method": "bayesian", **(body["stats_config"] or {})}
        body["updated_at"] = self.now()
        if before is not None:
            return
        flags = self.other("feature_flags")
        flag = next((one for one in flags.held().values() if one["key"] == body["feature_flag_key"] and not one["deleted"]),
                    None)
        if flag is None:
            split = [{"key": "control", "rollout_percentage": 50}, {"key": "test", "rollout_percentage": 50}]
            flag = flags.made({"key": body["feature_flag_key"], "active": False, "filters": {
                "groups": [{"properties": [], "rollout_percentage": 100}], "multivariate": {"variants": split}}})
        keys = [one["key"] for one in variants(flag["filters"])]
        if len(keys) < 2 or "control" not in keys:
            raise Complaint("Feature flag must have at least 2 variants, one of them control", attr="feature_flag_key")
        flag["experiment_set"] = [*flag["experiment_set"], body["id"]]
        body["flag"] = flag["id"]

    def act(self, held: Body, act: str, method: str, given: Body) -> Any:
        """One call of its life."""
        if method != "POST" or act not in ("launch", "pause", "resume", "end", "archive", "unarchive", "reset"):
            return super().act(held, act, method, given)
        flag = self.other("feature_flags").held()[str(held["flag"])]
        runs = bool(held["start_date"] and not held["end_date"])
        fit = {"launch": not held["start_date"], "pause": runs and flag["active"], "resume": runs and not flag["active"],
               "end": runs, "archive": bool(held["end_date"]) and not held["archived"], "unarchive": held["archived"],
               "reset": bool(held["start_date"])}
        if not fit[act]:
            raise Complaint(f"Experiment can't {act} now.")
        if act in ("launch", "resume", "pause"):
            flag["active"] = act != "pause"
        told = {name: given.get(name) for name in ("conclusion", "conclusion_comment")}
        change: Mapping[str, Body] = {
            "launch": {"start_date": self.now()}, "end": {"end_date": self.now(), **told},
            "archive": {"archived": True}, "unarchive": {"archived": False},
            "reset": {"start_date": None, "end_date": None, "archived": False, "conclusion": None,
                      "conclusion_comment": None}}
        held |= change.get(act, {})
        return self.shown(held)

    def shown(self, body: Body) -> Body:
        """An experiment as answers show it: with its flag, shared metrics and holdout."""
        flag = self.other("feature_flags").held().get(str(body["flag"]), {})
        saved = [{"id": n + 1, "experiment": body["id"], "saved_metric": one["id"], "metadata": one.get("metadata") or {},
                  "created_at": body["created_at"], "query": {}, "name": f"metric {one['id']}"}
                 for n, one in enumerate(body["saved_metrics_ids"] or ())]
        holdout = {"id": body["holdout_id"], "name": "holdout", "description": None, "filters": [],
                   "created_by": body["created_by"], "created_at": body["created_at"], "updated_at": body["created_at"]}
        kept = {name: value for name, value in body.items() if name not in ("flag", "saved_metrics_ids", "holdout_id")}
        return {**kept, "feature_flag": minimal(flag), "saved_metrics": saved, "exposure_cohort": None,
                "holdout": holdout if body["holdout_id"] is not None else None, "user_access_level": "editor"}
