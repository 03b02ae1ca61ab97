"""What vendors, logs and files say makes nothing in comments, issues and checks: no link, mention, image or tag."""

from __future__ import annotations

import json
import re
from typing import Any

from markdown_it import MarkdownIt

from reconciler.cli.reviewing import PLAN, Log, Shown
from reconciler.forge import drifts, results
from reconciler.forge.judge import Case, judge, remember
from tests.output.payloads import WORD, everywhere, payloads

OURS = re.compile(r"<!-- reconciler [a-z ]+-->|</?details>|<summary><b>[\w ]*</b>: [\w ,]+</summary>|\s")


def alive(text: str) -> list[str]:
    """What is no text or code of ours: anything that a GFM parser makes active, and the payload where it is read as text."""
    found = []
    for block in MarkdownIt("gfm-like", {"linkify": True}).parse(text):
        for token in (block, *(block.children or ())):
            if (token.type in ("link_open", "image", "em_open", "html_inline", "s_open")
                    or (token.type == "html_block" and OURS.sub("", token.content))
                    or (token.type == "text" and WORD in token.content)):
                found.append(f"{token.type} {token.content}")
    return found


def drift(evil: str) -> str:
    entry = {"address": f"stripe.product/{evil}", "what": evil, "at": {"file": evil, "line": 1},
             "changes": [{"path": evil, "was": evil, "now": [evil], "said": True}]}
    return json.dumps({"format_version": "1.0", "project": evil, "stack": evil, "drifted": [entry],
                       "unreadable": [{"address": evil, "reason": evil}]})


def events(evil: str) -> str:
    lines: list[dict[str, Any]] = [
        {"type": "version", "project": evil, "stack": evil},
        {"type": "planned_change", "change": {"address": "a.b/c", "op": "update", "effect": evil}},
        {"type": "change_summary", "digest": evil},
        {"type": "diagnostic", "address": "a.b/c", "result": "failed", "summary": evil, "detail": evil},
        {"type": "apply_complete", "address": "a.b/d"}, {"type": "outputs", "outputs": {"a.b/d": {"id": evil}}},
        {"type": "change_summary", "operation": "apply", "run": evil, "interrupted": True}]
    return "\n".join(map(json.dumps, lines))


def test_nothing_is_alive() -> None:
    """100 payloads each in logs, their names, a drift's report, an apply's events, and a plan's check."""
    for evil in payloads(100):
        shown = Shown((), (Log(evil, evil), Log("x", f"{evil}\n" * 3)), (), redact=False)
        assert alive(shown.body(PLAN, evil)) == [], repr(evil)
        report = [drifts.read(drift(evil), "x")]
        assert alive(drifts.issue(report)) == [] and alive(drifts.issue(report, redact=True)) == [], repr(evil)
        assert "\n" not in drifts.title(report)
        ends = [results.read(events(evil), evil), results.Ended(evil)]
        assert alive(results.comment(ends, [Log(evil, evil).shown(500, redact=False)])) == [], repr(evil)
        plan = everywhere(evil)
        made = judge(Case([plan], [evil]), remember([plan], "c" * 40, None, 0.0))
        assert alive(made.summary) == [], repr(evil)
        kept = judge(Case([plan]), remember([plan], "c" * 40, None, 0.0))
        assert alive(kept.summary) == [], repr(evil)
        assert all("\n" not in mark.title + mark.message for mark in kept.annotations)
