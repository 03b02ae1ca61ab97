"""A vendor's settings from reconciler.yaml and the environment, checked by the vendor's own model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from reconciler.contract.vendor import Env, Settings
from reconciler.errors import Failure, Invalid
from reconciler.findings import Finding, findings, shown
from reconciler.model import Problem, SecretRef
from reconciler.project import Source, Stack
from reconciler.secret import Given, Secret
from reconciler.sources import Redactor, Secrets, variable
from reconciler.suggest import did_you_mean

_WORDS = ("env", "file", "secret", "var")


class VendorSettings:
    """Gives checked settings; `settings` reads credentials, `mistakes` reads none."""

    def __init__(self, stack: Stack, environ: Mapping[str, str], root: Path, secrets: Secrets,
                 variable: Callable[[str], Any], redactor: Redactor) -> None:
        self.stack, self.environ, self.root = stack, environ, root
        self.secrets, self.variable, self.redactor = secrets, variable, redactor

    def settings(self, connection: str, model: type[Settings]) -> Settings:
        """The settings of one connection; Invalid with every mistake, unset variables among them."""
        problems: list[Problem] = []
        raw = self._each(connection, problems, self._value)
        for name, info in model.model_fields.items():
            fallback = next((meta.name for meta in info.metadata if isinstance(meta, Env)), None)
            if fallback is not None and name not in raw and self.environ.get(fallback):
                raw[name] = Given(self.environ[fallback])
        try:
            made = model.model_validate(raw)
        except ValidationError as error:
            problems.extend(self._told(connection, model, error, raw, offline=False))
        if problems:
            raise Invalid(problems)
        for secret in _secrets(made):
            self.redactor.add(secret)
        return self._at_home(connection, made)

    def _at_home(self, connection: str, made: Settings) -> Settings:
        """The file of certificates as seen from the project; Invalid when it is not there."""
        if made.ca_bundle is None:
            return made
        bundle = self.root / Path(made.ca_bundle).expanduser()
        if not bundle.is_file():
            message = f"{connection}: ca_bundle: there is no file {made.ca_bundle}"
            raise Invalid([self.stack.problem(message, "vendors", connection, "ca_bundle",
                                              help="name a file of PEM certificates, seen from the project's folder")])
        return made.model_copy(update={"ca_bundle": str(bundle)})

    def mistakes(self, connection: str, model: type[Settings]) -> Iterator[Problem]:
        """What is wrong with a connection's settings as they are written; nothing is read."""
        problems: list[Problem] = []
        raw = self._each(connection, problems, self._named)
        yield from problems
        try:
            model.model_validate(raw)
        except ValidationError as error:
            yield from self._told(connection, model, error, raw, offline=True)

    def _raw(self, connection: str) -> dict[str, Any]:
        return {name: value for name, value in (self.stack.vendors.get(connection) or {}).items() if name != "use"}

    def _each(self, connection: str, problems: list[Problem], read: Callable[[str, Any, Any], Any]) -> dict[str, Any]:
        """Each setting; the settings as a whole are never an indirection."""
        return {name: self._resolved(value, ("vendors", connection, name), problems, read)
                for name, value in self._raw(connection).items()}

    def _told(self, connection: str, model: type[Settings], error: ValidationError, raw: Any, *,
              offline: bool) -> Iterator[Problem]:
        variables = {
            name: meta.name for name, info in model.model_fields.items() for meta in info.metadata if isinstance(meta, Env)
        }
        for found in findings(error.errors(), raw, lambda path: list(model.model_fields) if not path else ()):
            fallback = variables.get(found.missing) if not found.path else None
            if offline and fallback is not None:
                continue
            yield self._problem(connection, found, fallback)

    def _problem(self, connection: str, found: Finding, fallback: str | None) -> Problem:
        path = ("vendors", connection, *found.path)
        if found.missing:
            name = ".".join(map(str, (*found.path, found.missing)))
            help = (f"export {fallback}=…, or write {found.missing}: {{env: NAME}} under {connection}:" if fallback
                    else f"write it under {connection}: in reconciler.yaml")
            return self.stack.problem(f"{connection}: {name} is required", *path, help=help, key=not found.path)
        if found.about_key:
            return self.stack.problem(f"{found.path[-1]} is not a setting of {connection}", *path, hint=found.hint, key=True)
        where = shown(found.path)
        return self.stack.problem(f"{connection}: {where + ': ' if where else ''}{found.message}", *path, hint=found.hint)

    def _resolved(
        self, value: Any, path: tuple[Any, ...], problems: list[Problem], read: Callable[[str, Any, Any], Any]
    ) -> Any:
        if isinstance(value, dict):
            word = next(iter(value), "") if len(value) == 1 else ""
            if word in _WORDS:
                try:
                    return read(word, value[word], path)
                except Invalid as error:
                    problems.extend(error.problems)
                except Failure as error:
                    problems.append(self.stack.problem(f"{path[1]}: {error.message}", *path, help=error.next))
                return SecretRef.to("unresolved")
            return {key: self._resolved(item, (*path, key), problems, read) for key, item in value.items()}
        if isinstance(value, list):
            return [self._resolved(item, (*path, n), problems, read) for n, item in enumerate(value)]
        return value

    def _value(self, word: str, name: Any, path: tuple[Any, ...]) -> Any:
        if word == "env":
            return variable(self.environ, str(name))
        if word == "var":
            return self._known_variable(name, path)
        if word == "secret":
            return self.secrets(str(name))
        return Given(self.secrets.read(Source(file=str(name)), *map(str, path)).reveal())

    def _named(self, word: str, name: Any, path: tuple[Any, ...]) -> Any:
        """The same without reading: a token stands for the value, and models have nothing to say of it."""
        if not isinstance(name, str) or not name:
            raise Invalid([self.stack.problem(f"{word} takes a name", *path)])
        if word == "var":
            return self._known_variable(name, path)
        if word == "secret" and name not in self.stack.secrets:
            raise Invalid([self.stack.problem(f"there is no secret {name!r} in reconciler.yaml", *path)])
        return SecretRef.to("unread")

    def _known_variable(self, name: Any, path: tuple[Any, ...]) -> Any:
        if name not in self.stack.vars:
            raise Invalid([self.stack.problem(f"there is no variable {name!r} in reconciler.yaml", *path,
                                              hint=did_you_mean(str(name), self.stack.vars))])
        return self.variable(str(name))


def _secrets(settings: BaseModel) -> Iterator[Secret]:
    """Every credential in settings, at any depth."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, BaseModel):
            yield from _secrets(value)
