"""The one reserved field: how an entry is handled, apart from its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from reconciler.contract.kind import Kind, Replace
from reconciler.contract.spec import Mark
from reconciler.durations import seconds
from reconciler.findings import findings
from reconciler.findings import shown as text
from reconciler.manifest.entries import Catalogue, Entry
from reconciler.model import NAME, Delivery, Lifecycle, Problem
from reconciler.suggest import did_you_mean

_FIRST = re.compile(r"[^.\[]+")


def _duration(value: str) -> str:
    seconds(value)
    return value


def _name(value: str) -> str:
    if not NAME.match(value):
        raise ValueError(f"{value!r} is not a name")
    return value


class DeliverTo(BaseModel):
    """Where one output goes; a sink that is a program needs neither path nor key."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    to: Annotated[str, Field(min_length=1)]
    path: str = ""
    key: str = ""


class LifecycleFields(BaseModel):
    """The words of `lifecycle`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    protect: bool = False
    on_remove: Literal["delete", "keep"] = "delete"
    adopt: Literal["never", "equal", "changes"] = "equal"
    id: Annotated[str | None, Field(min_length=1)] = None
    manage: bool = True
    formerly: list[Annotated[str, AfterValidator(_name)]] = []
    seed: list[str] = []
    ignore: list[str] = []
    deliver: dict[str, DeliverTo] = {}
    rotate: Annotated[str | None, Field(min_length=1)] = None
    keep_old: Annotated[str | None, AfterValidator(_duration)] = None


def lifecycle(entry: Entry, kind: Kind[Any], catalogue: Catalogue, problems: list[Problem]) -> Lifecycle:
    """The entry's lifecycle, checked against its kind; mistakes are added to `problems`."""
    raw = entry.raw.get("lifecycle")
    if raw is None:
        return Lifecycle()
    try:
        said = LifecycleFields.model_validate(raw)
    except ValidationError as error:
        for found in findings(error.errors(), raw, _known):
            path = ("lifecycle", *found.path)
            message = found.message if found.about_key or found.missing else f"{text(path)}: {found.message}"
            problems.append(entry.problem(message, path, hint=found.hint, key=found.about_key))
        return Lifecycle()
    problems.extend(_judged(entry, kind, catalogue, said))
    deliver = {output: Delivery(to.to, to.path, to.key) for output, to in said.deliver.items()}
    return Lifecycle(said.protect, said.on_remove, said.adopt, said.id, said.manage, tuple(said.formerly), tuple(said.seed),
                     tuple(said.ignore), deliver, said.rotate, said.keep_old)


def _known(path: tuple[Any, ...]) -> list[str]:
    return list(LifecycleFields.model_fields) if not path else list(DeliverTo.model_fields)


def _judged(entry: Entry, kind: Kind[Any], catalogue: Catalogue, said: LifecycleFields) -> Iterator[Problem]:
    fields = kind.shape.children
    for word in ("seed", "ignore"):
        for n, path in enumerate(getattr(said, word)):
            hit = _FIRST.match(path)
            if hit is None or hit[0] not in fields:
                yield entry.problem(f"{path} is not a field of {kind.bound}", ("lifecycle", word, n),
                                    hint=did_you_mean(path, fields))
    named = [name for name, shape in fields.items() if Mark.NAMED in shape.marks]
    if said.formerly and any(name not in entry.raw for name in named):
        yield entry.problem(f"a renamed entry says its {named[0]}: the old name stood for it until now",
                            ("lifecycle", "formerly"), help=f"{named[0]}: {said.formerly[-1]}")
    if entry.address.name in said.formerly:
        yield entry.problem("formerly holds the name that the entry has now", ("lifecycle", "formerly"))
    secrets = [name for name, output in kind.outputs.items() if output.secret]
    if said.rotate is not None and not _turns(kind):
        yield entry.problem(f"{kind.bound} has no secret that could be rotated", ("lifecycle", "rotate"))
    if said.keep_old is not None and said.rotate is None:
        yield entry.problem("keep_old says how long the old secret stays after a rotation: `rotate` is missing",
                            ("lifecycle", "keep_old"))
    for output, to in said.deliver.items():
        yield from _delivery(entry, catalogue, secrets, output, to, kind)


def _turns(kind: Kind[Any]) -> bool:
    """Whether an object can be made anew for its secret: where nothing else shows it, or one can stand beside the old one."""
    beside = kind.replace is Replace.CREATE_FIRST
    return any(output.once or (output.secret and beside) for output in kind.outputs.values())


def _delivery(entry: Entry, catalogue: Catalogue, secrets: list[str], output: str, to: DeliverTo,
              kind: Kind[Any]) -> Iterator[Problem]:
    path = ("lifecycle", "deliver", output)
    if output not in secrets:
        yield entry.problem(f"{output} is not a secret output of {kind.bound}" + (
            f": there is {', '.join(secrets)}" if secrets else ", which has none"), path, key=True)
    takes = catalogue.takes(to.to)
    if takes is False:
        yield entry.problem(f"there is no sink {to.to!r}", (*path, "to"),
                            help="declare it under sinks: in reconciler.yaml, or name a vault connection")
    if takes is None and not (to.path and to.key):
        yield entry.problem(f"{to.to} needs a path and a key to put it at", path)
