"""Plans as one comment of a pull request: the verdict first, then what somebody has to agree to, then the rest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from reconciler.model import Action, Op, Plan
from reconciler.output import verdict
from reconciler.output.entries import Group, did, groups
from reconciler.output.escape import safe
from reconciler.output.fitting import fit
from reconciler.output.money import currencies, grows, percent, said
from reconciler.output.quoting import cell, fence
from reconciler.output.values import plain
from reconciler.output.verdict import DECISIVE, Mood, Verdict

LIMIT = 60_000
"""Characters of one comment; GitHub takes 65,536."""

MARKER = "reconciler plan"

FEW = 4
"""How many entries of an impact the table names."""

MEANS = 60
"""How much of what an entry means the table says."""

ALERTS = {Mood.HELD: "CAUTION", Mood.DECIDE: "WARNING", Mood.QUIET: "NOTE", Mood.EMPTY: "NOTE"}

TRIES: tuple[tuple[bool, int | None], ...] = ((False, None), (True, None), (True, 4000), (True, 800), (True, 100), (True, 0))
"""What is given up, one after the other, where not even the least fits: the tables, then names."""


@dataclass(frozen=True, slots=True)
class Section:
    """One plan's part of a comment."""

    plan: Plan
    verdict: Verdict
    groups: tuple[Group, ...]
    redact: bool


def section(plan: Plan, *, redact: bool = False) -> Section:
    """A plan, live or saved, as a part of a comment; with `redact` it tells addresses and operations, and no value."""
    return Section(plan, verdict.verdict(plan), groups(plan, redact=redact), redact)


def comment(sections: Sequence[Section], *, limit: int = LIMIT, marker: str = MARKER) -> str:
    """One comment for all these plans, of at most `limit` characters; its first line is `opening(marker)`."""
    head = f"{opening(marker)}\n{_heading(sections)}"
    for brief, names in TRIES:
        tops = [_top(one, alone=len(sections) == 1, brief=brief) for one in sections]
        over = 0
        for _ in range(4):
            text = _drawn(head, sections, tops, limit - len(head) - sum(map(_size, tops)) - 400 - over, names)
            if len(text) <= limit:
                return text
            over += len(text) - limit + 200
    return _least(head, sections, limit)


def opening(marker: str = MARKER) -> str:
    """The hidden first line, by which the comment is found again."""
    return f"<!-- {re.sub(r'[^A-Za-z0-9 _./:]+', '-', marker)} -->"


def _drawn(head: str, sections: Sequence[Section], tops: list[tuple[str, str]], room: int, names: int | None) -> str:
    shown = iter(fit([group for one in sections for group in one.groups], room))
    parts, cut, every = [head], 0, 0
    for one, (top, tables) in zip(sections, tops, strict=True):
        mine = list(islice(shown, len(one.groups)))
        every += sum(len(group.levels) for group in mine)
        cut += sum(len(group.levels) - group.whole for group in mine)
        held = [group.render(names) for group in mine if group.group.rank == 0]
        parts += [top, *held, tables, *(group.render(names) for group in mine if group.group.rank), _remarks(one)]
    if cut:
        words = f"Cut to fit: {every - cut:,} of {every:,} shown in full. `reconciler show` of the saved plan has all."
        parts.insert(2 if len(sections) == 1 else 1, words)
    return "\n\n".join(filter(None, parts)) + "\n"


def _least(head: str, sections: Sequence[Section], limit: int) -> str:
    """Nothing but a line for each plan, the gravest first, as many as there is room for."""
    moods = list(reversed(Mood))
    ordered = sorted(sections, key=lambda one: moods.index(one.verdict.mood))
    lines = [f"- {_name(one)}: {one.verdict.sentence} {_digest(one.plan)}" for one in ordered]
    title = head.partition("\n\n")[0]
    room = limit - len(title) - 100
    kept = []
    for line in lines:
        if len(line) + 1 > room:
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n\n".join(filter(None, (title, f"{len(kept)} of {len(lines)} plans shown.", "\n".join(kept)))) + "\n"


# what stands above the entries


def _heading(sections: Sequence[Section]) -> str:
    if len(sections) == 1:
        return f"## reconciler: {_name(sections[0])}"
    moods = Counter(one.verdict.mood for one in sections)
    words = ", ".join(f"{moods[mood]} {'without changes' if mood is Mood.EMPTY else mood.value}"
                      for mood in reversed(Mood) if moods[mood])
    rows = [f"| {_name(one)} | {one.verdict.mood.value} | {_few(one.plan)} | {_digest(one.plan)} |" for one in sections]
    table = "\n".join(["| stack | verdict | changes | digest |", "|---|---|---|---|", *rows])
    return f"## reconciler: {len(sections)} plans, {words}\n\n{table}"


def _top(one: Section, *, alone: bool, brief: bool) -> tuple[str, str]:
    """What stands above the blocked entries, and what below them."""
    plan = one.plan
    title = "" if alone else f"### {_name(one)}"
    alert = f"> [!{ALERTS[one.verdict.mood]}]\n> **{one.verdict.sentence}**"
    digest = f"Digest {_digest(plan)}" if plan.digests and plan.digest else ""
    stopped = fence((f"stopped: {safe(sentence)}" for sentence in plan.stopped), "text") if plan.stopped and not one.redact \
        else ""
    counts = f"{', '.join([*verdict.counts(plan), verdict.unchanged(plan)])}. {verdict.requests(plan)}"
    top = "\n\n".join(filter(None, (title, alert, digest, stopped, "" if plan.empty else counts)))
    tables = "" if brief else "\n\n".join(filter(None, (_impacts(one), _vendors(plan))))
    return top, tables


def _name(one: Section) -> str:
    return f"{cell(one.plan.project)} / {cell(one.plan.stack)}"


def _digest(plan: Plan) -> str:
    return cell(plan.digest)


def _few(plan: Plan) -> str:
    found = {op: plan.count(op) for op in Op if op is not Op.NOOP}
    return ", ".join(f"{n} {op.value}" for op, n in found.items() if n)


def _impacts(one: Section) -> str:
    """A row an impact: how many, and the first few of those that somebody has to agree to."""
    rows = []
    blocked = [action for action in one.plan.actions if action.op is Op.BLOCKED]
    if blocked:
        rows.append(f"| **blocked** | {len(blocked)} | {_which(blocked, one)} |")
    for impact, n in verdict.impacts(one.plan).items():
        having = [action for action in one.plan.actions if action.acts and impact in action.impact]
        told = impact in DECISIVE
        rows.append(f"| {f'**{impact.value}**' if told else impact.value} | {n} | {_which(having, one) if told else ''} |")
    return "\n".join(["| impact | actions | which |", "|---|--:|---|", *rows]) if rows else ""


def _which(actions: Sequence[Action], one: Section) -> str:
    """The first few; of amounts those that change most, and how far the others go."""
    amounts = [] if one.redact else [growth for action in actions if (growth := grows(action)) is not None]
    if not one.redact:
        actions = sorted(actions, key=_steepness, reverse=True)
    few = FEW if len(actions) > FEW + 1 else FEW + 1
    more = len(actions) - few
    reach = f"; all between {percent(min(amounts))} and {percent(max(amounts))}" if len(amounts) > 1 else ""
    named = [cell(_short(action, redact=one.redact)) for action in actions[:few]]
    return "<br>".join([*named, *([f"and {more} more{reach}"] if more > 0 else [])])


def _steepness(action: Action) -> Decimal:
    """What changes an amount most comes first, then new amounts; the rest stays in its order."""
    growth = grows(action)
    return abs(growth) if growth is not None else Decimal(-1 if currencies(action) else -2)


def _short(action: Action, *, redact: bool) -> str:
    """What is done to which entry, and what that means: the amount, or the first thing its kind says of it."""
    text = f"{did(action)} {action.address}"
    if redact:
        return text
    codes = currencies(action)
    told = (said(plain(change.before), plain(change.after), codes[change.path])
            for change in action.changes if change.path in codes)
    notes = [f"{note.subject} {note.text}" for note in action.notes if note.subject and not note.refuse]
    fact = next((" ".join(filter(None, (fact.subject, fact.text))) for fact in action.facts), "")
    amount = next(told, "")
    means = amount or next(iter(notes), "") or fact
    more = f"; {len(notes) - 1} more below" if not amount and len(notes) > 1 else ""
    return f"{text}  {means if len(means) <= MEANS else means[:MEANS] + '…'}{more}" if means else text


def _vendors(plan: Plan) -> str:
    """A row a connection."""
    counts: dict[str, Counter[Op]] = {}
    for action in plan.actions:
        if action.op is not Op.NOOP:
            counts.setdefault(action.address.connection, Counter())[action.op] += 1
    ops = [op for op in Op if any(count[op] for count in counts.values())]
    if len(counts) < 2:
        return ""
    rows = [f"| {cell(name)} | {' | '.join(str(count[op] or '') for op in ops)} |" for name, count in sorted(counts.items())]
    return "\n".join([f"| vendor | {' | '.join(op.value for op in ops)} |", f"|---|{'--:|' * len(ops)}", *rows])


def _remarks(one: Section) -> str:
    """What a reader should know of the whole; a redacted comment only says that there is something."""
    plan = one.plan
    if one.redact:
        counts = [(len(plan.stopped), "threshold"), (len(plan.warnings), "warning"), (len(plan.left_out), "remark")]
        told = ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in counts if n)
        return f"In the log of the plan: {told}." if told else ""
    lines = [*(safe(text) for text in plan.left_out), *(f"warning: {safe(text)}" for text in plan.warnings)]
    return fence(lines, "text") if lines else ""


def _size(top: tuple[str, str]) -> int:
    return sum(map(len, top)) + 8


