"""Surveys, engine included: what an update has to say besides, whom they are for, and what becomes of answers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.model import Op
from tests.posthog.desk import ROOT, Project, everyone, lines, person
from tests.posthog.test_posthog_export import exported

OPEN = {"type": "open", "question": "What do you miss?"}
RATING = {"type": "rating", "question": "How was it?", "scale": 5}
CHOICE = {"type": "single_choice", "question": "Which?", "choices": ["a", "b"]}
PAYING = {"groups": [{"properties": [person("plan", ["pro"])], "rollout_percentage": 50}]}
SPLIT = {"variants": [{"key": "control", "rollout_percentage": 50}, {"key": "yearly", "rollout_percentage": 50}]}
LAUNCHED = {"start_date": "2023-11-14T22:00:00Z"}
"""Ten minutes before the sandbox's clock begins."""


def survey(**fields: Any) -> dict[str, Any]:
    """A stack of one survey."""
    return {"survey": {"exit": {"type": "popover", "questions": [OPEN, RATING], **fields}}}


def beside(**fields: Any) -> dict[str, Any]:
    """The same beside a flag with variants and an action."""
    return {"feature_flag": {"pricing": {"filters": {"groups": [everyone()], "multivariate": SPLIT}}},
            "action": {"pays": {"steps": [{"event": "subscription_started"}]}}, **survey(**fields)}


def one(project: Project) -> dict[str, Any]:
    """The survey at the vendor, as answers show it."""
    surveys = project.desk.sandbox.collection("surveys", "4711")
    return surveys.shown(project.desk.one("surveys", name="exit"))


def test_the_mark_is_the_last_line_of_the_description(project: Project) -> None:
    """Which no visitor ever gets; found by it when the name was changed by hand and the ledger is lost."""
    project.settle(survey(description="Who leaves"))
    held = project.desk.one("surveys")
    assert held["description"] == "Who leaves\n[reconciler shop/test posthog.survey/exit]"
    held["name"] = "by hand"
    project.store.records = project.store.records[:1]
    action = project.plan(survey(description="Who leaves")).actions[0]
    assert (action.op, action.id) == (Op.UPDATE, held["id"])


def test_what_is_cleared_is_written_as_null_by_patch(project: Project) -> None:
    """Report #83: PUT breaks at PostHog, and what is not sent is not cleared."""
    project.settle(survey(appearance={"placeholder": "Here"}, conditions={"url": "/app", "selector": ".x"}, responses_limit=5))
    [write] = project.settle(survey(appearance=None, conditions={"url": "/app", "selector": None}, responses_limit=None))
    assert (write.method, write.body) == ("PATCH", {"appearance": None, "conditions": {"url": "/app"}, "responses_limit": None})
    assert one(project)["appearance"] is None and "selector" not in one(project)["conditions"]


def test_questions_keep_the_number_that_answers_hang_on(project: Project) -> None:
    """Edited, moved, or with another before them; a new one, or one of another type, gets its own."""
    project.settle(survey())
    first, second = (q["id"] for q in one(project)["questions"])
    [write] = project.settle(survey(questions=[{**OPEN, "question": "What is missing?"}, RATING]))
    assert [q["id"] for q in write.body["questions"]] == [first, second]
    [write] = project.settle(survey(questions=[RATING, CHOICE, {**OPEN, "question": "What is missing?"}]))
    assert [q.get("id") for q in write.body["questions"]] == [second, None, first]
    third = one(project)["questions"][1]["id"]
    [write] = project.settle(survey(questions=[RATING, {**OPEN, "question": "Which?"}, {**OPEN, "id": first}]))
    assert [q.get("id") for q in write.body["questions"]] == [second, None, first] and third != first


def test_an_edit_by_hand_of_what_nobody_manages_stays_in_its_question(project: Project) -> None:
    """And so does what no field stands for."""
    project.settle(survey())
    held = project.desk.one("surveys")["questions"][0]
    held |= {"description": "By hand", "newerThanUs": {"a": 1}}
    [write] = project.settle(survey(questions=[{**OPEN, "optional": True}, RATING]))
    assert write.body["questions"][0] == {**OPEN, "id": held["id"], "description": "By hand", "newerThanUs": {"a": 1},
                                          "optional": True}


def test_an_answer_that_loses_its_question_is_told(project: Project) -> None:
    """Once people have seen it; a draft has no answers."""
    project.settle(survey())
    assert not [n for n in project.plan(survey(questions=[RATING])).actions[0].notes if n.subject == "answers"]
    project.settle(survey(**LAUNCHED))
    [note] = [n for n in project.plan(survey(questions=[RATING], **LAUNCHED)).actions[0].notes if n.subject == "answers"]
    assert note.text == "answers to 'What do you miss?' are no longer shown with it"


def test_no_update_takes_the_actions_off(project: Project) -> None:
    """PostHog clears them whenever conditions are not sent: an edit, an adoption and a release all send them."""
    shown = {"actions": {"values": [{"id": {"ref": "pays"}}]}, "url": "/app"}
    project.settle(beside(conditions=shown))
    action = project.desk.one("actions")["id"]
    [write] = project.settle(beside(conditions=shown, description="Why they go"))
    assert write.body["conditions"] == {"url": "/app", "actions": {"values": [{"id": action}]}}
    assert project.desk.one("surveys")["actions"] == [action]
    project.store.records = project.store.records[:1]
    project.desk.one("surveys")["description"] = ""
    project.settle(beside(conditions=shown))
    assert project.desk.one("surveys")["actions"] == [action]
    rest = {name: fields for name, fields in beside().items() if name != "survey"}
    project.settle(beside(conditions=shown, lifecycle={"on_remove": "keep"}))
    project.settle(rest)
    assert project.desk.one("surveys")["actions"] == [action] and not project.desk.one("surveys")["description"]


def test_posthog_is_told_what_it_needs_beside_a_change(project: Project) -> None:
    """The flag of a variant, the days between two times, the start and interval of a limit."""
    later = {"response_sampling_start_date": "2023-11-20T00:00:00Z", "response_sampling_interval": 10,
             "response_sampling_limit": 100, "iteration_count": 2, "iteration_frequency_days": 30, "schedule": "recurring"}
    linked = {"linked_flag": {"ref": "pricing"}, "conditions": {"linked_flag_variant": "control"}, **later}
    project.settle(beside(**linked))
    flag = project.desk.one("feature_flags", key="pricing")["id"]
    [write] = project.settle(beside(**{**linked, "conditions": {"linked_flag_variant": "yearly"}}))
    assert write.body == {"conditions": {"linkedFlagVariant": "yearly"}, "linked_flag_id": flag}
    linked["conditions"] = {"linked_flag_variant": "yearly"}
    [write] = project.settle(beside(**{**linked, "iteration_count": 3}))
    assert write.body == {"iteration_count": 3, "iteration_frequency_days": 30}
    [write] = project.settle(beside(**{**linked, "iteration_count": 3, "response_sampling_limit": 200}))
    assert write.body == {"response_sampling_limit": 200, "response_sampling_interval": 10,
                          "response_sampling_start_date": "2023-11-20T00:00:00Z"}


def test_a_limit_that_began_to_count_is_not_changed(project: Project) -> None:
    """PostHog takes none whose start is past: blocked in the plan, with what to write instead."""
    limit = {"response_sampling_start_date": "2023-11-15T00:00:00Z", "response_sampling_interval": 10,
             "response_sampling_limit": 100}
    project.settle(survey(**limit))
    project.clock.sleep(5 * 86_400)
    assert project.plan(survey(**limit)).empty
    action = project.plan(survey(**{**limit, "response_sampling_limit": 50})).actions[0]
    assert action.op is Op.BLOCKED and "of today or later" in str(action.blocked)


def test_whom_it_is_for_is_a_hidden_flag(project: Project) -> None:
    """Made, changed and taken away with the survey; no list of flags shows it, and nobody is asked for it."""
    project.settle(beside(targeting_flag_filters=PAYING))
    flag = one(project)["targeting_flag"]["id"]
    project.desk.held("feature_flags")[str(flag)]["filters"]["holdout"] = {"id": 3, "exclusion_percentage": 10}
    team = {"groups": [{"properties": [person("plan", ["team"])], "rollout_percentage": 20}]}
    action = project.action(project.plan(beside(targeting_flag_filters=team)), "survey/exit")
    assert [n.text for n in action.notes if n.subject == "who"] == [
        "50 % of users where plan exact pro -> 20 % of users where plan exact team"]
    [write] = project.settle(beside(targeting_flag_filters=team))
    assert write.body["targeting_flag_filters"]["holdout"] == {"id": 3, "exclusion_percentage": 10}
    [write] = project.settle(beside(targeting_flag_filters=None))
    assert write.body == {"remove_targeting_flag": True} and str(flag) not in project.desk.held("feature_flags")
    assert "targeting_flag_filters" not in exported(project).get("survey", {}).get("exit", {})


def test_a_plan_says_whom_by_name(project: Project) -> None:
    """Cohorts and flags as people call them, not by their numbers."""
    cohort = {"cohort": {"pro": {"name": "Pro users"}}}
    whom = [{"key": "id", "type": "cohort", "operator": "in", "value": {"ref": "pro"}},
            {"key": {"ref": "pricing"}, "type": "flag", "operator": "flag_evaluates_to", "value": "yearly"}]
    manifest = {**beside(), **cohort}
    project.settle(manifest)
    manifest["survey"]["exit"]["targeting_flag_filters"] = {"groups": [{"properties": whom}]}
    action = project.action(project.plan(manifest), "survey/exit")
    assert [n.text for n in action.notes if n.subject == "who"] == [
        "everyone -> all users where in cohort Pro users and flag pricing is yearly"]
    project.settle(manifest)


def test_a_flag_tells_the_surveys_that_hang_on_it(project: Project) -> None:
    """A survey of people who have the flag is seen by others once the flag is, and by nobody once it is gone."""
    project.settle(beside(linked_flag={"ref": "pricing"}))
    less = beside(linked_flag={"ref": "pricing"})
    less["feature_flag"]["pricing"]["filters"]["groups"] = [everyone(10)]
    made = project.plan(less)
    assert 'who sees "exit" changes with it' in [n.text for n in project.action(made, "feature_flag/pricing").notes]
    rest = {name: fields for name, fields in beside().items() if name != "feature_flag"}
    gone = project.action(project.plan(rest), "feature_flag/pricing")
    assert 'who sees "exit" changes with it' in [n.text for n in gone.notes]


def test_a_draft_goes_and_one_that_was_launched_needs_consent(project: Project) -> None:
    """Deleting a survey with answers is refused; how often it was answered is shown, where the server tells."""
    rest = {"survey": {"other": {"type": "api"}}}
    project.settle({"survey": {**survey()["survey"], **rest["survey"]}})
    id = project.desk.one("surveys", name="exit")["id"]
    assert lines(project.settle(rest)) == [f"DELETE /surveys/{id}/"]
    project.settle({"survey": {**survey(start_date="2024-01-01T00:00:00Z")["survey"], **rest["survey"]}})
    project.settle(rest)  # it would have begun later
    project.settle({"survey": {**survey(**LAUNCHED)["survey"], **rest["survey"]}})
    id = project.desk.one("surveys", name="exit")["id"]
    project.desk.came_in("survey sent", **{"$survey_id": id})
    project.desk.came_in("survey sent", **{"$survey_id": id})
    action = project.action(project.plan(rest), "survey/exit")
    assert action.op is Op.BLOCKED and "its answers stay as events" in str(action.blocked)
    made = project.plan(rest, allow=["irreversible:posthog.survey/exit"])
    action = project.action(made, "survey/exit")
    assert [(f.subject, f.text) for f in project.kinds["posthog.survey"].look(action)] == [("answered", "2 times")]
    assert lines(project.settle(rest, allow=["irreversible:posthog.survey/exit"])) == [f"DELETE /surveys/{id}/"]
    assert len(project.desk.held("feature_flags")) == 1  # the other survey's own


def test_launch_and_stop_are_said(project: Project) -> None:
    """By their dates; the same moment in another zone is no change."""
    def said(**fields: Any) -> list[str]:
        return [n.text for n in project.plan(survey(**fields)).actions[0].notes if n.subject == "shown"]

    assert said() == ["to nobody: it is a draft until start_date says since when"]
    project.settle(survey())
    assert said(**LAUNCHED) == ["from 2023-11-14T22:00:00Z on"]
    project.settle(survey(**LAUNCHED))
    assert project.plan(survey(start_date="2023-11-14T23:00:00+01:00")).empty
    assert said(**LAUNCHED, end_date="2023-12-01T00:00:00Z") == ["until 2023-12-01T00:00:00Z"]
    assert said(**LAUNCHED, archived=True) == ["to nobody: it is archived"]


@pytest.mark.parametrize("text", [
    "<b>Why</b> do you <a href='https://sql2.ai'>leave</a>?", "<p>Why", "One<br/>two", "<i title=a lang=en>x</i> &amp; y",
    "a < b"])
def test_html_that_posthog_writes_its_own_way_is_no_difference(project: Project, text: str) -> None:
    """Quotes, ends that were left out, `rel` on links, entities."""
    project.settle(survey(questions=[{"type": "open", "question": text}]))
    assert project.plan(survey(questions=[{"type": "open", "question": f"{text}!"}])).actions[0].op is Op.UPDATE


def test_languages_are_kept_in_lower_case(project: Project) -> None:
    """An older survey's spelling is no difference, and is not written anew as long as nothing else is."""
    texts = {"es-mx": {"name": "Salida"}}
    project.settle(survey(translations=texts, questions=[{**OPEN, "translations": {"es-mx": {"question": "¿Por qué?"}}}]))
    held = project.desk.one("surveys")
    held["translations"] = {"ES_mx": held["translations"].pop("es-mx")}
    assert project.plan(survey(translations=texts, questions=[OPEN])).empty


@pytest.mark.parametrize(("fields", "said"), [
    ({"questions": [{**OPEN, "scale": 5}]}, "is for questions of type rating"),
    ({"questions": [{"type": "link", "question": "x"}]}, "needs its link"),
    ({"questions": [{"type": "link", "question": "x", "link": "http://a.b"}]}, "begins with https://"),
    ({"questions": [{"type": "multiple_choice", "question": "x"}]}, "needs choices"),
    ({"questions": [{**CHOICE, "choices": ["a", " "]}]}, "a choice is not empty"),
    ({"questions": [{**CHOICE, "choices": ["a"]}]}, "at least 2"),
    ({"questions": [{**CHOICE, "translations": {"de": {"choices": ["a"]}}}]}, "1 choices, and the question has 2"),
    ({"questions": [{**OPEN, "translations": {"en": {"question": "x"}}}]}, "the survey's own language"),
    ({"translations": {"es_MX": {"name": "x"}}}, "es_MX is no language"), ({"base_language": "english"}, "is a language"),
    ({"questions": [{**OPEN, "validation": [{"type": "min_length", "value": 9}, {"type": "max_length", "value": 5}]}]},
     "min_length 9 is more than max_length 5"),
    ({"questions": [{**OPEN, "branching": {"type": "response_based", "response_values": {"a": 0}}}]}, "or single_choice"),
    ({"questions": [{**RATING, "branching": {"type": "specific_question", "index": 1}}]}, "there is no question 1"),
    ({"questions": [{**RATING, "branching": {"type": "specific_question"}}]}, "needs the place"),
    ({"questions": [{**RATING, "branching": {"type": "response_based"}}]}, "needs a place, or end"),
    ({"questions": [{**RATING, "branching": {"type": "end"}}], "appearance": {"shuffle_questions": True}}, "branching"),
    ({"questions": [{**OPEN, "question": "<script>x</script>"}]}, "takes <script> out"),
    ({"appearance": {"thank_you_message_header": "<p onclick='x()'>Hi</p>"}}, "takes the attribute onclick out"),
    ({"conditions": {"linked_flag_variant": "a"}}, "is a variant of linked_flag"),
    ({"iteration_count": 2}, "goes with iteration_frequency_days"),
    ({"iteration_frequency_days": 2}, "goes with iteration_count"),
    ({"response_sampling_limit": 2}, "goes with response_sampling_interval"),
    ({"start_date": "2026-12-01"}, "a time with its zone"), ({"start_date": "tomorrow"}, "a time with its zone"),
    ({"targeting_flag_filters": {"groups": [everyone()]}}, "is everyone"),
    ({"targeting_flag_filters": {"early_exit": True}}, "needs a group"),
    ({"targeting_flag_filters": {"groups": [{"properties": [person("a", 5, "gt")]}]}}, "write it in quotes"),
    ({"type": "external_survey", "conditions": {"url": "/app"}}, "has a page of its own"),
    ({"type": "external_survey", "conditions": {"events": {"values": [{"name": "a"}]}}}, "has a page of its own"),
    ({"type": "external_survey", "targeting_flag_filters": PAYING}, "has a page of its own"),
    ({"type": "external_survey", "appearance": {"survey_popup_delay_seconds": 3}}, "has a page of its own"),
    ({"type": "popup"}, "must be one of popover"),
])
def test_what_posthog_would_refuse_is_a_finding(fields: dict[str, Any], said: str) -> None:
    """Offline, with its place."""
    found = Project().findings("survey", **{"type": "popover", **fields})
    assert any(said in one for one in found), found


def test_an_export_plans_only_adoptions_and_fills_a_fresh_project() -> None:
    """With the flag and the action by reference, whom it is for by conditions, and questions without their numbers."""
    first, second = Project(), Project()
    flag = first.desk.by_hand("feature_flags", key="pricing", filters={"groups": [everyone()], "multivariate": SPLIT})
    action = first.desk.by_hand("actions", name="pays", steps=[{"event": "subscription_started"}])
    first.desk.by_hand(
        "surveys", name="Exit poll", type="popover", description="Who leaves", linked_flag_id=flag["id"],
        questions=[copy.deepcopy(OPEN), {**RATING, "lowerBoundLabel": "Bad"}], appearance={"zIndex": "10", "whiteLabel": False},
        conditions={"actions": {"values": [{"id": action["id"]}]}, "linkedFlagVariant": "control"},
        targeting_flag_filters=PAYING, translations={"de": {"name": "Umfrage"}})
    found = exported(first)
    assert found["survey"]["Exit-poll"] == {
        "name": "Exit poll", "type": "popover", "description": "Who leaves", "linked_flag": {"ref": "pricing"},
        "questions": [OPEN, {**RATING, "lower_bound_label": "Bad"}], "appearance": {"z_index": "10"},
        "conditions": {"actions": {"values": [{"id": {"ref": "pays"}}]}, "linked_flag_variant": "control"},
        "targeting_flag_filters": PAYING, "translations": {"de": {"name": "Umfrage"}}}
    made = first.plan(found)
    assert {one.op for one in made.actions} == {Op.ADOPT}, [(one.changes, one.blocked) for one in made.actions]
    first.settle(found)
    second.settle(found)
    old, new = (p.desk.one("surveys", name="Exit poll") for p in (first, second))
    assert new["conditions"]["actions"]["values"] == [{"id": second.desk.one("actions")["id"]}]
    same = old.keys() - {"id", "created_at", "questions", "targeting_flag_id", "internal_targeting_flag_id", "appearance"}
    assert {name: old[name] for name in same} == {name: new[name] for name in same}
    assert f"{ROOT}/surveys/" in {one.path for one in second.writes()}
