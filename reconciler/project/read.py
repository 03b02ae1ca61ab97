"""reconciler.yaml read: every stack is checked, one of them is chosen."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler import yaml
from reconciler.errors import Invalid, Usage
from reconciler.findings import Finding, findings
from reconciler.findings import shown as as_text
from reconciler.model import Location, Problem
from reconciler.project.model import NAME, Config, LedgerSettings, Limits, OutputFile, SinkCommand, Source, StackConfig
from reconciler.suggest import did_you_mean

CONFIG = "reconciler.yaml"
_WORD = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)*)\s*\Z")


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack's settings; `vendors` holds raw settings by connection, None where the stack leaves one out."""

    name: str
    document: yaml.Document
    formerly: tuple[str, ...] = ()
    ledger: LedgerSettings = field(default_factory=LedgerSettings.model_construct)
    vendors: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    vars: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Source] = field(default_factory=dict)
    sinks: Mapping[str, SinkCommand] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits.model_construct)
    outputs: Mapping[str, OutputFile] = field(default_factory=dict)
    allow: tuple[str, ...] = ()
    consent: str | None = None

    def at(self, *path: Any, key: bool = False) -> Location:
        """Where a setting stands: in the stack's own part, or in the project's."""
        own = ("stacks", self.name, *path)
        return self.document.at(own if own in self.document.places else path, key=key)

    def width(self, *path: Any, key: bool = False) -> int:
        """How wide it is there."""
        own = ("stacks", self.name, *path)
        return self.document.width(own if own in self.document.places else path, key=key)

    def problem(self, message: str, *path: Any, help: str = "", hint: str = "", key: bool = False) -> Problem:
        """A mistake at one setting."""
        return Problem(message, self.at(*path, key=key), ".".join(map(str, path)), hint, help, self.width(*path, key=key))


@dataclass(frozen=True, slots=True)
class Project:
    """The project and the names of its stacks."""

    name: str
    formerly: tuple[str, ...]
    stacks: tuple[str, ...]
    stack: Stack

    def former(self) -> tuple[tuple[str, str], ...]:
        """Every (project, stack) pair that the ledger may still be named for."""
        stacks = (self.stack.name, *self.stack.formerly)
        return tuple((p, s) for p in (self.name, *self.formerly) for s in stacks)[1:]


def read(folder: Path, stack: str | None, *, version: str, ref: str | None = None, shown: str = CONFIG) -> Project:
    """The project in a folder and one of its stacks; Invalid with every mistake, Usage when the stack can't be chosen.

    With `ref` the file is read from that git revision. `shown` is how the file is called in messages.
    """
    document = yaml.parse(config_bytes(folder, ref, shown), shown)
    raw = document.value
    if not isinstance(raw, dict):
        raise Invalid([Problem("reconciler.yaml is a map: `project: NAME` and `vendors:` to begin with", document.at(()))])
    stacks = raw.get("stacks")
    problems: list[Problem] = []
    names = tuple(stacks) if isinstance(stacks, dict) else ("default",)
    if stacks is not None and (not isinstance(stacks, dict) or not stacks):
        problems.append(Problem("stacks is a map of name → settings", document.at(("stacks",))))
        names = ("default",)
    configs = {name: _config(document, raw, name, problems) for name in names}
    made = [config for config in configs.values() if config is not None]
    problems.extend(_requires(document, made[:1], version))
    problems.extend(_taken(document, stacks))
    if problems:
        raise Invalid(_each_once(problems))
    name = chosen(names, stack, raw.get("project", ""))
    config = configs[name]
    assert config is not None
    former = ((stacks or {}).get(name) or {}).get("formerly", []) if isinstance(stacks, dict) else []
    return Project(config.project, tuple(config.formerly), names, Stack(
        name, document, tuple(former), config.ledger, config.vendors, config.vars, config.secrets, config.sinks,
        config.limits, {str(name): one for name, one in config.outputs.items()}, tuple(config.allow), config.consent))


def names(folder: Path, *, version: str, ref: str | None = None, shown: str = CONFIG) -> tuple[str, ...]:
    """The names of a project's stacks."""
    document = yaml.parse(config_bytes(folder, ref, shown), shown)
    stacks = document.value.get("stacks") if isinstance(document.value, dict) else None
    found = tuple(stacks) if isinstance(stacks, dict) and stacks else ("default",)
    read(folder, found[0], version=version, ref=ref, shown=shown)
    return found


def config_bytes(folder: Path, ref: str | None, shown: str) -> bytes:
    """reconciler.yaml as it stands, or as it stands in a git revision."""
    if ref is not None:
        if ref.startswith("-"):
            raise Usage(f"{ref!r} is not a revision")
        try:
            done = subprocess.run(["git", "show", f"{ref}:./{CONFIG}"], cwd=folder, capture_output=True, check=False)
        except OSError as error:
            raise Usage(f"git could not be run: {error.strerror}", "--config-from needs git") from error
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise Usage(f"{CONFIG} can't be read from {ref}: {said[-1] if said else 'git failed'}",
                        "fetch that revision first, whole (a shallow clone may lack it)")
        return done.stdout
    try:
        return (folder / CONFIG).read_bytes()
    except FileNotFoundError as error:
        raise Invalid([Problem(f"there is no {CONFIG} in {folder.resolve()}",
                               help="`reconciler init` makes one; --dir, or RECONCILER_DIR, says where it is")]) from error
    except OSError as error:
        raise Invalid([Problem(f"{shown} can't be read: {error.strerror}")]) from error


def chosen(names: tuple[str, ...], asked: str | None, project: str) -> str:
    """The stack that a command is about."""
    if asked is not None:
        if asked not in names:
            raise Usage(f"{project} has no stack {asked!r}", did_you_mean(asked, names) or f"there are: {', '.join(names)}")
        return asked
    if len(names) > 1:
        raise Usage(f"{project} has {len(names)} stacks: {', '.join(names)}", "say which: --stack NAME, or RECONCILER_STACK")
    return names[0]


def _config(document: yaml.Document, raw: Mapping[str, Any], name: str, problems: list[Problem]) -> Config | None:
    """One stack's settings over the project's; mistakes are added to `problems`."""
    over: Any = (raw.get("stacks") or {}).get(name) if isinstance(raw.get("stacks"), dict) else None
    stack = Stack(name, document)
    base = {key: value for key, value in raw.items() if key != "stacks"}
    if over is not None and not isinstance(over, dict):
        problems.append(Problem("a stack is a map", document.at(("stacks", name))))
        return None
    if not re.match(NAME, name):
        problems.append(
            Problem(f"{name} is not a stack's name: lower case, digits and -", document.at(("stacks", name), key=True))
        )
    if over:
        try:
            StackConfig.model_validate(over)
        except ValidationError as error:
            found = findings(error.errors(), over, lambda path: _known(StackConfig, path))
            problems.extend(_problem(stack, f, ("stacks", name)) for f in found)
            return None
    merged = laid_over(base, {k: v for k, v in (over or {}).items() if k != "formerly"})
    merged = _with_left_out(merged, over)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        problems.extend(_problem(stack, f) for f in findings(error.errors(), merged, lambda path: _known(Config, path)))
        return None


def _with_left_out(merged: dict[str, Any], over: Any) -> dict[str, Any]:
    """A vendor that a stack leaves out stays known, as None, so that its entries can be counted."""
    vendors = over.get("vendors") if isinstance(over, dict) else None
    gone = {name: None for name, value in vendors.items() if value is None} if isinstance(vendors, dict) else {}
    return {**merged, "vendors": {**merged.get("vendors", {}), **gone}} if gone else merged


def laid_over(base: Any, over: Any) -> Any:
    """Maps are merged, lists and scalars replaced, null leaves out."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = laid_over(base[key], value) if key in base else value
    return merged


def _known(model: type[BaseModel], path: tuple[Any, ...]) -> Iterable[str]:
    """The keys that may stand at a path."""
    inner: dict[str, type[BaseModel]] = {
        "ledger": LedgerSettings,
        "limits": Limits,
        "secrets": Source,
        "sinks": SinkCommand,
        "outputs": OutputFile,
    }
    if not path:
        return [*model.model_fields, "stacks"]
    found = inner.get(str(path[0]))
    return list(found.model_fields) if found is not None else ()


def _problem(stack: Stack, found: Finding, prefix: tuple[Any, ...] = ()) -> Problem:
    path = (*prefix, *found.path)
    message = found.message if found.about_key or found.missing else f"{as_text(found.path)}: {found.message}"
    return stack.problem(message, *path, hint=found.hint, key=found.about_key)


def _taken(document: yaml.Document, stacks: Any) -> Iterator[Problem]:
    """A former name belongs to one stack, and to none that is there now: its ledger and its objects go with it."""
    owners: dict[str, str] = {}
    for name, said in stacks.items() if isinstance(stacks, dict) else ():
        former = said.get("formerly") if isinstance(said, dict) else None
        for n, old in enumerate(former if isinstance(former, list) else ()):
            if not isinstance(old, str):
                continue  # told where the stack's keys are checked
            path = ("stacks", name, "formerly", n)
            holder = old if old in stacks else owners.setdefault(old, str(name))
            if holder != name or old in stacks:
                why = "is a stack of this project" if old in stacks else f"is a former name of {holder} already"
                yield Problem(f"formerly: {old} {why}", document.at(path), width=document.width(path),
                              help="a former name is one that the stack had, and that no other stack has or had")


def _requires(document: yaml.Document, configs: list[Config], version: str) -> Iterator[Problem]:
    text = configs[0].requires if configs else None
    if text is None:
        return
    for part in text.split(","):
        hit = _WORD.match(part)
        at, width = document.at(("requires",)), document.width(("requires",))
        if not hit:
            yield Problem(f"requires: {part.strip()!r} is not a version such as >=0.1", at, width=width)
        elif not _holds(version, hit[1], hit[2]):
            yield Problem(f"this project requires reconciler {text}, this is {version}", at, width=width,
                          help="install the version that the project was written for")
            return


def _holds(version: str, sign: str, other: str) -> bool:
    ours, theirs = ([int(n) for n in re.findall(r"\d+", text)[:3]] for text in (version, other))
    length = max(len(ours), len(theirs))
    ours, theirs = ours + [0] * (length - len(ours)), theirs + [0] * (length - len(theirs))
    return {">=": ours >= theirs, "<=": ours <= theirs, "==": ours == theirs, "!=": ours != theirs,
            ">": ours > theirs, "<": ours < theirs}[sign]


def _each_once(problems: Iterable[Problem]) -> list[Problem]:
    return list({(p.message, p.at): p for p in problems}.values())
