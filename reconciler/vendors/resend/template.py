"""resend.template: one mail's text. What is written is a draft; mail is sent from what was last published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model

from reconciler.contract import Ask, Canonical, Keyed, Mark, Output, Scene, Spec
from reconciler.model import Action, Call, Changes, Fields, Impact, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.resend.objects import ResendKind
from reconciler.vendors.resend.variables import problems

EMPTY: Mapping[str, Any] = {"text": "", "subject": "", "from": "", "reply_to": [], "variables": []}
"""What clears a field: the API has no null for any of them, and an empty `text` means that there is none."""


def addresses(value: Any) -> Any:
    """One address or several, as the list that Resend keeps."""
    return [value] if isinstance(value, str) and value else value


class Variable(Spec):
    """One variable: without a fallback every send has to give it. Other types are in the contract and are refused."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    type: Literal["string", "number"]
    fallback_value: str | int | float | None = None


class TemplateFields(Spec):
    """The fields of resend.template but for `from`, which is a word of Python."""

    alias: Annotated[str | None, Mark.NAMED, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")] = None
    name: Annotated[str | None, Field(min_length=1), Impact.COSMETIC] = None
    html: Annotated[str, Field(min_length=1)]
    text: str | None = None
    subject: str | None = None
    reply_to: Annotated[str | list[str] | None, Canonical(addresses)] = None
    variables: Annotated[list[Variable] | None, Field(max_length=50), Keyed("key")] = None
    published: bool | None = True


_FROM: dict[str, Any] = {"from": (str | None, None)}
TemplateSpec = create_model("TemplateSpec", __base__=TemplateFields, __doc__="The fields of resend.template.", **_FROM)


class Template(ResendKind[TemplateFields]):
    """One mail's subject and text.

    What is written is a draft, and mail goes on to be sent from the last published version; so `published: true`, which
    an entry means when it says nothing, asks for equal content and for no unpublished version. Nothing can be
    unpublished: `published: false` leaves publishing to people. `name` is the alias where a new template has none. Left
    out, `text` is what Resend makes of the html.
    """

    name, spec, path = "resend.template", TemplateSpec, "/templates"
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "alias": Output(foretold="alias")}
    later = ("published",)

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every template; those that are asked for one by one, because the list has no html."""
        return self.one_by_one(ask, "alias")

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields; published only where no version waits. A draft of the visual editor has no html."""
        done = body.get("status") == "published" and not body.get("has_unpublished_versions")
        fields = {name: value for name, value in super().from_wire(body).items() if name not in ("alias", "html") or value}
        return {**fields, **({"published": done} if "status" in body else {})}

    def implied(self, fields: Fields) -> Fields:
        """An entry that says nothing wants to be published; one that says false leaves that alone."""
        rest = {name: value for name, value in fields.items() if name != "published"}
        return rest if fields.get("published") is False else {**rest, "published": True}

    # writing

    def create(self, want: Want[TemplateFields]) -> Call:
        """One POST of a draft; an empty text is sent, because leaving it out means another thing."""
        call = super().create(want)
        name = {"name": want.get("name") or want.get("alias") or want.address.name}
        text = {"text": ""} if "text" in want.fields and not want["text"] else {}
        return Call("POST", self.path, {**call.body, **name, **text})

    def update(self, live: Live, want: Want[TemplateFields], changes: Changes) -> Iterable[Call]:
        """One PATCH of the draft with what changed, then one POST that publishes it."""
        content = tuple(change for change in changes if change.path != "published")
        if content:
            body = self.cleared(self.changed(want, content))
            if body.get("variables"):
                body["variables"] = _kept(body["variables"], live.fields.get("variables"))
            yield Call("PATCH", self.item(live.id), self.to_wire(body), safe=True)
        if want.get("published"):
            yield Call("POST", f"{self.item(live.id)}/publish", safe=True)

    def to_wire(self, fields: Fields) -> Fields:
        """Lists as lists, what is cleared as Resend's own empty value."""
        wire = {name: EMPTY[name] if value is None and name in EMPTY else value for name, value in fields.items()}
        if "reply_to" in wire:
            wire["reply_to"] = addresses(wire["reply_to"]) or []
        if "variables" in wire:
            wire["variables"] = [{key: value for key, value in one.items() if value is not None}
                                 for one in wire["variables"] or ()]
        return wire

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Variables that are used are declared, and declared as Resend takes them."""
        texts = {name: fields[name] for name in ("html", "subject", "text")
                 if isinstance(fields.get(name), str) and not has_token(fields[name])}
        return problems(texts, fields.get("variables") or ())

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What mail that is sent from now on does: fail without a new variable, or without the old alias."""
        if action.op is Op.DELETE and action.live is not None:
            yield Note(f"mail that names {action.live.fields.get('alias') or action.live.id} fails from now on")
        if action.op is not Op.UPDATE or action.live is None or action.want is None:
            return
        for change in action.changes:
            if change.path == "alias" and change.before:
                yield Note(f"mail that names {change.before} fails from now on", path="alias", impact=Impact.DELETE)
            if change.path == "published":
                yield Note("its draft is published: mail is sent from it from now on", path="published")
        held = {one.get("key") for one in action.live.fields.get("variables") or ()}
        for one in action.want.get("variables") or () if action.want.get("published") else ():
            if one.get("fallback_value") is None and one["key"] not in held:
                yield Note(f"{one['key']} is new and has no fallback: mail that does not give it fails",
                           path=f"variables[{one['key']}]")


def _kept(wanted: list[Fields], live: Any) -> list[Fields]:
    """Variables as the manifest has them, each with the live fallback where it says none: the list is written whole."""
    held = {one.get("key"): one.get("fallback_value") for one in live or ()}
    return [one if "fallback_value" in one else {**one, "fallback_value": held.get(one["key"])} for one in wanted]
