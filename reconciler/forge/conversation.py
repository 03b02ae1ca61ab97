"""One comment, or one issue, that is found again and written anew instead of being repeated."""

from __future__ import annotations

from reconciler.errors import Missing, Unsure
from reconciler.forge.model import Comment, Forge

DONE = {"created": "written", "updated": "updated", "unchanged": "as it should be already"}


def say(forge: Forge, number: int, body: str) -> str:
    """See to it that this is the pull request's one comment with that first line: created, updated or unchanged.

    The API has no way to create a comment only once. So after a create everybody looks again: the oldest of ours stays
    and takes in the newest text, the others go. Two jobs that race end with one comment.
    """
    ours = _ours(forge, number, body)
    if ours:
        return _settle(forge, number, body, ours)
    try:
        made = forge.comment(number, body)
    except Unsure:
        ours = _ours(forge, number, body)
        if not any(one.body.strip() == body.strip() for one in ours):
            raise
        made = ours[-1]
    _settle(forge, number, body, sorted({one.id: one for one in (*_ours(forge, number, body), made)}.values(),
                                        key=lambda one: one.id))
    return "created"


def found(forge: Forge, number: int, opening: str) -> bool:
    """Whether a comment with that first line is there."""
    return bool(_ours(forge, number, opening))


def _ours(forge: Forge, number: int, body: str) -> list[Comment]:
    """Comments that this token wrote and that begin like this one; a person's quotation of it is none of ours."""
    opening = body.partition("\n")[0]
    alike = [one for one in forge.comments(number) if one.body.partition("\n")[0].strip() == opening]
    return sorted((one for one in alike if one.author == forge.me()), key=lambda one: one.id) if alike else []


def _settle(forge: Forge, number: int, body: str, ours: list[Comment]) -> str:
    first, *others = ours
    did = "unchanged"
    if first.body.strip() != body.strip():
        try:
            forge.edit(number, first.id, body)
            did = "updated"
        except Missing:
            forge.comment(number, body)
            did = "created"
    for one in others:
        forge.remove(number, one.id)
    return did


def report(forge: Forge, title: str, body: str, label: str) -> tuple[int, str]:
    """See to it that one open issue says this: its number, and created, updated or unchanged."""
    opening = body.partition("\n")[0]
    for issue in forge.issues(label):
        if issue.body.partition("\n")[0].strip() == opening and issue.author == forge.me():
            if issue.body.strip() == body.strip():
                return issue.number, "unchanged"
            forge.rewrite(issue.number, title, body)
            return issue.number, "updated"
    return forge.open(title, body, label).number, "created"


def settle(forge: Forge, title: str, body: str, label: str) -> int | None:
    """Close the issue that is still open with that first line; its number."""
    opening = body.partition("\n")[0]
    for issue in forge.issues(label):
        if issue.body.partition("\n")[0].strip() == opening and issue.author == forge.me():
            forge.rewrite(issue.number, title, body, closed=True)
            return issue.number
    return None
