"""The sandbox's surveys: unique names, the flags below them, cleaned texts, and what an update forgets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from reconciler.vendors.posthog.sandbox_collection import Body, Collection, Complaint, boolean, minimal, string
from reconciler.vendors.posthog.sandbox_texts import clean

TEXTS = frozenset({"question", "description", "buttonText", "lowerBoundLabel", "upperBoundLabel", "choices", "link", "name",
                   "thankYouMessageHeader", "thankYouMessageDescription", "thankYouMessageCloseButtonText"})
TIMES = ("start_date", "end_date", "response_sampling_start_date")
MATCHES = ("regex", "not_regex", "exact", "is_not", "icontains", "not_icontains")
OUTSIDE = ("url", "urlMatchType", "selector", "seenSurveyWaitPeriodInDays", "linkedFlagVariant", "deviceTypes",
           "deviceTypesMatchType")
"""Conditions that external surveys can't have."""

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "type": ("popover", "widget", "external_survey", "api"), "schedule": (None, "once", "recurring", "always"),
    "response_sampling_interval_type": (None, "", "day", "week", "month")}
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


class Surveys(Collection):
    """Surveys of one project."""

    noun, soft = "surveys", False
    required = ("name", "type")
    fields: ClassVar[Mapping[str, Any]] = {
        "name": "", "description": "", "type": "", "schedule": "once", "linked_flag_id": None, "linked_insight_id": None,
        "targeting_flag_id": None, "questions": None, "conditions": None, "appearance": None, "start_date": None,
        "end_date": None, "archived": False, "responses_limit": None, "iteration_count": None, "iteration_frequency_days": None,
        "response_sampling_start_date": None, "response_sampling_interval_type": "week", "response_sampling_interval": None,
        "response_sampling_limit": None, "enable_partial_responses": False, "enable_iframe_embedding": False,
        "base_language": "en", "translations": None, "form_content": None}

    def mint(self) -> str:
        """A UUID."""
        return f"018f0000-0000-7000-9000-{super().mint():012x}"

    def kept(self, given: Body, before: Body | None) -> Body:
        """What is stored of a request."""
        kept = super().kept(given, before)
        string(given, "name", 400)
        string(given, "description", 100_000)
        boolean(given, "archived")
        for name in ("enable_partial_responses", "enable_iframe_embedding"):
            boolean(given, name, null=True)
        for name, choices in CHOICES.items():
            if given.get(name, choices[0]) not in choices:
                raise Complaint(f'"{given[name]}" is not a valid choice.', code="invalid_choice", attr=name)
        self._named(given, before)
        for name in TIMES:
            if given.get(name) is not None:
                kept[name] = _time(given[name], name)
        base = _language(given.get("base_language") or (before or {}).get("base_language") or "en")
        if "base_language" in given:
            kept["base_language"] = base
        if given.get("questions") is not None:
            kept["questions"] = [self._question(one, base) for one in given["questions"]]
        if given.get("translations") is not None:
            kept["translations"] = _translated(given["translations"], base)
        if given.get("appearance") is not None:
            kept["appearance"] = clean(given["appearance"], TEXTS)
        self._whole(given, before)
        return kept

    def _named(self, given: Body, before: Body | None) -> None:
        mine = before["id"] if before is not None else None
        if "name" in given and any(one["name"] == given["name"] and one["id"] != mine for one in self.held().values()):
            raise Complaint("There is already a survey with this name.", code="unique")

    @staticmethod
    def _question(one: Body, base: str) -> Body:
        if not one.get("question"):
            raise Complaint("Question text is required", attr="questions")
        if any(not choice.strip() for choice in one.get("choices") or ()):
            raise Complaint("Question choices cannot be empty", attr="questions")
        if one.get("link") and not re.match(r"https://.|mailto:.", one["link"]):
            raise Complaint("Link must be a URL with one of these schemes: [https, mailto]", attr="questions")
        kept = dict(clean(one, TEXTS))
        return {**kept, "translations": _translated(kept["translations"], base)} if "translations" in kept else kept

    def _whole(self, given: Body, before: Body | None) -> None:
        """What has to hold of the request as it stands, and of questions and looks together."""
        conditions = given.get("conditions") or {}
        for name in ("urlMatchType", "deviceTypesMatchType"):
            if conditions.get(name, "exact") not in MATCHES:
                raise Complaint(f'"{conditions[name]}" is not a valid choice.', code="invalid_choice", attr="conditions")
        flags = self.other("feature_flags").held()
        for name in ("linked_flag_id", "targeting_flag_id"):
            if given.get(name) is not None and str(given[name]) not in flags:
                raise Complaint("Feature Flag with this ID does not exist")
        variant, flag = conditions.get("linkedFlagVariant"), flags.get(str(given.get("linked_flag_id")))
        if variant and flag is None:
            raise Complaint("linkedFlagVariant can only be used when a linked_flag_id is specified")
        if variant and flag is not None and variant != "any" and variant not in _variants(flag):
            raise Complaint(f"Feature flag variant '{variant}' does not exist.")
        for group in (given.get("targeting_flag_filters") or {}).get("groups") or ():
            if group.get("rollout_percentage") in (100, None) and not group.get("properties"):
                raise Complaint("Invalid operation: User targeting rolls out to everyone.", code="invalid")
        self._sampled(given)
        looks = {**((before or {}).get("appearance") or {}), **(given.get("appearance") or {})}
        asked = given["questions"] if given.get("questions") is not None else (before or {}).get("questions")
        if looks.get("shuffleQuestions") and any(one.get("branching") is not None for one in asked or ()):
            raise Complaint("Question shuffling and question branching cannot be used together.")
        if given.get("type") == "external_survey":
            wrong = [name for name in ("linked_flag_id", "targeting_flag_filters") if given.get(name) is not None]
            wrong += [name for name in OUTSIDE if conditions.get(name) is not None]
            wrong += [name for name in ("actions", "events") if (conditions.get(name) or {}).get("values")]
            if wrong or (given.get("appearance") or {}).get("surveyPopupDelaySeconds") is not None:
                raise Complaint("not allowed for external surveys", attr=(wrong or ["appearance"])[0])

    def _sampled(self, given: Body) -> None:
        start, limit = given.get("response_sampling_start_date"), given.get("response_sampling_limit")
        today = datetime.fromtimestamp(self.box.clock.now(), UTC).date()
        if start is not None and datetime.fromisoformat(start).astimezone(UTC).date() < today:
            raise Complaint("Response sampling start date must be today or a future date in UTC.",
                            attr="response_sampling_start_date")
        if limit and (given.get("response_sampling_interval") is None or start is None):
            raise Complaint("Response sampling start date should be set if response_sampling_start_date is not zero.",
                            attr="response_sampling_start_date")

    # what PostHog works out

    def made(self, given: Body) -> Body:
        """A new survey, with its hidden flags and actions."""
        held = super().made(given)
        self._below(held, given)
        return held

    def changed(self, held: Body, given: Body, *, whole: bool) -> None:
        """A survey after a PATCH; PUT is broken in PostHog."""
        if whole:
            raise Complaint("A server error occurred.", status=500, code="error", type="server_error")
        if given.get("iteration_count") is not None:
            given = {"iteration_frequency_days": None, **given}
        super().changed(held, given, whole=False)
        self._below(held, given)

    def finished(self, body: Body, before: Body | None) -> None:
        """Numbers of questions, and days on which it is shown, or so many answers are taken."""
        body.setdefault("actions", [])
        body.setdefault("responses", 0)
        body.setdefault("internal_targeting_flag_id", None)
        for one in body["questions"] or ():
            if not one.get("id"):
                numbers = self.box.objects.setdefault("/numbers", {}).setdefault("questions", {"last": 0})
                numbers["last"] += 1
                one["id"] = f"018f0000-0000-7000-a000-{numbers['last']:012x}"
        count, days, start = body["iteration_count"], body["iteration_frequency_days"], body["start_date"]
        body["iteration_start_dates"] = [] if not count or not days else None if start is None else [
            _later(start, n * days) for n in range(count)]
        body["current_iteration"] = 1 if body["iteration_start_dates"] else None
        body["current_iteration_start_date"] = start if body["iteration_start_dates"] else None
        since, limit = body["response_sampling_start_date"], body["response_sampling_limit"]
        body["response_sampling_daily_limits"] = json.dumps([{"date": since, "daily_response_limit": limit}]) if (
            since and limit and body["response_sampling_interval_type"]) else None

    def _below(self, held: Body, given: Body) -> None:
        """The flags that say whom it is for and who has seen it, and the actions: gone whenever conditions are not sent."""
        flags, runs = self.other("feature_flags"), bool(held["start_date"] and not held["end_date"] and not held["archived"])
        if given.get("remove_targeting_flag") and held["targeting_flag_id"] is not None:
            del flags.held()[str(held["targeting_flag_id"])]
            held["targeting_flag_id"] = None
        filters = given.get("targeting_flag_filters")
        if filters and held["targeting_flag_id"] is None:
            held["targeting_flag_id"] = self._flag(held, filters)
        elif filters:
            flags.changed(flags.held()[str(held["targeting_flag_id"])], {"filters": filters}, whole=False)
        if held["internal_targeting_flag_id"] is None:
            seen = {"key": f"$survey_responded/{held['id']}", "value": "is_not_set", "operator": "is_not_set", "type": "person"}
            held["internal_targeting_flag_id"] = self._flag(held, {"groups": [
                {"variant": "", "rollout_percentage": 100, "properties": [seen]}]})
        for name in ("targeting_flag_id", "internal_targeting_flag_id"):
            if held[name] is not None:
                flags.held()[str(held[name])]["active"] = runs
        values = ((given.get("conditions") or {}).get("actions") or {}).get("values") or ()
        held["actions"] = [one["id"] for one in values if str(one["id"]) in self.other("actions").held()]

    def _flag(self, held: Body, filters: Body) -> Any:
        flags = self.other("feature_flags")
        numbers = self.box.objects.setdefault("/numbers", {}).setdefault("targeting", {"last": 0})
        numbers["last"] += 1
        made = {"key": f"survey-targeting-{numbers['last']:010x}", "name": f"Targeting flag for survey {held['name']}"}
        return flags.made({**made, "filters": filters, "active": False})["id"]

    def deleted(self, held: Body) -> None:
        """Its flags go with it."""
        for name in ("targeting_flag_id", "internal_targeting_flag_id"):
            self.other("feature_flags").held().pop(str(held[name]), None)
        super().deleted(held)

    # answers

    def sent(self, said: Mapping[str, Any]) -> None:
        """Somebody answered."""
        held = self.held().get(str(said.get("$survey_id")))
        if held is not None:
            held["responses"] += 1

    def asked(self, word: str, query: Mapping[str, str]) -> Any:
        """How often surveys were answered."""
        if word != "responses_count":
            return None
        wanted = [id for id in query.get("survey_ids", "").split(",") if id]
        return {id: one["responses"] for id, one in self.held().items() if one["responses"] and id in (wanted or [id])}

    def shown(self, body: Body) -> Body:
        """A survey as answers show it: its flags whole, its actions too."""
        flags = self.other("feature_flags").held()
        below = {f"{name}_flag": minimal(flags.get(str(body[f"{name}_flag_id"])))
                 for name in ("linked", "targeting", "internal_targeting")}
        hidden = ("targeting_flag_id", "internal_targeting_flag_id", "actions", "responses")
        kept = {name: value for name, value in body.items() if name not in hidden}
        actions = [self.other("actions").shown(self.other("actions").held()[str(id)]) for id in body["actions"]]
        if actions:
            kept["conditions"] = {**kept["conditions"], "actions": {"values": actions}}
        return {**kept, **below, "feature_flag_keys": [
            {"key": f"{name}_key", "value": flag["key"] if flag else None} for name, flag in below.items()],
            "user_access_level": "editor"}


def _variants(flag: Body) -> Iterable[str]:
    return [one["key"] for one in ((flag["filters"].get("multivariate") or {}).get("variants") or ())]


def _time(value: Any, name: str) -> str:
    try:
        return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (TypeError, ValueError):
        raise Complaint("Datetime has wrong format.", code="invalid", attr=name) from None


def _later(start: str, days: int) -> str:
    return (datetime.fromisoformat(start) + timedelta(days=days)).isoformat().replace("+00:00", "Z")


def _language(raw: str) -> str:
    found = raw.strip().lower().replace("_", "-")
    if not LANGUAGE.fullmatch(found):
        raise Complaint(f"'{raw}' is not a valid language code.")
    return found


def _translated(given: Body, base: str) -> Body:
    found = {}
    for raw, texts in given.items():
        if _language(raw) == base:
            raise Complaint(f"'{raw}' matches the survey's base language ('{base}').", attr="translations")
        if texts:
            found[_language(raw)] = clean(texts, TEXTS)
    return found
