"""What PostHog would refuse in a survey, or take out of it without a word, found before anything is asked of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.vendors.posthog import flag_checks
from reconciler.vendors.posthog.survey_fields import language
from reconciler.vendors.posthog.survey_texts import taken_out

Finding = tuple[str, str]

CHOICES = ("single_choice", "multiple_choice")
BELONGS: Mapping[str, tuple[str, ...]] = {
    "link": ("link",), "validation": ("open",), "choices": CHOICES, "shuffle_options": CHOICES, "has_open_choice": CHOICES,
    **dict.fromkeys(("display", "scale", "lower_bound_label", "upper_bound_label", "is_nps_question"), ("rating",))}
"""The types of question that a field is for."""

NOT_EXTERNAL = ("url", "url_match_type", "selector", "seen_survey_wait_period_in_days", "linked_flag_variant", "device_types",
                "device_types_match_type")
"""Conditions that a survey on a page of its own can't have."""

MAIL = re.compile(r"mailto:[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}")
WRITTEN = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


def findings(fields: Mapping[str, Any]) -> Iterable[Finding]:
    """Everything that no single field's type can say."""
    for n, question in enumerate(fields.get("questions") or ()):
        yield from _question(f"questions[{n}]", question, len(fields["questions"]))
    yield from _languages(fields)
    yield from _together(fields)
    yield from _targeting(fields)
    if fields.get("type") == "external_survey":
        yield from _external(fields)
    yield from _texts("", {name: fields.get(name) for name in ("questions", "appearance", "translations")})


def _question(at: str, one: Mapping[str, Any], count: int) -> Iterator[Finding]:
    kind = one["type"]
    for name, types in BELONGS.items():
        if one.get(name) not in (None, False) and kind not in types:
            yield f"{at}.{name}", f"is for questions of type {' or '.join(types)}"
    if kind == "link" and not one.get("link"):
        yield f"{at}.type", "a question of type link needs its link"
    if kind in CHOICES and not one.get("choices"):
        yield f"{at}.type", f"a question of type {kind} needs choices"
    yield from _link(f"{at}.link", one.get("link"))
    choices = one.get("choices")
    for n, choice in enumerate(choices or ()):
        if not choice.strip():
            yield f"{at}.choices[{n}]", "a choice is not empty"
    for word, other in (one.get("translations") or {}).items():
        yield from _link(f"{at}.translations.{word}.link", other.get("link"))
        if other.get("choices") is not None and len(other["choices"]) != len(choices or ()):
            said = f"{len(other['choices'])} choices, and the question has {len(choices or ())}"
            yield f"{at}.translations.{word}.choices", said
    yield from _rules(f"{at}.validation", one.get("validation") or ())
    if one.get("branching"):
        yield from _branching(f"{at}.branching", kind, one["branching"], count)


def _link(at: str, link: str | None) -> Iterator[Finding]:
    if link and not (re.match(r"https://[^/]", link) or MAIL.fullmatch(link)):
        yield at, "is a link that begins with https://, or mailto: and an address"


def _rules(at: str, rules: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    least, most = (next((r.get("value") for r in rules if r["type"] == word), None) for word in ("min_length", "max_length"))
    if least is not None and most is not None and least > most:
        yield at, f"min_length {least} is more than max_length {most}"


def _branching(at: str, kind: str, one: Mapping[str, Any], count: int) -> Iterator[Finding]:
    if one["type"] == "specific_question" and one.get("index") is None:
        yield f"{at}.index", "specific_question needs the place of that question"
    if one["type"] == "response_based" and kind not in ("rating", "single_choice"):
        yield f"{at}.type", "response_based is for questions of type rating or single_choice"
    if one["type"] == "response_based" and not one.get("response_values"):
        yield f"{at}.response_values", "response_based needs a place, or end, for some answer"
    for name, place in {"index": one.get("index"), **{f"response_values.{key}": value for key, value in
                                                      (one.get("response_values") or {}).items()}}.items():
        if isinstance(place, int) and place >= count:
            yield f"{at}.{name}", f"there is no question {place}: they count from 0, and there are {count}"


def _languages(fields: Mapping[str, Any]) -> Iterator[Finding]:
    base = fields.get("base_language")
    if base is not None and not WRITTEN.fullmatch(base):
        yield "base_language", "is a language such as en or es-mx"
    base = language(base or "en")
    places = [("translations", fields.get("translations"))]
    places += [(f"questions[{n}].translations", one.get("translations")) for n, one in enumerate(fields.get("questions") or ())]
    for at, given in places:
        if base in (given or {}):
            yield f"{at}.{base}", f"{base} is the survey's own language (base_language)"


def _together(fields: Mapping[str, Any]) -> Iterator[Finding]:
    """Fields that go together, or not at all."""
    if (fields.get("conditions") or {}).get("linked_flag_variant") and fields.get("linked_flag") is None:
        yield "conditions.linked_flag_variant", "is a variant of linked_flag: give that too"
    branches = any(one.get("branching") for one in fields.get("questions") or ())
    if branches and (fields.get("appearance") or {}).get("shuffle_questions"):
        yield "appearance.shuffle_questions", "PostHog does not take this together with branching"
    for name, other in (("iteration_count", "iteration_frequency_days"), ("iteration_frequency_days", "iteration_count")):
        if fields.get(name) is not None and fields.get(other) is None:
            yield name, f"goes with {other}"
    for name in ("response_sampling_interval", "response_sampling_start_date"):
        if fields.get("response_sampling_limit") is not None and fields.get(name) is None:
            yield "response_sampling_limit", f"goes with {name}"


def _targeting(fields: Mapping[str, Any]) -> Iterator[Finding]:
    filters = fields.get("targeting_flag_filters")
    if not filters:
        return
    groups = filters.get("groups") or []
    if not groups:
        yield "targeting_flag_filters", "needs a group; null takes all targeting off"
    for n, group in enumerate(groups):
        if not group.get("properties") and group.get("rollout_percentage", 100) in (100, None):
            yield f"targeting_flag_filters.groups[{n}]", "is everyone: leave targeting_flag_filters out"
    for path, said in flag_checks.findings({"filters": filters}):
        yield path.replace("filters", "targeting_flag_filters", 1), said.replace("filters.", "targeting_flag_filters.")


def _external(fields: Mapping[str, Any]) -> Iterator[Finding]:
    """A survey on a page of its own meets whoever has its address."""
    given = {name: fields.get(name) for name in ("linked_flag", "targeting_flag_filters")}
    conditions = fields.get("conditions") or {}
    given |= {f"conditions.{name}": conditions.get(name) for name in NOT_EXTERNAL}
    given |= {f"conditions.{name}": (conditions.get(name) or {}).get("values") for name in ("events", "actions")}
    given["appearance.survey_popup_delay_seconds"] = (fields.get("appearance") or {}).get("survey_popup_delay_seconds")
    for path, value in given.items():
        if value is not None and value != []:
            yield path, "is not for a survey of type external_survey, which has a page of its own"


def _texts(at: str, value: Any) -> Iterator[Finding]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(f"{at}.{name}" if at else name, item)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _texts(f"{at}[{n}]", item)
    elif isinstance(value, str):
        for what in taken_out(value):
            yield at, f"PostHog takes {what} out of it"
