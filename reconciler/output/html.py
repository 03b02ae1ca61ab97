"""Plans as one page that needs nothing else: the verdict, a picture of dependencies, and every change side by side."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources

from reconciler.model import Action, Address, Impact, Op, Plan
from reconciler.output import verdict
from reconciler.output.drawing import picture
from reconciler.output.entries import DECISIVE, Actions, did, together
from reconciler.output.escape import safe
from reconciler.output.sides import body

OPEN = 60
"""So many actions are open when the page is; of more only those that must be decided, and those only up to here."""


def page(plans: Sequence[Plan], *, show_unchanged: bool = False) -> str:
    """One HTML document; a policy in it forbids whatever is not in it, and every value is text."""
    names = ", ".join(f"{plan.project}/{plan.stack}" for plan in plans)
    parts = [_part(plan, n, show_unchanged=show_unchanged, alone=len(plans) == 1) for n, plan in enumerate(plans)]
    listed = [action for plan in plans for group in together(plan, show_unchanged=show_unchanged) for action in group.actions]
    heads, lists = [head for head, _ in parts], [below for _, below in parts]
    inside = "\n".join(["<main>", *heads, _bar(listed), *lists, "</main>"])
    style, script = _file("page.css"), _file("page.js")
    filled = {"title": escape(safe(f"reconciler: {names}")), "style": style, "script": script, "style-hash": _hash(style),
              "script-hash": _hash(script)}
    text = _file("page.html")
    for name, value in filled.items():
        text = text.replace("{{" + name + "}}", value)
    return text.replace("{{body}}", inside)


def _file(name: str) -> str:
    return (resources.files("reconciler.output.page") / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _part(plan: Plan, number: int, *, show_unchanged: bool, alone: bool) -> tuple[str, str]:
    """The head of one plan with its picture, and its list."""
    groups = together(plan, show_unchanged=show_unchanged)
    listed = [action.address for group in groups for action in group.actions]
    links = {address: f"a{number}-{n}" for n, address in enumerate(listed)}
    found = verdict.verdict(plan)
    name = f"{escape(safe(plan.project))} / {escape(safe(plan.stack))}"
    head = [f'<header><div class="top"><h1>{name}</h1></div>',
            f'<p class="verdict {found.mood.value.replace(" ", "-")}">{escape(found.sentence)}</p>']
    if not plan.empty:
        head.append(f'<p class="facts">{escape(", ".join([*verdict.counts(plan), verdict.unchanged(plan)]))}.</p>')
    head.append(f'<p class="facts">{escape(verdict.requests(plan))}</p>')
    if plan.digests and plan.digest:
        head.append(f'<p class="facts">Digest <code>{escape(safe(plan.digest))}</code></p>')
    head += [f'<p class="told {word}">{label}{escape(safe(text))}</p>' for word, label, texts in (
        ("stopped", "<b>Stopped:</b> ", plan.stopped), ("warning", "<b>Warning:</b> ", plan.warnings), ("", "", plan.left_out))
        for text in texts]
    head.append("</header>")
    drawn = picture(plan, links)
    if drawn:
        head.append(f"<h2>Dependencies</h2><figure>{drawn}</figure>")
    below = [] if alone else [f"<h2>{name}</h2>"]
    for group in groups:
        below += _group(group, links, opened=len(listed) <= OPEN or (group.rank < DECISIVE and len(group.actions) <= OPEN))
    return "\n".join(head), "\n".join(below)


def _group(group: Actions, links: Mapping[Address, str], *, opened: bool) -> Iterator[str]:
    vendor = f": <code>{escape(safe(group.vendor))}</code>" if group.vendor is not None else ""
    yield f'<section class="group"><h2>{group.title}{vendor} <span class="n">{len(group.actions)}</span></h2>'
    for action in group.actions:
        yield _action(action, links[action.address], opened=opened)
    yield "</section>"


def _action(action: Action, id: str, *, opened: bool) -> str:
    impacts = "".join(f'<span class="chip {impact.value}">{impact.value}</span>' for impact in action.impact)
    place = "  ".join(filter(None, (str(action.at or ""), f"id {action.id}" if action.id else "")))
    below = body(action)
    text = escape(safe(f"{action.address} {did(action)} {place}").lower())
    return (f'<details class="action op-{action.op.value}{"" if below else " plain"}" id="{id}" data-op="{action.op.value}" '
            f'data-impact="{" ".join(impact.value for impact in action.impact)}" '
            f'data-vendor="{_word(action.address.connection)}" data-text="{text}"{" open" if opened and below else ""}>'
            f'<summary><span class="did">{escape(did(action))}</span> <span class="address">{escape(safe(str(action.address)))}'
            f'</span> {impacts} <span class="at">{escape(safe(place))}</span></summary>'
            f'<div class="body">{below}</div></details>')


def _bar(actions: Sequence[Action]) -> str:
    """The filters; a value of each of several rows must fit. Without a script there are none."""
    vendors = Counter(action.address.connection for action in actions)
    impacts = Counter(impact for action in actions for impact in action.impact)
    ops = Counter(action.op for action in actions)
    rows = [_facet("Vendor", "vendor", {_word(name): n for name, n in sorted(vendors.items())}),
            _facet("Impact", "impact", {impact.value: impacts[impact] for impact in Impact if impacts[impact]}),
            _facet("Operation", "op", {op.value: ops[op] for op in Op if ops[op]})]
    tools = ('<div class="facet"><b>Find</b><input type="search" aria-label="Find an address" placeholder="address, file, id">'
             '<button id="clear">Clear</button><button id="open">Open all</button><button id="close">Close all</button>'
             '<span class="count" aria-live="polite"></span></div>')
    return f'<div class="bar" hidden>{"".join(rows)}{tools}</div>'


def _facet(title: str, name: str, values: Mapping[str, int]) -> str:
    made = "".join(f'<button data-facet="{name}" data-value="{value}" aria-pressed="false">{value} <span class="n">{n}</span>'
                   f"</button>" for value, n in values.items())
    return f'<div class="facet" role="group" aria-label="{title}"><b>{title}</b>{made}</div>' if made else ""


def _word(text: str) -> str:
    """A name as one word of an attribute; what the words of an attribute are split at is spelled out."""
    return escape(safe(text).replace(" ", "\\x20"))
