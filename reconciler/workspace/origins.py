"""Every setting of a stack with its value and where it came from; of a secret only whether it is set."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from reconciler.contract.vendor import Env, Settings
from reconciler.errors import Failure
from reconciler.project import Limits, Source, Stack
from reconciler.secret import Secret
from reconciler.workspace.connections import Connections
from reconciler.workspace.settled import Settled

SET, MISSING, DEFAULT = "set", "missing", "default"
_SWITCHES = {"no_input": "RECONCILER_NO_INPUT", "no_color": "NO_COLOR", "verbose": "RECONCILER_LOG"}
_TUNED = {"timeout": "timeout", "parallelism": "connections"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `origin` is a flag, a variable of the environment, a place in reconciler.yaml, or `default`."""

    name: str
    value: str
    origin: str


def settings(settled: Settled, connections: Connections, flags: Collection[str]) -> Iterator[Setting]:
    """The command's own, then the project's, then each connection's; `flags` are the flags that were given."""
    yield from _command(settled, flags)
    yield from _project(settled)
    if settled.sandbox is not None:
        return  # with --sandbox no setting of a vendor is read
    for connection in connections.vendors:
        vendor = connections.vendor(connection)
        if vendor is not None:
            yield from _vendor(settled, connection, vendor.settings, flags)


def _command(settled: Settled, flags: Collection[str]) -> Iterator[Setting]:
    environ = settled.environ
    yield Setting("dir", str(settled.options.dir), _given("dir", "RECONCILER_DIR", flags, environ))
    only = "the only one" if len(settled.project.stacks) == 1 else ""
    given = _given("stack", "RECONCILER_STACK", flags, environ)
    yield Setting("stack", settled.stack.name, only if given == DEFAULT and only else given)
    for name, variable in _SWITCHES.items():
        given = _given(name, variable, flags, environ)
        yield Setting(name, "yes" if given != DEFAULT else "no", given)
    for variable in ("CI", "PAGER"):
        if environ.get(variable):
            yield Setting(variable, environ[variable], f"environment {variable}")


def _given(name: str, variable: str, flags: Collection[str], environ: Mapping[str, str]) -> str:
    if name in flags:
        return f"flag --{name.replace('_', '-')}"
    return f"environment {variable}" if environ.get(variable) else DEFAULT


# the project


def _project(settled: Settled) -> Iterator[Setting]:
    stack = settled.stack
    yield Setting("project", settled.project.name, _origin(stack, "project"))
    for name, value in stack.ledger.model_dump(exclude={"key", "previous", "url"}).items():
        if value is not None:
            yield Setting(f"ledger.{name}", _shown(value), _origin(stack, "ledger", name))
    for name in ("key", "url"):
        source = getattr(stack.ledger, name, None)
        if isinstance(source, Source):
            yield _source(settled, source, "ledger", name)
    for name in Limits.model_fields:
        yield Setting(f"limits.{name}", _shown(getattr(stack.limits, name)), _origin(stack, "limits", name))
    yield Setting("consent", stack.consent or "asked", _origin(stack, "consent"))
    for name, value in stack.vars.items():
        yield _indirect(settled, value, False, "vars", name)
    for name, source in stack.secrets.items():
        yield _source(settled, source, "secrets", name)


def _source(settled: Settled, source: Source, *path: str) -> Setting:
    """A secret: whether it is there, where that can be told without asking anybody."""
    where = _origin(settled.stack, *path)
    word = {"env": "environment", "op": "1Password"}
    kept = next(f"{word.get(name, name)} {at}" for name in ("env", "file", "vault", "op") if (at := getattr(source, name)))
    if not source.near or settled.options.sandbox:
        return Setting(".".join(path), "not read here", f"{where}, {kept}")
    try:
        settled.secrets.read(source, *path)
    except Failure:
        return Setting(".".join(path), MISSING, f"{where}, {kept}")
    return Setting(".".join(path), SET, f"{where}, {kept}")


def _indirect(settled: Settled, value: Any, secret: bool, *path: str) -> Setting:
    """A value, or what one of the small maps leads to."""
    name, where = ".".join(path), _origin(settled.stack, *path)
    if not (isinstance(value, dict) and len(value) == 1):
        return Setting(name, _shown(value), where)
    word, of = next(iter(value.items()))
    if word == "env":
        found = settled.environ.get(str(of))
        return Setting(name, MISSING if not found else SET if secret else found, f"{where}, environment {of}")
    if word == "var" and of in settled.stack.vars:
        return Setting(name, _shown(settled.stack.vars[of]), f"{where}, variable {of}")
    if word == "secret" and of in settled.stack.secrets:
        return Setting(name, _source(settled, settled.stack.secrets[of], "secrets", str(of)).value, f"{where}, secret {of}")
    if word == "file":
        there = (settled.root / str(of)).is_file()
        return Setting(name, SET if there else MISSING, f"{where}, file {of}")
    return Setting(name, _shown(value), where)


# a connection


def _vendor(settled: Settled, connection: str, model: type[Settings], flags: Collection[str]) -> Iterator[Setting]:
    raw = settled.stack.vendors.get(connection) or {}
    for name, info in model.model_fields.items():
        path = ("vendors", connection, name)
        flag = next((flag for flag, tuned in _TUNED.items() if tuned == name and flag in flags), None)
        variable = next((meta.name for meta in info.metadata if isinstance(meta, Env)), None)
        secret = _is_secret(info.annotation)
        if flag is not None:
            yield Setting(f"{connection}.{name}", _shown(getattr(settled.options, flag)), f"flag --{flag}")
        elif name in raw:
            for inner, value in _leaves(raw[name]):
                found = _indirect(settled, value, secret or bool(inner), *path, *inner)
                yield Setting(found.name.removeprefix("vendors."), found.value, found.origin)
        elif variable is not None and settled.environ.get(variable):
            shown = SET if secret else settled.environ[variable]
            yield Setting(f"{connection}.{name}", shown, f"environment {variable}")
        elif not info.is_required():
            yield Setting(f"{connection}.{name}", _shown(info.default), DEFAULT)
        elif not ("auth" in raw and secret):
            yield Setting(f"{connection}.{name}", MISSING, f"environment {variable}" if variable else DEFAULT)


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A setting's parts; a small map that names where a value comes from is one."""
    if isinstance(value, dict) and not (len(value) == 1 and next(iter(value)) in ("env", "file", "secret", "var")):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, str(name)))
    else:
        yield path, value


def _is_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return False
    return annotation is Secret or any(_is_secret(one) for one in get_args(annotation))


def _origin(stack: Stack, *path: str) -> str:
    """Where a setting is written; `default` where it is not."""
    own = ("stacks", stack.name, *path)
    if own in stack.document.places:
        return f"{stack.document.at(own)} (stack {stack.name})"
    return str(stack.document.at(path)) if path in stack.document.places else DEFAULT


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
