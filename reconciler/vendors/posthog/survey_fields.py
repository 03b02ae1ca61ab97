"""What a survey asks, whom it meets and how it looks: fields that PostHog keeps as JSON, in camel case."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Keyed, Link, Shape, Spec, covers, overlay, shape_of
from reconciler.model import Fields
from reconciler.vendors.posthog.conditions import matched
from reconciler.vendors.posthog.survey_texts import rendered

MatchType = Literal["regex", "not_regex", "exact", "is_not", "icontains", "not_icontains"]
ContentType = Literal["text", "html"]
Text = Annotated[str, Canonical(rendered)]
"""What people read; PostHog takes some HTML out of it and writes the rest its own way."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


def language(value: Any) -> Any:
    """A language in PostHog's own spelling."""
    return value.strip().lower().replace("_", "-") if isinstance(value, str) else value


def spelled(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Translations, if their languages are spelled as PostHog keeps them."""
    wrong = [key for key in value or () if not _LANGUAGE.fullmatch(key)]
    if wrong:
        raise ValueError(f"{wrong[0]} is no language: they are in lower case with hyphens, such as es-mx")
    return value


def instant(value: Any) -> Any:
    """A time as the moment that it means, wherever it was written."""
    try:
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        return value


def _moment(value: str) -> str:
    try:
        known = "T" in value and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        known = False
    if not known:
        raise ValueError("is a time with its zone, such as 2026-12-01T09:00:00Z")
    return value


Moment = Annotated[str, AfterValidator(_moment)]


class ValidationRule(Spec):
    """What an open answer must be like; `value` is a number of characters."""

    type: Literal["min_length", "max_length", "email"]
    value: Annotated[int, Field(ge=1)] | None = None


class Branching(Spec):
    """Which question comes next; places count from 0, `response_values` maps an answer to a place or to `end`."""

    type: Literal["next_question", "end", "specific_question", "response_based"]
    index: Annotated[int, Field(ge=0)] | None = None
    response_values: dict[str, Annotated[int, Field(ge=0)] | Literal["end"]] | None = None


class QuestionTranslation(Spec):
    """One question in another language."""

    question: Text | None = None
    description: Text | None = None
    button_text: Text | None = None
    choices: list[Text] | None = None
    lower_bound_label: Text | None = None
    upper_bound_label: Text | None = None
    link: str | None = None


class Question(Spec):
    """One question; answers hang on its `id`, which PostHog gives it and an update sends along."""

    id: Annotated[str, Field(min_length=1)] = ""
    type: Literal["open", "link", "rating", "single_choice", "multiple_choice"]
    question: Annotated[Text, Field(min_length=1)]
    description: Text | None = None
    description_content_type: ContentType | None = None
    optional: bool | None = False
    button_text: Text | None = None
    validation: list[ValidationRule] | None = None
    link: str | None = None
    display: Literal["number", "emoji"] | None = None
    scale: Annotated[int, Field(ge=1)] | None = None
    lower_bound_label: Text | None = None
    upper_bound_label: Text | None = None
    is_nps_question: bool | None = False
    choices: Annotated[list[Text], Field(min_length=2, max_length=20)] | None = None
    shuffle_options: bool | None = False
    has_open_choice: bool | None = False
    branching: Branching | None = None
    translations: Annotated[dict[str, QuestionTranslation] | None, AfterValidator(spelled)] = None


class TriggerEvent(Spec):
    """An event that brings the survey up."""

    name: Annotated[str, Field(min_length=1)]


class Events(Spec):
    """Events that bring the survey up, once or each time."""

    repeated_activation: bool | None = False
    values: Annotated[list[TriggerEvent] | None, Keyed("name")] = None


class TriggerAction(Spec):
    """An action that brings the survey up."""

    id: Annotated[int, Link("posthog.action")]


class Actions(Spec):
    """Actions that bring the survey up."""

    values: Annotated[list[TriggerAction] | None, Keyed("id")] = None


class Conditions(Spec):
    """Where and when it is shown to those whom it is for."""

    url: str | None = None
    url_match_type: MatchType | None = "icontains"
    selector: str | None = None
    seen_survey_wait_period_in_days: Annotated[int, Field(ge=0)] | None = None
    events: Events | None = None
    actions: Actions | None = None
    device_types: list[Literal["Desktop", "Mobile", "Tablet"]] | None = None
    device_types_match_type: MatchType | None = "icontains"
    linked_flag_variant: str | None = None


class Appearance(Spec):
    """How it looks, and what it says around the questions."""

    background_color: str | None = None
    submit_button_color: str | None = None
    text_color: str | None = None
    submit_button_text: str | None = None
    submit_button_text_color: str | None = None
    description_text_color: str | None = None
    rating_button_color: str | None = None
    rating_button_active_color: str | None = None
    rating_button_hover_color: str | None = None
    white_label: bool | None = False
    auto_disappear: bool | None = False
    display_thank_you_message: bool | None = None
    thank_you_message_header: Text | None = None
    thank_you_message_description: Text | None = None
    thank_you_message_description_content_type: ContentType | None = None
    thank_you_message_close_button_text: Text | None = None
    border_color: str | None = None
    placeholder: str | None = None
    shuffle_questions: bool | None = False
    survey_popup_delay_seconds: Annotated[int, Field(ge=0)] | None = None
    allow_go_back: bool | None = False
    back_button_text: str | None = None
    widget_type: Literal["button", "tab", "selector"] | None = None
    widget_selector: str | None = None
    widget_label: str | None = None
    widget_color: str | None = None
    font_family: str | None = None
    max_width: str | None = None
    z_index: str | None = None
    disabled_button_opacity: str | None = None
    box_padding: str | None = None


class Translation(Spec):
    """What the survey itself says, in another language."""

    name: Text | None = None
    description: Text | None = None
    thank_you_message_header: Text | None = None
    thank_you_message_description: Text | None = None
    thank_you_message_close_button_text: Text | None = None


def camel(name: str) -> str:
    """A field's name as PostHog writes it inside of JSON."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def ours(value: Any, shape: Shape) -> Any:
    """PostHog's JSON with our names; what no field stands for stays as it is."""
    if isinstance(value, dict) and shape.kind == "model":
        names = {camel(name): name for name in shape.children}
        known = {names.get(key) or key: item for key, item in value.items()}
        return {name: ours(item, shape.child(name)) for name, item in known.items()}
    if isinstance(value, dict):
        return {key: ours(item, shape.child(key)) for key, item in value.items()}
    return [ours(item, shape.child("")) for item in value] if isinstance(value, list) else value


def theirs(value: Any, shape: Shape) -> Any:
    """The same with PostHog's names; what is null there is left out."""
    if isinstance(value, dict) and shape.kind == "model":
        return {camel(key) if key in shape.children else key: theirs(item, shape.child(key))
                for key, item in value.items() if item is not None}
    if isinstance(value, dict):
        return {key: theirs(item, shape.child(key)) for key, item in value.items() if item is not None}
    return [theirs(item, shape.child("")) for item in value] if isinstance(value, list) else value

def asked(live: list[Fields], want: list[Fields]) -> list[Fields]:
    """Each question over the live one that it was, with its id: the same text, else the one of its place and type."""
    shape = shape_of(Question)

    def fits(held: Fields, one: Fields) -> bool:
        if one.get("id") is not None:
            return bool(held.get("id") == one["id"])
        return held.get("type") == one.get("type") and covers(held.get("question"), one.get("question"),
                                                              shape.child("question"))

    return [overlay(held, one, shape) if held is not None and held.get("type") == one.get("type") else one
            for one, held in matched(live, want, fits, by_place=True)]
